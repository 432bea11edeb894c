"""Imported scores as their cards tell: which rounds learn from them, and what was done with them.

A round that has a teacher keeps what that one learned from, whatever is decided later. So a card holds spans of
rounds: from the first that learns from the scores to the last, which is open while they are in force.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...data.errors import InputError
from ...data.store import read_json, write_json

FOLDER = "imports"
PREFIX = "import-"
CARD = "import.json"


def import_name(number: int) -> str:
    """Return the name of an import's folder, such as ``import-001``."""
    return f"{PREFIX}{number:03d}"


def read_imports(root: Path) -> list[dict[str, Any]]:
    """Return the card of every import, in order."""
    cards = [read_json(path) for path in (root / FOLDER).glob(f"*/{CARD}")]
    return sorted(cards, key=lambda card: int(card["number"]))


def write_import(root: Path, card: Mapping[str, Any]) -> None:
    """Write the card of an import."""
    write_json(root / FOLDER / import_name(int(card["number"])) / CARD, dict(card))


def spans(card: Mapping[str, Any]) -> list[tuple[int, int | None]]:
    """Return the first and the last round of every span in which rounds learn from an import; None: it goes on."""
    if "rounds" in card:
        return [(int(first), None if last is None else int(last)) for first, last in card["rounds"]]
    return [] if card["first_round"] is None else [(int(card["first_round"]), None)]


def teaches(card: Mapping[str, Any], number: int) -> bool:
    """Tell whether round ``number`` learns from an import."""
    return any(first <= number and (last is None or number <= last) for first, last in spans(card))


def in_force(card: Mapping[str, Any]) -> bool:
    """Tell whether rounds to come learn from an import."""
    return any(last is None for _, last in spans(card))


def put_in_force(card: Mapping[str, Any], trained: int, why: str) -> dict[str, Any]:
    """Return the card of an import that every round after ``trained`` learns from."""
    if in_force(card):
        return dict(card)
    return _changed(card, [*spans(card), (trained + 1, None)], why)


def set_aside(card: Mapping[str, Any], trained: int, why: str) -> dict[str, Any]:
    """Return the card of an import that no round after ``trained`` learns from."""
    if not in_force(card):
        return dict(card)
    ended = [(first, trained if last is None else last) for first, last in spans(card)]
    return _changed(card, [(first, last) for first, last in ended if first <= last], why)


def _changed(card: Mapping[str, Any], rounds: list[Any], why: str) -> dict[str, Any]:
    history = [*card.get("history", ()), {"what": why, "time": time.time()}]
    return {**card, "first_round": rounds[0][0] if rounds else None, "rounds": rounds, "history": history}


def find_import(root: Path, name: str) -> dict[str, Any]:
    """Return the card that ``name`` means: ``import-001``, ``1``, or the candidate ``retrain-001/teacher``.

    Raises
    ------
    InputError
        If there is none.
    """
    cards = read_imports(root)
    found = re.fullmatch(r"(?:import-|retrain-)?0*(\d+)(?:/teacher)?", name)
    for card in cards:
        if found and int(card["number"]) == int(found.group(1)):
            return card
    known = ", ".join(import_name(int(card["number"])) for card in cards) or "none yet"
    raise InputError(f"The campaign has no import {name!r}.", f"It has: {known}.")


def use_words(card: Mapping[str, Any]) -> str:
    """Return in words which rounds learn from an import."""
    parts = []
    for first, last in spans(card):
        if last is None:
            parts.append(f"from round {first}")
        else:
            parts.append(f"round {first}" if first == last else f"rounds {first} to {last}")
    if not parts:
        return "no"
    return " and ".join(parts) + ("" if in_force(card) else ", then dropped")
