"""Receptors: structures read, checked and prepared for docking, with their boxes.

No ligands but the one that marks a box.
"""
