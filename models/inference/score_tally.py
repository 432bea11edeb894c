"""What is kept of scores while they stream past: a histogram per target, and the best rows of each."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.jit import kernel
from ...data.score_keys import KEYS, MISSING_KEY

HISTOGRAM_SCHEMA = pa.schema(
    [
        pa.field("target", pa.string(), nullable=False),
        pa.field("key", pa.uint16(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
    ]
)

BEST_SCHEMA = pa.schema(
    [
        pa.field("target", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("mean", pa.float32(), nullable=False),
    ]
)


_INFINITE = 0x7F800000


@kernel
def _half(size):  # type: ignore[no-untyped-def]
    """Return the float16 pattern of a positive float32 given by its bits, rounded to even as IEEE 754 says."""
    if size >= np.uint32(0x47800000):  # 65536 and beyond
        return np.uint32(0x7C00)
    if size >= np.uint32(0x38800000):  # 2**-14 and beyond: ordinary numbers
        odd = (size >> np.uint32(13)) & np.uint32(1)
        return (size - np.uint32(0x38000000) + np.uint32(0xFFF) + odd) >> np.uint32(13)
    exponent = size >> np.uint32(23)
    mantissa = size & np.uint32(0x7FFFFF)
    if exponent > 0:
        mantissa |= np.uint32(0x800000)
    return np.uint32(np.rint(np.float64(mantissa) * 2.0 ** (np.float64(max(exponent, 1)) - 126.0)))


@kernel
def _count(bits, column, flip, limit, histogram, chosen):  # type: ignore[no-untyped-def]
    """Count the keys of a column, given as IEEE 754 bits; list the rows no worse than ``limit``, and their order.

    Numba has no float16, so the rounding is done on the bits; the keys are those of ``score_keys``.
    """
    found = 0
    for row in range(len(bits)):
        whole = bits[row, column] ^ flip
        size = whole & np.uint32(0x7FFFFFFF)
        if size > np.uint32(_INFINITE):  # NaN
            histogram[MISSING_KEY] += 1
            continue
        half = np.int64(_half(size))
        order = np.int64(size)
        key = 0x8000 + half
        if whole != size and size != 0:
            order = -order
            key = 0x7FFF - half
        histogram[key] += 1
        if order <= limit:
            chosen[0, found] = order
            chosen[1, found] = row
            found += 1
    return found


class BestScores:
    """The best ``count`` rows of one target so far, by (score, row).

    Scores are kept as whole numbers that sort best first: the bits of the score (negated where higher is
    better), those of negative ones turned round.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self.order = np.zeros(0, np.int64)
        self.rows = np.zeros(0, np.int64)

    @property
    def limit(self) -> int:
        """The worst order that may still enter."""
        if self._count == 0:
            return -_INFINITE - 1
        return int(self.order[-1]) if len(self.order) == self._count else _INFINITE

    def add(self, order: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Take in candidates."""
        if len(order) > self._count:
            # Everything as good as the count-th stays, so that ties are settled by row below.
            keep = (
                order <= np.partition(order, self._count - 1)[self._count - 1] if self._count else order < 0
            )
            order, rows = order[keep], rows[keep]
        order, rows = np.concatenate([self.order, order]), np.concatenate([self.rows, rows])
        first = np.lexsort((rows, order))[: self._count]
        self.order, self.rows = order[first], rows[first]

    def scores(self, lower_is_better: bool) -> NDArray[np.float32]:
        """Return the scores, best first."""
        bits = np.where(self.order < 0, -self.order | 0x80000000, self.order).astype(np.uint32)
        signed = bits.view(np.float32)
        return signed if lower_is_better else np.float32(0.0) - signed


class ScoreTally:
    """Histogram over score keys and best rows of every target; may be filled by several threads.

    What it holds in the end does not depend on the order in which batches came.

    Parameters
    ----------
    targets : sequence of str
    lower_is_better : sequence of bool
    best_count : int

    Attributes
    ----------
    histogram : array of int64, shape (targets, KEYS)
    best : list of BestScores
    """

    def __init__(self, targets: Sequence[str], lower_is_better: Sequence[bool], best_count: int) -> None:
        self.targets, self.lower_is_better = tuple(targets), tuple(lower_is_better)
        self.best_count = best_count
        self.histogram = np.zeros((len(self.targets), KEYS), np.int64)
        self.best = [BestScores(best_count) for _ in self.targets]
        self._locks = [threading.Lock() for _ in self.targets]

    @property
    def missing(self) -> int:
        """Rows without a score."""
        return int(self.histogram[0, MISSING_KEY])

    def add(self, rows: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        """Count scores, shape (n, outputs), of which the first columns are the targets; NaN means missing."""
        bits = np.ascontiguousarray(values).view(np.uint32)
        chosen = np.empty((2, len(rows)), np.int64)
        for column, lower in enumerate(self.lower_is_better):
            flip = np.uint32(0 if lower else 0x80000000)
            with self._locks[column]:
                best = self.best[column]
                found = _count(bits, column, flip, best.limit, self.histogram[column], chosen)
                if found:
                    best.add(chosen[0, :found], rows[chosen[1, :found]])

    def histogram_table(self) -> pa.Table:
        """Return the counts in the columns of :data:`HISTOGRAM_SCHEMA`."""
        index, key = np.nonzero(self.histogram)
        names = pa.array(np.array(self.targets, dtype=object)[index], pa.string())
        return pa.table([names, key.astype(np.uint16), self.histogram[index, key]], schema=HISTOGRAM_SCHEMA)

    def best_table(self) -> pa.Table:
        """Return the best rows of each target, best first, in the columns of :data:`BEST_SCHEMA`."""
        parts = [
            pa.table(
                [pa.array([target] * len(best.rows), pa.string()), best.rows, best.scores(lower)],
                schema=BEST_SCHEMA,
            )
            for target, lower, best in zip(self.targets, self.lower_is_better, self.best, strict=True)
        ]
        return pa.concat_tables(parts)
