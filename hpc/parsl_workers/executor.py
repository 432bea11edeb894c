"""Parsl's executor for many tasks, mended where a queue is involved."""

from __future__ import annotations

import logging
import time

from parsl.executors import HighThroughputExecutor
from parsl.executors.status_handling import BlockProviderExecutor
from parsl.jobs.error_handlers import simple_error_handler
from parsl.jobs.states import TERMINAL_STATES, JobState, JobStatus

MAX_SILENT_POLLS = 3
"""Questions in a row that a scheduler may leave without an answer before that is said."""
_log = logging.getLogger(__name__)


class PoolExecutor(HighThroughputExecutor):
    """Parsl's high-throughput executor, as a pool of a site needs it.

    Parsl asks after all pools in one loop, which an exception ends: one bad answer of a scheduler would stop the
    polling and the scaling of every pool, in silence. Here it costs one poll of one pool.

    Attributes
    ----------
    problem : str
        Why nothing has been learnt of this pool's blocks for several polls; empty if all is well.
    """

    problem: str = ""
    _silent_polls: int = 0
    _last_poll_time: float

    def poll_facade(self) -> None:
        """Ask how the blocks are; an answer that cannot be used leaves them as they were."""
        due = time.time() >= self._last_poll_time + self.status_polling_interval
        try:
            super().poll_facade()
        except Exception as error:
            self._last_poll_time = time.time()  # the scheduler is asked again when it is time, not at once
            self._silent_polls += 1
            _log.debug("pool %s: a poll failed", self.label, exc_info=True)
            if self._silent_polls >= MAX_SILENT_POLLS:
                said = " ".join(str(error).split()) or type(error).__name__
                since = f"since {self._silent_polls} questions to the scheduler"
                self.problem = f"nothing is known of its jobs {since}: {said}"
                if self._silent_polls == MAX_SILENT_POLLS:
                    _log.warning("pool %s: %s", self.label, self.problem)
            return
        if due:
            if self.problem:
                _log.warning("pool %s: the scheduler answers again", self.label)
            self._silent_polls, self.problem = 0, ""

    def handle_errors(self, status: dict[str, JobStatus]) -> None:
        """Look whether there is hope; an interchange that does not answer just now is asked at the next poll."""
        try:
            super().handle_errors(status)
        except Exception:
            _log.warning("pool %s: its blocks could not be looked at", self.label, exc_info=True)

    def scale_out_facade(self, n: int) -> list[str]:
        """Ask for blocks, never for more than the pool may have.

        Parsl counts those that wait or run. One that is held or suspended comes back, and so may one of which nothing
        is known: asking for others in their place would fill the queue.
        """
        there = sum(1 for job in self.status_facade.values() if job.state not in TERMINAL_STATES)
        room = max(0, min(n, self.provider.max_blocks - there))
        blocks: list[str] = super().scale_out_facade(room) if room else []
        return blocks

    def scale_in_facade(self, n: int, max_idletime: float | None = None) -> list[str]:
        """Give blocks back; what the scheduler does not take back now is offered again later."""
        try:
            ended = super().scale_in_facade(n, max_idletime)
        except Exception:
            _log.warning("pool %s: blocks could not be given back", self.label, exc_info=True)
            return []
        return list(ended or [])

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
