"""One molecule.

Reading it, bringing it into its standard form, its properties, and its features as a graph of atoms.
Functions of molecules only: no files, no libraries, no models.
"""
