"""Experiments that should fail: a campaign's learning on shuffled scores, and what in it resembles its test molecules.

They read the campaign and write only their result, below ``controls/`` in its folder.
"""
