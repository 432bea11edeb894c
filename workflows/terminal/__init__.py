"""What is printed: tables, progress and sentences for people at a terminal.

Nothing is computed here that a report would need too.
"""
