"""A campaign's hits: asked for, compared with another's, and one molecule's whole record.

Searching itself is in screening.queries.
"""
