"""Processors that a model runs on.

Choosing one, proving that it is there, measuring it, processes that share a task. No networks and no
molecules.
"""
