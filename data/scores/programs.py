"""Docking programs: in which field of a pose their score stands, and in which direction it is better.

Fields are those that the programs' own output shows, in the files named in docs/scores.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreField:
    """A field that holds a program's docking score.

    Attributes
    ----------
    program : str
    field : str
    lower_is_better : bool
    beside : tuple of str
        Fields that must be there too, for a name that many programs could use.
    """

    program: str
    field: str
    lower_is_better: bool = True
    beside: tuple[str, ...] = ()


FIELDS = (
    ScoreField("docksieve", "docked_score", beside=("target", "unit")),
    ScoreField("smina or gnina", "minimizedAffinity"),
    ScoreField("Vina", "VINA RESULT"),
    ScoreField("Uni-Dock", "Uni-Dock RESULT"),
    ScoreField("Glide", "r_i_docking_score"),
    ScoreField("Glide", "r_i_glide_gscore"),
    ScoreField("rDock", "SCORE", beside=("SCORE.INTER",)),
    ScoreField("OpenEye's FRED or HYBRID", "Chemgauss4 score"),
    ScoreField("OpenEye's FRED or HYBRID", "Chemgauss4"),
    ScoreField("GOLD", "Gold.PLP.Fitness", lower_is_better=False),
    ScoreField("GOLD", "Gold.Goldscore.Fitness", lower_is_better=False),
    ScoreField("GOLD", "Gold.Chemscore.Fitness", lower_is_better=False),
    ScoreField("GOLD", "Gold.ASP.Fitness", lower_is_better=False),
)
"""In order: of several in one file the first counts."""

_ENERGY = re.compile(r"ENERGY=\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)")


def score_field(names: Collection[str]) -> ScoreField | None:
    """Return the first known field among ``names``; None if none is known."""
    return next((item for item in FIELDS if item.field in names and set(item.beside) <= set(names)), None)


def score_text(text: str) -> str:
    """Return the number in a field's text: of ``ENERGY=  -8.0  LOWER_BOUND= ...`` the energy, else the first word.

    The first word of a text that begins with another than a number is that word: whoever reads it says so.
    """
    if found := _ENERGY.search(text):
        return found.group(1)
    return text.split()[0] if text.split() else ""


def known_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a pose with those that are known as scores brought to their number."""
    known = {item.field for item in FIELDS}
    return {name: score_text(text) if name in known else text for name, text in fields.items()}
