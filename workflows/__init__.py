"""Whole campaigns: from their file to hits and reports, and every command.

Introduces models, screening and sites to each other, which know nothing of one another.
"""
