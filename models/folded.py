"""All fingerprints of a molecule folded into one hashed bag of a fixed size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .fingerprints import Features

_MIX = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4)."""


@dataclass(frozen=True)
class Folded:
    """Bags of hashed features; a bucket may occur more than once in a row.

    Attributes
    ----------
    offsets : array of int64, shape (n + 1,)
    buckets : array of int64, shape (offsets[-1],)
    counts : array of int32, shape (offsets[-1],)
    """

    offsets: NDArray[np.int64]
    buckets: NDArray[np.int64]
    counts: NDArray[np.int32]

    def dense(self, size: int) -> NDArray[np.float64]:
        """Return the summed counts, shape (n, size)."""
        matrix = np.zeros((len(self.offsets) - 1, size))
        rows = np.repeat(np.arange(len(matrix)), np.diff(self.offsets))
        np.add.at(matrix, (rows, self.buckets), self.counts)
        return matrix


def fold(features: Features, size: int) -> Folded:
    """Hash all fingerprints of ``features`` into ``size`` buckets (a power of two); kinds are kept apart."""
    tables = list(features.counts.values())
    lengths = np.stack([np.diff(table.offsets) for table in tables])
    offsets = np.concatenate([[0], np.cumsum(lengths.sum(axis=0))]).astype(np.int64)
    buckets = np.empty(offsets[-1], np.int64)
    counts = np.empty(offsets[-1], np.int32)
    starts = offsets[:-1].copy()
    shift = np.uint64(64 - (size.bit_length() - 1))
    for index, table in enumerate(tables):
        keys = table.features.astype(np.uint64) | np.uint64((index + 1) << 40)
        place = np.repeat(starts - table.offsets[:-1], lengths[index]) + np.arange(len(keys))
        buckets[place] = ((keys * _MIX) >> shift).astype(np.int64)
        counts[place] = table.counts
        starts += lengths[index]
    return Folded(offsets, buckets, counts)
