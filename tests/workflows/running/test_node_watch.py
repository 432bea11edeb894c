"""Nodes that fail whatever they are given are used no more; nodes that merely end are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from docksieve.data.receipts import Failure, Receipt
from docksieve.data.store import write_json
from docksieve.hpc.nodes.banned import banned, bans
from docksieve.workflows.running.node_watch import MAX_FAULTS, NodeWatch


class Lost(Exception):
    """A worker's death, as Parsl tells it."""

    hostname = "n7"


class FakeExecutor:
    """Remembers what it was asked to hold."""

    class Provider:
        def __init__(self) -> None:
            self.excluded: list[str] = []

        def exclude(self, node: str) -> None:
            self.excluded.append(node)

    def __init__(self) -> None:
        self.held: list[tuple[str, set[str]]] = []
        self.provider = self.Provider()

    def hold(self, node: str, managers: set[str]) -> None:
        self.held.append((node, set(managers)))


def receipt(node: str, failure: Failure | None = None, manager: str = "m1") -> Receipt:
    return Receipt("t", "dock", "f", facts={"manager": manager}, host=node, failure=failure)


FAULT = Failure("OSError", "no space left on device", retryable=True)
BAD_INPUT = Failure("InputError", "not a molecule")


@pytest.fixture
def executor() -> FakeExecutor:
    return FakeExecutor()


def watch(tmp_path: Path, executor: Any) -> NodeWatch:
    return NodeWatch(tmp_path / "nodes", {"cpu": executor})


def test_a_node_that_fails_every_task_is_held_and_excluded(tmp_path: Path, executor: FakeExecutor) -> None:
    watching = watch(tmp_path, executor)
    for _ in range(MAX_FAULTS):
        assert executor.held == []
        watching.saw(receipt("n1", FAULT), None)
    assert executor.held == [("n1", {"m1"})]
    assert executor.provider.excluded == ["n1"]
    assert "no space left on device" in banned(tmp_path / "nodes", "n1")
    watching.saw(receipt("n1", FAULT), None)  # what it still had in hand
    assert len(executor.held) == 1


def test_success_and_bad_input_prove_that_a_node_works(tmp_path: Path, executor: FakeExecutor) -> None:
    watching = watch(tmp_path, executor)
    for good in (receipt("n1"), receipt("n1", BAD_INPUT)):
        for _ in range(MAX_FAULTS - 1):
            watching.saw(receipt("n1", FAULT), None)
        watching.saw(good, None)
    for node in ("n2", "n3", "n4"):  # one fault each is no node's fault
        watching.saw(receipt(node, FAULT), None)
    assert executor.held == []


def test_dying_workers_count_and_lost_nodes_do_not(tmp_path: Path, executor: FakeExecutor) -> None:
    watching = watch(tmp_path, executor)
    for _ in range(5):
        watching.saw(
            receipt("driver", Failure("ManagerLost", "gone", retryable=True), ""), Lost(), node_lost=True
        )
    assert executor.held == []
    for _ in range(MAX_FAULTS):
        watching.saw(receipt("driver", Failure("WorkerLost", "gone", retryable=True), ""), Lost())
    assert executor.held == [("n7", set())]


def test_a_ban_outlives_the_driver(tmp_path: Path, executor: FakeExecutor) -> None:
    watching = watch(tmp_path, executor)
    for _ in range(MAX_FAULTS):
        watching.saw(receipt("n1", FAULT), None)
    later = FakeExecutor()
    watch(tmp_path, later)
    assert later.provider.excluded == ["n1"]
    assert [entry["node"] for entry in bans(tmp_path / "nodes")] == ["n1"]


def report(folder: Path, node: str, job: int, refused: str) -> None:
    write_json(folder / "nodes" / f"{node}-gpu-{job}.json", {"node": node, "refused": refused})


def test_a_node_without_a_good_device_is_not_taken_again_and_again(
    tmp_path: Path, executor: FakeExecutor
) -> None:
    watching = watch(tmp_path, executor)
    for job, refused in enumerate(["no device proved itself", "", "no device proved itself"]):
        report(tmp_path, "n3", job, refused)
        watching.look()
        assert executor.provider.excluded == []
    report(tmp_path, "n3", 4, "no device proved itself")
    watching.look()
    watching.look()
    assert executor.provider.excluded == ["n3"]
    assert "no device proved itself" in banned(tmp_path / "nodes", "n3")
    assert watch(tmp_path, FakeExecutor())._read  # what an earlier driver has seen counts once
