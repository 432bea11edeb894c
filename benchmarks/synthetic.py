"""A screened library of any size, as files of the real layout: molecules and properties, and one target's predictions.

Molecules are drawn with replacement from real ones (ids and rows are their own), so that text columns and
properties are as long and as varied as real ones; predictions are Gaussian and follow heavy atoms and logP
a little, as docking scores do.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from docksieve.data.libraries.library import MANIFEST, Library
from docksieve.data.libraries.shard_tasks import _SHARD_OPTIONS
from docksieve.data.schema import LIBRARY_FORMAT, LIBRARY_SCHEMA, LIBRARY_VERSION, STREAM_ROWS
from docksieve.data.score_keys import KEYS, score_keys
from docksieve.data.store import write_json, write_table

TARGET = "T"
SHARD_ROWS = 1_000_000


def shard_rows(total: int, per_shard: int = SHARD_ROWS) -> Iterator[tuple[int, int]]:
    """Yield first row and number of rows of each shard."""
    for first in range(0, total, per_shard):
        yield first, min(per_shard, total - first)


def scores_of(first: int, rows: int, trend: np.ndarray | None = None) -> np.ndarray:
    """Return the predictions of one shard: float32, about one in ten thousand missing."""
    rng = np.random.default_rng([7, first])
    scores = rng.standard_normal(rows, np.float32)
    if trend is not None:
        scores = np.float32(0.9) * scores + np.float32(0.44) * trend
    scores = np.float32(-8.0) + scores
    scores[rng.random(rows) < 1e-4] = np.nan
    return scores


def write_predictions(folder: Path, first: int, scores: np.ndarray) -> tuple[Path, Path]:
    """Write predictions and histogram of one shard as ``models.students.screen`` lays them out."""
    name = f"shard-{first:012d}-{first + len(scores) - 1:012d}.parquet"
    predictions, histogram = folder / "predictions" / name, folder / "histograms" / name
    predictions.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema(
        [
            pa.field("row", pa.int64(), nullable=False),
            pa.field(f"mean:{TARGET}", pa.float32()),
            pa.field(f"spread:{TARGET}", pa.float32()),
        ]
    )
    missing = np.isnan(scores)
    spread = np.random.default_rng([8, first]).uniform(0.2, 0.9, len(scores)).astype(np.float32)
    columns = [
        pa.array(np.arange(first, first + len(scores))),
        pa.array(scores, mask=missing),
        pa.array(spread, mask=missing),
    ]
    batch = pa.record_batch(columns, schema=schema)
    encodings = {
        name: "DELTA_BINARY_PACKED" if name == "row" else "BYTE_STREAM_SPLIT" for name in schema.names
    }
    with pq.ParquetWriter(
        predictions,
        schema,
        use_dictionary=False,
        column_encoding=encodings,
        compression="zstd",
        compression_level=1,
    ) as writer:
        for start in range(0, len(scores), STREAM_ROWS):
            writer.write_batch(batch.slice(start, STREAM_ROWS), row_group_size=STREAM_ROWS)
    counts = np.bincount(score_keys(scores, True), minlength=KEYS)
    keys = np.flatnonzero(counts)
    table = {
        "target": pa.array([TARGET] * len(keys)),
        "key": pa.array(keys.astype(np.uint16)),
        "count": pa.array(counts[keys]),
    }
    write_table(histogram, pa.table(table))
    return predictions, histogram


def write_molecules(folder: Path, first: int, rows: int, pool: pa.Table) -> tuple[Path, np.ndarray]:
    """Write one library shard of molecules drawn from ``pool``; return it and the trend of its scores."""
    rng = np.random.default_rng([9, first])
    drawn = pool.take(pa.array(rng.integers(0, len(pool), rows)))
    numbers = np.arange(first, first + rows)
    table = drawn.set_column(drawn.schema.get_field_index("row"), "row", pa.array(numbers))
    ids = pa.array(np.char.add("Z", numbers.astype(str)))
    table = table.set_column(table.schema.get_field_index("id"), "id", ids).cast(LIBRARY_SCHEMA)
    path = folder / "shards" / f"shard-{first:012d}-{first + rows - 1:012d}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, LIBRARY_SCHEMA, **_SHARD_OPTIONS) as writer:
        writer.write_table(table, row_group_size=STREAM_ROWS)
    trend = -(table["heavy_atoms"].to_numpy() - 23.0) / 4.0
    return path, trend.astype(np.float32)


def write_manifest(folder: Path, shards: list[Path], firsts: list[int]) -> Library:
    """Make a library of shards that are there, as far as reading it goes."""
    items = [
        {
            "path": f"shards/{path.name}",
            "bytes": path.stat().st_size,
            "sha256": path.stem,
            "rows": pq.read_metadata(path).num_rows,
            "first_row": first,
        }
        for path, first in zip(shards, firsts, strict=True)
    ]
    counts = {"accepted": sum(item["rows"] for item in items)}
    manifest = {
        "format": LIBRARY_FORMAT,
        "version": LIBRARY_VERSION,
        "fingerprint": f"synthetic-{counts['accepted']}",
        "counts": counts,
        "shards": items,
    }
    write_json(folder / MANIFEST, manifest)
    return Library.open(folder)


def pool_of(library: Path) -> pa.Table:
    """Return all molecules of a library."""
    return pa.concat_tables([pq.read_table(shard.path) for shard in Library.open(library).shards])


def peak_mib() -> int:
    """Return the most memory that this process held since it began (``ru_maxrss`` knows its parent's, too)."""
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def machine() -> dict[str, object]:
    """Return what ran this."""
    name = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cpu": name,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
        "duckdb": duckdb.__version__,
    }
