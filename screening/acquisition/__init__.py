"""Which molecules to dock next.

Acquisition functions, diversity, random draws, and the stream that applies them to predictions of any number.
No docking and no models.
"""
