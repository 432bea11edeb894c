"""What the next dockings are worth, and how good such forecasts have been.

Pure arithmetic on predictions, scores and criteria that were set beforehand; campaigns and files may not come in.
"""
