"""Global ranking over shards, streaming: histograms say where to cut, a second pass collects.

Memory is that of the answer, never of the library. The result depends neither on how the library is cut
into shards nor on their order: rows are ordered by (score, row). The second pass reads only scores, and of
those not the row groups whose best score is beyond the cut; row numbers are read where something was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...data.errors import FormatError
from ...data.score_keys import KEYS, MISSING_KEY, key_scores, score_keys
from ...data.store import read_table
from ...data.words import plural


def merge_all_histograms(paths: Iterable[str | Path]) -> dict[str, NDArray[np.int64]]:
    """Add up the histograms of many shards, for all targets; each file is read once.

    Returns
    -------
    dict of str to array of int64, shape (65536,)
        By target, molecules per score key (``data.score_keys``), best key first.
    """
    totals: dict[str, NDArray[np.int64]] = {}
    for path in paths:
        table = read_table(path)
        encoded = table["target"].combine_chunks().dictionary_encode()
        names, places = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
        keys, counts = table["key"].to_numpy().astype(np.int64), table["count"].to_numpy()
        for place, name in enumerate(names):
            mine = places == place
            np.add.at(totals.setdefault(name, np.zeros(KEYS, np.int64)), keys[mine], counts[mine])
    return totals


def merge_histograms(paths: Iterable[str | Path], target: str) -> NDArray[np.int64]:
    """Add up the histograms of many shards, for one target.

    Parameters
    ----------
    paths : iterable of path
        Written beside the predictions of each shard (:func:`docksieve.screen_shard`).
    target : str

    Returns
    -------
    array of int64, shape (65536,)
        Molecules per score key (``docs/formats.md``), best key first; zeros if no file knows the target.

    Examples
    --------
    >>> from pathlib import Path
    >>> paths = Path("campaign/histograms/round-02").glob("*.parquet")
    >>> docksieve.merge_histograms(paths, "EGFR").sum()
    np.int64(192)
    """
    return merge_all_histograms(paths).get(target, np.zeros(KEYS, np.int64))


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
    better = int(histogram[:worst].sum()) if worst >= 0 else 0
    promised = better + int(histogram[worst]) if worst >= 0 else 0
    inside = _Best(better, lower_is_better)  # better than the boundary key: all of them are in
    boundary = _Best(min(count, promised) - better, lower_is_better)  # the best of these fill what is left
    for path in predictions if promised else ():
        for rows, scores, keys in scores_within(path, column, worst, lower_is_better, batch_rows):
            inside.add(rows, scores, keys < worst)
            boundary.add(rows, scores, keys == worst)
    found = inside.seen + boundary.seen
    if found != promised:
        raise FormatError(
            f"The histograms promise {plural(promised, 'molecule')} at the cut, the predictions hold {found:,}.",
            "A prediction file was altered: remove its receipt and give the same command again.",
        )
    (first_rows, first_scores), (last_rows, last_scores) = inside.best(), boundary.best()
    return pa.table(
        {
            "row": pa.array(np.concatenate([first_rows, last_rows]), pa.int64()),
            "score": pa.array(np.concatenate([first_scores, last_scores]), pa.float32()),
        }
    )


def scores_within(
    path: str | Path, column: str, worst: int, lower_is_better: bool, batch_rows: int = 262_144
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.uint16]]]:
    """Yield row, score and key of the molecules of a prediction file whose key is at most ``worst``.

    Parameters
    ----------
    path : path
    column : str
    worst : int
        A score key (:mod:`docksieve.data.score_keys`).
    lower_is_better : bool
    batch_rows : int
        Scores decoded at a time.
    """
    sign = np.float32(1.0 if lower_is_better else -1.0)
    # The next key's score is on the far side of every score that has this key. The test is ten times cheaper
    # than the keys, which are then computed of what passes.
    edge = key_scores([min(worst + 1, MISSING_KEY)], True)[0]
    limit = edge if np.isfinite(edge) else np.float32(np.inf)
    with pq.ParquetFile(path) as file:
        place = file.schema_arrow.get_field_index(column)
        if place < 0:
            raise FormatError(f"{path} has no column {column!r}.")
        for group in range(file.num_row_groups):
            statistics = file.metadata.row_group(group).column(place).statistics
            known = statistics is not None and statistics.has_min_max
            if known and (statistics.min if lower_is_better else -statistics.max) > limit:
                continue
            rows: NDArray[np.int64] | None = None
            start = 0
            for batch in file.iter_batches(
                batch_rows, row_groups=[group], columns=[column], use_threads=False
            ):
                scores = batch.column(0).to_numpy(zero_copy_only=False)
                near = np.flatnonzero(scores * sign <= limit)  # NaN compares false
                if len(near):
                    keys = score_keys(scores[near], lower_is_better)
                    near, keys = near[keys <= worst], keys[keys <= worst]
                if len(near):
                    if rows is None:
                        rows = file.read_row_group(group, ["row"], use_threads=False)["row"].to_numpy()
                    yield rows[start + near], scores[near], keys
                start += len(scores)


class _Best:
    """Collects rows and keeps the best ``count`` of them by (score, row), holding few more at any time.

    One score key may be that of very many molecules: a model that predicts the same for all of them, or
    scores near zero, where keys are coarse.
    """

    def __init__(self, count: int, lower_is_better: bool) -> None:
        self._count, self._lower = count, lower_is_better
        self._rows: list[NDArray[np.int64]] = []
        self._scores: list[NDArray[np.float32]] = []
        self._held = 0
        self.seen = 0

    def add(self, rows: NDArray[np.int64], scores: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
        """Take in the rows that ``mask`` marks."""
        kept = np.flatnonzero(mask)
        if not len(kept):
            return
        self.seen += len(kept)
        self._held += len(kept)
        self._rows.append(rows[kept])
        self._scores.append(scores[kept])
        if self._held > 2 * self._count:
            self.best()

    def best(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the best ``count`` rows and their scores, best first, and forget the others."""
        rows = np.concatenate([np.empty(0, np.int64), *self._rows])
        scores = np.concatenate([np.empty(0, np.float32), *self._scores])
        order = np.lexsort((rows, scores if self._lower else -scores))[: self._count]
        self._rows, self._scores, self._held = [rows[order]], [scores[order]], len(order)
        return self._rows[0], self._scores[0]
