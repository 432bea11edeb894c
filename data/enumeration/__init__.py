"""Combinatorial products of reactions and building blocks, counted, drawn and made.

How a product is brought into standard form is the business of data.molecules, and how it is stored that of
data.libraries.
"""
