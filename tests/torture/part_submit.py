"""Damage, then submit again: the hits of the undisturbed run, or a refusal that names the file."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from ground import Ground, draw_damage, inflict, resubmit


def draw(rng: random.Random, ground: Ground) -> dict[str, Any]:
    """Return a case."""
    count = rng.choice((1, 1, 2, 4))
    return {"damages": [draw_damage(rng, ground.folder / "campaign") for _ in range(count)]}


def judge(case: dict[str, Any], ground: Ground, place: Path) -> tuple[list[str], int]:
    """Run a case; return faults and how many commands were given."""
    ground.copy(place)
    changed = [damage["file"] for damage in case["damages"] if inflict(place / "campaign", damage)]
    names = [Path(name).name for name in changed] + ["campaign.json"]
    return resubmit(place, ground, names), 1
