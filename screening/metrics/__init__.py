"""Figures by which a screen is judged.

Enrichment, recall, enrichment surfaces, BEDROC, paired comparisons, overlap. Functions of arrays.
"""
