"""Blocks that end before a worker reports: a wrong environment if all of them do, a bad node if others work."""

from __future__ import annotations

from parsl.executors.status_handling import BlockProviderExecutor
from parsl.jobs.error_handlers import simple_error_handler
from parsl.jobs.states import JobState, JobStatus

MAX_STILLBORN_BLOCKS = 3
"""Blocks in a row that may end without a single worker having reported before the run is given up."""


class StillbornBlocks:
    """Parsl's error handler of one pool: fails everything only if blocks cannot even start.

    Parsl's own handlers give up after one failed block, or after the last few failed however long they had worked; a
    long campaign loses a block now and then, and a refused one (too many jobs of one user, say) does no harm while
    others work.
    """

    def __init__(self) -> None:
        self._forgiven: set[str] = set()

    def __call__(self, executor: BlockProviderExecutor, status: dict[str, JobStatus]) -> None:
        """Look at the blocks of ``executor``, by their numbers, and fail its tasks if there is no hope."""
        failed = {
            name: job
            for name, job in status.items()
            if job.state in (JobState.FAILED, JobState.MISSING) and name not in self._forgiven
        }
        if len(failed) < MAX_STILLBORN_BLOCKS:
            return
        # What follows asks the interchange, so only when it may matter.
        if any(manager["active"] for manager in executor.connected_managers()):
            self._forgiven |= failed.keys()
            return
        last = max(map(int, executor.connected_blocks()), default=-1)
        self._forgiven |= {name for name in failed if int(name) <= last}
        stillborn = {name: job for name, job in failed.items() if int(name) > last}
        if len(stillborn) >= MAX_STILLBORN_BLOCKS:
            simple_error_handler(executor, stillborn)
