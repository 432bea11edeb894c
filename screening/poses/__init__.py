"""Poses and their surroundings: scenes to be shown, the receptor's atoms near a ligand, symmetric RMSD.

How a pose is found is the business of screening.docking.
"""
