"""When blocks that never worked end a run, and when they do not."""

from __future__ import annotations

from typing import Any

import pytest
from docksieve.hpc.parsl_workers.executor import StillbornBlocks
from parsl.jobs.states import JobState, JobStatus


class Executor:
    """What the handler asks of Parsl's."""

    class provider:
        init_blocks = 0

    def __init__(self) -> None:
        self.worked: list[str] = []
        self.active: list[bool] = []
        self.given_up = ""

    def connected_managers(self) -> list[dict[str, Any]]:
        return [{"active": active} for active in self.active]

    def connected_blocks(self) -> list[str]:
        return self.worked

    def set_bad_state_and_fail_all(self, error: Exception) -> None:
        self.given_up = str(error)


def blocks(*states: JobState, first: int = 0) -> dict[str, JobStatus]:
    return {str(first + n): JobStatus(state, message=f"block {first + n}") for n, state in enumerate(states)}


@pytest.fixture
def executor() -> Executor:
    return Executor()


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.MISSING])
def test_three_in_a_row_end_the_run_with_what_was_said(executor: Executor, state: JobState) -> None:
    handler = StillbornBlocks()
    handler(executor, blocks(state, state))
    assert executor.given_up == ""
    handler(executor, blocks(state, state, state))
    assert all(f"block {n}" in executor.given_up for n in range(3))


def test_blocks_that_wait_run_or_ended_in_order_do_not_count(executor: Executor) -> None:
    states = (JobState.PENDING, JobState.RUNNING, JobState.COMPLETED, JobState.TIMEOUT, JobState.SCALED_IN)
    StillbornBlocks()(executor, blocks(*states, JobState.FAILED, JobState.FAILED))
    assert executor.given_up == ""


def test_blocks_that_failed_after_long_work_do_not_count(executor: Executor) -> None:
    executor.worked = ["0", "1", "2", "3"]
    StillbornBlocks()(executor, blocks(*[JobState.FAILED] * 4))
    assert executor.given_up == ""


def test_refusals_do_no_harm_while_others_work_nor_right_after(executor: Executor) -> None:
    """One job at a time is all that some queues allow: the others are refused for as long as it runs."""
    handler = StillbornBlocks()
    executor.worked, executor.active = ["0"], [True]
    status = blocks(JobState.RUNNING, *[JobState.FAILED] * 50)
    handler(executor, status)
    executor.active = []  # its walltime came
    status["0"] = JobStatus(JobState.TIMEOUT)
    handler(executor, status)
    assert executor.given_up == ""
    handler(executor, {**status, **blocks(*[JobState.FAILED] * 2, first=51)})
    assert executor.given_up == ""
    handler(executor, {**status, **blocks(*[JobState.FAILED] * 3, first=51)})
    assert executor.given_up != ""


def test_a_block_that_works_wipes_the_slate(executor: Executor) -> None:
    handler = StillbornBlocks()
    failed = [JobState.FAILED] * 2
    executor.worked = ["2"]
    status = {**blocks(*failed), **blocks(JobState.TIMEOUT, *failed, first=2)}
    handler(executor, status)
    assert executor.given_up == ""
    handler(executor, {**status, **blocks(JobState.MISSING, first=5)})
    assert "block 5" in executor.given_up and "block 0" not in executor.given_up


def test_managers_that_drain_are_not_at_work(executor: Executor) -> None:
    executor.active = [False, False]
    StillbornBlocks()(executor, blocks(*[JobState.FAILED] * 3))
    assert executor.given_up != ""
