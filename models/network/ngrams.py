"""Hashed n-grams of SMILES bytes: the features of the student, with no chemistry toolkit.

Every run of 1 to ``ngram`` bytes is hashed into one of ``buckets`` (a power of two); a molecule is the
bag of its runs, each bucket weighted with log(1 + count). Counting starts afresh for every molecule, so
its features never depend on its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.errors import ModelError
from ...data.jit import kernel

HASH_MULTIPLIER = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio: Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4)."""

LENGTH_SALT = 0xD6E8FEB86659FD93
"""An odd number of no structure; times its length, it tells an n-gram from longer ones that begin with it."""

WEIGHT_TABLE_SIZE = 4_096
"""Counts beyond the table's end have the weight of its last entry (a run repeated 4,095 times)."""


def _weight_table() -> NDArray[np.float32]:
    return np.array([math.log1p(count) for count in range(WEIGHT_TABLE_SIZE)], dtype=np.float32)


WEIGHTS = _weight_table()


@dataclass(frozen=True)
class StringBatch:
    """Strings as Arrow keeps them: no Python object per molecule.

    Attributes
    ----------
    data : array of uint8
    offsets : array of int64, shape (n + 1,)
        String ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
    valid : array of bool, shape (n,)
        False for nulls and empty strings, which have no prediction.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    valid: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.valid)

    @classmethod
    def from_strings(cls, smiles: Sequence[str | None]) -> StringBatch:
        """Return the batch of Python strings (None for missing)."""
        return cls.from_arrow(pa.array(smiles, type=pa.large_string()))

    @classmethod
    def from_arrow(cls, column: pa.Array | pa.ChunkedArray) -> StringBatch:
        """Return the batch that an Arrow column holds, without copying its bytes where that is possible.

        Raises
        ------
        ModelError
            If the column holds something else than strings.
        """
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        kind = column.type
        if pa.types.is_string_view(kind):
            column = column.cast(pa.large_string())
        elif pa.types.is_string(kind) or pa.types.is_binary(kind):
            return cls._from_buffers(column, np.int32)
        elif not (pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)):
            raise ModelError(f"The SMILES column holds {kind}, expected strings.")
        return cls._from_buffers(column, np.int64)

    @classmethod
    def _from_buffers(cls, column: pa.Array, offset_type: type) -> StringBatch:
        rows = len(column)
        if rows == 0:
            return cls(np.zeros(0, np.uint8), np.zeros(1, np.int64), np.zeros(0, bool))
        _, offset_buffer, data_buffer = column.buffers()
        offsets: NDArray[Any] = np.frombuffer(offset_buffer, offset_type)[
            column.offset : column.offset + rows + 1
        ]
        data = np.zeros(0, np.uint8) if data_buffer is None else np.frombuffer(data_buffer, np.uint8)
        valid = np.diff(offsets) > 0
        if column.null_count:
            valid &= column.is_valid().to_numpy(zero_copy_only=False)
        return cls(data, offsets.astype(np.int64), valid)

    def rows(self, start: int, stop: int) -> StringBatch:
        """Return rows ``start`` to ``stop`` without copying bytes."""
        return StringBatch(self.data, self.offsets[start : stop + 1], self.valid[start:stop])


@dataclass(frozen=True)
class Bags:
    """Sparse rows of n-gram buckets.

    Attributes
    ----------
    offsets : array of int64, shape (n + 1,)
    buckets : array of int32, shape (offsets[-1],)
        In the order in which a molecule first touches them.
    weights : array of float32, shape (offsets[-1],)
        log(1 + count).
    """

    offsets: NDArray[np.int64]
    buckets: NDArray[np.int32]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: NDArray[np.int64]) -> Bags:
        """Return the bags of ``rows``, in that order."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        index = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Bags(offsets, self.buckets[index], self.weights[index])


