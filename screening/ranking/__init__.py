"""The best k of any number of scores, and leaderboards: sorted once, read many times.

Conditions on molecules are in screening.queries.
"""
