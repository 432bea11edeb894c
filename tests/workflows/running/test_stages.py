"""One stage: what is done is skipped, failures are told together, and a stage that only fails is given up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import CampaignError
from docksieve.data.receipts import Failure, Receipt, read_receipt, write_receipt
from docksieve.hpc.sites.read import load_site
from docksieve.workflows.campaign.begin import begin_or_resume
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.campaign.driver import read_driver
from docksieve.workflows.campaign.ledger import FOLLOWS, Task
from docksieve.workflows.running.engine import RunnerWatch
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.running.stages import MAX_FAILURES_IN_A_ROW, StageRunner
from docksieve.workflows.tasks.settings import RoundSettings

STAGE = "round-00/dock"


class Runner:
    """Says of every task that it ended, those with a name in ``failing`` badly."""

    workers = 3

    def __init__(self, root: Path, failing: Iterable[str] = (), traceback: str = "") -> None:
        self.root, self.failing, self.traceback, self.given = root, set(failing), traceback, list[Task]()

    def blocks(self) -> list[dict[str, Any]]:
        return []

    def run(self, tasks: Iterable[Task], watch: RunnerWatch) -> Iterator[Receipt]:
        for task in tasks:
            self.given.append(task)
            watch.on_running([task.name])
            bad = Failure("Bad", f"{task.name} went wrong.", traceback=self.traceback)
            failure = bad if task.name.rpartition("/")[2] in self.failing else None
            receipt = Receipt(
                task.name, task.kind, task.fingerprint, failure=failure, follows=task.runtime[FOLLOWS]
            )
            write_receipt(self.root, receipt)
            yield receipt


class Watching(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def stage_begun(self, stage: str, total: int, done: int) -> None:
        self.told.append((total, done))

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        self.told.append(receipt.task.rpartition("/")[2])

    def stage_ended(self, stage: str) -> None:
        self.told.append("end")


@pytest.fixture
def campaign(make_campaign: Callable[..., Path]) -> Campaign:
    return begin_or_resume(make_campaign(), load_site("inline"))


def tasks(count: int) -> list[Task]:
    return [Task(f"{STAGE}/{number}", "dock", RoundSettings("round-00")) for number in range(count)]


def run(campaign: Campaign, runner: Runner, count: int) -> list[Any]:
    watching = Watching()
    try:
        StageRunner(campaign, runner, watching, load_site("inline")).run(STAGE, tasks(count))
    finally:
        assert watching.told[-1] == "end"
    return watching.told


def test_what_is_done_is_not_run_again(campaign: Campaign) -> None:
    runner = Runner(campaign.root, failing=["1"])
    with pytest.raises(CampaignError):
        run(campaign, runner, 3)
    again = Runner(campaign.root)
    assert run(campaign, again, 3) == [(3, 2), "1", "end"]
    assert [task.name for task in again.given] == [f"{STAGE}/1"]
    assert campaign.ledger.planned(STAGE) == [task.name for task in tasks(3)]
    last = Runner(campaign.root)
    assert run(campaign, last, 3) == [(3, 3), "end"] and last.given == []


def test_failures_are_told_together_after_all_others(campaign: Campaign) -> None:
    runner = Runner(campaign.root, failing=["1", "3"])
    with pytest.raises(CampaignError) as caught:
        run(campaign, runner, 6)
    assert len(runner.given) == 6
    said = str(caught.value)
    assert said.startswith(
        f"2 of 6 tasks of {STAGE} failed, the first of them {STAGE}/1: {STAGE}/1 went wrong."
    )
    assert "fault of docksieve" not in said
    assert str(campaign.root / "receipts" / STAGE / "1.json") in said
    assert "submit again: finished tasks are kept" in said


def test_what_nobody_foresaw_is_called_a_fault(campaign: Campaign) -> None:
    with pytest.raises(CampaignError, match="This looks like a fault of docksieve"):
        run(campaign, Runner(campaign.root, failing=["0"], traceback="Traceback ..."), 1)


def test_a_stage_that_only_fails_is_given_up(campaign: Campaign) -> None:
    everything = map(str, range(20))
    runner = Runner(campaign.root, failing=everything)
    with pytest.raises(CampaignError, match=rf"{MAX_FAILURES_IN_A_ROW} of 20 tasks"):
        run(campaign, runner, 20)
    assert len(runner.given) == MAX_FAILURES_IN_A_ROW


def test_a_success_in_between_is_hope(campaign: Campaign) -> None:
    runner = Runner(campaign.root, failing=[str(number) for number in range(20) if number % 5 != 4])
    with pytest.raises(CampaignError, match="16 of 20 tasks"):
        run(campaign, runner, 20)


def test_a_stage_without_tasks_ends(campaign: Campaign) -> None:
    assert run(campaign, Runner(campaign.root), 0) == [(0, 0), "end"]


def test_others_are_told_what_runs_and_receipts_follow_the_campaign(campaign: Campaign) -> None:
    run(campaign, Runner(campaign.root), 1)
    note = read_driver(campaign.root)
    assert note is not None
    assert (note["stage"], note["running"], note["workers"]) == (STAGE, [f"{STAGE}/0"], 3)
    receipt = read_receipt(campaign.root, f"{STAGE}/0")
    assert receipt is not None and len(receipt.follows) == 64
