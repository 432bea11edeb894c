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


def explored_places(
    chosen: NDArray[np.int64], smiles: Sequence[str], count: int, seen: Sequence[str]
) -> tuple[NDArray[np.int64], int]:
    """Return a batch whose last molecules make room for the best of scaffolds that were not seen, one of each.

    Parameters
    ----------
    chosen : array of int64, shape (n,)
        Places of the batch among the candidates, best first.
    smiles : sequence of str
        All candidates, best first.
    count : int
        Molecules that make room.
    seen : sequence of str
        Molecules whose scaffolds do not count as new; nor do those of the part of the batch that stays.

    Returns
    -------
    places : array of int64, shape (n,)
        Those that stay, then the new ones.
    explored : int
        How many are new: fewer than ``count`` where the candidates have no more.

    Examples
    --------
    >>> from docksieve.screening.acquisition.stalled import explored_places
    >>> candidates = ["Cc1ccccc1", "CCc1ccccc1", "CCCc1ccccc1", "Cc1ccncc1"]
    >>> explored_places(np.array([0, 1]), candidates, 1, seen=[])
    (array([0, 3]), 1)
    """
    from ..chemistry.diversity import murcko_scaffold  # RDKit, only where there is something to explore

    kept = chosen[: len(chosen) - count]
    known = {murcko_scaffold(text) for text in (*seen, *(smiles[place] for place in kept))}
    found: list[int] = []
    for place in np.setdiff1d(np.arange(len(smiles)), kept).tolist():
        if len(found) == count:
            break
        scaffold = murcko_scaffold(smiles[place])
        if scaffold not in known:
            known.add(scaffold)
            found.append(place)
    return np.concatenate([chosen[: len(chosen) - len(found)], np.array(found, np.int64)]), len(found)
