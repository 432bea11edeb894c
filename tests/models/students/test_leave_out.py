"""Predictions of a shard from which molecules are left out: for all targets, or for some."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.data.score_keys import MISSING_KEY, score_keys
from docksieve.models.settings import StudentSettings
from docksieve.models.students.distill import distil_student
from docksieve.models.students.leave_out import leave_out
from docksieve.models.students.screen import screen_shard
from docksieve.models.students.student import Student

pytestmark = pytest.mark.usefixtures("small_blocks")
KINDS = ("predictions", "histogram", "best")


@pytest.fixture(scope="module")
def student(amides: list[str], logp: np.ndarray) -> Student:
    settings = StudentSettings(width=16, buckets=256, epochs=3)
    mean = np.stack([logp, -logp], axis=1)
    return distil_student(
        amides[:300], mean[:300], np.abs(mean[:300]) + 0.1, ["a", "b"], [True, False], settings
    )


@pytest.fixture(scope="module")
def shard(amides: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shard") / "shard.parquet"
    rows = pa.array(np.arange(100, 900))
    table = pa.table({"row": rows, "id": [f"M{n}" for n in range(800)], "smiles": amides[:800]})
    pq.write_table(table, path, row_group_size=128)
    return path


def files(folder: Path) -> list[Path]:
    return [folder / f"{kind}.parquet" for kind in KINDS]


def test_what_is_not_wanted_is_written_as_if_it_had_no_smiles(
    tmp_path: Path, shard: Path, student: Student
) -> None:
    wanted = np.random.default_rng(4).random(800) < 0.3
    (tmp_path / "some").mkdir()
    (tmp_path / "blank").mkdir()
    result = screen_shard(shard, student, *files(tmp_path / "some"), wanted=wanted, batch_rows=90)
    table = pq.read_table(shard)
    blanked = [text if keep else None for text, keep in zip(table["smiles"].to_pylist(), wanted, strict=True)]
    pq.write_table(table.set_column(2, "smiles", pa.array(blanked)), tmp_path / "blank.parquet")
    plain = screen_shard(tmp_path / "blank.parquet", student, *files(tmp_path / "blank"))
    assert result.rows == plain.rows == 800 and result.missing == plain.missing == (~wanted).sum()
    for one, other in zip(files(tmp_path / "some"), files(tmp_path / "blank"), strict=True):
        assert pq.read_table(one).equals(pq.read_table(other))


def test_targets_that_may_dock_different_molecules_have_predictions_of_their_own(
    tmp_path: Path, shard: Path, student: Student
) -> None:
    screen_shard(shard, student, *files(tmp_path), best_count=20)
    before = pq.read_table(files(tmp_path)[0])
    refused = np.random.default_rng(5).random(800) < 0.4
    leave_out(*files(tmp_path), student, {"a": refused, "b": np.zeros(800, bool)})
    after, histogram, best = (pq.read_table(path) for path in files(tmp_path))
    assert after.schema == before.schema
    for name in before.column_names:
        mine = name.endswith(":a")
        same = before[name].to_numpy()
        found = after[name].to_numpy()
        assert np.array_equal(found, np.where(refused, np.nan, same) if mine else same, equal_nan=mine), name
    for target, lower in (("a", True), ("b", False)):
        counts = np.zeros(MISSING_KEY + 1, np.int64)
        rows = [row for row in histogram.to_pylist() if row["target"] == target]
        for row in rows:
            counts[row["key"]] += row["count"]
        keys = score_keys(after[f"mean:{target}"].to_numpy(), lower)
        assert np.array_equal(counts, np.bincount(keys, minlength=len(counts)))
        leading = [row["row"] for row in best.to_pylist() if row["target"] == target]
        means = after[f"mean:{target}"].to_numpy()
        order = np.lexsort((np.arange(800), means if lower else -means))[:20]
        assert leading == (order + 100).tolist()


def test_nothing_is_rewritten_where_nothing_is_refused(tmp_path: Path, shard: Path, student: Student) -> None:
    screen_shard(shard, student, *files(tmp_path))
    times = [path.stat().st_mtime_ns for path in files(tmp_path)]
    leave_out(*files(tmp_path), student, {"a": np.zeros(800, bool)})
    assert [path.stat().st_mtime_ns for path in files(tmp_path)] == times
