"""The docking task: one row for every molecule, failures counted by their codes, the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.receipts import Stopwatch
from docksieve.data.store import read_table, sha256_file
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.tasks.context import TaskContext
from docksieve.workflows.tasks.dock import dock
from docksieve.workflows.verifying.rebuild import rebuild


@pytest.fixture
def tasks(copied: Path) -> list[Task]:
    campaign = open_campaign(copied)
    return rebuild(campaign, campaign.open_library())[0]["round-00/dock"]


def test_every_molecule_of_the_batches_has_a_row_and_every_failure_a_code(
    copied: Path, tasks: list[Task]
) -> None:
    unscored = {f"M{index}" for index in range(5)}  # those that the score table lacks
    docked, failed = 0, set()
    for task in tasks:
        outcome = dock(TaskContext(copied, task, Stopwatch()))
        (batch,) = (record for record in task.inputs if record.path.startswith("selections/"))
        given = read_table(copied / batch.path)["id"].to_pylist()
        scores = read_table(outcome.outputs[0]).to_pylist()
        assert [row["id"] for row in scores] == given
        mine = [row for row in scores if row["failure"] is not None]
        assert all(row["score"] is None for row in mine)
        assert all(row["score"] is not None for row in scores if row["failure"] is None)
        assert (outcome.rows_in, outcome.rows_out) == (len(given), len(given))
        assert outcome.counts["ligands"] == len(given) and outcome.counts["failed"] == len(mine)
        assert sum(outcome.facts["failures"].values()) == len(mine)
        assert set(outcome.facts["failures"]) == {row["failure"] for row in mine}
        docked, failed = docked + len(given), failed | {row["id"] for row in mine}
    assert docked == 120  # sixty for each of two targets
    assert failed <= unscored


def test_docking_again_writes_the_same_files(copied: Path, tasks: list[Task]) -> None:
    task = tasks[0]
    before = {record.path: record.sha256 for record in open_campaign(copied).ledger.outputs("round-00/dock")}
    outcome = dock(TaskContext(copied, task, Stopwatch()))
    for path in outcome.outputs:
        assert sha256_file(path) == before[path.relative_to(copied).as_posix()]
