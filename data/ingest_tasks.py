"""The steps of a library build that workers perform: plain functions of a job, each leaving a receipt.

Every step is a function of its job's content alone. Which worker does it, when, and how often it was tried
before leaves no trace in its outputs, so that an interrupted build ends with the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .dedupe import (
    Kept,
    KeyFile,
    find_pairs,
    hash_texts,
    read_bucket,
    read_pairs,
    write_keys,
    write_pairs,
)
from .errors import InputError
from .molecules import (
    MoleculeError,
    StandardSettings,
    mol_from_block,
    properties,
    rdkit_messages,
    standardise,
)
from .readers_layout import Layout
from .readers_records import LineCounts, Record, any_records
from .receipts import Receipt, Stopwatch, is_done, write_receipt
from .schema import DUPLICATE_SCHEMA, LIBRARY_SCHEMA, PROPERTY_COLUMNS, REJECT_SCHEMA, STREAM_ROWS
from .store import atomic_path, read_json, record_file

REJECT_TEXT = 1000
"""Characters kept of a rejected record; what is cut is said in the text itself."""

PART_SCHEMA = pa.schema([field for field in LIBRARY_SCHEMA if field.name != "row"])
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


def standardise_chunk(job: Mapping[str, Any]) -> dict[str, Any]:
    """Turn one chunk of input into a part: standard molecules with properties and keys, and rejects.

    Parameters
    ----------
    job : mapping
        ``build`` (folder), ``task``, ``fingerprint``, ``source``, ``stem``, ``kind``, ``layout``,
        ``settings`` and the chunk: ``payload`` and ``first_line``, or ``path``, ``start`` and ``count``.

    Returns
    -------
    dict
        The receipt as JSON values.
    """
    build = Path(job["build"])
    if done := is_done(build, job["task"], job["fingerprint"]):
        return done.to_json()
    watch = Stopwatch()
    counts, reasons = LineCounts(), Counter[str]()
    layout = Layout(**job["layout"])
    records = (
        _product_records(job) if job["kind"] == "products" else any_records(job["kind"], job, layout, counts)
    )
    with watch("standardise"), rdkit_messages():
        columns, rejects, total = _standardise_records(records, job, reasons)
    with watch("write"):
        outputs = _write_part(build, job, columns, rejects)
    rows = len(columns["smiles"])
    receipt = Receipt(
        task=job["task"],
        kind="part",
        fingerprint=job["fingerprint"],
        rows_in=total,
        rows_out=rows,
        outputs=tuple(record_file(path, build) for path in outputs),
        seconds=watch.seconds,
        counts={
            # In SDF and tables a record is the unit, in text the line.
            "lines": job["lines"] if job["kind"] == "text" else total,
            "records": total,
            **dataclasses.asdict(counts),
        },
        facts={"reasons": dict(sorted(reasons.items())), "source": job["source"]},
    )
    write_receipt(build, receipt)
    return receipt.to_json()


def _product_records(job: Mapping[str, Any]) -> Iterator[Record]:
    from .enumerate import product_records  # here only: enumeration reads reagents with this module's help

    return product_records(job["path"], job["start"], job["count"])


def _standardise_records(
    records: Iterator[Record], job: Mapping[str, Any], reasons: Counter[str]
) -> tuple[dict[str, list[Any]], list[tuple[int, str, str, str]], int]:
    """Return the columns of the part, its rejects (line, text, code, reason) and the number of records."""
    settings = StandardSettings(**job["settings"])
    from_block = job["kind"] == "sdf"
    stem = job["stem"]
    lines: list[int] = []
    ids: list[str] = []
    smiles: list[str] = []
    values: list[tuple[float, ...]] = []
    rejects: list[tuple[int, str, str, str]] = []
    total = 0
    for record in records:
        total += 1
        try:
            standard = _standard_of(record, from_block, settings)
            row = properties(standard.mol)
        except MoleculeError as error:
            reasons[error.code] += 1
            rejects.append((record.line, _capped(record.text), error.code, error.message))
            continue
        except (RuntimeError, ValueError, OverflowError) as error:  # RDKit's C++ exceptions
            reasons["sanitise"] += 1
            reason = str(error).strip().splitlines() or [type(error).__name__]
            rejects.append((record.line, _capped(record.text), "sanitise", reason[0]))
            continue
        lines.append(record.line)
        ids.append(record.id or f"{stem}:{record.line}")
        smiles.append(standard.smiles)
        values.append(row)
    by_property = zip(*values, strict=True) if values else ((),) * len(PROPERTY_COLUMNS)
    columns: dict[str, list[Any]] = {"id": ids, "smiles": smiles}
    columns.update(zip(PROPERTY_COLUMNS, map(list, by_property), strict=True))
    columns["source"] = [job["source"]] * len(lines)
    columns["line"] = lines
    return columns, rejects, total


def _standard_of(record: Record, from_block: bool, settings: StandardSettings) -> Any:
    if record.problem:
        raise MoleculeError(*record.problem)
    if not record.structure:
        raise MoleculeError("missing", "there is no structure where one is expected")
    return standardise(mol_from_block(record.structure) if from_block else record.structure, settings)


def _capped(text: str) -> str:
    text = text.replace("\0", "\N{SYMBOL FOR NULL}")
    if len(text) <= REJECT_TEXT:
        return text
    return f"{text[:REJECT_TEXT]} ... [cut: {len(text)} characters in all]"


def _write_part(
    build: Path,
    job: Mapping[str, Any],
    columns: dict[str, list[Any]],
    rejects: list[tuple[int, str, str, str]],
) -> list[Path]:
    number = Path(job["task"]).name
    outputs = [build / "parts" / f"{number}.parquet"]
    table = pa.table(columns, schema=PART_SCHEMA)
    with atomic_path(outputs[0]) as temporary:
        pq.write_table(table, temporary, compression="zstd", compression_level=1)
    for name, texts in (("keys", columns["smiles"]), ("ids", columns["id"])):
        outputs.append(build / "parts" / f"{number}.{name}")
        write_keys(outputs[-1], hash_texts(texts))
    if rejects:
        lines, texts, codes, reasons = (list(column) for column in zip(*rejects, strict=True))
        sources = [job["source"]] * len(lines)
        data = [sources, lines, texts, codes, reasons]
        outputs.append(build / "parts" / f"{number}.rejects.parquet")
        with atomic_path(outputs[-1]) as temporary:
            pq.write_table(pa.table(data, schema=REJECT_SCHEMA), temporary, compression="zstd")
    return outputs


@dataclasses.dataclass(frozen=True)
class Plan:
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
def load_plan(build: str, fingerprint: str) -> Plan:
    """Return the plan in ``build``; ``fingerprint`` keeps a cached plan of an earlier build from being used."""
    value = read_json(Path(build) / "plan.json")
    if value["fingerprint"] != fingerprint:
        raise InputError(f"{build}/plan.json belongs to another build.", "Delete the folder and start again.")
    lists = {name: tuple(value[name]) for name in ("names", "rows", "firsts", "rejects")}
    return Plan(Path(build), buckets=value["buckets"], **lists)


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


def _reject_tables(plan: Plan, parts: Sequence[int]) -> Iterator[pa.Table]:
    for part in range(parts[0], parts[1]):
        if plan.rejects[part]:
            with pq.ParquetFile(plan.build / "parts" / f"{plan.names[part]}.rejects.parquet") as file:
                yield file.read()


def _duplicate_tables(plan: Plan, job: Mapping[str, Any]) -> Iterator[pa.Table]:
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
