"""Two rankings of molecules beside each other: who is at the top of both, and how alike the orders are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .virtual_screening import Interval, bootstrap, spearman

DEPTHS = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
MOST_COMPARED = 20_000
"""Molecules that a rank correlation is computed from: its interval is then a hundredth wide."""
DRAWS = 300


@dataclass(frozen=True)
class Overlap:
    """The best of two rankings.

    Attributes
    ----------
    depth : int
        How many of each.
    shared : int
        Molecules in both.
    known : int
        Of the best of the first, those that the second ranks at all.
    """

    depth: int
    shared: int
    known: int

    @property
    def share(self) -> float:
        """Shared molecules over the depth."""
        return self.shared / self.depth


@dataclass(frozen=True)
class Agreement:
    """How alike two rankings are.

    Attributes
    ----------
    first, second : int
        Molecules ranked in each.
    common : int
        Molecules ranked in both, as far as is known.
    overlaps : tuple of Overlap
        By depth, as deep as the shorter ranking.
    correlation : Interval or None
        Spearman's, of the scores of common molecules, with its 95 % interval; None for fewer than three.
    compared : int
        Molecules it was computed from.
    """

    first: int
    second: int
    common: int
    overlaps: tuple[Overlap, ...]
    correlation: Interval | None
    compared: int


@dataclass(frozen=True)
class Ranking:
    """Molecules, best first.

    Attributes
    ----------
    keys : array, shape (n,)
        What names a molecule in both rankings: rows of one library, or SMILES.
    scores : array of float, shape (n,)
    lower_is_better : bool
    """

    keys: NDArray[np.int64] | NDArray[np.object_]
    scores: NDArray[np.float64]
    lower_is_better: bool = True


def agreement(
    first: Ranking,
    second: Ranking,
    seed: int,
    sample: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    depths: Sequence[int] = DEPTHS,
) -> Agreement:
    """Compare two rankings.

    Parameters
    ----------
    first, second : Ranking
        Without repeated molecules.
    seed : int
        Of the bootstrap, and of the sample of common molecules where there are very many.
    sample : (array, array), optional
        Scores of the same molecules in both, where these are known beyond what is ranked; by default those of the
        common molecules. NaN: not scored.
    depths : sequence of int

    Returns
    -------
    Agreement
        The correlation is positive if both call the same molecules good, whatever the directions of their scores.
    """
    _, at_first, at_second = np.intersect1d(first.keys, second.keys, assume_unique=True, return_indices=True)
    shorter = min(len(first.keys), len(second.keys))
    wanted = sorted(
        {depth for depth in depths if depth <= shorter} | ({shorter} if 0 < shorter < max(depths) else set())
    )
    overlaps = tuple(
        Overlap(
            depth,
            int(((at_first < depth) & (at_second < depth)).sum()),
            int((at_first < depth).sum()),
        )
        for depth in wanted
    )
    one, other = sample or (first.scores[at_first], second.scores[at_second])
    usable = np.flatnonzero(np.isfinite(one) & np.isfinite(other))
    if len(usable) > MOST_COMPARED:
        usable = np.sort(np.random.default_rng(seed).choice(usable, MOST_COMPARED, replace=False))
    correlation = None
    if len(usable) >= 3:
        sign = 1.0 if first.lower_is_better == second.lower_is_better else -1.0
        correlation = bootstrap(spearman, one[usable], sign * other[usable], seed, DRAWS)
        if not np.isfinite(correlation.value):  # one side is constant
            correlation = None
    return Agreement(len(first.keys), len(second.keys), len(at_first), overlaps, correlation, len(usable))
