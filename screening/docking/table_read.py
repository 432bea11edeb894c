"""Reading a table of scores in whatever form people keep them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from ...data.errors import InputError
from ...data.readers.spreadsheets import refuse_workbook
from ...data.scores.poses import PoseTable, best_poses, read_poses
from ...data.words import plural

_SMILES_NAMES = ("smiles", "canonical_smiles", "isomeric_smiles", "smi", "structure", "cxsmiles")
_ID_WORDS = (
    "id smilesid name zinc_id zincid catalog_id idnumber compound_id molecule_id mol_id title code molecule"
)
_ID_NAMES = _ID_WORDS.split()
_SCORE_WORDS = (
    "score docking_score dockscore dock_score affinity binding_affinity vina vina_score energy gridscore grid_score "
    "r_i_docking_score minimizedaffinity"
)
_SCORE_NAMES = _SCORE_WORDS.split()
_PROPERTY_WORDS = (
    "mw molwt mol_weight molecular_weight mass exact_mass hac heavy_atoms logp clogp slogp xlogp logs logd tpsa psa "
    "hba hbd rtb rotb rotatable_bonds fsp3 qed price sa_score"
)
_PROPERTIES = frozenset(_PROPERTY_WORDS.split())
"""Columns of catalogues, which are no scores."""
_NO_SCORE = frozenset({"", "na", "n/a", "nan", "none", "null", "-", "failed", "fail"})
_SAMPLE = 50


@dataclass(frozen=True)
class ScoreRow:
    """One line of a table of scores; ``score`` is None where there is none."""

    line: int
    smiles: str
    id: str
    score: float | None


@dataclass(frozen=True)
class ScoreTable:
    """A table of scores as read, with what it has, and how it was understood."""

    rows: list[ScoreRow]
    has_smiles: bool
    has_ids: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Columns:
    smiles: int | None
    id: int | None
    score: int


@dataclass(frozen=True)
class Cells:
    """A table as text.

    Attributes
    ----------
    header : list of str or None
        Names of the columns; None where the first line names none.
    body : list of (int, list of str)
        Line number and cells of every row.
    poses : PoseTable or None
        What a file of poses says; None for a table.
    """

    header: list[str] | None
    body: list[tuple[int, list[str]]]
    poses: PoseTable | None = None


def read_scores(path: Path, settings: Any) -> ScoreTable:
    """Read the table at ``path`` by the columns that ``settings`` (a TableTarget) names, or that are found.

    Raises
    ------
    InputError
        If the file cannot be read, the columns cannot be told, or a score is not a number.
    """
    return score_rows(read_cells(path, settings), settings, path)


def read_cells(path: Path, settings: Any) -> Cells:
    """Read the table at ``path``; ``settings`` (a TableTarget) may say its delimiter and whether it has a header.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if not path.is_file():
        raise InputError(f"The score table {path} does not exist.", "Check its path.")
    refuse_workbook(path)
    if path.suffix not in (".parquet", ".feather") and (found := read_poses(path)) is not None:
        return Cells(found.header, found.body, found)
    try:
        lines = _read_binary(path) if path.suffix in (".parquet", ".feather") else _read_text(path, settings)
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The score table {path} cannot be read: {error}.") from None
    if not lines:
        raise InputError(f"The score table {path} is empty.")
    named = _has_header(lines[0][1], settings) if path.suffix not in (".parquet", ".feather") else True
    header = [name.strip() for name in lines[0][1]] if named else None
    body = lines[1:] if named else lines
    if not body:
        raise InputError(f"The score table {path} has a header and no rows.")
    return Cells(header, body)


def score_rows(table: Cells, settings: Any, path: Path) -> ScoreTable:
    """Return SMILES, id and score of every row of a table, by the columns that ``settings`` names, or that are found.

    Raises
    ------
    InputError
        If the columns cannot be told, or a score is not a number.
    """
    if table.poses is not None:
        return _of_poses(table.poses, settings, path)
    _refuse_shifted(table, path)
    columns = _find_columns(table.header, [cells for _, cells in table.body[:_SAMPLE]], settings, path)
    rows = [_read_row(cells, line, columns, path) for line, cells in table.body]
    return ScoreTable(rows, columns.smiles is not None, columns.id is not None)


