"""Tasks: plain functions of paths and settings that leave a receipt.

They run on workers, and know neither drivers nor terminals.
"""
