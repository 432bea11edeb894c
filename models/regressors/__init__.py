"""Learners that fit a table of features to scores.

Gaussian process, networks, trees, and the registry by which settings name them. A regressor sees arrays and
features, never targets, files or campaigns.
"""
