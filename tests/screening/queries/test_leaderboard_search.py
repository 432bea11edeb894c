"""Questions to a screened library: the leaderboard, and the way past its end, against a plain computation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import FormatError, InputError
from docksieve.data.libraries.enumerate import enumerate_library
from docksieve.data.libraries.library import Library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.score_keys import KEYS, score_keys
from docksieve.data.store import write_table
from docksieve.screening.queries.leaderboard_search import screened_hits
from docksieve.screening.ranking.leaderboard import (
    SCREENED_COLUMNS,
    ScreenedSources,
    write_leaderboard,
)

TARGET = 'a "T"'
Everything = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A few hundred molecules in shards of 250, in a folder whose name looks like a partition and a pattern."""
    folder = tmp_path_factory.mktemp("x") / "a=b [1]*'s"
    return enumerate_library(
        folder / "library", limit=700, settings=IngestSettings(shard_rows=250), workers=1, progress=False
    )


def screened(
    library: Library, lower: bool, spread: bool, listed: int, folder: Path
) -> tuple[ScreenedSources, Everything]:
    """Write predictions (many ties, some missing) and the leaderboard; return all molecules as arrays, too."""
    rng = np.random.default_rng(4)
    folder = folder / "b=c [2]*'s"
    histogram, files, scores_of = np.zeros(KEYS, np.int64), [], []
    for shard in library.shards:
        scores = np.round(rng.normal(-8, 1, shard.rows), 1).astype(np.float32)
        scores[rng.random(shard.rows) < 0.05] = np.nan
        table = {
            "row": pa.array(np.arange(shard.first_row, shard.first_row + shard.rows)),
            f"mean:{TARGET}": pa.array(scores, from_pandas=True),
        }
        if spread:
            table[f"spread:{TARGET}"] = pa.array(
                np.where(np.isnan(scores), np.nan, shard.first_row), pa.float32()
            )
        files.append(folder / f"{shard.name}.parquet")
        write_table(files[-1], pa.table(table), row_group_size=40)
        np.add.at(histogram, score_keys(scores, lower), 1)
        scores_of.append(scores)
    path = folder / "leaderboard.parquet"
    written = write_leaderboard(path, files[::-1], histogram, library, TARGET, lower, listed)
    known = np.concatenate(scores_of)
    assert written == min(listed, int(np.isfinite(known).sum()))
    table = pa.Table.from_batches(library.batches())
    everything = {name: table[name].to_numpy() for name in table.column_names}
    everything["predicted_mean"] = known
    order = np.lexsort((everything["row"], known if lower else -known))
    order = order[np.isfinite(known[order])]
    everything = {name: values[order] for name, values in everything.items()}
    return ScreenedSources(path, files, library), everything


CONDITIONS: list[tuple[str | None, Callable[[Everything], Any]]] = [
    (None, lambda m: m["row"] >= 0),
    ("weight < 300", lambda m: m["weight"] < 300),
    (
        "logp BETWEEN 1 AND 2.5 AND donors <= 1",
        lambda m: (m["logp"] >= 1) & (m["logp"] <= 2.5) & (m["donors"] <= 1),
    ),
    ("smiles LIKE '%Br%'", lambda m: np.array(["Br" in s for s in m["smiles"]])),
    ("rotatable_bonds = 3 OR rings > 3 -- why not", lambda m: (m["rotatable_bonds"] == 3) | (m["rings"] > 3)),
    (
        "predicted_mean BETWEEN -8.45 AND -7.95",
        lambda m: (m["predicted_mean"] > -8.45) & (m["predicted_mean"] < -7.95),
    ),
    ("weight < 0", lambda m: m["weight"] < 0),
]


