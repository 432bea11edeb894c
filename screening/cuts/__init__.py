"""How much of a library each stage of the cascade keeps for a wanted recall, and with what confidence.

Statistics of held-out predictions; knows neither models nor files.
"""
