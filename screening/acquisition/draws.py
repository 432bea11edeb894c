"""Random numbers that belong to molecules: a function of (seed, row), whatever the order of the rows.

A generator that is drawn from in turn gives a molecule another number in every other order, shard or batch.
Here the row is the counter (Salmon et al., SC 2011) of a keyed hash: two rounds of the finaliser of
SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), vectorised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ...data.seeds import derive_seed

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return SplitMix64's finaliser of each value: a bijection in which every input bit moves every output bit."""
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


def row_bits(rows: NDArray[np.int64], *parts: object) -> NDArray[np.uint64]:
    """Return 64 random bits for each row; ``parts`` (a seed, a purpose) select the function.

    Parameters
    ----------
    rows : array of int64, shape (n,)
    *parts : object
        As for :func:`docksieve.data.seeds.derive_seed`.

    Returns
    -------
    array of uint64, shape (n,)
    """
    first = np.uint64(derive_seed("rows", 1, *parts))
    second = np.uint64(derive_seed("rows", 2, *parts))
    counters = np.ascontiguousarray(rows, dtype=np.int64).view(np.uint64)
    return _mixed(_mixed(counters * _STEP + first) ^ second)


@dataclass(frozen=True)
class Draws:
    """Random numbers of some molecules.

    Attributes
    ----------
    seed : int
    rows : array of int64, shape (n,)
    """

    seed: int
    rows: NDArray[np.int64]

    def uniform(self, purpose: str) -> NDArray[np.float64]:
        """Return a number in (0, 1) for each row; other purposes give independent ones."""
        bits = row_bits(self.rows, self.seed, purpose) >> np.uint64(11)
        return (bits.astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, purpose: str) -> NDArray[np.float64]:
        """Return a standard normal number for each row (by inversion: one draw, no rejection)."""
        return np.asarray(ndtri(self.uniform(purpose)), np.float64)
