"""Ranking over shards gives what sorting everything at once would give."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import FormatError
from docksieve.data.score_keys import KEYS, MISSING_KEY, key_scores, score_keys
from docksieve.data.store import read_table, write_table
from docksieve.screening.ranking import top_k as rank
from docksieve.screening.ranking.top_k import best_rows, cut_key, merge_all_histograms, merge_histograms

TARGET = "T"


def write_shards(
    folder: Path, scores: np.ndarray, cuts: list[int], lower: bool = True
) -> tuple[list[Path], list[Path]]:
    predictions, histograms = [], []
    for index, rows in enumerate(np.split(np.arange(len(scores)), cuts)):
        part = scores[rows].astype(np.float32)
        table = pa.table(
            {"row": pa.array(rows, pa.int64()), f"mean:{TARGET}": pa.array(part, from_pandas=True)}
        )
        write_table(folder / f"p{index}.parquet", table)
        keys, counts = np.unique(score_keys(part, lower), return_counts=True)
        histogram = {
            "target": [TARGET] * len(keys),
            "key": pa.array(keys),
            "count": pa.array(counts, pa.int64()),
        }
        write_table(folder / f"h{index}.parquet", pa.table(histogram))
        predictions.append(folder / f"p{index}.parquet")
        histograms.append(folder / f"h{index}.parquet")
    return predictions, histograms


def expected(scores: np.ndarray, count: int, lower: bool) -> np.ndarray:
    known = np.flatnonzero(np.isfinite(scores))
    values = scores[known].astype(np.float32)
    return known[np.lexsort((known, values if lower else -values))][:count]


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("count", [1, 17, 500, 5000, 99999])
def test_best_rows_equal_a_plain_sort(tmp_path: Path, lower: bool, count: int) -> None:
    rng = np.random.default_rng(3)
    scores = np.round(rng.normal(-7, 1.2, 5000), 1)  # many ties, as docking scores have
    scores[rng.random(5000) < 0.03] = np.nan
    predictions, histograms = write_shards(tmp_path, scores, [1, 2, 1700, 1700, 4999], lower)
    merged = merge_histograms(histograms, TARGET)
    assert merged.sum() == 5000
    assert merged[MISSING_KEY] == np.isnan(scores).sum()
    best = best_rows(predictions, merged, f"mean:{TARGET}", count, lower, batch_rows=100)
    np.testing.assert_array_equal(best["row"].to_numpy(), expected(scores, count, lower))


def test_any_split_and_order_of_shards_gives_the_same_ranking(tmp_path: Path) -> None:
    scores = np.random.default_rng(5).normal(-8, 1, 3000)
    answers = []
    for index, cuts in enumerate([[], [1500], [10, 20, 2990]]):
        folder = tmp_path / str(index)
        predictions, histograms = write_shards(folder, scores, cuts)
        merged = merge_histograms(histograms[::-1], TARGET)
        answers.append(best_rows(predictions[::-1], merged, f"mean:{TARGET}", 200, True).to_pydict())
    assert answers[0] == answers[1] == answers[2]


def test_an_altered_prediction_file_is_noticed(tmp_path: Path) -> None:
    scores = np.linspace(-9, -5, 400)
    predictions, histograms = write_shards(tmp_path, scores, [200])
    merged = merge_histograms(histograms, TARGET)
    with pytest.raises(FormatError, match="promise"):
        best_rows(predictions[1:], merged, f"mean:{TARGET}", 300, True)


@pytest.mark.parametrize("lower", [True, False])
def test_many_equal_scores_at_the_cut_need_no_more_memory(tmp_path: Path, lower: bool) -> None:
    """A student that predicts nearly the same for everybody must not fill the memory."""
    rng = np.random.default_rng(8)
    scores = np.full(1_000_000, -7.0)
    scores[rng.choice(len(scores), 500_000, replace=False)] = -7.0005  # the same key, not the same score
    best = rng.choice(len(scores), 30, replace=False)
    scores[best] = -9.0 if lower else -5.0
    predictions, histograms = write_shards(tmp_path, scores, [300_000, 700_000], lower)
    merged = merge_histograms(histograms, TARGET)
    tracemalloc.start()
    found = best_rows(predictions, merged, f"mean:{TARGET}", 100, lower, batch_rows=20_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(found["row"].to_numpy(), expected(scores, 100, lower))
    assert peak < 3_000_000  # bytes; all rows of the boundary key would be 12,000,000


def test_histograms_of_all_targets_come_from_one_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = []
    for index in range(3):
        columns = {
            "target": ["A", "B", "B", "C"],
            "key": pa.array([1, 1, 5, index], pa.uint16()),
            "count": pa.array([10, 20, 5, 1], pa.int64()),
        }
        paths.append(tmp_path / f"{index}.parquet")
        write_table(paths[-1], pa.table(columns))
    read: list[Path] = []
    monkeypatch.setattr(rank, "read_table", lambda path: read.append(path) or read_table(path))
    merged = merge_all_histograms(paths)
    assert read == paths
    assert sorted(merged) == ["A", "B", "C"]
    assert merged["A"].shape == (KEYS,)
    assert (merged["A"].sum(), merged["B"][1], merged["B"][5]) == (30, 60, 15)
    assert merged["C"][:4].tolist() == [1, 1, 1, 0]
    assert merge_histograms(paths, "D").sum() == 0


def test_nothing_predicted_gives_nothing() -> None:
    histogram = np.zeros(KEYS, np.int64)
    histogram[MISSING_KEY] = 50
    assert cut_key(histogram, 10) == -1
    assert best_rows([], histogram, "mean:T", 10, True).num_rows == 0


def test_score_keys_sort_like_scores_and_come_back() -> None:
    values = np.array([-np.inf, -65504, -9.5, -9.49, -0.0, 0.0, 1e-7, 3.25, 70000.0, np.nan], np.float32)
    for lower in (True, False):
        keys = score_keys(values, lower)
        assert keys[-1] == MISSING_KEY
        real = values[:-1] if lower else -values[:-1]
        order = np.argsort(real, kind="stable")
        assert (np.diff(keys[:-1][order].astype(int)) >= 0).all()
        back = key_scores(keys, lower)
        np.testing.assert_allclose(back[1:8], values[1:8], rtol=1e-3, atol=1e-7)
        assert np.isnan(back[-1])
    assert score_keys([-0.0], True) == score_keys([0.0], True)
    assert score_keys([-0.0], False) == score_keys([0.0], False)
    assert score_keys([1e9], True)[0] < MISSING_KEY  # worst of all, yet not missing


@pytest.mark.parametrize("lower", [True, False])
def test_every_key_is_cut_where_it_ends(tmp_path: Path, lower: bool) -> None:
    """Scores beside the edges of keys, zeros, infinities: what is skipped before keys are computed has no such key."""
    centres = key_scores(np.arange(KEYS, dtype=np.uint16)[::97], lower)
    centres = centres[np.isfinite(centres)]
    around = [np.nextafter(centres, np.float32(side)) for side in (-np.inf, np.inf)]
    middles = (centres[1:] + centres[:-1]) / 2
    special = np.array([0.0, -0.0, 1e-8, -1e-8, np.inf, -np.inf, 70000, -70000, np.nan], np.float32)
    scores = np.concatenate([centres, *around, middles, special]).astype(np.float32)
    np.random.default_rng(1).shuffle(scores)
    predictions, _ = write_shards(tmp_path, scores, [], lower)
    keys = score_keys(scores, lower)
    for worst in [0, 1023, 0x8000 - 1, 0x8000, 0x8001, 0xFC00, *np.unique(keys)[::50].tolist()]:
        found = [
            rows
            for rows, _, _ in rank.scores_within(
                predictions[0], f"mean:{TARGET}", worst, lower, batch_rows=64
            )
        ]
        wanted = np.flatnonzero((keys <= worst) & (keys != MISSING_KEY))
        np.testing.assert_array_equal(np.concatenate([np.empty(0, np.int64), *found]), wanted)
