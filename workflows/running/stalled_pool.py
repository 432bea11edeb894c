"""Noticing a worker pool that is stuck, and ending it so that it is started again.

A worker that is killed while it waits for work takes the pool's queue lock with it, and its siblings wait
for ever while the pool reports itself alive. What gives that away is that tasks are in flight and nothing
uses the processor. A docking program that waits (for a licence, for a remote service) looks the same, so
while one may be running, the patience is as long as its time limit.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

import psutil

from ..campaign.campaign import Campaign
from ..campaign.driver import marked_processes
from ..campaign.ledger import Task
from ..tasks.settings import DockSettings

_LOOK_SECONDS = 2.0
_IDLE_SHARE = 0.02
"""Of one core: what the workers of a stuck pool use at most, all together."""
_HOUSEKEEPING = ("interchange", "process_worker_pool")
"""Parsl's own processes; a stuck pool keeps its manager busy, so their time proves nothing."""


class StalledPool:
    """Watches the processes of a campaign on this machine."""

    def __init__(self, campaign: Campaign, patience: float) -> None:
        self._id = campaign.state["id"]
        self._patience = patience
        batch = campaign.config.run.dock_batch
        self._limits = {
            name: spec["time_limit"] * batch
            for name, spec in campaign.state["targets"].items()
            if spec["engine"] == "command"
        }
        self._looked = self._busy_at = time.monotonic()
        self._seconds: dict[int, float] = {}
        self._names: set[str] = set()

    def look(self, in_flight: Iterable[Task]) -> None:
        """Look at most every two seconds; end a pool that did nothing for the whole of the patience.

        Its tasks come back as lost and are tried again.

        Parameters
        ----------
        in_flight : iterable of Task
            Those that the pool has; dockings with a program of the user's lengthen the patience.
        """
        now = time.monotonic()
        elapsed = now - self._looked
        tasks = list(in_flight)
        names = {task.name for task in tasks}
        if names != self._names:  # one came back, so the pool works
            self._names, self._busy_at = names, now
        if elapsed < _LOOK_SECONDS:
            return
        self._looked = now
        if elapsed > 5 * _LOOK_SECONDS:  # nothing was in flight meanwhile
            self._busy_at = now
        processes = marked_processes(self._id)
        if self._used(processes, elapsed) > _IDLE_SHARE * elapsed:
            self._busy_at = now
        elif now - self._busy_at > self._patience_for(tasks):
            self._busy_at = now
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    if "process_worker_pool" in " ".join(process.cmdline()):
                        process.kill()

    def _patience_for(self, tasks: Iterable[Task]) -> float:
        """Return how long ``tasks`` may use no processor and still be at work."""
        docking = [task.settings.target for task in tasks if isinstance(task.settings, DockSettings)]
        limits = [self._limits.get(target, 0.0) for target in docking]
        return max([self._patience, *limits])

    def _used(self, processes: list[psutil.Process], elapsed: float) -> float:
        """Return the processor seconds used since the last look; a new process counts as busy."""
        used, seconds = 0.0, {}
        for process in processes:
            with contextlib.suppress(psutil.Error):
                if any(word in " ".join(process.cmdline()) for word in _HOUSEKEEPING):
                    continue
                times = process.cpu_times()
                seconds[process.pid] = times.user + times.system
                used += seconds[process.pid] - self._seconds.get(process.pid, 0.0)
        self._seconds = seconds
        return used if seconds else elapsed  # no worker yet: the pool is still starting