@kernel
def _bag_of(data, start, stop, ngram, shift, counts, touched):  # type: ignore[no-untyped-def]
    """Count the n-grams of ``data[start:stop]``; return how many buckets were touched.

    ``counts`` (all zero on entry) is left filled and must be cleared through ``touched``, which has room
    for one entry more than there are buckets. Indices are unsigned, or each access would test for a negative.
    """
    byte, salt, multiplier = np.uint64(8), np.uint64(LENGTH_SALT), np.uint64(HASH_MULTIPLIER)
    found = np.uint64(0)
    word = np.uint64(0)  # the eight bytes from ``begin``, the first on top: its n-grams are its upper bytes
    for place in range(min(7, stop - start)):
        word |= np.uint64(data[start + place]) << np.uint64(48 - 8 * place)
    for begin in range(start, stop):
        word <<= byte
        if begin + 7 < stop:
            word |= np.uint64(data[begin + 7])
        down, mark = np.uint64(56), np.uint64(0)
        for _ in range(min(ngram, stop - begin)):
            # The bytes and their number determine the key: "CC" and "C" + a zero byte stay apart.
            mark += salt
            key = (word >> down) ^ mark
            key ^= key >> np.uint64(32)
            bucket = (key * multiplier) >> shift
            count = counts[bucket]
            touched[found] = np.uint32(bucket)  # written always, kept only if new: no branch to guess wrongly
            found += np.uint64(count == 0)
            counts[bucket] = count + np.uint32(1)
            down -= byte
    return found


@kernel
def _encode(  # type: ignore[no-untyped-def]
    data, offsets, valid, ngram, shift, table, bag_offsets, buckets, weights, counts, touched
):
    used = np.uint64(0)
    last = np.uint32(len(table) - 1)
    bag_offsets[0] = 0
    for row in range(len(valid)):
        if valid[row]:
            found = _bag_of(data, offsets[row], offsets[row + 1], ngram, shift, counts, touched)
            for place in range(found):
                bucket = touched[place]
                buckets[used] = bucket
                weights[used] = table[min(counts[bucket], last)]
                counts[bucket] = 0
                used += np.uint64(1)
        bag_offsets[row + 1] = used
    return used


def hash_shift(buckets: int) -> np.uint64:
    """Return the right shift that leaves a bucket number of a 64-bit hash."""
    return np.uint64(64 - (buckets.bit_length() - 1))


class Encoder:
    """Makes bags in arrays of its own that it uses again and again: for one thread, block after block.

    Parameters
    ----------
    ngram : int
    buckets : int
        A power of two.
    """

    def __init__(self, ngram: int, buckets: int) -> None:
        self._ngram, self._size, self._shift = ngram, buckets, hash_shift(buckets)
        self._counts = np.zeros(buckets, np.uint32)
        self._touched = np.empty(buckets + 1, np.uint32)
        self._offsets = np.zeros(1, np.int64)
        self._buckets = np.zeros(0, np.int32)
        self._weights = np.zeros(0, np.float32)

    def __call__(self, strings: StringBatch) -> Bags:
        """Return the bags of ``strings``, which live until the next call; nulls and empty strings have empty bags."""
        lengths = np.diff(strings.offsets)
        most = int(np.where(strings.valid, np.minimum(lengths * self._ngram, self._size), 0).sum())
        if most > len(self._buckets):
            self._buckets, self._weights = (
                np.zeros(most + most // 4, np.int32),
                np.empty(most + most // 4, np.float32),
            )
        if len(strings) >= len(self._offsets):
            self._offsets = np.zeros(len(strings) + 1, np.int64)
        used = _encode(
            strings.data, strings.offsets, strings.valid, self._ngram, self._shift, WEIGHTS, self._offsets,
            self._buckets, self._weights, self._counts, self._touched,
        )  # fmt: skip
        return Bags(self._offsets[: len(strings) + 1], self._buckets[:used], self._weights[:used])


def encode(strings: StringBatch, ngram: int, buckets: int) -> Bags:
    """Return the weighted n-gram bags of ``strings``; nulls and empty strings have empty bags."""
    return Encoder(ngram, buckets)(strings)
