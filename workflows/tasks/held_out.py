"""Predictions for molecules that a model had not seen, kept beside it: what cuts and plots rest on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...data.store import read_table, write_table
from ...models.prediction import HeldOut
from ...models.teachers.focus import Curve, recorded_curve

HELD_OUT_SCHEMA = pa.schema(
    [
        pa.field("smiles", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("truth", pa.float64(), nullable=False),
        pa.field("mean", pa.float64(), nullable=False),
        pa.field("spread", pa.float64()),
        pa.field("how", pa.string(), nullable=False),
        pa.field("seed_sample", pa.bool_(), nullable=False),
        pa.field("docked", pa.float64()),
    ]
)
"""``truth`` is what was to be predicted, in the scale of ``mean``: a docked score as the teacher learnt it (perhaps
with bad ones drawn together, ``models.teachers.focus``), or a teacher's mean (of a student); ``docked`` the docked
score itself, null for a student; ``how``: ``folds`` (predicted by models fitted without the molecule) or ``sealed``
(never trained on); ``seed_sample``: drawn at random from the library, not acquired. Files of early versions have no
``docked``, and the ``truth`` of their sealed molecules is the docked score."""
FOCUS = b"docksieve.focus"
"""Key of the file's metadata: what the teacher says of its scale, by target, as JSON."""


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
            pa.nulls(len(mine), pa.float64())
            if held_out.docked is None
            else pa.array(held_out.docked[known, column], pa.float64()),
        ]
        parts.append(pa.table(columns, schema=HELD_OUT_SCHEMA))
    return pa.concat_tables(parts)


def write_held_out(path: Path, *tables: pa.Table, focus: Mapping[str, Any] | None = None) -> Path:
    """Write held-out predictions as one file; ``focus`` is that of the teacher's report, if it is a teacher's."""
    table = pa.concat_tables(tables)
    if focus is not None:
        table = table.replace_schema_metadata({FOCUS: json.dumps(focus, sort_keys=True).encode()})
    write_table(path, table)
    return path


def read_held_out(path: Path, target: str, random_only: bool = True) -> pa.Table:
    """Return the held-out predictions of one target; ``random_only``: of the seed sample alone."""
    table = read_table(path)
    table = table.filter(pc.equal(table["target"], target))
    return table.filter(table["seed_sample"]) if random_only else table


def recorded_scale(table: pa.Table, target: str) -> Curve | None:
    """Return the curve that a teacher's file says its scores are drawn along; None if none, or if it does not say."""
    said = (table.schema.metadata or {}).get(FOCUS)
    return None if said is None else recorded_curve(json.loads(said), target)


def docked_scores(table: pa.Table, curve: Curve | None = None) -> NDArray[np.float64]:
    """Return the docking scores of a teacher's held-out molecules, shape (n,).

    ``curve`` is that of the teacher's report: an early file holds drawn scores alone, which are carried back along it
    (infinite where bad ones cannot be told apart).
    """
    truth = np.asarray(table["truth"].to_numpy(), np.float64)
    if "docked" in table.column_names:
        return np.asarray(table["docked"].to_numpy(), np.float64)
    return truth if curve is None else np.where(_sealed(table), truth, curve.undraw(truth))


def learnt_scores(table: pa.Table, curve: Curve | None = None) -> NDArray[np.float64]:
    """Return what a teacher's means of held-out molecules are to be compared with, shape (n,): in their scale.

    ``curve`` is that of the teacher's report: in an early file sealed molecules have docking scores.
    """
    truth = np.asarray(table["truth"].to_numpy(), np.float64)
    if "docked" in table.column_names or curve is None:
        return truth
    return np.where(_sealed(table), curve.draw(truth), truth)


def _sealed(table: pa.Table) -> NDArray[np.bool_]:
    return np.asarray(pc.equal(table["how"], "sealed").to_numpy(zero_copy_only=False), bool)
