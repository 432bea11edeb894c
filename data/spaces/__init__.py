"""Combinatorial spaces: reactions over building blocks, whose products are numbered and made when they are needed."""
