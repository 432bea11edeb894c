"""Libraries: Parquet shards of standardised molecules with a manifest, their build, their checks.

Formats that people bring are read in data.readers; nothing here docks or predicts.
"""
