"""Files that people have, as streams of records, and how their layout is found out.

SMILES, CSV, SDF, Parquet, archives. Says what stands in a file, never what is made of it.
"""
