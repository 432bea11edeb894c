"""One bad answer of a scheduler costs one poll of one pool; the others are polled and scaled, and it is said."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from docksieve.hpc.parsl_workers import executor
from docksieve.hpc.parsl_workers.executor import MAX_SILENT_POLLS, PoolExecutor
from parsl.jobs.job_status_poller import JobStatusPoller
from parsl.jobs.states import JobState, JobStatus
from parsl.providers import LocalProvider
from parsl.utils import Timer


class Provider(LocalProvider):
    """Answers with ``states``, or fails with ``fault``."""

    def __init__(self, blocks: int = 4) -> None:
        super().__init__(init_blocks=0, min_blocks=0, max_blocks=blocks)
        self._label = "slurm"
        self.fault: Exception | None = None
        self.asked = 0
        self.states: list[JobState] = []

    @property
    def status_polling_interval(self) -> int:
        return 1

    def submit(self, command: str, tasks_per_node: int, job_name: str = "") -> str:
        self.states.append(JobState.PENDING)
        return str(len(self.states) - 1)

    def status(self, job_ids: Sequence[str]) -> list[JobStatus]:
        self.asked += 1
        if self.fault:
            raise self.fault
        return [JobStatus(self.states[int(job)]) for job in job_ids]

    def cancel(self, job_ids: Sequence[str]) -> list[bool]:
        if self.fault:
            raise self.fault
        return [True for _ in job_ids]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    for module in ("docksieve.hpc.parsl_workers.executor", "parsl.executors.status_handling"):
        monkeypatch.setattr(f"{module}.time.time", lambda: now[0])
    return now


def pool(label: str, monkeypatch: pytest.MonkeyPatch, tasks: int = 100) -> Any:
    made: Any = PoolExecutor(label=label, provider=Provider(), max_workers_per_node=1, address="127.0.0.1")
    monkeypatch.setattr(made, "_get_launch_command", lambda block: "true")
    monkeypatch.setattr(made, "connected_managers", list)
    monkeypatch.setattr(made, "connected_blocks", list)
    monkeypatch.setattr(made, "outstanding", lambda: tasks)
    return made


def poller(monkeypatch: pytest.MonkeyPatch, *executors: Any) -> JobStatusPoller:
    monkeypatch.setattr(Timer, "__init__", lambda self, *words, **options: None)  # polled by hand
    made = JobStatusPoller(strategy="simple", max_idletime=1.0, strategy_period=1)
    made.add_executors(executors)
    return made


def test_a_pool_without_an_answer_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = pool("bad", monkeypatch), pool("good", monkeypatch)
    polls = poller(monkeypatch, bad, good)
    polls.poll()
    assert len(bad.provider.states) == len(good.provider.states) == 4
    bad.provider.fault = RuntimeError("qstat does not\n answer: errno=111")
    with caplog.at_level(logging.WARNING):
        for number in range(1, 6):
            clock[0] += 2
            good.provider.states[0] = JobState.RUNNING if number % 2 else JobState.PENDING
            polls.poll()
            assert good.status_facade["0"].state is good.provider.states[0]
            assert (bad.problem != "") == (number >= MAX_SILENT_POLLS)
    assert [job.state for job in bad.status_facade.values()] == [JobState.PENDING] * 4
    assert len(bad.provider.states) == 4, "nothing is asked for in place of jobs of which nothing is known"
    said = [record.getMessage() for record in caplog.records if record.name == executor.__name__]
    assert said == [
        "pool bad: nothing is known of its jobs since 3 questions to the scheduler: qstat does not answer: errno=111"
    ]
    bad.provider.fault = None
    clock[0] += 2
    polls.poll()
    assert bad.problem == "" and good.problem == ""


def test_a_silent_scheduler_is_not_asked_more_often(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    bad = pool("bad", monkeypatch)
    polls = poller(monkeypatch, bad)
    polls.poll()
    bad.provider.fault, bad.provider.asked = RuntimeError("no"), 0
    clock[0] += 2
    for _ in range(5):  # within one second
        polls.poll()
    assert bad.provider.asked == 1


@pytest.mark.parametrize("state", [JobState.HELD, JobState.UNKNOWN])
def test_a_held_block_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch, clock: list[float], state: JobState
) -> None:
    """It comes back; asking for another one at every poll would fill the queue with held jobs."""
    mine = pool("mine", monkeypatch)
    polls = poller(monkeypatch, mine)
    polls.poll()
    mine.provider.states[0] = mine.provider.states[1] = state
    for _ in range(3):
        clock[0] += 2
        polls.poll()
    assert len(mine.provider.states) == 4
    mine.provider.states[0] = JobState.COMPLETED
    for _ in range(3):
        clock[0] += 2
        polls.poll()
    assert len(mine.provider.states) == 5


def test_blocks_that_cannot_be_given_back_now_stop_nothing(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    bad, good = pool("bad", monkeypatch), pool("good", monkeypatch)
    polls = poller(monkeypatch, bad, good)
    polls.poll()
    monkeypatch.setattr(bad, "outstanding", lambda: 0)
    monkeypatch.setattr(bad, "scale_in", lambda *words, **options: 1 / 0)
    monkeypatch.setattr(bad, "connected_managers", lambda: 1 / 0)
    for _ in range(3):
        clock[0] += 2
        good.provider.states[0] = JobState.COMPLETED
        polls.poll()
    assert len(good.provider.states) > 4
