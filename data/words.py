"""Counts in words: ``1 molecule``, ``2,000 molecules``."""

from __future__ import annotations


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count and its word.

    Parameters
    ----------
    count : int
    one : str
        The word for one of them.
    many : str
        For several; ``one`` with an ``s`` if not given.
    """
    return f"{count:,} {agree(count, one, many or one + 's')}"


def agree(count: int, one: str, many: str) -> str:
    """Return the form that goes with a count, such as ``is`` or ``are``."""
    return one if count == 1 else many
