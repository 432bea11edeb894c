"""Questions about hits and their answers.

What may be asked, conditions, filters, and the search through score tables and leaderboards. Where a campaign
keeps its files is not known here.
"""
