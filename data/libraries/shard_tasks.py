"""The second and third pass of a library build: duplicates, shards, rejects.

Plain functions of a job, as in :mod:`docksieve.data.libraries.part_tasks`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import InputError
from ..receipts import Receipt, Stopwatch, is_done, write_receipt
from ..schema import DUPLICATE_SCHEMA, LIBRARY_SCHEMA, PROPERTY_COLUMNS, REJECT_SCHEMA, STREAM_ROWS
from ..store import atomic_path, read_json, record_file
from .dedupe import Kept, KeyFile, find_pairs, read_bucket, read_pairs, write_pairs

_FLOATS = [name for name, kind in PROPERTY_COLUMNS.items() if pa.types.is_floating(kind)]
_INTEGERS = [name for name, kind in PROPERTY_COLUMNS.items() if pa.types.is_integer(kind)]

_SHARD_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": [*_INTEGERS, "source"],
    "column_encoding": {
        "row": "DELTA_BINARY_PACKED",
        "line": "DELTA_BINARY_PACKED",
        **dict.fromkeys(_FLOATS, "BYTE_STREAM_SPLIT"),
    },
}


@dataclasses.dataclass(frozen=True)
class ShardPlan:
    """What the second and third pass know of the parts (``plan.json`` in the build folder).

    Attributes
    ----------
    build : Path
    names : tuple of str
        Part names in input order.
    rows : tuple of int
        Standard molecules in each.
    firsts : tuple of int
        Global position of each part's first molecule.
    rejects : tuple of bool
        Whether the part has rejects.
    buckets : int
    """

    build: Path
    names: tuple[str, ...]
    rows: tuple[int, ...]
    firsts: tuple[int, ...]
    rejects: tuple[bool, ...]
    buckets: int

    def key_files(self, kind: str) -> list[KeyFile]:
        """Return the files of sorted keys: ``keys`` or ``ids``."""
        return [
            KeyFile(str(self.build / "parts" / f"{name}.{kind}"), rows, first)
            for name, rows, first in zip(self.names, self.rows, self.firsts, strict=True)
        ]

    def pair_files(self) -> list[str]:
        """Return the files of duplicates, one per bucket."""
        return [str(self.build / "pairs" / f"pairs-{bucket:05d}.npy") for bucket in range(self.buckets)]

    @property
    def kept_file(self) -> Path:
        """The file that says which molecules stay."""
        return self.build / "kept.bin"


@lru_cache(maxsize=2)
def load_plan(build: str, fingerprint: str) -> ShardPlan:
    """Return the plan in ``build``; ``fingerprint`` keeps a cached plan of an earlier build from being used."""
    value = read_json(Path(build) / "plan.json")
    if value["fingerprint"] != fingerprint:
        raise InputError(f"{build}/plan.json belongs to another build.", "Delete the folder and start again.")
    lists = {name: tuple(value[name]) for name in ("names", "rows", "firsts", "rejects")}
    return ShardPlan(Path(build), buckets=value["buckets"], **lists)


@lru_cache(maxsize=2)
def _load_kept(path: str, fingerprint: str) -> Kept:
    return Kept(path)


def pair_bucket(job: Mapping[str, Any]) -> dict[str, Any]:
    """Find the duplicates in one bucket of keys (``job["bucket"]``) and write them."""
    build = Path(job["build"])
    if done := is_done(build, job["task"], job["fingerprint"]):
        return done.to_json()
    watch = Stopwatch()
    plan = load_plan(job["build"], job["plan"])
    table, positions = read_bucket(plan.key_files("keys"), job["bucket"], plan.buckets)
    pairs = find_pairs(table, positions)
    path = Path(plan.pair_files()[job["bucket"]])
    write_pairs(path, pairs)
    receipt = Receipt(
        task=job["task"],
        kind="pairs",
        fingerprint=job["fingerprint"],
        rows_in=len(table),
        rows_out=len(pairs),
        outputs=(record_file(path, build),),
        seconds=watch.seconds,
    )
    write_receipt(build, receipt)
    return receipt.to_json()


def count_repeated_ids(job: Mapping[str, Any]) -> dict[str, Any]:
    """Count the molecules that stay and have an id that an earlier one has, in one bucket of ids."""
    build = Path(job["build"])
    if done := is_done(build, job["task"], job["fingerprint"]):
        return done.to_json()
    watch = Stopwatch()
    plan = load_plan(job["build"], job["plan"])
    table, positions = read_bucket(plan.key_files("ids"), job["bucket"], plan.buckets)
    stay = _load_kept(str(plan.kept_file), job["plan"]).flags[positions] == 1
    repeated = find_pairs(table[stay], positions[stay])
    receipt = Receipt(
        task=job["task"],
        kind="ids",
        fingerprint=job["fingerprint"],
        rows_in=len(table),
        rows_out=len(repeated),
        seconds=watch.seconds,
    )
    write_receipt(build, receipt)
    return receipt.to_json()


def write_shard(job: Mapping[str, Any]) -> dict[str, Any]:
    """Write one shard: rows ``first_row`` to ``first_row + rows`` out of parts ``parts[0]`` to ``parts[1]``."""
    build = Path(job["build"])
    if done := is_done(build, job["task"], job["fingerprint"]):
        return done.to_json()
    watch = Stopwatch()
    path = Path(job["out"]) / job["path"]
    summary = PropertySummary()
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, LIBRARY_SCHEMA, **_SHARD_OPTIONS) as writer,
    ):
        row = job["first_row"]
        for table in _rechunked(_kept_rows(job), STREAM_ROWS):
            numbers = pa.array(np.arange(row, row + len(table)), pa.int64())
            table = table.add_column(0, LIBRARY_SCHEMA.field("row"), numbers).cast(LIBRARY_SCHEMA)
            writer.write_table(table, row_group_size=STREAM_ROWS)
            summary.add(table)
            row += len(table)
    written = row - job["first_row"]
    if written != job["rows"]:
        raise RuntimeError(
            f"{path} has {written} rows instead of {job['rows']}: the parts disagree with the plan"
        )
    receipt = Receipt(
        task=job["task"],
        kind="shard",
        fingerprint=job["fingerprint"],
        rows_in=job["rows"],
        rows_out=written,
        outputs=(record_file(path, build),),
        seconds=watch.seconds,
        facts={"properties": summary.to_json()},
    )
    write_receipt(build, receipt)
    return receipt.to_json()


def _kept_rows(job: Mapping[str, Any]) -> Iterator[pa.Table]:
    """Yield the molecules of one shard, in order, as tables without row numbers."""
    plan = load_plan(job["build"], job["plan"])
    kept = _load_kept(str(plan.kept_file), job["plan"])
    start, stop = job["first_row"], job["first_row"] + job["rows"]
    for part in range(job["parts"][0], job["parts"][1]):
        position = plan.firsts[part]
        row = kept.rank(position)
        with pq.ParquetFile(plan.build / "parts" / f"{plan.names[part]}.parquet") as file:
            for batch in file.iter_batches(STREAM_ROWS):
                flags = kept.flags[position : position + len(batch)] == 1
                table = pa.Table.from_batches([batch]).filter(pa.array(flags))
                position += len(batch)
                low, high = max(start - row, 0), min(stop - row, len(table))
                row += len(table)
                if high > low:
                    yield table.slice(low, high - low)


def _rechunked(tables: Iterator[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Yield the same rows in tables of exactly ``rows`` rows; the last may be shorter."""
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += len(table)
        while count >= rows:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, rows).combine_chunks()
            waiting, count = [whole.slice(rows)], count - rows
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


