"""How much of the best a campaign found, from molecules that it did not pick: designs, draws and exact bounds.

Pure arithmetic on counts and scores; what a campaign is, or where its files lie, may not come in.
"""
