"""The Murcko scaffolds of a target's best molecules: drawn, counted, with the best score of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ....screening.chemistry.depict import depict
from ....screening.chemistry.diversity import murcko_scaffold
from ...html.page import paragraph, tag
from ...html.svg import escape

AMONG = 200
"""Of so many best docked molecules the scaffolds are counted."""
SHOWN = 12
"""Scaffolds drawn."""


@dataclass(frozen=True)
class Scaffold:
    """A scaffold and the hits that have it.

    Attributes
    ----------
    smiles : str
        Empty for molecules without a ring.
    count : int
    best, middle : float
        Best and median docked score of them.
    id : str
        Their first in the ranking, and its place there.
    rank : int
    """

    smiles: str
    count: int
    best: float
    middle: float
    id: str
    rank: int


def scaffolds_of(rows: Sequence[Mapping[str, Any]], lower_is_better: bool) -> list[Scaffold]:
    """Return the scaffolds of docked hits, the most frequent first, then by the place of their first molecule.

    Parameters
    ----------
    rows : sequence of mapping
        ``smiles``, ``docked_score``, ``id``, ``rank``; best first. Every row counts once.
    lower_is_better : bool
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        scaffold = murcko_scaffold(str(row["smiles"]))
        groups.setdefault(str(row["smiles"]) if scaffold is None else scaffold, []).append(row)
    found = []
    for smiles, members in groups.items():
        scores = [float(row["docked_score"]) for row in members]
        best = min(scores) if lower_is_better else max(scores)
        first = members[0]
        found.append(
            Scaffold(smiles, len(members), best, median(scores), str(first["id"]), int(first["rank"]))
        )
    return sorted(found, key=lambda item: (-item.count, item.rank))


def scaffolds_part(rows: Sequence[Mapping[str, Any]], unit: str, lower_is_better: bool) -> list[str]:
    """Return the scaffolds of the best docked hits as HTML; empty where nothing is docked.

    Parameters
    ----------
    rows : sequence of mapping
        Hits, best first; those without a docked score are passed over.
    unit : str
    lower_is_better : bool
    """
    docked = [row for row in rows if row["docked_score"] is not None][:AMONG]
    found = scaffolds_of(docked, lower_is_better)
    if not found:
        return []
    shown, rest = found[:SHOWN], found[SHOWN:]
    alone = sum(item.count == 1 for item in found)
    words = (
        f"The {_count(len(docked), 'best docked molecule')} {'has' if len(docked) == 1 else 'have'} "
        f"{_count(len(found), 'Bemis-Murcko scaffold')} (rings and what links them); {alone} of them "
        f"{'occurs' if alone == 1 else 'occur'} once. "
        "Few scaffolds with many molecules are series to follow up; many that occur once are separate ideas."
    )
    if rest:
        left = sum(item.count for item in rest)
        words += f" The {len(shown)} most frequent are drawn; the other {len(rest)} have {_count(left, 'molecule')}."
    cards = "".join(_card(item, len(docked), unit) for item in shown)
    return [paragraph(words, "soft"), tag("div", cards, "cards scaffolds")]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _card(item: Scaffold, among: int, unit: str) -> str:
    picture = depict(item.smiles) if item.smiles else None
    missing = "cannot be drawn" if item.smiles else "no ring"
    lines = (
        ("molecules", f"{item.count:,} of {among:,}", ""),
        ("best docked", _score(item.best), unit),
        ("median docked", _score(item.middle), unit),
        ("best ranked", f"{item.rank} {item.id}", ""),
    )
    pairs = "".join(
        f"<div><dt>{escape(name)}</dt><dd><bdi>{escape(value)}</bdi>{_unit(of)}</dd></div>"
        for name, value, of in lines
    )
    code = tag("details", tag("summary", "SMILES") + tag("code", escape(item.smiles))) if item.smiles else ""
    return tag("div", (picture or tag("div", missing, "undrawn")) + tag("dl", pairs) + code, "card")


def _score(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _unit(unit: str) -> str:
    return " " + tag("span", escape(unit), "unit") if unit else ""
