"""Page, style and scripts of the dashboard; no Python code."""
