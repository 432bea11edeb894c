"""The ``table`` engine: scores looked up in a file.

For retrospective studies (the whole library was docked long ago), and for scores that another program or
another group has made. The file is read once, when the campaign is submitted, into a Parquet index sorted by
the hash of each molecule's standard SMILES (or id); workers look up in that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from ...data.errors import DockingError, DocksieveError, InputError
from ...data.store import read_table, sha256_file, write_table
from ...data.words import plural
from .engine import BatchNotes, DockingOutcome, Ligand, Protocol_
from .failures import FailureCode
from .table_read import ScoreRow, read_scores

if TYPE_CHECKING:
    from ...data.molecules.standardise import StandardSettings


@dataclass(frozen=True)
class TableTarget:
    """Scores in a file, in place of a docking program.

    Attributes
    ----------
    scores : str
        A .csv, .tsv, .txt or .smi file (also .gz, .bz2, .zst), .parquet or .feather.
    unit : str
        For example ``kcal/mol``; never guessed.
    lower_is_better : bool
        Never guessed either.
    smiles_column, id_column, score_column : str, int or None
        Name, or number from 1. None: found by name, or by content where there is no header.
    header : bool or None
        Whether the first line names the columns. None: found out.
    delimiter : str or None
        None: found out.
    match : "auto", "smiles" or "id"
        How molecules are recognised: by standard SMILES, or by id. ``auto``: by SMILES where the table has
        them.
    duplicates : "best", "mean", "fail" or "error"
        What a molecule given several times with different scores gets: its best score, the mean, a failure
        ``conflict``; or the whole table is refused.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    scores: str
    unit: str
    lower_is_better: bool
    engine: Literal["table"] = "table"
    smiles_column: str | int | None = None
    id_column: str | int | None = None
    score_column: str | int | None = None
    header: bool | None = None
    delimiter: str | None = None
    match: Literal["auto", "smiles", "id"] = "auto"
    duplicates: Literal["best", "mean", "fail", "error"] = "best"

    def __post_init__(self) -> None:
        if not self.unit.strip():
            raise ValueError("unit: must not be empty (for example 'kcal/mol')")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ValueError("delimiter: a single character")


@dataclass
class _Entry:
    """All that the table says about one molecule."""

    id: str
    line: int
    scores: list[float]


def freeze(
    name: str, settings: TableTarget, folder: Path, base: Path, standard: StandardSettings | None = None
) -> dict[str, Any]:
    """Read the table, index it in ``folder``, and return the frozen target with counts of what was read.

    ``standard`` is that of the library: a library that forgets stereochemistry, say, finds its molecules
    only in a table that forgets it too.
    """
    path = base / Path(settings.scores).expanduser()
    table = read_scores(path, settings)
    match = settings.match
    if match == "auto":
        match = "smiles" if table.has_smiles else "id"
    if match == "smiles" and not table.has_smiles:
        raise InputError(
            f"{path} has no SMILES column.", "Name it (smiles_column = ...), or set match = 'id'."
        )
    if match == "id" and not table.has_ids:
        raise InputError(f"{path} has no id column.", "Name it (id_column = ...), or set match = 'smiles'.")
    key_of = partial(standard_or_none, settings=standard) if match == "smiles" else _id_key
    entries, unreadable = _collect(table.rows, key_of, match)
    if not entries:
        raise InputError(
            f"{path}: none of the {plural(len(table.rows), 'molecule')} can be read.", "Check the columns."
        )
    index, counts = _index(entries, settings, path)
    copy = f"{name}.scores.parquet"
    write_table(folder / copy, index)
    return {
        "engine": "table",
        "engine_version": f"sha256:{sha256_file(path)[:16]}",
        "unit": settings.unit,
        "lower_is_better": settings.lower_is_better,
        "scores": copy,
        "scores_sha256": sha256_file(folder / copy),
        "source": path.name,
        "match": match,
        "standard": None if standard is None else asdict(standard),
        "duplicates": settings.duplicates,
        "counts": {"lines": len(table.rows), "unreadable": len(unreadable), **counts},
        "unreadable_lines": unreadable[:20],
    }


def standard_or_none(smiles: str, settings: StandardSettings | None = None) -> str | None:
    """Return the standard SMILES, or None for a molecule that cannot be standardised.

    Parameters
    ----------
    smiles : str
    settings : StandardSettings, optional
        A library's. Its limits of size are widened to the default ones: they say what the library takes,
        not what a molecule is.
    """
    from ...data.molecules.standardise import DEFAULT_STANDARD, standard_smiles

    wide = DEFAULT_STANDARD
    if settings is not None:
        wide = replace(
            settings,
            min_heavy_atoms=1,
            max_heavy_atoms=max(settings.max_heavy_atoms, wide.max_heavy_atoms),
            max_characters=max(settings.max_characters, wide.max_characters),
        )
    try:
        return standard_smiles(smiles, wide)
    except DocksieveError:
        return None


def _id_key(text: str) -> str | None:
    return text or None


def _collect(
    rows: Iterable[ScoreRow], key_of: Callable[[str], str | None], match: str
) -> tuple[dict[str, _Entry], list[int]]:
    entries: dict[str, _Entry] = {}
    unreadable: list[int] = []
    for row in rows:
        key = key_of(row.smiles if match == "smiles" else row.id)
        if key is None:
            unreadable.append(row.line)
            continue
        entry = entries.setdefault(key, _Entry(row.id, row.line, []))
        if row.score is not None:
            entry.scores.append(row.score)
    return entries, unreadable


