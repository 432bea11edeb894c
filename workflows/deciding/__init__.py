"""Whether to go on: a campaign's predictions and dockings, put to the criteria that were set before it.

What is read of the files, and whose criteria count. The forecast itself belongs to ``screening.decisions``; how it
looks, to ``terminal`` and ``report``. Nothing here changes a campaign.
"""
