"""Duplicates across a whole library, in bounded memory.

Every molecule gets a 128-bit key. Each part of the input leaves its keys sorted on disk; the keys are then
compared bucket by bucket (a bucket is a range of their high bits), so that no step holds more than one
bucket. Of equal keys the first in input order stays. The result depends on the input alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..store import atomic_path

KEY_BYTES = 16
BUCKET_ROWS = 4_000_000
"""Keys that one bucket holds on average: about 300 MB while they are compared."""
RANK_BLOCK = 4096


def hash_texts(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Return the 128-bit BLAKE2b key of each text.

    Parameters
    ----------
    texts : iterable of str

    Returns
    -------
    array of uint64, shape (n, 2)
        High and low half. Among 1e10 different texts, two share a key with probability 1e-19.
    """
    blake = hashlib.blake2b
    digests = b"".join([blake(text.encode(), digest_size=KEY_BYTES).digest() for text in texts])
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64).reshape(-1, 2)


@dataclass(frozen=True)
class KeyFile:
    """Where the sorted keys of one part lie.

    Attributes
    ----------
    path : str
    rows : int
    first : int
        Global position of the part's first molecule (accepted and duplicates counted alike).
    """

    path: str
    rows: int
    first: int


_RECORD = np.dtype([("high", "<u8"), ("low", "<u8"), ("index", "<u4")])


def write_keys(path: Path, keys: NDArray[np.uint64]) -> None:
    """Write ``keys`` (shape (n, 2)) sorted, each with its index in the part."""
    table = np.empty(len(keys), dtype=_RECORD)
    table["high"], table["low"] = keys[:, 0], keys[:, 1]
    table["index"] = np.arange(len(keys))
    table = table[np.lexsort((table["index"], table["low"], table["high"]))]
    with atomic_path(path) as temporary:
        temporary.write_bytes(table.tobytes())


def bucket_count(rows: int) -> int:
    """Return how many buckets (a power of two) ``rows`` keys need."""
    count = 1
    while rows > count * BUCKET_ROWS:
        count *= 2
    return count


def read_bucket(
    files: Sequence[KeyFile], bucket: int, buckets: int
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Return the key records of one bucket and their global positions, in input order."""
    shift = np.uint64(64 - (buckets.bit_length() - 1))
    tables, positions = [np.empty(0, dtype=_RECORD)], [np.empty(0, dtype=np.int64)]
    for file in files:
        if not file.rows:
            continue
        keys = np.memmap(file.path, dtype=_RECORD, mode="r", shape=(file.rows,))
        if buckets > 1:
            low = np.uint64(bucket) << shift
            start = int(np.searchsorted(keys["high"], low, side="left"))
            stop = file.rows
            if bucket + 1 < buckets:
                stop = int(np.searchsorted(keys["high"], np.uint64(bucket + 1) << shift, side="left"))
        else:
            start, stop = 0, file.rows
        piece = np.array(keys[start:stop])
        del keys
        order = np.argsort(piece["index"], kind="stable")
        tables.append(piece[order])
        positions.append(file.first + piece["index"][order].astype(np.int64))
    return np.concatenate(tables), np.concatenate(positions)


def find_pairs(table: NDArray[np.void], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the duplicates among key records.

    Parameters
    ----------
    table : array of records, shape (n,)
    positions : array of int64, shape (n,)
        Ascending.

    Returns
    -------
    array of int64, shape (duplicates, 2)
        Position of each duplicate and of the first molecule with the same key; sorted by the former.
    """
    order = np.lexsort((table["low"], table["high"]))  # stable: equal keys stay in input order
    high, low = table["high"][order], table["low"][order]
    same = np.zeros(len(order), dtype=bool)
    same[1:] = (high[1:] == high[:-1]) & (low[1:] == low[:-1])
    starts = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    ordered = positions[order]
    pairs = np.stack([ordered[same], ordered[starts[same]]], axis=1)
    return pairs[np.argsort(pairs[:, 0], kind="stable")]


def write_pairs(path: Path, pairs: NDArray[np.int64]) -> None:
    """Write the duplicates of one bucket."""
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, pairs)


def read_pairs(paths: Iterable[str], start: int, stop: int) -> NDArray[np.int64]:
    """Return the duplicates with ``start <= position < stop`` from all buckets, sorted by position."""
    pieces = [np.empty((0, 2), dtype=np.int64)]
    for path in paths:
        pairs = np.load(path, mmap_mode="r")
        if len(pairs):
            low, high = np.searchsorted(pairs[:, 0], [start, stop])
            pieces.append(np.array(pairs[low:high]))
    found = np.concatenate(pieces)
    return found[np.argsort(found[:, 0], kind="stable")]


class Kept:
    """Which molecules stay, and the row that each of them gets.

    One byte per molecule in a file that is mapped, not loaded, and a count per block of 4,096.

    Parameters
    ----------
    path : path
        File of one byte per molecule: 1 for a molecule that stays.
    """

    def __init__(self, path: str | Path) -> None:
        size = Path(path).stat().st_size
        self.flags: NDArray[np.uint8] = (
            np.memmap(path, dtype=np.uint8, mode="r", shape=(size,)) if size else np.empty(0, np.uint8)
        )
        counts = [0]
        for start in range(0, size, RANK_BLOCK * 1024):
            piece = self.flags[start : start + RANK_BLOCK * 1024]
            edges = np.arange(0, len(piece), RANK_BLOCK)
            counts.extend(np.add.reduceat(piece, edges, dtype=np.int64).tolist())
        self._before: NDArray[np.int64] = np.cumsum(np.array(counts, dtype=np.int64))

    @property
    def rows(self) -> int:
        """Molecules that stay."""
        return int(self._before[-1])

    def rank(self, position: int) -> int:
        """Return how many molecules stay before ``position``: the row of a molecule that stays."""
        block = position // RANK_BLOCK
        if block >= len(self._before) - 1 and position >= len(self.flags):
            return self.rows
        return int(self._before[block] + self.flags[block * RANK_BLOCK : position].sum(dtype=np.int64))

    def ranks(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return :meth:`rank` of each position."""
        result = np.empty(len(positions), dtype=np.int64)
        order = np.argsort(positions, kind="stable")
        blocks = positions[order] // RANK_BLOCK
        edges = np.flatnonzero(np.diff(blocks, prepend=-1))
        for start, stop in zip(edges, [*edges[1:], len(order)], strict=True):
            block = int(blocks[start])
            flags = self.flags[block * RANK_BLOCK : (block + 1) * RANK_BLOCK]
            inside = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
            chosen = order[start:stop]
            result[chosen] = self._before[block] + inside[positions[chosen] - block * RANK_BLOCK]
        return result


def write_kept(path: Path, total: int, pair_paths: Iterable[str]) -> None:
    """Write the file that :class:`Kept` reads: 1 for each of ``total`` molecules but the duplicates."""
    with atomic_path(path) as temporary:
        with temporary.open("wb") as handle:
            ones = np.ones(1 << 20, dtype=np.uint8)
            for start in range(0, total, len(ones)):
                handle.write(ones[: total - start].tobytes())
        if not total:
            return
        flags = np.memmap(temporary, dtype=np.uint8, mode="r+", shape=(total,))
        for pair_path in pair_paths:
            pairs = np.load(pair_path, mmap_mode="r")
            if len(pairs):
                flags[np.asarray(pairs[:, 0])] = 0
        flags.flush()
        del flags
