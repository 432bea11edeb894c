"""Parsl's executor for many tasks, mended where a queue is involved."""

from __future__ import annotations

from parsl.executors import HighThroughputExecutor
from parsl.executors.status_handling import BlockProviderExecutor
from parsl.jobs.error_handlers import simple_error_handler
from parsl.jobs.states import JobState, JobStatus


class PoolExecutor(HighThroughputExecutor):
    """Parsl's high-throughput executor, as a pool of a site needs it."""

    def scale_in(self, blocks: int, max_idletime: float | None = None) -> list[str]:
        """Give back so many blocks, if they are idle.

        Asked to give back none, Parsl's own gives back every block that is idle, and takes one whose workers have not
        reported yet for idle since ever: with fewer tasks than workers, blocks would be cancelled before they began.
        """
        if blocks <= 0:
            return []
        if max_idletime is None:
            everything: list[str] = super().scale_in(blocks)
            return everything
        idle: dict[str, float] = {}
        for manager in self.connected_managers():
            if manager["active"]:
                seconds = 0.0 if manager["tasks"] else manager["idle_duration"]
                idle[manager["block_id"]] = min(seconds, idle.get(manager["block_id"], float("inf")))
        ready = sorted((b for b, seconds in idle.items() if seconds > max_idletime), key=lambda b: -idle[b])
        chosen = [block for block in ready if block in self.blocks_to_job_id][:blocks]
        for block in chosen:
            self._hold_block(block)
        ended = self.provider.cancel([self.blocks_to_job_id[block] for block in chosen]) if chosen else []
        return [block for block, gone in zip(chosen, ended, strict=True) if gone]

    def hold(self, node: str, managers: set[str]) -> None:
        """Send no more tasks to the worker pools of ``node``, and give back blocks that have no others.

        Parameters
        ----------
        node : str
            Its host name.
        managers : set of str
            Worker pools that are known to run there, by the names that Parsl gave them.
        """
        connected = self.connected_managers()
        mine = [m for m in connected if m["manager"] in managers or m["hostname"] == node]
        for manager in mine:
            self._hold_manager(manager["manager"])
        held = {m["manager"] for m in mine}
        for block in {m["block_id"] for m in mine}:
            inside = [m for m in connected if m["block_id"] == block and m["active"]]
            job = self.blocks_to_job_id.get(block)
            if (
                job is not None
                and all(m["manager"] in held for m in inside)
                and self.provider.label != "local"
            ):
                self.provider.cancel([job])


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
