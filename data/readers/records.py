"""Records out of chunks: identity, structure and original text of every molecule that a file offers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from ..errors import InputError
from .detect import detect_columns
from .id_columns import choose_property, says_smiles
from .layout import CX_EXTENSION, SAMPLE_ROWS, Layout, ReadingSettings, decode, split_line

_PROPERTY = re.compile(r"^>.*<([^>]*)>")


@dataclass(frozen=True)
class Record:
    """One molecule as the file has it.

    Attributes
    ----------
    line : int
        Line, counted from 1, on which it begins; the row from 1 in a Parquet file.
    id : str
        Empty: the file has none.
    structure : str
        SMILES, or mol block for SDF.
    text : str
        What to show if the record is rejected.
    problem : tuple of str, optional
        Code and reason, where it is known already that there is no molecule.
    extension : str
        The CXSMILES extension of the structure, with its bars; empty: there is none.
    """

    line: int
    id: str
    structure: str
    text: str
    problem: tuple[str, str] | None = None
    extension: str = ""


@dataclass
class LineCounts:
    """Lines that are no records."""

    blank: int = 0
    comments: int = 0
    headers: int = 0
    extensions: int = 0  # records with a CXSMILES extension, of which stereo groups are kept


def text_records(payload: bytes, first_line: int, layout: Layout, counts: LineCounts) -> Iterator[Record]:
    """Yield the records of a chunk of text lines; ``counts`` gets what is no record."""
    newline = layout.newline.encode()
    lines = payload.split(newline)
    if lines and not lines[-1]:
        lines.pop()  # what follows the last line end is no line
    if first_line == 1 and lines:
        lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
    for number, raw in enumerate(lines, first_line):
        line = decode(raw).strip("\r\n")
        if number == layout.header_line:
            counts.headers += 1
        elif not line.strip():
            counts.blank += 1
        elif layout.comment and line.lstrip().startswith(layout.comment):
            counts.comments += 1
        else:
            record = _text_record(number, line, layout)
            if record.extension:
                counts.extensions += 1
            yield record


def _text_record(number: int, line: str, layout: Layout) -> Record:
    fields = split_line(line, layout.delimiter)
    structure = fields[layout.smiles].strip() if layout.smiles < len(fields) else ""
    if " " in structure or "\t" in structure:
        structure = structure.split(None, 1)[0]  # a title behind the SMILES, as RDKit reads it
    identifier = ""
    if layout.rest_is_id:
        identifier = " ".join(fields[layout.smiles + 1 :])
    elif layout.id is not None and layout.id < len(fields):
        identifier = fields[layout.id].strip()
    return Record(
        number, identifier, structure, line, extension=_extension(line, structure, layout.delimiter)
    )


def _extension(line: str, structure: str, delimiter: str = "") -> str:
    """Return the CXSMILES extension that stands behind the structure in a line, if there is one."""
    if "|" not in line or delimiter == "|" or not structure:
        return ""
    found = CX_EXTENSION.search(line)
    if found is None or not line[: found.start()].endswith((structure, f'{structure}"')):
        return ""
    return found.group(1)


def sdf_records(payload: bytes, first_line: int, layout: Layout) -> Iterator[Record]:
    """Yield the records of a chunk of an SD file."""
    lines = _lines_of(decode(payload), layout.newline)
    if lines and not lines[-1]:
        lines.pop()
    start = 0
    for index in range(len(lines) + 1):
        at_end = index == len(lines)
        if not at_end and not lines[index].startswith("$$$$"):
            continue
        block = lines[start:index]
        if any(line.strip() for line in block):
            yield _sdf_record(block, first_line + start, layout)
        elif not at_end:
            yield Record(first_line + start, "", "", "$$$$")
        start = index + 1


def _lines_of(text: str, newline: str) -> list[str]:
    return (text.replace("\r\n", "\n") if newline == "\n" else text).split(newline)


def sdf_id_property(head: bytes, newline: str) -> str:
    """Return the property that holds the ids of an SD file, from its first bytes; empty: its title lines do."""
    lines = _lines_of(decode(head), newline)
    records, start = [], 0
    for index, line in enumerate(lines):
        if line.startswith("$$$$"):
            block = lines[start:index]
            if any(line.strip() for line in block):
                end = end_of_block(block)
                records.append((block[0], "\n".join(block[3:end]), dict(sdf_properties(block[end:]))))
            start = index + 1
    return choose_property(records[:SAMPLE_ROWS])


def end_of_block(lines: list[str]) -> int:
    """Return the line that ends a mol block: ``M  END``, or the one before its data where there is none."""
    for at, line in enumerate(lines):
        if line.startswith("M  END"):
            return at
        if at > 3 and _PROPERTY.match(line):
            return at - 1
    return len(lines) - 1


def sdf_properties(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the data fields of an SD record: name and first line of text."""
    for at, line in enumerate(lines[:-1]):
        if found := _PROPERTY.match(line):
            yield found.group(1), lines[at + 1].strip()


def _sdf_record(lines: list[str], number: int, layout: Layout) -> Record:
    end = end_of_block(lines)
    identifier = lines[0].strip()
    if layout.id_name:
        identifier = next(
            (value for name, value in sdf_properties(lines[end:]) if name == layout.id_name), ""
        )
    return Record(number, identifier, "\n".join(lines[: end + 1]) + "\n", "\n".join(lines))


def table_kind(head: bytes) -> str:
    """Return ``parquet`` or ``arrow`` for the first bytes of such a file, else an empty string."""
    if head.startswith(b"PAR1"):
        return "parquet"
    return "arrow" if head.startswith((b"ARROW1", b"FEA1")) else ""


