"""What a campaign's batches say about its predictions: intervals of molecules that were picked, or may be picked next.

Reads receipts and tables, and changes nothing: a recalibration is computed whenever it is asked for. The arithmetic
belongs to ``screening.calibration``; how it looks, to ``hits``, ``report`` and ``terminal``.
"""
