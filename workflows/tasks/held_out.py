"""Predictions for molecules that a model had not seen, kept beside it: what cuts and plots rest on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...data.store import read_table, write_table
from ...models.prediction import HeldOut

HELD_OUT_SCHEMA = pa.schema(
    [
        pa.field("smiles", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("truth", pa.float64(), nullable=False),
        pa.field("mean", pa.float64(), nullable=False),
        pa.field("spread", pa.float64()),
        pa.field("how", pa.string(), nullable=False),
        pa.field("seed_sample", pa.bool_(), nullable=False),
    ]
)
"""``truth`` is a docked score (of a teacher) or a teacher's mean (of a student); ``how``: ``folds`` (predicted
by models fitted without the molecule) or ``sealed`` (never trained on); ``seed_sample``: drawn at random from the
library, not acquired."""


def held_out_table(
    held_out: HeldOut, targets: tuple[str, ...], how: str, seed_sample: set[str] | None = None
) -> pa.Table:
    """Return held-out predictions in the columns of :data:`HELD_OUT_SCHEMA`; ``seed_sample`` None means all."""
    parts = []
    names = np.array(held_out.smiles, dtype=object)
    for column, target in enumerate(targets):
        known = np.isfinite(held_out.truth[:, column]) & np.isfinite(held_out.mean[:, column])
        mine = names[known].tolist()
        columns = [
            pa.array(mine, pa.string()),
            pa.array([target] * len(mine), pa.string()),
            pa.array(held_out.truth[known, column], pa.float64()),
            pa.array(held_out.mean[known, column], pa.float64()),
            pa.array(held_out.spread[known, column], pa.float64(), from_pandas=True),
            pa.array([how] * len(mine), pa.string()),
            pa.array([seed_sample is None or text in seed_sample for text in mine], pa.bool_()),
        ]
        parts.append(pa.table(columns, schema=HELD_OUT_SCHEMA))
    return pa.concat_tables(parts)


def write_held_out(path: Path, *tables: pa.Table) -> Path:
    """Write held-out predictions as one file."""
    write_table(path, pa.concat_tables(tables))
    return path


def read_held_out(path: Path, target: str, random_only: bool = True) -> pa.Table:
    """Return the held-out predictions of one target; ``random_only``: of the seed sample alone."""
    table = read_table(path)
    table = table.filter(pc.equal(table["target"], target))
    return table.filter(table["seed_sample"]) if random_only else table
