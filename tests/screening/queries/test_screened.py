"""Answers from a leaderboard: which molecules, whether they are the best of the library, and what is said if not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.score_keys import KEYS, score_keys
from docksieve.data.store import write_table
from docksieve.screening.queries.query import HitQuery
from docksieve.screening.queries.score_tables import HIT_COLUMNS, HitSources
from docksieve.screening.queries.screened import ScreenedLeaderboard, query_leaderboard, screened_ranking
from docksieve.screening.ranking.leaderboard import ScreenedSources, write_leaderboard
from rdkit import Chem

SOURCES = HitSources("EGFR", "kcal/mol", True)
Everything = list[dict[str, Any]]


@pytest.fixture(scope="module")
def library(amides: list[str], tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("screened")
    lines = [f"{text} M{row}" for row, text in enumerate([*amides[:117], "Brc1ccccc1", "BrCCBr", "CCBr"])]
    (folder / "in.smi").write_text("\n".join(lines) + "\n")
    settings = IngestSettings(shard_rows=70)
    return build_library(folder / "library", [folder / "in.smi"], settings, workers=1, progress=False)


@pytest.fixture(scope="module")
def everything(library: Library) -> Everything:
    """All 120 molecules best first, the last three being the only ones with bromine; one has no prediction."""
    rows = pa.Table.from_batches(library.batches()).to_pylist()
    scores = [*np.round(np.random.default_rng(3).normal(-8, 1, 117), 2).tolist(), -3.0, -2.0, -1.0]
    found = [
        {**row, "predicted_mean": score} for row, score in zip(rows, scores, strict=True) if row["row"] != 5
    ]
    return sorted(found, key=lambda item: (item["predicted_mean"], item["row"]))


@pytest.fixture(scope="module")
def leaderboards(
    library: Library, everything: Everything, tmp_path_factory: pytest.TempPathFactory
) -> dict[int, ScreenedLeaderboard]:
    """A leaderboard of thirty molecules, and one of all."""
    folder = tmp_path_factory.mktemp("leaderboards")
    known = {item["row"]: item["predicted_mean"] for item in everything}
    histogram, files = np.zeros(KEYS, np.int64), []
    for shard in library.shards:
        rows = np.arange(shard.first_row, shard.first_row + shard.rows)
        scores = np.array([known.get(row, np.nan) for row in rows], np.float32)
        table = {"row": pa.array(rows), "mean:EGFR": pa.array(scores, from_pandas=True)}
        files.append(folder / f"{shard.name}.parquet")
        write_table(files[-1], pa.table(table))
        np.add.at(histogram, score_keys(scores, True), 1)
    made = {}
    for listed in (30, 1000):
        path = folder / f"{listed}.parquet"
        write_leaderboard(path, files, histogram, library, "EGFR", True, listed)
        made[listed] = ScreenedLeaderboard(ScreenedSources(path, files, library), 2, "student-7")
    return made


def ask(leaderboard: ScreenedLeaderboard, **question: Any) -> tuple[pa.Table, list[Any], bool, list[str]]:
    return query_leaderboard(leaderboard, SOURCES, HitQuery(by="screened", **question), None, 1)


def rows_of(table: pa.Table) -> list[int]:
    return list(table["row"].to_pylist())


def test_the_best_come_with_the_columns_of_hits(
    leaderboards: dict[int, ScreenedLeaderboard], everything: Everything
) -> None:
    table, steps, complete, notes = ask(leaderboards[30], top=10)
    assert rows_of(table) == [item["row"] for item in everything[:10]]
    assert table.column_names[: len(HIT_COLUMNS)] == list(HIT_COLUMNS)
    assert table["predicted_mean"].to_pylist() == pytest.approx(
        [i["predicted_mean"] for i in everything[:10]]
    )
    for name, value in (
        ("target", "EGFR"),
        ("unit", "kcal/mol"),
        ("model", "student-7"),
        ("predicted_round", 2),
    ):
        assert set(table[name].to_pylist()) == {value}
    assert table["docked_score"].null_count == 10  # none is docked
    assert (steps, complete, notes) == ([], True, [])


def test_what_the_leaderboard_lacks_is_fetched_from_the_library(
    leaderboards: dict[int, ScreenedLeaderboard], everything: Everything
) -> None:
    table, steps, complete, notes = ask(leaderboards[30], top=50)
    assert rows_of(table) == [item["row"] for item in everything[:50]]
    assert complete and steps == []
    assert notes == ["EGFR: the leaderboard held too few; the whole library was gone through."]
    where = ask(leaderboards[30], top=5, where="weight > 250")
    assert rows_of(where[0]) == [item["row"] for item in everything if item["weight"] > 250][:5]


@pytest.mark.parametrize(("top", "found"), [(2, 0), (None, 0)])
def test_where_the_library_was_not_gone_through_it_is_said(
    leaderboards: dict[int, ScreenedLeaderboard], top: int | None, found: int
) -> None:
    """Structures are not searched beyond the leaderboard: all three with bromine are past its end."""
    table, steps, complete, notes = ask(leaderboards[30], top=top, has=("Br",))
    assert table.num_rows == found and not complete
    assert [step.left for step in steps] == [30, 0]
    assert notes == [
        "EGFR: looked through the best 30 molecules by prediction, of which 0 meet all conditions; "
        "the rest of the library was not looked at."
    ]


def test_all_of_a_leaderboard_is_not_all_of_the_library(
    leaderboards: dict[int, ScreenedLeaderboard], everything: Everything
) -> None:
    table, _, complete, notes = ask(leaderboards[30], top=None)
    assert table.num_rows == 30 and not complete
    assert notes == [
        "EGFR: looked through the best 30 molecules by prediction, of which 30 meet all conditions; "
        "the rest of the library was not looked at."
    ]
    table, steps, complete, notes = ask(leaderboards[1000], top=None)
    assert rows_of(table) == [item["row"] for item in everything]
    assert complete and notes == [] and [step.left for step in steps] == [119]


def test_as_many_as_were_wanted_are_complete_wherever_the_last_was_found(
    leaderboards: dict[int, ScreenedLeaderboard], everything: Everything
) -> None:
    carbon = Chem.MolFromSmarts("c")
    aromatic = [i for i in everything[:30] if Chem.MolFromSmiles(i["smiles"]).HasSubstructMatch(carbon)]
    assert 0 < len(aromatic) < 30
    table, _, complete, notes = ask(leaderboards[30], top=len(aromatic), has=("c",))
    assert rows_of(table) == [item["row"] for item in aromatic]
    assert complete and notes == []


def test_in_a_whole_leaderboard_too_few_are_all_there_are(
    leaderboards: dict[int, ScreenedLeaderboard],
) -> None:
    table, steps, complete, notes = ask(leaderboards[1000], top=10, has=("Br",))
    assert table["smiles"].to_pylist() == ["Brc1ccccc1", "BrCCBr", "CCBr"]
    assert complete and notes == [] and [step.left for step in steps] == [119, 3]
    none, steps, complete, _ = ask(leaderboards[1000], top=10, where="weight < 0")
    assert none.num_rows == 0 and complete and steps[-1].left == 0
    assert none.column_names[: len(HIT_COLUMNS)] == list(HIT_COLUMNS)


def test_a_name_with_an_apostrophe_is_no_danger(leaderboards: dict[int, ScreenedLeaderboard]) -> None:
    odd = HitSources("it's", "kcal/mol", True)
    ranked = screened_ranking(leaderboards[30], odd, 1)
    ranked.close()
    table, *_ = query_leaderboard(leaderboards[30], odd, HitQuery(by="screened", top=1), None, 1)
    assert table["target"].to_pylist() == ["it's"]


def test_a_leaderboard_that_is_gone_is_named(tmp_path: Path, library: Library) -> None:
    gone = ScreenedLeaderboard(ScreenedSources(tmp_path / "gone.parquet", [], library), 1, "m")
    with pytest.raises(Exception, match=r"gone\.parquet"):
        ask(gone, top=1)
