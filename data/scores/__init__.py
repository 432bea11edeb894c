"""Scores as docking programs leave them in files of poses."""
