"""Audits of a campaign as their files tell: which there were, what they found, and from when their scores teach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...data.store import FileRecord, read_json
from ...data.words import plural

FOLDER = "audits"
PREFIX = "audit-"


def audit_name(number: int) -> str:
    """Return the name of an audit's folder and group of dockings, such as ``audit-001``."""
    return f"{PREFIX}{number:03d}"


def read_audits(root: Path) -> list[dict[str, Any]]:
    """Return what each audit planned, in order, and under ``result`` what it found (None while it is unfinished)."""
    cards = []
    for path in (root / FOLDER).glob(f"{PREFIX}*/plan.json"):
        result = path.parent / "result.json"
        cards.append({**read_json(path), "result": read_json(result) if result.exists() else None})
    return sorted(cards, key=lambda card: int(card["number"]))


def audited_scores(root: Path, before: int) -> list[FileRecord]:
    """Return the scores tables of audits that were finished before round ``before`` was trained."""
    return [
        FileRecord(**record)
        for card in read_audits(root)
        if card["result"] is not None and card["result"]["first_round"] <= before
        for record in card["result"]["scores"]
    ]


def goal_words(card: dict[str, Any]) -> str:
    """Return what an audit's recall is of: molecules beyond a score, or the best of the library."""
    if card["score"] is not None:
        return f"all scores of {card['score']:g} {card['unit']} or better"
    return (
        f"the best {100 * card['best']:.3g} % of the library ({plural(card['best_molecules'], 'molecule')})"
    )


def audit_words(card: dict[str, Any]) -> str:
    """Return one sentence about an audit, finished or not."""
    name = f"{audit_name(card['number'])} of {card['target']}"
    result = card["result"]
    if result is None:
        drawn = f"{name}: {plural(card['budget'], 'docking')} drawn, not finished"
        return f"{drawn}; `docksieve audit` with the same options goes on."
    found = result["recall"]
    failed = (
        f" ({100 * found['lower_if_failures_are_none']:.1f} % if molecules that fail are no hits)"
        if found["failed"]
        else ""
    )
    return (
        f"{name}: with {100 * card['confidence']:.3g} % confidence at least {100 * found['lower']:.1f} %{failed} of "
        f"{goal_words(card)} are among those picked by round {card['round']}; {found['dockings']:,} others were docked."
    )
