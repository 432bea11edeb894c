"""Blocks are given back when they are idle, and not because they have only begun or nothing was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from docksieve.hpc.parsl_workers.executor import PoolExecutor
from parsl.providers import LocalProvider


class Provider(LocalProvider):
    """Cancels what it is told to, but for job 13."""

    def __init__(self) -> None:
        super().__init__()
        self._label = "slurm"
        self.cancelled: list[str] = []

    def cancel(self, jobs: Sequence[str]) -> list[bool]:
        self.cancelled += jobs
        return [job != "13" for job in jobs]


def manager(block: str, tasks: int, idle: float, active: bool = True, host: str = "n1") -> dict[str, Any]:
    return {
        "manager": f"m{block}{host}", "block_id": block, "tasks": tasks, "idle_duration": idle, "active": active,
        "hostname": host,
    }  # fmt: skip


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> PoolExecutor:
    """Four blocks: one busy, one idle, one half idle, one that has not reported yet."""
    made = PoolExecutor(label="cpu", address="127.0.0.1", provider=Provider())
    managers = [
        manager("0", 2, 0.0),
        manager("1", 0, 50.0),
        manager("2", 0, 90.0, host="n2"),
        manager("2", 1, 0.0, host="n3"),
    ]
    made.held = []  # type: ignore[attr-defined]
    monkeypatch.setattr(made, "connected_managers", lambda: managers)
    monkeypatch.setattr(made, "_hold_manager", made.held.append)  # type: ignore[attr-defined]
    made.blocks_to_job_id = {"0": "10", "1": "11", "2": "12", "3": "13"}
    made.job_ids_to_block = {job: block for block, job in made.blocks_to_job_id.items()}
    return made


def test_only_idle_blocks_go_and_only_as_many_as_asked(executor: PoolExecutor) -> None:
    assert executor.scale_in(0, 10.0) == []
    assert executor.scale_in(3, 60.0) == []
    assert executor.provider.cancelled == []
    assert executor.scale_in(3, 10.0) == ["1"]  # not the one that has not reported, not the half idle one
    assert executor.provider.cancelled == ["11"]
    assert executor.held == ["m1n1"]  # type: ignore[attr-defined]


def test_a_node_is_held_and_its_block_given_back_if_it_has_no_other(executor: PoolExecutor) -> None:
    executor.hold("n2", set())
    assert executor.held == ["m2n2"]  # type: ignore[attr-defined]
    assert executor.provider.cancelled == []  # n3 goes on
    executor.hold("elsewhere", {"m0n1"})
    assert executor.provider.cancelled == ["10"]
