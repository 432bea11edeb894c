"""The min-max kernel of count fingerprints (count Tanimoto), computed without dense matrices.

k(x, y) = sum_i min(x_i, y_i) / sum_i max(x_i, y_i), and sum max = |x| + |y| - sum min
(Ralaivola et al., Neural Networks 18, 1093, 2005). It is positive definite, 1 for equal counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.jit import kernel
from ..fingerprints import CountRows

DENSE_SHARE = 1 / 16
"""Features that at least this share of the references has are kept as dense columns, which the processor
adds up many at a time; the others as lists of the references that have them."""


@dataclass(frozen=True)
class References:
    """Molecules to compare with, indexed by feature.

    Attributes
    ----------
    post_offsets : array of int64, shape (size + 1,)
    post_rows : array of int32
        References that have a feature.
    post_counts : array of float32
    dense_index : array of int32, shape (size,)
        Row of the feature in ``dense``, -1 where it is kept as a list.
    dense : array of float32, shape (dense features, references)
    totals : array of float32, shape (references,)
    """

    post_offsets: NDArray[np.int64]
    post_rows: NDArray[np.int32]
    post_counts: NDArray[np.float32]
    dense_index: NDArray[np.int32]
    dense: NDArray[np.float32]
    totals: NDArray[np.float32]

    @classmethod
    def build(cls, table: CountRows, size: int) -> References:
        """Index ``table``, whose features are below ``size``."""
        count = len(table)
        rows = np.repeat(np.arange(count, dtype=np.int32), np.diff(table.offsets))
        frequency = np.bincount(table.features, minlength=size)
        dense_features = np.flatnonzero(frequency >= max(count * DENSE_SHARE, 1))
        dense_index = np.full(size, -1, np.int32)
        dense_index[dense_features] = np.arange(len(dense_features))
        dense = np.zeros((len(dense_features), count), np.float32)
        where = dense_index[table.features]
        is_dense = where >= 0
        dense[where[is_dense], rows[is_dense]] = table.counts[is_dense]
        order = np.argsort(table.features[~is_dense], kind="stable")
        features = table.features[~is_dense][order]
        offsets = np.searchsorted(features, np.arange(size + 1)).astype(np.int64)
        counts = table.counts[~is_dense][order].astype(np.float32)
        return cls(offsets, rows[~is_dense][order], counts, dense_index, dense, table.totals)


@kernel
def _similarities(  # type: ignore[no-untyped-def]
    offsets,
    features,
    counts,
    totals,
    post_offsets,
    post_rows,
    post_counts,
    dense_index,
    dense,
    ref_totals,
    weight,
    output,
):
    references = len(ref_totals)
    shared = np.empty(references, np.float32)
    for query in range(len(totals)):
        shared[:] = np.float32(0.0)
        for place in range(offsets[query], offsets[query + 1]):
            feature = features[place]
            count = np.float32(counts[place])
            where = dense_index[feature]
            if where >= 0:
                column = dense[where]
                for j in range(references):
                    shared[j] += min(column[j], count)
            else:
                for entry in range(post_offsets[feature], post_offsets[feature + 1]):
                    shared[post_rows[entry]] += min(post_counts[entry], count)
        total = totals[query]
        row = output[query]
        for j in range(references):
            union = total + ref_totals[j] - shared[j]
            row[j] += weight * shared[j] / max(union, np.float32(1.0))


def add_similarities(
    queries: CountRows, references: References, weight: float, output: NDArray[np.float32], threads: int = 1
) -> None:
    """Add ``weight`` times the kernel of ``queries`` and ``references`` to ``output``.

    Parameters
    ----------
    queries : CountRows
        q rows. An empty row has similarity 0 with everything.
    references : References
        r molecules.
    weight : float
    output : array of float32, shape (q, r)
    threads : int
        Rows are shared out; the values do not depend on it.
    """
    totals = queries.totals

    def part(start: int, stop: int) -> None:
        _similarities(
            queries.offsets[start : stop + 1], queries.features, queries.counts, totals[start:stop],
            references.post_offsets, references.post_rows, references.post_counts, references.dense_index,
            references.dense, references.totals, np.float32(weight), output[start:stop],
        )  # fmt: skip

    bounds = np.linspace(0, len(queries), max(threads, 1) + 1).astype(int)
    if threads <= 1:
        part(0, len(queries))
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, bounds[:-1].tolist(), bounds[1:].tolist()))


def similarity_matrix(
    queries: Mapping[str, CountRows],
    references: Mapping[str, References],
    weights: Mapping[str, float],
    threads: int = 1,
) -> NDArray[np.float32]:
    """Return the weighted sum of the kernels of several fingerprints, shape (queries, references)."""
    first = next(iter(references))
    output = np.zeros((len(queries[first]), len(references[first].totals)), np.float32)
    for kind, weight in weights.items():
        if weight:
            add_similarities(queries[kind], references[kind], weight, output, threads)
    return output
