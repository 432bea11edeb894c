"""The molecules that a campaign did not pick, in the order of their latest predictions: counted, then drawn from.

Two passes over the prediction files, of which a batch is held at a time. Molecules are told apart by the 16-bit key of
their prediction; a stratum is a range of keys, so that it is a number of molecules and two keys, however large.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...data.score_keys import KEYS, score_keys
from ...screening.auditing.design import AuditDesign, draw_places

Counts = NDArray[np.int64]
Rows = NDArray[np.int64]
BATCH = 262_144


@dataclass(frozen=True)
class Drawn:
    """Molecules drawn from one stratum.

    Attributes
    ----------
    rows : array of int64
        In the library, ascending.
    predicted : array of float32
        By the student.
    """

    rows: Rows
    predicted: NDArray[np.float32]


def _unpicked(
    predictions: Sequence[Path], column: str, known: Rows, lower: bool, predicted: bool
) -> Iterator[tuple[Rows, NDArray[np.float32], NDArray[np.uint16]]]:
    """Yield row, prediction and key of the molecules that are not among the rows ``known`` (ascending).

    With ``predicted``, only of those that have a prediction: the others were left out of the campaign from the start.
    """
    for path in predictions:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH, columns=["row", column], use_threads=False):
                rows = batch.column("row").to_numpy()
                values = batch.column(column).to_numpy(zero_copy_only=False).astype(np.float32)
                place = np.searchsorted(known, rows)
                there = np.zeros(len(rows), bool)
                near = place < len(known)
                there[near] = known[place[near]] == rows[near]
                rest = ~there & ~np.isnan(values) if predicted else ~there
                yield rows[rest], values[rest], score_keys(values[rest], lower)


def count_unpicked(
    predictions: Sequence[Path], column: str, known: Rows, lower: bool, predicted: bool = False
) -> Counts:
    """Return how many molecules that are not among ``known`` have each key, shape (65536,).

    With ``predicted``, molecules without a prediction are left out.
    """
    counts = np.zeros(KEYS, np.int64)
    for _, _, keys in _unpicked(predictions, column, known, lower, predicted):
        counts += np.bincount(keys, minlength=KEYS)
    return counts


def draw_unpicked(
    predictions: Sequence[Path],
    column: str,
    known: Rows,
    lower: bool,
    last_keys: Sequence[int],
    design: AuditDesign,
    seed: int,
    predicted: bool = False,
) -> list[Drawn]:
    """Return a simple random sample without replacement of each stratum.

    Parameters
    ----------
    predictions, column, known, lower, predicted
        As counted.
    last_keys : sequence of int
        Last key of each stratum, ascending.
    design : AuditDesign
    seed : int
    """
    places = draw_places(design, seed)
    seen = [0] * len(places)
    rows: list[list[Rows]] = [[] for _ in places]
    values: list[list[NDArray[np.float32]]] = [[] for _ in places]
    edges = np.asarray(last_keys, np.int64)
    for found, means, keys in _unpicked(predictions, column, known, lower, predicted):
        stratum = np.searchsorted(edges, keys)
        for number, wanted in enumerate(places):
            mine = np.flatnonzero(stratum == number)
            low, high = np.searchsorted(wanted, [seen[number], seen[number] + len(mine)])
            taken = mine[wanted[low:high] - seen[number]]
            rows[number].append(found[taken])
            values[number].append(means[taken])
            seen[number] += len(mine)
    empty = np.empty(0, np.int64), np.empty(0, np.float32)
    return [
        Drawn(np.concatenate([empty[0], *rows[n]]), np.concatenate([empty[1], *values[n]]))
        for n in range(len(places))
    ]
