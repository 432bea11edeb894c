"""What a report shows of the best molecules beyond their cards: poses in the pocket, scaffolds.

From plain rows and paths; knows nothing of the report's other parts.
"""
