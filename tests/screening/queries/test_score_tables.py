"""The query behind hits: every file read as it is, every question answered or refused, no hit twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from docksieve.data.errors import InputError
from docksieve.data.schema import LIBRARY_SCHEMA, PROPERTY_COLUMNS, SCORES_SCHEMA
from docksieve.data.store import write_table
from docksieve.screening.queries.score_tables import (
    FAILURE_COLUMNS,
    HIT_COLUMNS,
    HitSources,
    _answer,
    _create_views,
    _ranking_sql,
    failed_dockings,
    rank_into,
)

SMILES = [
    "Cc1cc[nH]c1",
    "C[N+](C)(C)CC(=O)[O-]",
    "c1ccc2[nH]ccc2c1",
    "CCO",
    "O=C(N)c1cccnc1",
    "CC(=O)Nc1ccc(O)cc1",
]


def ranked_hits(
    sources: HitSources, top: int | None = 100, by: str = "auto", where: str | None = None
) -> pa.Table:
    """Return the best molecules of one target."""
    with duckdb.connect() as connection:
        rank_into(connection, "hits", sources, by)
        return _answer(connection, "hits", "rank", HIT_COLUMNS, top, where)


def scores(path: Path, dockings: dict[int, float | str], target: str = "B") -> Path:
    """Write a scores table: row to score, or to a failure code."""
    rows = []
    for row, value in dockings.items():
        failed = isinstance(value, str)
        known: dict[str, Any] = {
            "row": row,
            "id": f"{1000 + row}",
            "smiles": SMILES[row % len(SMILES)],
            "target": target,
            "score": None if failed else value,
            "unit": "kcal/mol",
            "lower_is_better": True,
            "engine": "table",
            "engine_version": "1",
            "settings": "{}",
            "seconds": 0.1,
            "failure": value if failed else None,
            "message": f"{path.parent.name}: {value}" if failed else None,
        }
        rows.append({name: known.get(name) for name in SCORES_SCHEMA.names})
    write_table(path, pa.Table.from_pylist(rows, schema=SCORES_SCHEMA))
    return path


def molecules(path: Path, rows: list[int], means: dict[str, float] | None = None) -> Path:
    """Write a selection batch, or with ``means`` a refined batch."""
    table = {
        "row": pa.array(rows, pa.int64()),
        "id": [f"{1000 + row}" for row in rows],
        "smiles": [SMILES[row % len(SMILES)] for row in rows],
        **{name: pa.array([row % 100 for row in rows]).cast(kind) for name, kind in PROPERTY_COLUMNS.items()},
    }
    assert list(table) == [n for n in LIBRARY_SCHEMA.names if n not in ("source", "line", "stereo_groups")]
    for target, mean in (means or {}).items():
        table[f"mean:{target}"] = pa.array([mean + row * 1e-6 for row in rows], pa.float32())
        table[f"spread:{target}"] = pa.array([0.5] * len(rows), pa.float32())
    write_table(path, pa.table(table))
    return path


@pytest.fixture
def sources(tmp_path: Path) -> HitSources:
    """Two rounds and a final docking, in folders whose names look like partitions and patterns."""
    root = tmp_path / "target=X" / "smiles=[a]*?"
    decoy = tmp_path / "target=X" / "smiles=axy"
    scores(decoy / "0.parquet", {0: -99.0})  # what the folder's name would match as a pattern
    return HitSources(
        target="B",
        unit="kcal/mol",
        lower_is_better=True,
        docked={
            0: [scores(root / "0.parquet", {0: -6.0, 1: "embed", 2: -7.5, 3: -5.0})],
            1: [scores(root / "1.parquet", {4: -9.0, 5: "timeout"})],
        },
        final=[scores(root / "final" / "0.parquet", {4: -9.4, 2: "crash"})],
        refined={1: [molecules(root / "r.parquet", list(range(3, 400)), {"B": -6.5})]},
        selections=[molecules(root / "s0.parquet", [0, 1, 2, 3]), molecules(root / "s1.parquet", [4, 5])],
        models={1: "abc"},
    )


def test_names_of_folders_are_neither_columns_nor_patterns(sources: HitSources) -> None:
    found = ranked_hits(sources, by="docked")
    assert found.column_names == list(HIT_COLUMNS)
    assert found["row"].to_pylist() == [4, 2, 0, 3]
    assert found["smiles"].to_pylist() == [SMILES[row] for row in (4, 2, 0, 3)]
    assert set(found["target"].to_pylist()) == {"B"}
    assert found["docked_score"].to_pylist() == [-9.0, -7.5, -6.0, -5.0]


def test_columns_say_where_values_came_from(sources: HitSources) -> None:
    best = ranked_hits(sources, top=1).to_pylist()[0]
    assert (best["final_score"], best["docked_score"], best["docked_round"]) == (-9.4, -9.0, 1)
    assert (best["predicted_round"], best["model"], best["heavy_atoms"]) == (1, "abc", 4)
    predicted = ranked_hits(sources, top=None, by="predicted")
    assert predicted["row"].to_pylist() == [*range(3, 400)]
    assert predicted.num_rows - predicted["docked_score"].null_count == 2


@pytest.mark.parametrize("where", ["cast(id as int) > 1003", "cast(smiles as int) > 3", "wieght < 3", "1 +"])
@pytest.mark.parametrize("question", [ranked_hits, failed_dockings])
def test_a_condition_that_fails_is_explained(sources: HitSources, where: str, question: Any) -> None:
    if where.startswith("cast(id"):
        assert set(question(sources, where=where)["id"].to_pylist()) <= {"1004", "1005"}
        return
    with pytest.raises(InputError, match="--where") as caught:
        question(sources, where=where)
    close = where.startswith("wieght") and question is ranked_hits
    assert ("Did you mean 'weight'" if close else "smiles") in str(caught.value)


def test_a_condition_reads_no_files(sources: HitSources) -> None:
    path = next(iter(sources.docked[0]))
    with pytest.raises(InputError, match="--where"):
        ranked_hits(sources, where=f"id in (select id from read_parquet('{path}'))")


def test_failures_of_every_stage_are_listed(sources: HitSources) -> None:
    failed = failed_dockings(sources)
    assert failed.column_names == list(FAILURE_COLUMNS)
    assert list(zip(*(failed[name].to_pylist() for name in ("stage", "row", "failure")), strict=True)) == [
        ("round-00", 1, "embed"),
        ("round-01", 5, "timeout"),
        ("final", 2, "crash"),
    ]
    assert failed_dockings(sources, top=2)["row"].to_pylist() == [1, 5]
    assert failed_dockings(sources, where="stage = 'final'")["message"].to_pylist() == ["final: crash"]


def test_a_molecule_docked_twice_is_one_hit(sources: HitSources, tmp_path: Path) -> None:
    again = scores(tmp_path / "again.parquet", {4: -9.3, 0: -6.1, 2: -7.6})
    twice = HitSources(**{**vars(sources), "final": [*sources.final, again]})
    twice.docked[2] = [scores(tmp_path / "later.parquet", {4: -9.1, 1: -8.0})]  # type: ignore[index]
    found = ranked_hits(twice, top=None)
    assert sorted(found["row"].to_pylist()) == [0, 1, 2, 3, 4]
    assert found["rank"].to_pylist() == [1, 2, 3, 4, 5]
    by_row = {row["row"]: row for row in found.to_pylist()}
    assert by_row[4]["docked_score"] == -9.0  # the first, which models were trained on
    assert by_row[1]["docked_score"] == -8.0  # a score rather than a failure
    assert by_row[2]["final_score"] == -7.6


def test_a_target_without_files_has_hits_of_the_same_columns(sources: HitSources) -> None:
    nothing = ranked_hits(HitSources("C", "kcal/mol", True))
    assert nothing.num_rows == 0
    assert nothing.schema.equals(ranked_hits(sources).schema)
    assert failed_dockings(HitSources("C", "kcal/mol", True)).schema.equals(failed_dockings(sources).schema)


def test_a_ranking_by_docking_sorts_docked_molecules_only(sources: HitSources) -> None:
    """The shortlist may hold tens of millions of molecules that nobody docked."""
    with duckdb.connect() as connection:
        _create_views(connection, sources)
        for by in ("docked", "final"):
            plan = connection.sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {_ranking_sql(sources, by)}").fetchall()
            sorters = [
                node
                for top in json.loads(plan[0][1])["operator"]
                for node in nodes(top)
                if sorts(node["type"])
            ]
            assert len(sorters) >= 4
            assert max(node["intermediate_rows"] for node in sorters) < 20  # of 397 in the shortlist


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("children", []) for node in nodes(child))]


def sorts(operator: str) -> bool:
    return "WINDOW" in operator or "GROUP_BY" in operator


def test_higher_scores_are_better_where_they_are(sources: HitSources) -> None:
    up = HitSources(**{**vars(sources), "lower_is_better": False})
    assert ranked_hits(up, by="docked")["docked_score"].to_pylist() == [-5.0, -6.0, -7.5, -9.0]
