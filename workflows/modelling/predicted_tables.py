"""Tables of predictions that are written while they are made: Parquet or CSV, by the name of the file."""

from __future__ import annotations

import contextlib
import gzip
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ...data.errors import ConfigError
from ...data.store import atomic_path

ENDINGS = (".parquet", ".csv", ".csv.gz")


class Sink(Protocol):
    """Takes the rows of a table, piece by piece."""

    def write(self, table: pa.Table) -> None:
        """Add rows."""


def check_name(out: str | Path, replaced: bool) -> None:
    """Refuse a name that does not say how to write, or a file that must stay.

    Raises
    ------
    ConfigError
    """
    if str(out) == "-":
        return
    path = Path(out)
    if not path.name.endswith(ENDINGS):
        raise ConfigError(
            f"{path} ends in none of {', '.join(ENDINGS)}.", "The ending says how to write; - is CSV."
        )
    if path.is_dir() or (path.exists() and not replaced):
        raise ConfigError(f"{path} exists already.", "Choose another --out, or give --force.")


@contextlib.contextmanager
def open_sink(out: str | Path, schema: pa.Schema) -> Iterator[Sink]:
    """Yield what takes the rows of a table of ``schema``; the file appears whole, at the end, or not at all.

    Parameters
    ----------
    out : path
        ``.parquet``, ``.csv``, ``.csv.gz``; ``-`` is CSV on standard output.
    schema : Schema
    """
    with contextlib.ExitStack() as stack:
        if str(out) == "-":
            yield _CsvSink(sys.stdout.buffer, schema)
            sys.stdout.buffer.flush()
            return
        path = stack.enter_context(atomic_path(out))
        if str(out).endswith(".parquet"):
            yield _ParquetSink(stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd")))
            return
        raw = stack.enter_context(path.open("wb"))
        packed: IO[bytes] = raw
        if str(out).endswith(".gz"):
            packed = cast("IO[bytes]", gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0))
            stack.callback(packed.close)
        yield _CsvSink(packed, schema)


class _ParquetSink:
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)


class _CsvSink:
    """CSV that a spreadsheet cannot take for formulas: texts that begin like one get an apostrophe in front."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema) -> None:
        self._stream = stream
        pa_csv.write_csv(schema.empty_table(), stream)

    def write(self, table: pa.Table) -> None:
        for place, item in enumerate(table.schema):
            if pa.types.is_string(item.type) and item.name not in ("given", "smiles"):
                safe = pc.replace_substring_regex(table[item.name], r"\A([=+\-@\t\r])", r"'\1")
                table = table.set_column(place, item.name, safe)
        pa_csv.write_csv(table, self._stream, pa_csv.WriteOptions(include_header=False))


def with_metadata(schema: pa.Schema, values: Mapping[str, str]) -> pa.Schema:
    """Return ``schema`` with texts that say where a table comes from, under ``docksieve.KEY``."""
    return schema.with_metadata({f"docksieve.{key}": value for key, value in values.items()})
