"""The report: one HTML file, section by section, from receipts and score tables.

Reads only.
"""
