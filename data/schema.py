"""Column layouts of every table on disk. ``docs/formats.md`` says what each column means."""

from __future__ import annotations

import pyarrow as pa

LIBRARY_FORMAT = "docksieve-library"
LIBRARY_VERSION = 1

DEFAULT_SHARD_ROWS = 1_000_000
STREAM_ROWS = 65_536
"""Rows of a Parquet row group: what one streaming step reads."""

PROPERTY_COLUMNS = {
    "heavy_atoms": pa.int16(),
    "weight": pa.float32(),
    "logp": pa.float32(),
    "tpsa": pa.float32(),
    "donors": pa.int16(),
    "acceptors": pa.int16(),
    "rotatable_bonds": pa.int16(),
    "rings": pa.int16(),
    "fsp3": pa.float32(),
    "charge": pa.int16(),
    "unassigned_stereocentres": pa.int16(),
}

LIBRARY_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("smiles", pa.string(), nullable=False),
        *[pa.field(name, kind) for name, kind in PROPERTY_COLUMNS.items()],
        pa.field("source", pa.int32(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("stereo_groups", pa.string()),  # null: none; libraries of early versions have no such column
    ]
)
LATER_COLUMNS = ("stereo_groups",)
"""Columns that tables of early versions lack: read there as null."""

REJECT_SCHEMA = pa.schema(
    [
        pa.field("source", pa.int32(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("code", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

DUPLICATE_SCHEMA = pa.schema(
    [
        pa.field("source", pa.int32(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("smiles", pa.string(), nullable=False),
        pa.field("kept_row", pa.int64(), nullable=False),
    ]
)

SCORES_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64()),  # null: not a molecule of the library
        pa.field("id", pa.string(), nullable=False),
        pa.field("smiles", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("lower_is_better", pa.bool_(), nullable=False),
        pa.field("engine", pa.string(), nullable=False),
        pa.field("engine_version", pa.string(), nullable=False),
        pa.field("settings", pa.string(), nullable=False),  # JSON: search settings, box, receptor hash
        pa.field("conformer_seed", pa.int64()),
        pa.field("search_seed", pa.int64()),
        pa.field("state", pa.string()),  # SMILES of the protonation and stereo state that was docked
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("pose", pa.string()),  # "<path of a poses file relative to the campaign>#<row in it>"
        pa.field("failure", pa.string()),  # a code of screening.docking.FailureCode, null for a success
        pa.field("message", pa.string()),
    ]
)
STEREO_FIELD = pa.field("stereo_groups", pa.string())
"""A last column of selections and scores tables, as in the library; only where one of their molecules may have any."""

POSES_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("target", pa.string(), nullable=False),
        pa.field("rank", pa.int16(), nullable=False),  # 0 is the best
        pa.field("score", pa.float64(), nullable=False),
        pa.field("molblock", pa.string(), nullable=False),  # V2000 or V3000, with hydrogens, receptor frame
    ]
)
