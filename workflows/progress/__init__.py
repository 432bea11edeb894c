"""How far a campaign is, from its receipts: states, rates, spans of time.

Reads only.
"""
