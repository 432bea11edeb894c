"""Which columns and lines of a file hold whose scores: one column, one per target, or an export of hits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...data.errors import InputError
from ...screening.docking.table import TableTarget
from ...screening.docking.table_read import Cells, ScoreTable, read_cells, score_rows

HITS_COLUMNS = frozenset({"target", "smiles", "docked_score"})
"""What every export of hits has (``docksieve hits --format csv``, ``parquet``)."""

Columns = Mapping[str, str | int | None]


@dataclass(frozen=True)
class TargetScores:
    """The scores of one target in a file.

    Attributes
    ----------
    target : str
        Of the campaign.
    column : str
        Where they stand, in words.
    rows : ScoreTable
    notes : tuple of str
        What should be said.
    """

    target: str
    column: str
    rows: ScoreTable
    notes: tuple[str, ...] = ()


def read_target_scores(
    path: Path,
    targets: Mapping[str, Mapping[str, Any]],
    target: str | None = None,
    columns: Columns | None = None,
) -> list[TargetScores]:
    """Read a file of scores and tell which are whose.

    In this order: a column that is named (``score_column``); an export of hits, by its columns ``target`` and
    ``docked_score``; columns that have the names of targets, alone or with ``score``, ``docked_score`` or
    ``docking_score`` before or after; the one column of scores that there is.

    Parameters
    ----------
    path : Path
    targets : mapping
        The campaign's frozen specifications, by name.
    target : str, optional
        Only this one. Needed where the file does not say whose scores it holds and the campaign has several targets.
    columns : mapping, optional
        ``smiles_column``, ``id_column``, ``score_column`` where they cannot be told.

    Returns
    -------
    list of TargetScores
        One for each target with a column, in the campaign's order.

    Raises
    ------
    InputError
        If the file cannot be read, or does not say whose scores it holds.
    """
    if target is not None and target not in targets:
        raise InputError(
            f"The campaign has no target {target!r}.", f"Name one with --target: {', '.join(targets)}."
        )
    named = dict(columns or {})
    spec = targets[target or next(iter(targets))]
    settings = TableTarget(str(path), spec["unit"], spec["lower_is_better"], **named)  # type: ignore[arg-type]
    cells = read_cells(path, settings)
    header = cells.header or []
    if named.get("score_column") is None:
        if set(header) >= HITS_COLUMNS:
            return _of_hits(path, cells, settings, targets, target)
        found = _by_name(header, [target] if target else list(targets))
        if found:
            return [
                TargetScores(name, column, score_rows(cells, replace(settings, score_column=column), path))
                for name, column in found.items()
            ]
    if target is None and len(targets) > 1:
        raise InputError(
            "The campaign has several targets, and no column of the file has the name of one.",
            f"Name the target of its scores with --target: {', '.join(targets)}.",
        )
    only = target or next(iter(targets))
    rows = score_rows(cells, settings, path)
    return [TargetScores(only, str(named.get("score_column") or "score"), rows, rows.notes)]


def _by_name(header: Sequence[str], targets: Sequence[str]) -> dict[str, str]:
    """Return the columns that have the names of targets."""
    found = {}
    for target in targets:
        name = re.escape(target.lower())
        words = r"(?:docked|docking|vina)?[ _.:-]*(?:score|affinity)"
        pattern = re.compile(rf"{name}|{name}[ _.:-]+{words}|{words}[ _.:-]+{name}")
        matching = [column for column in header if pattern.fullmatch(column.strip().lower())]
        exact = [column for column in matching if column == target] or matching
        if len(exact) == 1:
            found[target] = exact[0]
        elif exact:
            raise InputError(
                f"Several columns may hold the scores of {target}: {', '.join(exact)}.",
                f"Say which: --target {target} --score-column NAME.",
            )
    return found


def _of_hits(
    path: Path,
    cells: Cells,
    settings: TableTarget,
    targets: Mapping[str, Mapping[str, Any]],
    target: str | None,
) -> list[TargetScores]:
    """Return the docked scores in an export of hits, target by target."""
    assert cells.header is not None
    place = {name: cells.header.index(name) for name in cells.header}
    groups: dict[str, list[tuple[int, list[str]]]] = {}
    for line, row in cells.body:
        groups.setdefault(_cell(row, place["target"]), []).append((line, row))
    if target is None:
        wanted = {name: name for name in targets if name in groups}
    elif target in groups:
        wanted = {target: target}
    else:
        wanted = {target: next(iter(groups))} if len(groups) == 1 else {}
    if not wanted:
        raise InputError(
            f"{path} holds the hits of {', '.join(sorted(groups))}; the campaign's targets are {', '.join(targets)}.",
            "If it is the same receptor and program under another name, name the target with --target, and write a "
            "file with the lines of one target only.",
        )
    found = []
    for name, theirs in wanted.items():
        rows = groups[theirs]
        units = {_cell(row, place["unit"]) for _, row in rows} - {""} if "unit" in place else set()
        if units - {targets[name]["unit"]}:
            raise InputError(
                f"{path} has scores in {', '.join(sorted(units))}; those of {name} are in {targets[name]['unit']}.",
                "A model learns one scale: import scores of the campaign's program and unit.",
            )
        plain = Cells(cells.header, [(line, [_plain(cell) for cell in row]) for line, row in rows])
        columns = replace(settings, smiles_column="smiles", score_column="docked_score")
        if "id" in place:
            columns = replace(columns, id_column="id")
        notes = (
            []
            if theirs == name
            else [f"The file calls the target {theirs}; its scores are imported as those of {name}."]
        )
        others = sorted(set(groups) - set(wanted.values()))
        if others and target is None:
            notes.append(f"Lines of {', '.join(others)} are left out: the campaign has no such target.")
        found.append(TargetScores(name, "docked_score", score_rows(plain, columns, path), tuple(notes)))
    return found


def _cell(row: Sequence[str], place: int) -> str:
    return _plain(row[place].strip()) if place < len(row) else ""


def _plain(cell: str) -> str:
    """Return a text without the apostrophe that keeps spreadsheets from taking it for a formula."""
    return cell[1:] if re.match(r"'[=+\-@\t\r]", cell) else cell
