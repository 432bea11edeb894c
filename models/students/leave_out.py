"""Takes molecules out of the predictions of a shard for some targets, where targets may not dock the same ones."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.score_keys import MISSING_KEY, score_keys
from ...data.store import read_table, write_table
from .student import Student


def leave_out(
    predictions: str | os.PathLike[str],
    histogram: str | os.PathLike[str],
    best: str | os.PathLike[str],
    student: Student,
    refused: Mapping[str, NDArray[np.bool_]],
) -> None:
    """Rewrite what :func:`docksieve.screen_shard` wrote, as if some molecules had no prediction for some targets.

    Nothing is read where no molecule is refused.

    Parameters
    ----------
    predictions, histogram, best : path
        The files of one shard.
    student : Student
        What made them.
    refused : mapping of str to array of bool, shape (rows,)
        By target.
    """
    concerned = {target: mask for target, mask in refused.items() if mask.any()}
    if not concerned:
        return
    table, counts, leaders = read_table(predictions), read_table(histogram), read_table(best)
    rows = table["row"].to_numpy()
    for target, mask in concerned.items():
        lower = bool(student.lower_is_better[student.targets.index(target)])
        scores = table[f"mean:{target}"].to_numpy()
        counts = _less(counts, target, score_keys(scores[mask], lower))
        leaders = _leading(leaders, target, rows, np.where(mask, np.nan, scores), lower)
        for name in (f"mean:{target}", f"spread:{target}"):
            place = table.schema.get_field_index(name)
            if place >= 0:
                values = pa.array(table[name].to_numpy(), pa.float32(), mask=mask | _nulls(table[name]))
                table = table.set_column(place, table.schema.field(place), values)
    write_table(predictions, table)
    write_table(histogram, counts)
    write_table(best, leaders)


def _nulls(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.is_null().to_numpy(), np.bool_)


def _less(counts: pa.Table, target: str, keys: NDArray[np.uint16]) -> pa.Table:
    """Return the histogram with molecules of these keys counted as without a prediction."""
    mine = np.array([name == target for name in counts["target"].to_pylist()], np.bool_)
    full = np.zeros(MISSING_KEY + 1, np.int64)
    np.add.at(full, counts["key"].to_numpy()[mine].astype(np.int64), counts["count"].to_numpy()[mine])
    np.subtract.at(full, keys.astype(np.int64), 1)
    full[MISSING_KEY] += len(keys)
    used = np.flatnonzero(full)
    changed = pa.table(
        [pa.array([target] * len(used)), pa.array(used), pa.array(full[used])], names=counts.column_names
    ).cast(counts.schema)
    return pa.concat_tables([counts.filter(pa.array(~mine)), changed])


def _leading(
    leaders: pa.Table, target: str, rows: NDArray[np.int64], scores: NDArray[np.float32], lower: bool
) -> pa.Table:
    """Return the best molecules of the shard, those of one target chosen again; ties by row."""
    mine = np.array([name == target for name in leaders["target"].to_pylist()], np.bool_)
    known = np.flatnonzero(~np.isnan(scores))
    order = np.lexsort((rows[known], scores[known] if lower else -scores[known]))
    # As many as the file was asked to hold: those of this target fill it unless the shard has fewer molecules.
    chosen = known[order[: int(mine.sum())]]
    changed = pa.table(
        [pa.array([target] * len(chosen)), pa.array(rows[chosen]), pa.array(scores[chosen])],
        names=leaders.column_names,
    ).cast(leaders.schema)
    return pa.concat_tables([leaders.filter(pa.array(~mine)), changed])
