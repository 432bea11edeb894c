"""Batches that have stopped improving, and molecules of kinds that were never docked, as the answer to it.

Greedy batches may sit in one chemotype that is good and not the best: what they find is as good as before, round after
round, while the model is not told anything new. From inside, that looks like a campaign that has found what there is.
A part of the next batch spent on other scaffolds tells the two apart at little cost (``docs/measurements.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..chemistry.diversity import murcko_scaffold

Floats = NDArray[np.float64]
LEAST = 0.05
"""Less than so many standard deviations of all docked scores is no improvement."""
FEWEST = 20
"""Scores of a batch below which its best tenth is left to chance."""


@dataclass(frozen=True)
class Stall:
    """Two batches of which the later is no better.

    Attributes
    ----------
    last, before : float
        The score that the best tenth of the last batch, and of the one before it, reaches.
    """

    last: float
    before: float


def find_stall(batches: Sequence[Floats], every: Floats, lower_is_better: bool) -> Stall | None:
    """Return whether acquired batches have stopped improving.

    Parameters
    ----------
    batches : sequence of array of float64, shape (n,)
        Docked scores of the acquired batches, in order; NaN where docking failed.
    every : array of float64, shape (m,)
        All docked scores, the seed sample's as well.
    lower_is_better : bool

    Returns
    -------
    Stall or None
        None if the last batch is better than the one before, or nothing can be said: fewer than two batches, or too
        few scores in one of them.

    Examples
    --------
    >>> from docksieve.screening.acquisition.stalled import find_stall
    >>> batches = [np.linspace(-9.0, -7.0, 50), np.linspace(-9.0, -7.5, 50)]
    >>> find_stall(batches, np.linspace(-9.0, -3.0, 500), lower_is_better=True) is not None
    True
    """
    known = [batch[np.isfinite(batch)] for batch in batches[-2:]]
    spread = float(np.nanstd(every)) if np.isfinite(every).any() else 0.0
    if len(known) < 2 or min(map(len, known)) < FEWEST or spread == 0:
        return None
    share = 0.1 if lower_is_better else 0.9
    before, last = (float(np.quantile(batch, share)) for batch in known)
    gain = before - last if lower_is_better else last - before
    return Stall(last, before) if gain < LEAST * spread else None


def of_new_scaffolds(smiles: Sequence[str], count: int, seen: set[str | None]) -> NDArray[np.int64]:
    """Return the first molecules of scaffolds that were not seen, one of each.

    Parameters
    ----------
    smiles : sequence of str
        Candidates, best first.
    count : int
    seen : set of str
        Murcko scaffolds that do not count any more.

    Returns
    -------
    array of int64, shape (at most count,)
        Indices into ``smiles``, ascending.
    """
    found: list[int] = []
    known = set(seen)
    for index, text in enumerate(smiles):
        if len(found) == count:
            break
        scaffold = murcko_scaffold(text)
        if scaffold not in known:
            known.add(scaffold)
            found.append(index)
    return np.array(found, np.int64)
