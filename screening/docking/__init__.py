"""Docking engines.

Their contract, ligand preparation, AutoDock Vina in child processes, any program by a command, a table of
known scores. One molecule and one receptor at a time; campaigns are elsewhere.
"""
