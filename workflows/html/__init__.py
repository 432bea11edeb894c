"""Parts of pages that stand alone: style, script, colours, drawings as SVG.

Knows no campaign.
"""
