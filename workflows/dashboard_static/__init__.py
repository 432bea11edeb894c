"""Page, style and scripts of the dashboard."""
