"""The student's network itself: n-grams of SMILES bytes, embedding and layers, and its kernel on a processor.

No training, no files.
"""