def _index(
    entries: Mapping[str, _Entry], settings: TableTarget, path: Path
) -> tuple[pa.Table, dict[str, int]]:
    """Return the lookup table sorted by hash, and the counts that account for every line."""
    keys = list(entries)
    hashes = key_hashes(keys)
    scores: list[float | None] = []
    conflicts: list[bool] = []
    for key, entry in entries.items():
        differ = len(set(entry.scores)) > 1
        if differ and settings.duplicates == "error":
            raise InputError(
                f"{path}: the molecule of line {entry.line} ({key[:80]}) has different scores: "
                f"{', '.join(str(score) for score in sorted(set(entry.scores))[:5])}.",
                "Correct the table, or set duplicates = 'best', 'mean' or 'fail'.",
            )
        conflicts.append(differ and settings.duplicates == "fail")
        scores.append(None if conflicts[-1] else _one_score(entry.scores, settings))
    order = np.argsort(hashes, kind="stable")
    table = pa.table(
        {
            "hash": pa.array(hashes[order]),
            "key": pa.array([keys[i] for i in order], pa.string()),
            "score": pa.array([scores[i] for i in order], pa.float64()),
            "conflict": pa.array([conflicts[i] for i in order], pa.bool_()),
            "line": pa.array([entries[keys[i]].line for i in order], pa.int64()),
        }
    )
    counts = {
        "molecules": len(keys),
        "scored": sum(score is not None for score in scores),
        "disagreeing": sum(len(set(entry.scores)) > 1 for entry in entries.values()),
    }
    return table, counts


def _one_score(scores: Sequence[float], settings: TableTarget) -> float | None:
    if not scores:
        return None
    if settings.duplicates == "mean":
        return float(np.mean(scores))
    return min(scores) if settings.lower_is_better else max(scores)


def key_hashes(keys: Sequence[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return a 64-bit hash per key, the same on every machine."""
    joined = b"".join(hashlib.blake2b(key.encode(), digest_size=8).digest() for key in keys)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)


class ScoreIndex:
    """The frozen table in memory: 8 bytes of hash and the key's text per molecule.

    Parameters
    ----------
    path : Path
        The Parquet file that :func:`freeze` wrote.
    """

    def __init__(self, path: Path) -> None:
        table = read_table(path).combine_chunks()
        self._hashes = table.column("hash").to_numpy()
        self._keys = table.column("key")
        self._scores = table.column("score")
        self._conflicts = table.column("conflict")

    def find(self, keys: Sequence[str]) -> list[int]:
        """Return the row of each key, -1 where the table does not hold it."""
        hashes = key_hashes(keys)
        starts = np.searchsorted(self._hashes, hashes, side="left")
        rows = []
        for key, hashed, start in zip(keys, hashes, starts.tolist(), strict=True):
            row = start
            while row < len(self._hashes) and self._hashes[row] == hashed and self._keys[row].as_py() != key:
                row += 1  # two keys of one hash: one in 1e7 tables of a million molecules
            rows.append(row if row < len(self._hashes) and self._hashes[row] == hashed else -1)
        return rows

    def outcome(self, row: int) -> DockingOutcome:
        """Return what the table says in ``row``."""
        if row < 0:
            return DockingOutcome(
                failure=FailureCode.NOT_IN_TABLE, message="the score table does not hold it"
            )
        score = self._scores[row].as_py()
        if score is not None:
            return DockingOutcome(score=score)
        if self._conflicts[row].as_py():
            return DockingOutcome(
                failure=FailureCode.CONFLICT, message="the score table holds different scores of it"
            )
        return DockingOutcome(
            failure=FailureCode.EMPTY_SCORE, message="the score table holds it without a score"
        )


_indexes: dict[str, ScoreIndex] = {}


def _kept_index(folder: Path, spec: Mapping[str, Any]) -> ScoreIndex:
    known = _indexes.get(spec["scores_sha256"])
    if known is not None:
        return known
    path = folder / spec["scores"]
    if not path.is_file() or sha256_file(path) != spec["scores_sha256"]:
        raise DockingError(
            f"The score table {path} is missing or was altered since the campaign began.",
            "Restore the file, or start a new campaign.",
        )
    while len(_indexes) >= 4:  # a worker that serves many campaigns must not keep all their tables
        _indexes.pop(next(iter(_indexes)))
    _indexes[spec["scores_sha256"]] = index = ScoreIndex(path)
    return index


def dock(
    spec: Mapping[str, Any],
    folder: Path,
    target: str,
    ligands: Sequence[Ligand],
    seed: int,
    protocol: Protocol_,
    notes: BatchNotes,
) -> list[DockingOutcome]:
    """Look up the scores of ``ligands``."""
    from ...data.molecules.standardise import StandardSettings

    index = _kept_index(folder, spec)
    if spec["match"] == "id":
        return [index.outcome(row) for row in index.find([ligand.id for ligand in ligands])]
    rows = index.find([ligand.smiles for ligand in ligands])
    # Libraries hold standard SMILES already; only what is not found is standardised, as the table was.
    missed = [number for number, row in enumerate(rows) if row < 0]
    standard = StandardSettings(**spec["standard"]) if spec.get("standard") else None
    keys = [standard_or_none(ligands[number].smiles, standard) for number in missed]
    again = [(number, key) for number, key in zip(missed, keys, strict=True) if key is not None]
    for (number, _), row in zip(again, index.find([key for _, key in again]), strict=True):
        rows[number] = row
    return [index.outcome(row) for row in rows]


def row_settings(spec: Mapping[str, Any], protocol: Protocol_) -> dict[str, Any]:
    """Return what a score's record says about how it was made."""
    return {
        "protocol": protocol,
        "source": spec["source"],
        "match": spec["match"],
        "duplicates": spec["duplicates"],
    }
