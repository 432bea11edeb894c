"""What the files of a campaign say of one molecule: scores, places, source, and who is like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...data.errors import InputError
from ...data.spaces.source import MoleculeSource
from ...data.spaces.space import Space
from ..chemistry.alerts import alerts, qed
from ..chemistry.diversity import murcko_scaffold
from ..chemistry.parents import parent_smiles
from ..chemistry.similarity import Fingerprint, References
from .conditions import column, files, literal, number
from .query import CATALOGUES

MOST_NAMED = 20


@dataclass(frozen=True)
class Place:
    """Where a score stands among others.

    Attributes
    ----------
    place : int
        From 1: one more than the scores that are better.
    tied : int
        Others with the same score.
    of : int
        All scores.
    """

    place: int
    tied: int
    of: int

    @property
    def best_percent(self) -> float:
        """The molecule is in the best so many per cent."""
        return 100 * self.place / self.of


def place_among(
    paths: Sequence[Path], name: str, value: float, lower_is_better: bool, target: str | None = None
) -> Place:
    """Return the place of a score in a column of some files.

    Parameters
    ----------
    paths : sequence of Path
    name : str
        A column; nulls do not count.
    value : float
    lower_is_better : bool
    target : str, optional
        Only rows of this target; of each molecule its first score.
    """
    score = column(name)
    source = f"SELECT {score} AS score FROM {files(paths)} WHERE {score} IS NOT NULL"
    if target is not None:
        source = (
            f"SELECT any_value({score}) AS score FROM {files(paths)} WHERE {score} IS NOT NULL "
            f'AND target = {literal(target)} GROUP BY coalesce("row"::VARCHAR, smiles)'
        )
    better = "<" if lower_is_better else ">"
    with duckdb.connect() as connection:
        row = connection.execute(
            f"SELECT count(*) FILTER (WHERE score {better} {number(value)}), "
            f"count(*) FILTER (WHERE score = {number(value)}), count(*) FROM ({source})"
        ).fetchone()
    above, same, total = map(int, row or (0, 1, 1))
    return Place(above + 1, max(0, same - 1), total)


def records_of(paths: Sequence[Path], row: int, target: str | None = None) -> list[dict[str, Any]]:
    """Return every record of a library row in some files (of one target)."""
    if not paths:
        return []
    mine = "" if target is None else f" AND target = {literal(target)}"
    with duckdb.connect() as connection:
        found = connection.sql(f'SELECT * FROM {files(paths)} WHERE "row" = {int(row)}{mine}')
        return list(found.to_arrow_table().to_pylist())


def find_molecule(
    library: MoleculeSource, asked: str, standard: str | None, quick: Sequence[Path] = ()
) -> tuple[int, str]:
    """Return the row that an id, a row number (``row:5`` or ``5``) or a SMILES means, and what the reader should know.

    Parameters
    ----------
    library : Library
    asked : str
    standard : str or None
        The same as a SMILES in the library's standard form, if it can be read as one.
    quick : sequence of Path
        Tables with ``row`` and ``id`` that are looked at before the library, where its ids are unique.

    Raises
    ------
    InputError
        If nothing, or more than one molecule, is meant; these are listed.
    """
    text = asked.strip()
    as_row = text.removeprefix("row:")
    is_row = as_row.isascii() and as_row.isdigit() and int(as_row) < library.rows
    if text.startswith("row:"):
        if not is_row:
            raise InputError(
                f"{library.path} has no row {as_row!r}.", f"Its rows are 0 to {library.rows - 1:,}."
            )
        return int(as_row), ""
    if isinstance(library, Space):
        return _of_space(library, asked, text, standard, quick, int(as_row) if is_row else None)
    unique = not library.manifest["counts"].get("repeated_ids", 1)
    rows = _rows_with_id(quick, text) if unique and quick else []
    rows = rows or _rows_with_id([shard.path for shard in library.shards], text)
    if len(rows) > 1:
        raise _ambiguous(library, text, rows)
    if rows:
        other = is_row and int(as_row) != rows[0]
        return rows[0], f"{text} is an id; row {text} of the library is row:{text}." if other else ""
    if is_row:
        return int(as_row), ""
    if standard is not None and (found := int(library.find_smiles([standard])[0])) >= 0:
        return found, ""
    kept = _kept_for(library, text)
    if kept is not None:
        return kept, f"{text} is a duplicate of this molecule: the library kept the first record."
    raise InputError(
        f"The library has no molecule {text!r}.",
        "Give an id as `docksieve hits` shows it, a row number or a SMILES (quoted for the shell).",
    )


def _of_space(
    space: Space, asked: str, text: str, standard: str | None, quick: Sequence[Path], row: int | None
) -> tuple[int, str]:
    """Return the product that is meant: by its blocks, its number, or its SMILES if it was made already."""
    found = int(space.lookup([text])[0])
    if found >= 0:
        return found, ""
    if row is not None:
        return row, ""
    if standard is not None and quick:
        with duckdb.connect() as connection:
            query = f'SELECT min("row") FROM {files(quick)} WHERE smiles = ?'
            known = connection.execute(query, [standard]).fetchone()
        if known is not None and known[0] is not None:
            return int(known[0]), ""
    raise InputError(
        f"The space has no product {asked.strip()!r} that was made so far.",
        "Give an id as `docksieve hits` shows it (reaction and building blocks), or a row number.",
    )


def _rows_with_id(paths: Sequence[Path], name: str) -> list[int]:
    with duckdb.connect() as connection:
        query = f'SELECT DISTINCT "row" FROM {files(paths)} WHERE id = ? AND "row" IS NOT NULL ORDER BY 1'
        return [int(item[0]) for item in connection.execute(query, [name]).fetchall()]


def _ambiguous(library: MoleculeSource, name: str, rows: list[int]) -> InputError:
    shown = library.take(rows[:MOST_NAMED], ["row", "smiles"]).to_pylist()
    listed = "; ".join(f"row:{item['row']} {item['smiles']}" for item in shown)
    more = f" and {len(rows) - MOST_NAMED:,} more" if len(rows) > MOST_NAMED else ""
    return InputError(
        f"{len(rows):,} molecules have the id {name!r}: {listed}{more}.",
        f"Say which, for example row:{rows[0]}.",
    )


def _duplicates(library: MoleculeSource) -> list[Path]:
    return [library.path / item["path"] for item in library.manifest.get("duplicates", [])]


def _kept_for(library: MoleculeSource, name: str) -> int | None:
    paths = _duplicates(library)
    if not paths:
        return None
    with duckdb.connect() as connection:
        row = connection.execute(f"SELECT min(kept_row) FROM {files(paths)} WHERE id = ?", [name]).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def other_ids(library: MoleculeSource, rows: Sequence[int]) -> list[str | None]:
    """Return the ids of the records that were the same molecules as some rows, each molecule's joined by commas.

    Parameters
    ----------
    library : Library
    rows : sequence of int

    Returns
    -------
    list of str or None
        None where the input had the molecule only once, or always under the id of the row.
    """
    paths = _duplicates(library)
    if not paths or not rows:
        return [None] * len(rows)
    listed = ", ".join(str(int(row)) for row in rows)
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT kept_row, string_agg(DISTINCT id, ', ' ORDER BY id) FROM {files(paths)} "
            f"WHERE kept_row IN ({listed}) AND id <> '' GROUP BY kept_row"
        ).fetchall()
    known = {int(row): str(names) for row, names in found}
    return [known.get(int(row)) for row in rows]


def origin(library: MoleculeSource, row: int) -> dict[str, Any]:
    """Return where in which input a molecule stood, and which other records were the same molecule."""
    if isinstance(library, Space):
        reactions, positions = library.locate([row])
        index = int(reactions[0])
        roles = zip(
            library.reactions[index].roles, library.blocks[index], positions[0].tolist(), strict=False
        )
        return {
            "library": str(library.path.resolve()),
            "reaction": library.reactions[index].title,
            "record": row,
            "blocks": [
                {"role": name, "id": part.ids[at], "smiles": part.smiles[at]} for name, part, at in roles
            ],
            "also": [],
        }
    molecule = library.take([row], ["source", "line"]).to_pylist()[0]
    names = [source["name"] for source in library.manifest["sources"]]
    found: dict[str, Any] = {
        "file": names[molecule["source"]],
        "record": molecule["line"],
        "library": str(library.path.resolve()),
    }
    paths = _duplicates(library)
    same = []
    if paths:
        with duckdb.connect() as connection:
            query = f"SELECT source, line, id FROM {files(paths)} WHERE kept_row = {int(row)} ORDER BY source, line"
            same = connection.execute(query).fetchall()
    found["also"] = [{"file": names[source], "record": line, "id": name} for source, line, name in same]
    return found


def structure_facts(smiles: str) -> dict[str, Any]:
    """Return what follows from the structure alone: parent compound, scaffold, QED, alerts."""
    return {
        "parent": parent_smiles([smiles])[0],
        "scaffold": murcko_scaffold(smiles),
        "qed": qed([smiles])[0],
        "alerts": {name: alerts([smiles], name)[0] for name in CATALOGUES},
    }


def nearest_docked(
    smiles: str, row: int, docked: Mapping[str, Sequence[Path]], fingerprint: Fingerprint, count: int
) -> list[dict[str, Any]]:
    """Return the docked molecules that are most similar to one, with their scores by target.

    Parameters
    ----------
    smiles : str
    row : int
        Its own row, which is left out.
    docked : mapping of str to sequence of Path
        Scores tables by target.
    fingerprint : Fingerprint
    count : int
    """
    tables = [
        pq.read_table(path, columns=["row", "id", "smiles", "target", "score"]).filter(
            (pc.field("target") == target) & pc.field("score").is_valid()
        )
        for target, paths in docked.items()
        for path in paths
    ]
    if not tables:
        return []
    known: dict[str, dict[str, Any]] = {}
    for item in pa.concat_tables(tables).to_pylist():
        if item["row"] != row:
            entry = known.setdefault(item["smiles"], {"row": item["row"], "id": item["id"], "scores": {}})
            entry["scores"].setdefault(item["target"], item["score"])
    others = list(known)
    if not others:
        return []
    similarity, _ = References([smiles], fingerprint).nearest(others)
    order = np.argsort(-similarity, kind="stable")[:count]
    return [
        {**known[others[place]], "smiles": others[place], "similarity": round(float(similarity[place]), 4)}
        for place in order.tolist()
    ]
