"""Hits as somebody looks at them: a table that prints a few good lines, and drawings in a notebook."""

from __future__ import annotations

import html
import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from ...data.errors import InputError

SHOWN = 10
"""Molecules that are printed or drawn; all of them are in the table."""
_WIDTH = 100
_SMILES = 46
_PREFERRED = (
    "rank",
    "target",
    "id",
    "final_score",
    "docked_score",
    "predicted_mean",
    "selectivity",
    "worst_score",
)
_FAILED = ("target", "stage", "id", "failure", "meaning")


class HitTable:
    """A table of molecules from a campaign: a :class:`pyarrow.Table` that shows itself in a few lines.

    Whatever a :class:`pyarrow.Table` has, this has too (``column_names``, ``num_rows``, ``select``, ``filter``,
    ``to_pylist`` ...), and libraries that read Arrow data take it as it is (``pandas``, ``polars``, ``duckdb``,
    ``pyarrow.table(hits)``). For functions that insist on a :class:`pyarrow.Table` there is ``table``.

    Attributes
    ----------
    table : pyarrow.Table
        All rows and columns.

    Examples
    --------
    >>> best = docksieve.hits("campaign", top=3, target="EGFR")
    >>> len(best), best["rank"].to_pylist(), best.column_names[:3]
    (3, [1, 2, 3], ['rank', 'target', 'id'])
    >>> [row["rank"] for row in best]
    [1, 2, 3]
    >>> best.to_pandas().shape[0]
    3
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __getattr__(self, name: str) -> Any:
        if (
            name.startswith("__") or name == "table"
        ):  # what copying and pickling look for before there is a table
            raise AttributeError(name)
        return getattr(self.table, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self.table)})

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the molecules as dicts, best first."""
        for batch in self.table.to_batches():
            yield from batch.to_pylist()

    def __getitem__(self, key: int | str | slice) -> Any:
        """Return a column by its name or number, as a :class:`pyarrow.Table` does; a slice of molecules as a table."""
        found = self.table[key]
        return HitTable(found) if isinstance(found, pa.Table) else found

    def __eq__(self, other: object) -> bool:
        return bool(self.table.equals(other.table if isinstance(other, HitTable) else other))

    __hash__ = None  # type: ignore[assignment]  # as tables have none

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)

    def to_pandas(self, **options: Any) -> Any:
        """Return the table as a :class:`pandas.DataFrame`; ``options`` are those of :meth:`pyarrow.Table.to_pandas`.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        return frame_of(self.table, options)

    def __repr__(self) -> str:
        return "\n".join([_headline(self.table), *_lines(self.table)])

    def _repr_html_(self) -> str:
        return html_of(self.table)


def frame_of(table: pa.Table, options: dict[str, Any] | None = None) -> Any:
    """Return ``table`` as a :class:`pandas.DataFrame`.

    Raises
    ------
    InputError
        If pandas is not installed.
    """
    try:
        importlib.import_module("pandas")
    except ImportError:
        raise InputError(
            "pandas is not installed, and a DataFrame is made by it.",
            "Install it with the extra of that name: pip install 'docksieve[pandas]'.",
        ) from None
    return table.to_pandas(**(options or {}))


def _headline(table: pa.Table) -> str:
    """Return what the table holds, in a line."""
    count = table.num_rows
    words = f"{count:,} molecule{'' if count == 1 else 's'}"
    for name, link in (("target", "of"), ("unit", "in")):
        if name in table.column_names and count:
            values = [str(value) for value in table[name].unique().to_pylist() if value is not None]
            words += f" {link} {', '.join(values[:4])}{' ...' if len(values) > 4 else ''}" if values else ""
    return f"{words}; {table.num_columns} columns (.column_names)"


def _columns(table: pa.Table) -> list[str]:
    """Return the columns that are worth a look: those that hold anything."""
    wanted = _FAILED if "failure" in table.column_names else _PREFERRED
    there = [name for name in wanted if name in table.column_names]
    filled = [name for name in there if table[name].null_count < len(table)]
    if "target" in filled and len(table["target"].unique()) == 1:
        filled.remove("target")  # the headline has it
    return filled or table.column_names[:6]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.2f}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= _SMILES else f"{text[: _SMILES - 3]}..."


def _lines(table: pa.Table) -> list[str]:
    """Return the first molecules in columns, and how many there are besides; no line longer than a terminal's."""
    if not table.num_rows:
        return []
    names = _columns(table)
    head = table.slice(0, SHOWN)
    columns = [[name.replace("_", " "), *map(_cell, head[name].to_pylist())] for name in names]
    lines = _aligned(columns, [_is_number(table, name) for name in names])
    if "smiles" in table.column_names:
        room = max(12, _WIDTH - max(map(len, lines)) - 2)
        smiles = ["smiles", *map(str, head["smiles"].to_pylist())]
        cut = [text if len(text) <= room else f"{text[: room - 3]}..." for text in smiles]
        lines = [f"{line}  {text}" for line, text in zip(lines, cut, strict=True)]
    more = table.num_rows - head.num_rows
    return [*lines, *([f"... and {more:,} more"] if more else [])]


def _aligned(columns: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    widths = [max(map(len, column)) for column in columns]
    padded = [
        [text.rjust(width) if side else text.ljust(width) for text in column]
        for column, width, side in zip(columns, widths, right, strict=True)
    ]
    return [
        "  ".join(cells).rstrip() if len(cells) == 1 else "  ".join(cells)
        for cells in zip(*padded, strict=True)
    ]


def _is_number(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def html_of(table: pa.Table, notes: Sequence[str] = ()) -> str:
    """Return the first molecules as HTML, drawn; everything that comes from a file is escaped."""
    parts = [f"<p>{html.escape(_headline(table))}</p>"]
    if table.num_rows:
        names = _columns(table)
        drawn = "smiles" in table.column_names
        head = table.slice(0, SHOWN)
        titles = [*(["structure"] if drawn else []), *(name.replace("_", " ") for name in names)]
        rows = []
        for row in head.to_pylist():
            cells = [_structure(str(row["smiles"]))] if drawn else []
            cells += [f"<td>{html.escape(_cell(row[name]))}</td>" for name in names]
            rows.append(f"<tr>{''.join(cells)}</tr>")
        heads = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
        parts.append(f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>")
        if more := table.num_rows - head.num_rows:
            parts.append(f"<p>... and {more:,} more</p>")
    parts += [f"<p>{html.escape(note)}</p>" for note in notes]
    return "".join(parts)


def _structure(smiles: str) -> str:
    """Return a cell with a molecule's drawing; its SMILES where it cannot be drawn."""
    from ..chemistry.depict import drawing

    shown = html.escape(smiles)
    try:
        svg = drawing(smiles, 160, 110)
    except InputError:
        return f"<td>{shown}</td>"
    return f'<td title="{shown}">{svg[svg.index("<svg") :]}</td>'