class PropertySummary:
    """Least, greatest and mean value of each property, table by table."""

    def __init__(self) -> None:
        self.low: dict[str, float] = {}
        self.high: dict[str, float] = {}
        self.total: dict[str, float] = {}
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Take in a table with the property columns."""
        self.rows += len(table)
        for name in PROPERTY_COLUMNS:
            values = table.column(name).to_numpy().astype(np.float64)
            if len(values):
                self.merge(name, float(values.min()), float(values.max()), float(values.sum()))

    def merge(self, name: str, low: float, high: float, total: float) -> None:
        """Take in the summary of some more rows."""
        self.low[name] = min(low, self.low.get(name, low))
        self.high[name] = max(high, self.high.get(name, high))
        self.total[name] = self.total.get(name, 0.0) + total

    def to_json(self) -> dict[str, dict[str, float]]:
        """Return the summary as JSON values."""
        return {
            name: {"min": self.low[name], "max": self.high[name], "sum": self.total[name]}
            for name in self.low
        }


def write_ledger(job: Mapping[str, Any]) -> dict[str, Any]:
    """Write the rejects and the duplicates of parts ``parts[0]`` to ``parts[1]``."""
    build = Path(job["build"])
    if done := is_done(build, job["task"], job["fingerprint"]):
        return done.to_json()
    watch = Stopwatch()
    plan = load_plan(job["build"], job["plan"])
    outputs, counts = [], {}
    for kind, schema, tables in (
        ("rejects", REJECT_SCHEMA, _reject_tables(plan, job["parts"])),
        ("duplicates", DUPLICATE_SCHEMA, _duplicate_tables(plan, job)),
    ):
        path = Path(job["out"]) / kind / f"{kind}-{job['number']:05d}.parquet"
        counts[kind] = _write_tables(path, schema, tables)
        if counts[kind]:
            outputs.append(path)
    receipt = Receipt(
        task=job["task"],
        kind="ledger",
        fingerprint=job["fingerprint"],
        rows_out=sum(counts.values()),
        outputs=tuple(record_file(path, build) for path in outputs),
        seconds=watch.seconds,
        counts=counts,
    )
    write_receipt(build, receipt)
    return receipt.to_json()


def _write_tables(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> int:
    """Write ``tables`` to one file and return the rows; no rows, no file."""
    first = next((table for table in tables if len(table)), None)
    if first is None:
        return 0
    rows = 0
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for table in _chain(first, tables):
            writer.write_table(table.cast(schema))
            rows += len(table)
    return rows


def _chain(first: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from rest


def _reject_tables(plan: ShardPlan, parts: Sequence[int]) -> Iterator[pa.Table]:
    for part in range(parts[0], parts[1]):
        if plan.rejects[part]:
            with pq.ParquetFile(plan.build / "parts" / f"{plan.names[part]}.rejects.parquet") as file:
                yield file.read()


def _duplicate_tables(plan: ShardPlan, job: Mapping[str, Any]) -> Iterator[pa.Table]:
    kept = _load_kept(str(plan.kept_file), job["plan"])
    for part in range(job["parts"][0], job["parts"][1]):
        first, rows = plan.firsts[part], plan.rows[part]
        pairs = read_pairs(plan.pair_files(), first, first + rows)
        if not len(pairs):
            continue
        chosen: NDArray[np.int64] = pairs[:, 0] - first
        with pq.ParquetFile(plan.build / "parts" / f"{plan.names[part]}.parquet") as file:
            table = file.read(columns=["source", "line", "id", "smiles"]).take(pa.array(chosen))
        yield table.append_column("kept_row", pa.array(kept.ranks(pairs[:, 1]), pa.int64()))
