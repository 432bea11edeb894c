"""The command that asks in a terminal what was asked on the dashboard."""

from __future__ import annotations

import shlex
from pathlib import Path

from ...screening.queries.query import HitQuery

_WINDOWS = {"predicted_spread": "spread"}
"""Windows whose option has another name."""


def command_of(query: HitQuery, root: Path) -> list[str]:
    """Return ``docksieve hits`` with the options of a question, word by word."""
    words = ["docksieve", "hits", str(root), "--top", str(query.top if query.top is not None else 0)]
    default = HitQuery()

    def option(name: str, value: object) -> None:
        # Joined by =: a value may begin with a hyphen.
        words.append(f"--{name}={value}")

    for name in ("by", "where", "similarity", "novelty", "model", "caution", "diverse", "pool"):
        value = getattr(query, name)
        if value != getattr(default, name):
            option(name, value)
    for name, window in query.windows.items():
        option(_WINDOWS.get(name, name).replace("_", "-"), window)
    if preferred := query.preferred:
        option("selective", f"{preferred.target}:{preferred.over}")
        if preferred.margin is not None:
            option("margin", preferred.margin)
    if query.worst_over:
        option("worst-over", ",".join(query.worst_over))
    for name, attribute in (
        ("target", "targets"),
        ("rules", "rules"),
        ("no-alerts", "no_alerts"),
        ("has", "has"),
        ("has-not", "has_not"),
        ("similar-to", "similar_to"),
        ("novel-against", "novel_against"),
        ("round", "rounds"),
        ("add", "add"),
    ):
        for value in getattr(query, attribute):
            option(name, value)
    return [*words, *(["--per-parent"] if query.per_parent else [])]


def as_text(command: list[str]) -> str:
    """Return a command as it can be pasted into a shell."""
    return shlex.join(command)