def _of_poses(poses: PoseTable, settings: Any, path: Path) -> ScoreTable:
    """Return the best pose of every molecule, by the field that the settings name or that a known program writes."""
    known = poses.field
    fields = [name for name in poses.header if name not in ("smiles", "id")]
    if settings.score_column is None:
        if known is None:
            raise InputError(
                f"{path}: no field of its poses is known as a score; they have: {', '.join(fields) or 'none'}.",
                "Say which: score_column in the campaign file, --score-column on the command line.",
            )
        if known.lower_is_better != settings.lower_is_better:
            way, other = ("lower", "higher") if known.lower_is_better else ("higher", "lower")
            raise InputError(
                f"{path} was written by {known.program}: its field {known.field!r} is better the {way}, the scores "
                f"asked for are better the {other}.",
                "Name another field with --score-column, or give the scores to a target of that direction.",
            )
        settings = replace(settings, score_column=known.field)
    columns = _find_columns(poses.header, [], _with_own_columns(settings, poses), path)
    rows = [_read_row(cells, line, columns, path) for line, cells in poses.body]
    kept = best_poses(poses, [row.score for row in rows], [row.id for row in rows], settings.lower_is_better)
    named = known if known is not None and known.field == settings.score_column else None
    by = f" of {named.program}" if named else ""
    scored = sum(row.score is not None for row in rows)
    unread = sum(not row.smiles for row in rows) if columns.smiles is not None else 0
    note = (
        f"{plural(len(rows), 'pose')}{by} ({poses.kind} file), {scored:,} with a score in the field "
        f"{settings.score_column!r}; the best pose of {plural(len(kept), 'molecule')} counts"
        + (f"; of {plural(unread, 'pose')} the structure cannot be read" if unread else "")
        + "."
    )
    return ScoreTable([rows[at] for at in kept], columns.smiles is not None, True, (note,))


def _with_own_columns(settings: Any, poses: PoseTable) -> Any:
    """Return ``settings`` with the columns that every file of poses has, where none are named."""
    smiles = "smiles" if "smiles" in poses.header else None
    return replace(
        settings, smiles_column=settings.smiles_column or smiles, id_column=settings.id_column or "id"
    )


def _refuse_shifted(table: Cells, path: Path) -> None:
    """Refuse a table with more cells in a line than names in its header: which name is missing cannot be told."""
    if table.header is None:
        return
    for line, cells in table.body:
        if any(cell.strip() for cell in cells[len(table.header) :]):
            raise InputError(
                f"{path}, line {line}: it has {len(cells)} cells, and the header {len(table.header)} names.",
                "A name is missing, so that every column behind it would be taken for another. Mend the header, or "
                "leave it out and give columns by number.",
            )


def _read_binary(path: Path) -> list[tuple[int, list[str]]]:
    """Return the rows of a Parquet or Feather table as text, the column names first."""
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            table = file.read()
    else:
        table = feather.read_table(path)
    plain = [n for n, field in enumerate(table.schema) if not pa.types.is_nested(field.type)]
    table = table.select(plain)
    columns = [
        ["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns
    ]
    rows = [(number, list(cells)) for number, cells in enumerate(zip(*columns, strict=True), 1)]
    return [(0, table.column_names), *rows]


def _read_text(path: Path, settings: Any) -> list[tuple[int, list[str]]]:
    """Return line number and cells of every line that is not empty."""
    with pa.input_stream(str(path)) as stream:  # decompresses by the file's extension
        text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="")
        first = text.readline()
        delimiter = settings.delimiter or _delimiter(first)
        rest = _chain(first, text)
        if delimiter == " ":
            return [(number, line.split()) for number, line in enumerate(rest, 1) if line.strip()]
        reader = csv.reader(rest, delimiter=delimiter)
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]


def _chain(first: str, rest: io.TextIOWrapper) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(line: str) -> str:
    return next((mark for mark in ("\t", ",", ";") if mark in line), " ")


def _has_header(first: Sequence[str], settings: Any) -> bool:
    if settings.header is not None:
        return bool(settings.header)
    named = {name for name in (settings.smiles_column, settings.id_column, settings.score_column) if name}
    cells = {cell.strip().lower() for cell in first}
    known = set(_SMILES_NAMES) | set(_ID_NAMES) | set(_SCORE_NAMES)
    return bool(cells & known) or any(isinstance(name, str) for name in named)


