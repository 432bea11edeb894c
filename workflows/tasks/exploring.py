"""Whether the batches of a target have stopped improving, from the scores that acquisition reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from ...data.store import concat
from ...screening.acquisition.stalled import Stall, find_stall
from ..campaign.ledger import round_number
from .context import TaskContext
from .settings import AcquireSettings

AIMLESS = ("random", "uncertainty")
"""Acquisition functions that look for no better scores, and so cannot stall."""


def stall_of(context: TaskContext[AcquireSettings], target: str, lower: bool) -> Stall | None:
    """Return whether the batches of one target have stopped improving; None where nothing is to be done about it."""
    settings = context.settings
    if not settings.explore or settings.acquisition in AIMLESS or target in settings.sweep:
        return None
    rounds: dict[int, list[Path]] = {}
    for path in context.inputs("scores/"):
        number = round_number(path.parts[-3])
        if number is not None and path.parts[-2] == target:
            rounds.setdefault(number, []).append(path)
    tables = {
        number: np.asarray(
            pc.fill_null(concat(paths, ["score"])["score"], float("nan")).to_numpy(), np.float64
        )
        for number, paths in sorted(rounds.items())
    }
    if not tables:
        return None
    acquired = [scores for number, scores in tables.items() if number > 0]
    return find_stall(acquired, np.concatenate(list(tables.values())), lower)
