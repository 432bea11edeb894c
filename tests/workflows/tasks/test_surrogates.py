"""Tasks that predict: which molecules, in which order, and what is blanked or left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.receipts import Stopwatch
from docksieve.data.store import read_table, record_file, sha256_file, write_table
from docksieve.models.teachers.training_data import TrainingData
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.tasks import surrogates
from docksieve.workflows.tasks.context import TaskContext
from docksieve.workflows.tasks.settings import RoundSettings
from docksieve.workflows.verifying.rebuild import rebuild


def test_docked_molecules_have_no_spread_to_learn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surrogates, "MIN_LABELS", 3)
    smiles = pa.chunked_array([["CCO", "CCN"], ["CCC", "CCCC"]])
    spread = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])
    found = surrogates._without_memory(smiles, spread, pa.chunked_array([["CCN", "c1ccccc1"], ["CCN"]]))
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[[0, 2, 3]], spread[[0, 2, 3]])
    assert np.isfinite(spread).all()  # the caller's array is left alone
    most = pa.chunked_array([["CCO", "CCN"]])
    assert surrogates._without_memory(smiles, spread, most) is spread  # too few would be left to learn from
    none = pa.chunked_array([pa.array([], pa.string())])
    np.testing.assert_array_equal(surrogates._without_memory(smiles, spread, none), spread)


def test_a_target_that_is_left_out_takes_its_own_molecules_with_it() -> None:
    scores = np.array([[1.0, np.nan, 5.0], [np.nan, 2.0, np.nan], [3.0, 4.0, 6.0]])
    data = TrainingData(["C", "CC", "CCC"], ("a", "b", "c"), scores, (True, False, True))
    kept = surrogates._without(data, {"b": "too few scores"})
    assert (list(kept.smiles), kept.targets, kept.lower_is_better) == (["C", "CCC"], ("a", "c"), (True, True))
    np.testing.assert_array_equal(kept.scores, [[1.0, 5.0], [3.0, 6.0]])


def test_a_slice_of_labels_and_a_screened_shard_are_the_same_again(copied: Path) -> None:
    campaign = open_campaign(copied)
    library = campaign.open_library()
    stages = rebuild(campaign, library)[0]
    known = {
        record.path: record.sha256
        for stage in ("round-01/label", "round-01/screen")
        for record in campaign.ledger.outputs(stage)
    }
    last = stages["round-01/label"][-1]
    labels = surrogates.label(TaskContext(copied, last, Stopwatch()))
    assert labels.rows_out == labels.counts["molecules"] == 200 - 3 * 64  # the rest of two hundred
    table = read_table(labels.outputs[0])
    wanted = library.sample_rows(200, last.settings.seed, "label", "round-01")[192:]  # type: ignore[attr-defined]
    assert table["row"].to_pylist() == wanted.tolist()
    assert labels.counts["unpredictable"] == table["mean:A"].null_count == 0
    shard = surrogates.screen(TaskContext(copied, stages["round-01/screen"][1], Stopwatch()))
    assert shard.rows_in == shard.rows_out == library.shards[1].rows == 150
    assert shard.counts["predictions"] == 2 * 150 and shard.counts["unpredictable"] == 0
    for path in (*labels.outputs, *shard.outputs):
        assert sha256_file(path) == known[path.relative_to(copied).as_posix()], path


def test_what_cannot_be_read_is_counted_and_has_no_prediction(copied: Path) -> None:
    campaign = open_campaign(copied)
    teacher = [item for item in campaign.ledger.outputs("round-01/train") if item.path.startswith("models/")]
    path = copied / "shortlists" / "round-01" / "batch-00099.parquet"
    smiles = ["O=C(C)NCc1ccccc1", "no molecule", "CCO"]
    write_table(path, pa.table({"row": [0, 1, 2], "id": ["a", "b", "c"], "smiles": smiles}))
    task = Task("t", "refine", RoundSettings("round-01"), (record_file(path, copied), *teacher))
    outcome = surrogates.refine(TaskContext(copied, task, Stopwatch()))
    assert outcome.outputs == (copied / "refined" / "round-01" / "batch-00099.parquet",)
    found = read_table(outcome.outputs[0])
    assert (outcome.counts["molecules"], outcome.counts["unpredictable"]) == (3, 1)
    for name in ("mean:A", "spread:A", "mean:B", "spread:B", "similarity"):
        assert [value is None for value in found[name].to_pylist()] == [False, True, False], name
    assert outcome.counts["novel"] == sum(found["novel"].to_pylist()) and found["novel"][1].as_py() is False


def test_the_model_is_the_one_whose_weights_are_among_the_inputs(copied: Path) -> None:
    campaign = open_campaign(copied)
    for number in (1, 2):
        records = campaign.ledger.outputs(f"round-0{number}/train", "models/")
        task = Task("t", "refine", RoundSettings("r"), tuple(records))
        found = surrogates.bundle_of(TaskContext(copied, task, Stopwatch()))
        assert found.targets == ("A", "B") or list(found.targets) == ["A", "B"]
        assert surrogates.bundle_of(TaskContext(copied, task, Stopwatch())) is found  # read once
