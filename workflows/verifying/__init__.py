"""Whether a campaign's folder is what its tasks left behind: receipts, files, models, and stages done again.

Reads only; what is repeated is repeated in a temporary folder.
"""
