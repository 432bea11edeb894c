"""A pool that does nothing is ended; a docking program that waits for something is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.running import stalled_pool as stuck
from docksieve.workflows.tasks.settings import DockSettings, RoundSettings

pytestmark = pytest.mark.alone


class Worker:
    """A process that never uses the processor."""

    def __init__(self, pid: int, *command: str) -> None:
        self.pid, self._command, self.killed = pid, list(command), False

    def cmdline(self) -> list[str]:
        return self._command

    def cpu_times(self) -> Any:
        return SimpleNamespace(user=5.0, system=1.0)

    def kill(self) -> None:
        self.killed = True


COMMAND = {"engine": "command", "time_limit": 60.0, "mode": "single"}
SCREEN = Task("round-01/screen/shard-0", "screen", RoundSettings("round-01"))
DOCK_A, DOCK_B = (
    Task(f"round-00/dock/{name}/b", "dock", DockSettings(name, "round-00", {}, 1, "screen")) for name in "AB"
)


class Clock:
    """A watcher of an idle pool, with a clock that is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.pool = Worker(10, "python", "process_worker_pool.py")
        monkeypatch.setattr(stuck.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(stuck, "marked_processes", lambda _: [self.pool, Worker(11, "python", "worker")])
        state = {"id": "x", "targets": {"A": COMMAND, "B": {"engine": "vina", "time_limit": 600.0}}}
        config = SimpleNamespace(run=SimpleNamespace(dock_batch=10))
        self.watcher = stuck.StalledPool(SimpleNamespace(state=state, config=config), patience=20)  # type: ignore[arg-type]

    def watch(self, task: Task, until: float) -> None:
        while not self.pool.killed and self.now < until:
            self.now += 3
            self.watcher.look([task])


@pytest.mark.parametrize(
    ("task", "seconds"),
    [(SCREEN, 20), (DOCK_B, 20), (DOCK_A, 600)],  # ten ligands of at most 60 s each
)
def test_patience_is_the_time_limit_of_a_program_that_may_wait(
    monkeypatch: pytest.MonkeyPatch, task: Task, seconds: int
) -> None:
    clock = Clock(monkeypatch)
    clock.watch(task, 2000)
    assert clock.pool.killed
    assert seconds < clock.now <= seconds + 10


def test_a_task_that_comes_back_proves_the_pool_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    clock.watch(DOCK_A, 300)
    clock.watch(SCREEN, 315)  # the docking waited for five minutes and ended well
    assert not clock.pool.killed
    clock.watch(SCREEN, 2000)
    assert clock.pool.killed