class TableFile:
    """A Parquet or Feather file, read a few rows at a time.

    Raises
    ------
    InputError
        If the file is damaged.
    """

    def __init__(self, path: str, kind: str) -> None:
        self.path, self.kind = path, kind
        self._table: pa.Table | None = None
        self._parquet: pq.ParquetFile | None = None
        try:
            if kind == "parquet":
                self._parquet = pq.ParquetFile(path, memory_map=True)
                self.schema, self.rows = self._parquet.schema_arrow, self._parquet.metadata.num_rows
            else:  # mapped, so that reading a few rows touches only those
                self._table = pyarrow.feather.read_table(path, memory_map=True)
                self.schema, self.rows = self._table.schema, self._table.num_rows
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{path} is not a readable {kind} file: {error}.", "Fetch or write it again."
            ) from None

    def text_columns(self) -> list[str]:
        """Return the columns that hold text, whole numbers included (ids often are)."""
        return [field.name for field in self.schema if _is_text(field.type) or _is_whole(field.type)]

    def read(self, columns: list[str], start: int, count: int) -> pa.Table:
        """Return ``count`` rows from ``start`` as text columns."""
        try:
            table = self._read(columns, start, count)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path} cannot be read at row {start + 1}: {error}.") from None
        texts = [_as_text(table.column(name)) for name in columns]
        return pa.table(dict(zip(columns, texts, strict=True))) if columns else table

    def _read(self, columns: list[str], start: int, count: int) -> pa.Table:
        if self._table is not None:
            return self._table.select(columns).slice(start, count)
        assert self._parquet is not None
        groups, before, first = [], 0, None
        for group in range(self._parquet.num_row_groups):
            rows = self._parquet.metadata.row_group(group).num_rows
            if before + rows > start and before < start + count:
                first = before if first is None else first
                groups.append(group)
            before += rows
        return self._parquet.read_row_groups(groups, columns=columns).slice(start - (first or 0), count)

    def layout(self, name: str, settings: ReadingSettings) -> Layout:
        """Return which columns hold SMILES and ids."""
        columns = self.text_columns()
        self._refuse_kinds(columns, name, settings)
        sample = self.read(columns, 0, 200) if columns and self.rows else None
        rows = []
        if sample is not None:
            rows = [
                [cell or "" for cell in row]
                for row in zip(*(c.to_pylist() for c in sample.columns), strict=True)
            ]
        return detect_columns(columns, rows, self.kind, name, settings)

    def _refuse_kinds(self, columns: list[str], name: str, settings: ReadingSettings) -> None:
        """Refuse a column that is asked for, or called SMILES, and holds no text: lists, structs, numbers."""
        others = {field.name: str(field.type) for field in self.schema if field.name not in columns}
        lowered = {each.lower(): each for each in others}
        for asked, option in (
            (settings.smiles_column, "--smiles-column"),
            (settings.id_column, "--id-column"),
        ):
            if asked is not None and asked not in columns and asked.lower() in lowered:
                raise _not_text(name, lowered[asked.lower()], others, option)
        if settings.smiles_column is None and not any(map(says_smiles, columns)):
            for each in filter(says_smiles, others):
                raise _not_text(name, each, others, "--smiles-column")


def _not_text(name: str, column: str, kinds: dict[str, str], option: str) -> InputError:
    return InputError(
        f"The column {column!r} of {name} holds no text: its type is {kinds[column]}.",
        f"Write it as strings, one a row, or name another column with {option}.",
    )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or _is_bytes(kind)
    )


def _is_whole(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0)


def _is_bytes(kind: pa.DataType) -> bool:
    return (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if _is_bytes(column.type):
        return pa.chunked_array(
            [pa.array([None if v is None else decode(v) for v in column.to_pylist()], pa.string())]
        )
    return column.cast(pa.string())


def table_records(path: str, layout: Layout, start: int, count: int, counts: LineCounts) -> Iterator[Record]:
    """Yield ``count`` records of a Parquet or Feather file from row ``start`` (from 0)."""
    columns = [layout.smiles_name, *([layout.id_name] if layout.id_name else [])]
    table = TableFile(path, layout.kind).read(columns, start, count)
    structures = table.column(0).to_pylist()
    ids = table.column(1).to_pylist() if layout.id_name else [None] * len(structures)
    for index, (structure, identifier) in enumerate(zip(structures, ids, strict=True)):
        whole = (structure or "").strip()
        smiles = whole.split(None, 1)[0] if " " in whole or "\t" in whole else whole
        name = (identifier or "").strip()
        extension = _extension(whole, smiles)
        if extension:
            counts.extensions += 1
        yield Record(
            start + index + 1, name, smiles, f"{structure or ''} {name}".strip(), extension=extension
        )


def stem(name: str) -> str:
    """Return what derived ids of a file begin with: its name without folders and endings."""
    if name == "-":
        return "stdin"
    base = Path(name).name
    for ending in (".gz", ".zst", ".bz2", ".xz", ".zip", ".tar"):
        base = base.removesuffix(ending)
    return Path(base).stem or base


def any_records(kind: str, chunk: Any, layout: Layout, counts: LineCounts) -> Iterator[Record]:
    """Yield the records of a chunk of whichever kind (see :mod:`docksieve.data.libraries.part_tasks`)."""
    if kind == "text":
        return text_records(chunk["payload"], chunk["first_line"], layout, counts)
    if kind == "sdf":
        return sdf_records(chunk["payload"], chunk["first_line"], layout)
    return table_records(chunk["path"], layout, chunk["start"], chunk["count"], counts)
