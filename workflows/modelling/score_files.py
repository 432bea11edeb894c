"""Tables of molecules and scores as a model learns from them, and what became of every line."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.errors import InputError
from ...data.molecules.batch import standard_forms
from ...data.molecules.parse import MoleculeError, rdkit_messages
from ...data.molecules.standardise import StandardSettings
from ...models.teachers.training_data import TrainingData
from ...screening.docking.table import TableTarget
from ...screening.docking.table_read import Cells, read_cells, score_rows

SHOWN_LINES = 20
_COLUMNS = ("smiles_column", "id_column", "time_column", "delimiter", "header")
"""What may be said about the layout of a table."""


@dataclass(frozen=True)
class LineReport:
    """What became of the lines of score tables; ``lines = used + unscored + unreadable``.

    Attributes
    ----------
    lines : int
        With a molecule, or where one is expected.
    used : int
        With a score, and a molecule in standard form. A molecule that several lines name is learnt once.
    unscored, unreadable : int
        Without any score; with one, and without a molecule that can be read.
    molecules : int
        Distinct ones among the used.
    examples : dict of str to list of str
        The first of each kind that is not used: file and line, and why.
    """

    lines: int
    used: int
    unscored: int
    unreadable: int
    molecules: int
    examples: Mapping[str, list[str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class ScoredMolecules:
    """What score tables hold.

    Attributes
    ----------
    data : TrainingData
        A row for each line that is used, in the order of the files; SMILES in standard form.
    units : dict of str to str
        By target; empty where none was given.
    order : array of float64, shape (n,), or None
        When each line was measured, ascending with time; None if no column was named.
    report : LineReport
    notes : tuple of str
        What was assumed, in sentences.
    """

    data: TrainingData
    units: dict[str, str]
    order: NDArray[np.float64] | None
    report: LineReport
    notes: tuple[str, ...] = ()


@dataclass
class _Lines:
    """Lines of all files, as they are gathered."""

    smiles: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)
    times: list[str] = field(default_factory=list)


def read_scored_molecules(
    paths: Sequence[str | Path],
    targets: Mapping[str, str | int | None] | Sequence[str] | None = None,
    lower_is_better: bool | Mapping[str, bool] | None = None,
    units: str | Mapping[str, str] | None = None,
    columns: Mapping[str, Any] | None = None,
    standard: StandardSettings | None = None,
) -> ScoredMolecules:
    """Read tables of SMILES and scores.

    Parameters
    ----------
    paths : sequence of path
        CSV, TSV, text or .smi, compressed or not, Parquet or Feather; the same columns in all.
    targets : mapping or sequence of str, optional
        Names, each with its column of scores (name, number from 1, or None: found). Not given: one target, named
        after the first file.
    lower_is_better : bool or mapping, optional
        For all targets, or by name. Where it is not said, scores of negative median are taken for energies.
    units : str or mapping, optional
    columns : mapping, optional
        ``smiles_column``, ``id_column``, ``time_column``, ``delimiter``, ``header`` where they cannot be told.
    standard : StandardSettings, optional
        Of the form that molecules are brought into.

    Raises
    ------
    InputError
        If a file cannot be read, a column is missing, no line can be used, or the direction cannot be told.
    """
    if not paths:
        raise InputError("No table of scores was given.", "Name at least one file.")
    named = dict(columns or {})
    if set(named) - set(_COLUMNS):
        raise InputError(
            f"Of the columns, {sorted(set(named) - set(_COLUMNS))} cannot be set; known: {', '.join(_COLUMNS)}."
        )
    wanted = _targets(targets, Path(paths[0]))
    lines = _Lines()
    for path in paths:
        _gather(Path(path), wanted, named, lines)
    scores = np.array(lines.scores, np.float64).reshape(-1, len(wanted))
    scored: NDArray[np.bool_] = np.asarray(np.isfinite(scores).any(axis=1))
    forms = _standard_smiles([lines.smiles[row] for row in np.flatnonzero(scored)], standard)
    readable = np.array([not isinstance(form, MoleculeError) for form in forms], bool)
    used = np.flatnonzero(scored)[readable]
    smiles = [form for form in forms if isinstance(form, str)]
    bad = [
        f"{lines.where[row]}: {form.message}"
        for row, form in zip(np.flatnonzero(scored).tolist(), forms, strict=True)
        if isinstance(form, MoleculeError)
    ]
    unscored = [lines.where[row] for row in np.flatnonzero(~scored)]
    if not smiles:
        raise InputError(
            f"{paths[0]} holds no molecule with a score: of {len(scored)} lines, {len(unscored)} have no score and "
            f"{len(bad)} no molecule that can be read.",
            "Check --smiles-column and --target NAME=COLUMN.",
        )
    kept = {"no score": unscored[:SHOWN_LINES], "unreadable": bad[:SHOWN_LINES]}
    report = LineReport(
        lines=len(scored),
        used=len(smiles),
        unscored=len(unscored),
        unreadable=len(bad),
        molecules=len(set(smiles)),
        examples={name: found for name, found in kept.items() if found},
    )
    lower, notes = _directions(lower_is_better, list(wanted), scores[used])
    data = TrainingData(smiles, tuple(wanted), scores[used], lower)
    order = _times([lines.times[row] for row in used], [lines.where[row] for row in used], named)
    return ScoredMolecules(data, _units(units, list(wanted)), order, report, tuple(notes))


def _targets(
    targets: Mapping[str, str | int | None] | Sequence[str] | None, first: Path
) -> dict[str, str | int | None]:
    if targets is None:
        name = first.name
        for _ in range(2):  # scores.csv.gz
            name = Path(name).stem or name
        return {name: None}
    if isinstance(targets, str):
        return {targets: None}
    wanted = dict(targets) if isinstance(targets, Mapping) else dict.fromkeys(targets)
    if not wanted or not all(str(name).strip() for name in wanted):
        raise InputError("A target needs a name.", "Write --target NAME=COLUMN.")
    if len(wanted) > 1:  # of several, each has its own column: that of its name if none is given
        wanted = {name: name if column is None else column for name, column in wanted.items()}
    return wanted


def _gather(
    path: Path, wanted: Mapping[str, str | int | None], named: Mapping[str, Any], lines: _Lines
) -> None:
    """Add the lines of one file."""
    plain = {key: value for key, value in named.items() if key != "time_column"}
    settings = TableTarget(str(path), "score", True, **plain)
    cells = read_cells(path, settings)
    if cells.poses is not None:  # which pose counts depends on a direction that is not known yet
        raise InputError(
            f"{path} is a file of poses, which is not read here.",
            "Give a table of SMILES and scores, a line a molecule.",
        )
    tables = [score_rows(cells, replace(settings, score_column=column), path) for column in wanted.values()]
    if not tables[0].has_smiles:
        raise InputError(f"{path} has no column of SMILES.", "Name it with --smiles-column.")
    times = _time_cells(cells, named.get("time_column"), path)
    for number, rows in enumerate(zip(*(table.rows for table in tables), strict=True)):
        lines.smiles.append(rows[0].smiles)
        lines.where.append(f"{path}, line {rows[0].line}")
        lines.scores.append([np.nan if row.score is None else row.score for row in rows])
        lines.times.append(times[number] if times else "")


def _time_cells(cells: Cells, column: str | int | None, path: Path) -> list[str]:
    """Return the texts of the column that tells when a line was measured; nothing if none is named."""
    if column is None:
        return []
    header = cells.header or []
    place = int(column) - 1 if isinstance(column, int) or str(column).isdigit() else -1
    if column in header:
        place = header.index(str(column))
    elif not 0 <= place < max(len(row) for _, row in cells.body):
        raise InputError(
            f"{path} has no column {column!r} (time column); it has: {', '.join(header) or 'no header'}."
        )
    return [row[place].strip() if place < len(row) else "" for _, row in cells.body]


def _times(texts: list[str], where: list[str], named: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """Return times as numbers: numbers as they are, dates in seconds."""
    if named.get("time_column") is None:
        return None
    found = np.empty(len(texts))
    for row, text in enumerate(texts):
        try:
            found[row] = float(text)
        except ValueError:
            try:
                found[row] = (
                    datetime.datetime.fromisoformat(text).replace(tzinfo=None) - _EPOCH
                ).total_seconds()
            except ValueError:
                found[row] = np.nan
        if not np.isfinite(found[row]):
            raise InputError(
                f"{where[row]}: the time {text!r} is neither a number nor a date such as 2026-11-30.",
                "Correct it, or name another --time-column.",
            )
    return found


_EPOCH = datetime.datetime(1970, 1, 1)


def _standard_smiles(smiles: Sequence[str], standard: StandardSettings | None) -> list[str | MoleculeError]:
    """Return standard forms, or why there is none."""
    with rdkit_messages():
        forms = standard_forms(smiles, standard or StandardSettings(), described=False)
    return [forms.problems.get(index, text) for index, text in enumerate(forms.smiles)]


def _directions(
    given: bool | Mapping[str, bool] | None, targets: list[str], scores: NDArray[np.float64]
) -> tuple[list[bool], list[str]]:
    """Return for each target whether lower is better, and what was assumed."""
    if isinstance(given, Mapping) and set(given) - set(targets):
        raise InputError(
            f"A direction is given for {sorted(set(given) - set(targets))}; the targets are {', '.join(targets)}."
        )
    lower, notes = [], []
    for column, target in enumerate(targets):
        said = given.get(target) if isinstance(given, Mapping) else given
        if said is None:
            if not np.nanmedian(scores[:, column]) < 0:
                raise InputError(
                    f"Whether lower or higher scores of {target} are better cannot be told: most are not negative.",
                    "Say it: --lower-is-better or --higher-is-better (of one target: --direction NAME=higher).",
                )
            said = True
            notes.append(
                f"{target}: lower is taken for better, since most scores are negative, as energies are. If that is "
                "wrong, give --higher-is-better."
            )
        lower.append(bool(said))
    return lower, notes


def _units(units: str | Mapping[str, str] | None, targets: list[str]) -> dict[str, str]:
    if not isinstance(units, Mapping):
        return dict.fromkeys(targets, units or "")
    if set(units) - set(targets):
        raise InputError(
            f"A unit is given for {sorted(set(units) - set(targets))}; the targets are {', '.join(targets)}."
        )
    return {target: units.get(target, "") for target in targets}
