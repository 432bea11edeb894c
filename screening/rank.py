"""Global ranking over shards, streaming: histograms say where to cut, a second pass collects.

Memory is that of the answer, never of the library. The result depends neither on how the library is cut
into shards nor on their order: rows are ordered by (score, row).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..data.errors import FormatError
from ..data.scorekeys import KEYS, MISSING_KEY, score_keys
from ..data.store import read_table


def merge_histograms(paths: Iterable[str | Path], target: str) -> NDArray[np.int64]:
    """Add up the histograms of many shards.

    Returns
    -------
    array of int64, shape (65536,)
        Molecules per score key (``data.scorekeys``), best key first.
    """
    total = np.zeros(KEYS, dtype=np.int64)
    for path in paths:
        table = read_table(path)
        mine = np.asarray(table["target"].to_pylist()) == target
        keys = table["key"].to_numpy()[mine]
        np.add.at(total, keys.astype(np.int64), table["count"].to_numpy()[mine])
    return total


def cut_key(histogram: NDArray[np.int64], count: int) -> int:
    """Return the worst key that the best ``count`` molecules reach; -1 if there is no molecule.

    Molecules without a prediction never count.
    """
    reachable = histogram[:MISSING_KEY]
    total = int(reachable.sum())
    if total == 0 or count <= 0:
        return -1
    running = np.cumsum(reachable)
    return int(np.searchsorted(running, min(count, total)))


def best_rows(
    predictions: Sequence[str | Path],
    histogram: NDArray[np.int64],
    column: str,
    count: int,
    lower_is_better: bool,
    batch_rows: int = 262_144,
) -> pa.Table:
    """Return the best ``count`` molecules over all prediction files.

    Parameters
    ----------
    predictions : sequence of path
        Files with an int64 ``row`` and a float32 ``column``.
    histogram : array of int64, shape (65536,)
        Of that column over all the files (:func:`merge_histograms`).
    column : str
        For example ``mean:EGFR``.
    count : int
    lower_is_better : bool

    Returns
    -------
    pyarrow.Table
        ``row`` (int64) and ``score`` (float32), best first, ties by row. Fewer than ``count`` rows if fewer
        molecules have a prediction.

    Raises
    ------
    FormatError
        If the histogram promises molecules that the files do not hold.
    """
    worst = cut_key(histogram, count)
    promised = int(histogram[: worst + 1].sum()) if worst >= 0 else 0
    rows, scores = [], []
    for path in predictions if promised else ():
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=batch_rows, columns=["row", column]):
                values = batch.column(1).to_numpy(zero_copy_only=False)
                kept = np.flatnonzero(score_keys(values, lower_is_better) <= worst)
                rows.append(batch.column(0).to_numpy(zero_copy_only=False)[kept])
                scores.append(values[kept])
    found = sum(map(len, rows))
    if found != promised:
        raise FormatError(
            f"The histograms promise {promised:,} molecules at the cut, the predictions hold {found:,}.",
            "A prediction file was altered: remove its receipt and give the same command again.",
        )
    all_rows = np.concatenate(rows) if rows else np.empty(0, np.int64)
    all_scores = np.concatenate(scores) if scores else np.empty(0, np.float32)
    order = np.lexsort((all_rows, all_scores if lower_is_better else -all_scores))[:count]
    return pa.table({"row": pa.array(all_rows[order], pa.int64()), "score": pa.array(all_scores[order])})
