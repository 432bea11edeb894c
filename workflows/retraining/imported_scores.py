"""Scores from elsewhere: read, matched with the library, and reported line by line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from ...data.errors import InputError
from ...data.schema import SCORES_SCHEMA
from ...data.spaces.source import MoleculeSource, source_standard
from ...data.spaces.space import Space
from ...screening.docking.dock import TableTarget
from ...screening.docking.table import standard_or_none
from ...screening.docking.table_read import ScoreRow, ScoreTable, read_scores

SHOWN_LINES = 20


@dataclass(frozen=True)
class ImportReport:
    """What became of each line of a scores file; the counts add up.

    Attributes
    ----------
    lines : int
        Lines with a molecule: ``used + repeated + unscored + unreadable``.
    used : int
        Molecules imported.
    repeated : int
        Lines that named a molecule again; its score is then the mean.
    unscored, unreadable : int
        Lines without a score, and without a molecule that can be read.
    unknown : int
        Of the used, molecules that are not in the library: they train, but cannot become hits.
    conflicts : int
        Molecules given more than once with different scores.
    in_library : int
        Lines with a score whose molecule is in the library, repeated ones included.
    examples : dict of str to list of int
        Line numbers, the first of each kind.
    """

    lines: int
    used: int
    repeated: int
    unscored: int
    unreadable: int
    unknown: int
    conflicts: int
    in_library: int = 0
    examples: Mapping[str, list[int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Imported:
    """Scores read from a file: one row per molecule, in order of SMILES."""

    table: pa.Table
    report: ImportReport


def read_import(
    path: Path,
    library: MoleculeSource,
    target: str,
    unit: str,
    lower_is_better: bool,
    columns: Mapping[str, str | int | None] | None = None,
) -> Imported:
    """Read a file of docking scores and match its molecules with the library by SMILES in the library's standard form.

    Parameters
    ----------
    path : Path
        As for the ``table`` engine: .csv, .tsv, .txt, .smi, compressed or not, .parquet, .feather.
    library : Library
    target, unit : str
    lower_is_better : bool
        Of the scores in the file.
    columns : mapping, optional
        ``smiles_column``, ``id_column``, ``score_column`` where they cannot be told.

    Raises
    ------
    InputError
        If the file cannot be read, has no SMILES, or no molecule with a score.
    """
    settings = TableTarget(scores=str(path), unit=unit, lower_is_better=lower_is_better, **(columns or {}))  # type: ignore[arg-type]
    return import_rows(path, read_scores(path, settings), library, target, unit, lower_is_better)


def import_rows(
    path: Path, source: ScoreTable, library: MoleculeSource, target: str, unit: str, lower_is_better: bool
) -> Imported:
    """Match the molecules of a table that was read with the library; the rest as of :func:`read_import`."""
    if not source.has_smiles:
        raise InputError(
            f"{path} has no column of SMILES.",
            "Name it with --smiles-column. A PDBQT file says its molecule in the line REMARK SMILES that meeko writes; "
            "one without it cannot be matched.",
        )
    standard_form = source_standard(library)
    molecules: dict[str, list[ScoreRow]] = {}
    unscored, unreadable = [], []
    for row in source.rows:
        if row.score is None:
            unscored.append(row.line)
        elif (standard := standard_or_none(row.smiles, standard_form)) is None:
            unreadable.append(row.line)
        else:
            molecules.setdefault(standard, []).append(row)
    if not molecules:
        raise InputError(
            f"{path} holds no molecule with a score: of {len(source.rows)} lines, {len(unscored)} have no score "
            f"and {len(unreadable)} no molecule that can be read.",
            "Check --smiles-column and --score-column.",
        )
    smiles = sorted(molecules)
    rows = _rows_of(library, smiles, [molecules[text][0].id for text in smiles])
    table = _scores_table(path, smiles, molecules, rows, target, unit, lower_is_better)
    conflicts = [m[0].line for m in molecules.values() if len({row.score for row in m}) > 1]
    unknown = [molecules[text][0].line for text, row in zip(smiles, rows, strict=True) if row < 0]
    examples = {"no score": unscored, "unreadable": unreadable, "not in the library": unknown}
    report = ImportReport(
        lines=len(source.rows),
        used=len(molecules),
        repeated=sum(len(same) - 1 for same in molecules.values()),
        unscored=len(unscored),
        unreadable=len(unreadable),
        unknown=len(unknown),
        conflicts=len(conflicts),
        in_library=sum(len(molecules[text]) for text, row in zip(smiles, rows, strict=True) if row >= 0),
        examples={
            name: sorted(found)[:SHOWN_LINES]
            for name, found in {**examples, "different scores": conflicts}.items()
            if found
        },
    )
    return Imported(table, report)


def _rows_of(library: MoleculeSource, smiles: list[str], ids: list[str]) -> np.ndarray:
    """Return the row of each molecule, -1 where there is none.

    A space cannot be asked for a molecule, since its products are not written down: there an id tells the row, if the
    product that it names is that molecule.
    """
    if not isinstance(library, Space):
        return library.find_smiles(smiles)
    rows = library.lookup(ids)
    known = np.flatnonzero(rows >= 0)
    made = library.make(rows[known]).smiles
    same = np.array([text == smiles[at] for text, at in zip(made, known.tolist(), strict=True)], bool)
    rows[known[~same]] = -1
    return rows


def _scores_table(
    path: Path,
    smiles: list[str],
    molecules: Mapping[str, list[ScoreRow]],
    rows: np.ndarray,
    target: str,
    unit: str,
    lower_is_better: bool,
) -> pa.Table:
    count = len(smiles)
    scores = [float(np.mean([row.score for row in molecules[text]])) for text in smiles]
    columns = {
        "row": pa.array([int(row) if row >= 0 else None for row in rows], pa.int64()),
        "id": pa.array([molecules[text][0].id or text for text in smiles]),
        "smiles": pa.array(smiles),
        "target": pa.array([target] * count),
        "score": pa.array(scores),
        "unit": pa.array([unit] * count),
        "lower_is_better": pa.array([lower_is_better] * count),
        "engine": pa.array(["imported"] * count),
        "engine_version": pa.array([""] * count),
        "settings": pa.array([json.dumps({"file": path.name})] * count),
        "seconds": pa.array([0.0] * count),
    }
    arrays = [columns.get(item.name, pa.nulls(count, item.type)) for item in SCORES_SCHEMA]
    return pa.Table.from_arrays(
        [array.cast(item.type) for array, item in zip(arrays, SCORES_SCHEMA, strict=True)],
        schema=SCORES_SCHEMA,
    )