def _find_columns(header: list[str] | None, sample: list[list[str]], settings: Any, path: Path) -> _Columns:
    width = max((len(cells) for cells in sample), default=len(header or []))
    smiles = _chosen(settings.smiles_column, header, width, "smiles_column", path)
    identifier = _chosen(settings.id_column, header, width, "id_column", path)
    score = _chosen(settings.score_column, header, width, "score_column", path)
    if header is not None:
        smiles = smiles if smiles is not None else _by_name(header, _SMILES_NAMES)
        identifier = identifier if identifier is not None else _by_name(header, _ID_NAMES)
        score = score if score is not None else _by_name(header, _SCORE_NAMES)
    free = [n for n in range(width) if n not in (smiles, identifier, score)]
    if smiles is None:
        smiles = next((n for n in free if _looks_like_smiles(_column(sample, n))), None)
    if score is None:
        candidates = [n for n in free if n != smiles and _looks_like_scores(_column(sample, n))]
        candidates = [n for n in candidates if header is None or header[n].strip().lower() not in _PROPERTIES]
        if len(candidates) != 1:
            names = ", ".join(header) if header else f"{width} columns, no header"
            raise InputError(
                f"{path}: which column holds the scores cannot be told ({names}).",
                "Say which: score_column in the campaign file, --score-column on the command line (a name, or a "
                "number from 1).",
            )
        score = candidates[0]
    if identifier is None and header is None:
        identifier = next((n for n in free if n not in (smiles, score)), None)
    return _Columns(smiles, identifier, score)


def _chosen(
    choice: str | int | None, header: list[str] | None, width: int, key: str, path: Path
) -> int | None:
    """Return the number (from 0) of the column that the settings name."""
    if choice is None:
        return None
    if isinstance(choice, int):
        if not 1 <= choice <= width:
            raise InputError(f"{path} has {width} columns, and no column {choice} ({key.replace('_', ' ')}).")
        return choice - 1
    if header is None or choice not in header:
        has = ", ".join(header) if header else "no header"
        raise InputError(f"{path} has no column {choice!r} ({key.replace('_', ' ')}); it has: {has}.")
    return header.index(choice)


def _by_name(header: list[str], names: Sequence[str]) -> int | None:
    lower = [name.lower() for name in header]
    return next((lower.index(name) for name in names if name in lower), None)


def _column(sample: list[list[str]], number: int) -> list[str]:
    return [cells[number].strip() if number < len(cells) else "" for cells in sample]


def _looks_like_smiles(cells: list[str]) -> bool:
    from rdkit import Chem

    from ...data.molecules.parse import rdkit_messages

    filled = [cell for cell in cells if cell]
    texts = [cell for cell in filled if not cell.lstrip("-").replace(".", "").isdigit()]
    with rdkit_messages():
        good = sum(Chem.MolFromSmiles(text) is not None for text in texts)
    return bool(filled) and good >= 0.8 * len(filled)


def _looks_like_scores(cells: list[str]) -> bool:
    """Tell whether ``cells`` are numbers with fractions or signs (counters have neither)."""
    filled = [cell for cell in cells if cell.lower() not in _NO_SCORE]
    try:
        values = [float(cell) for cell in filled]
    except ValueError:
        return False
    return bool(values) and any(value < 0 or value != int(value) for value in values if math.isfinite(value))


def _read_row(cells: list[str], line: int, columns: _Columns, path: Path) -> ScoreRow:
    def cell(number: int | None) -> str:
        return cells[number].strip() if number is not None and number < len(cells) else ""

    text = cell(columns.score)
    score: float | None = None
    if text.lower() not in _NO_SCORE:
        try:
            score = float(text)
        except ValueError:
            score = math.inf
        if not math.isfinite(score):
            raise InputError(
                f"{path}, line {line}: the score {text!r} is not a finite number.",
                "Leave the score of a failed docking empty; if the column is wrong, name another (score_column in "
                "the campaign file, --score-column on the command line).",
            )
    return ScoreRow(line, cell(columns.smiles), cell(columns.id), score)
