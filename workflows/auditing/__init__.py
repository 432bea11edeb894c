"""Auditing a campaign: dockings of molecules that it did not pick, drawn with known probabilities, and the recall.

What is drawn, when, and from which files. How a bound is computed belongs to ``screening.auditing``; how it looks, to
``terminal`` and ``report``.
"""