@pytest.mark.slow
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("listed", [0, 60, 1000])
def test_answers_are_those_of_a_plain_computation(
    tmp_path: Path, library: Library, lower: bool, listed: int
) -> None:
    sources, everything = screened(library, lower, True, listed, tmp_path)
    for where, rule in CONDITIONS:
        wanted = everything["row"][np.asarray(rule(everything))]
        for top in (25, 10_000):
            answer = screened_hits(sources, top, where)
            assert answer.complete
            assert answer.table.column_names == list(SCREENED_COLUMNS)
            np.testing.assert_array_equal(
                answer.table["row"].to_numpy(), wanted[:top], err_msg=f"{where} {top}"
            )
            place = {row: rank for rank, row in enumerate(everything["row"].tolist(), 1)}
            for hit in answer.table.to_pylist():
                inside = place[hit["row"]] <= listed
                assert hit["rank"] == (place[hit["row"]] if inside else None)


def test_every_column_is_the_librarys(tmp_path: Path, library: Library) -> None:
    sources, _ = screened(library, True, True, 30, tmp_path)
    found = screened_hits(sources, 80).table
    there = library.take(found["row"].to_numpy())
    for name in there.column_names:
        if name in SCREENED_COLUMNS:
            assert found[name].to_pylist() == there[name].to_pylist(), name
    assert found["predicted_spread"].to_pylist() == [250.0 * (row // 250) for row in found["row"].to_pylist()]


def test_a_model_without_spread(tmp_path: Path, library: Library) -> None:
    sources, everything = screened(library, True, False, 30, tmp_path)
    found = screened_hits(sources, 80).table
    assert found["predicted_spread"].null_count == 80
    np.testing.assert_array_equal(found["row"].to_numpy(), everything["row"][:80])


def test_without_the_library_an_answer_says_that_it_is_short(tmp_path: Path, library: Library) -> None:
    sources, everything = screened(library, True, True, 60, tmp_path)
    answer = screened_hits(sources, 50, "weight < 300", widen=False)
    assert not answer.complete and not answer.widened
    inside = (everything["weight"] < 300)[:60]
    np.testing.assert_array_equal(answer.table["row"].to_numpy(), everything["row"][:60][inside])
    assert screened_hits(sources, 5, "weight < 300", widen=False).complete
    assert (
        screened_hits(ScreenedSources(sources.leaderboard, [], library), 50, "weight < 300").complete is False
    )


@pytest.mark.parametrize(
    "where",
    [
        "weigth < 300",
        "weight <",
        "true; DROP TABLE hits",
        "true) OR (true",
        "row IN (SELECT 1 FROM read_text('/etc/passwd'))",
        "row IN (SELECT 1 FROM '/etc/passwd.csv')",
        "smiles::INTEGER > 3",
    ],
)
def test_what_is_no_condition_is_refused(tmp_path: Path, library: Library, where: str) -> None:
    sources, _ = screened(library, True, True, 60, tmp_path)
    with pytest.raises(InputError, match=r"not understood|Did you mean 'weight'"):
        screened_hits(sources, 10, where)


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path, library: Library) -> None:
    sources, _ = screened(library, True, True, 60, tmp_path)
    with pytest.raises(FormatError, match="no predictions of"):
        screened_hits(ScreenedSources(sources.leaderboard, sources.predictions[1:], library), 500)
    with pytest.raises(FormatError, match="is not a leaderboard"):
        screened_hits(ScreenedSources(sources.predictions[0], sources.predictions, library))
    with pytest.raises(FormatError, match="is missing"):
        screened_hits(ScreenedSources(tmp_path / "none.parquet", sources.predictions, library))
    other = enumerate_library(tmp_path / "other", limit=20, workers=1, progress=False)
    with pytest.raises(FormatError, match="another library"):
        screened_hits(ScreenedSources(sources.leaderboard, sources.predictions, other))


def test_an_altered_prediction_file_is_noticed(tmp_path: Path, library: Library) -> None:
    sources, _ = screened(library, True, True, 60, tmp_path)
    histogram = np.zeros(KEYS, np.int64)
    histogram[20_000] = 10
    with pytest.raises(FormatError, match="promise 10"):
        write_leaderboard(tmp_path / "x.parquet", sources.predictions, histogram, library, TARGET, True)
