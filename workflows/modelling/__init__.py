"""Models on files, without a campaign: train on a table of scores, predict a file, judge, show.

What a model is and learns stands in ``models``; nothing here knows of stages, tasks or rounds.
"""
