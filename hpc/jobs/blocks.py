"""Blocks: the batch jobs that a campaign has asked for, written down, so that whoever goes on can end them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.errors import FormatError, SiteError
from ...data.store import read_json, write_json
from .commands import run_command
from .queue import by_cluster, cancel_commands, queue_command, queued_jobs, still_there

_PATIENCE = 60.0
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Block:
    """A batch job that was asked for.

    Attributes
    ----------
    job : str
        As the scheduler calls it; ``NUMBER;CLUSTER`` on another than Slurm's default cluster.
    scheduler : str
        ``slurm``, ``pbspro`` or ``lsf``.
    pool : str
    asked : float
        Unix seconds.
    ended : float or None
        When it was cancelled by us; None if it was not.
    """

    job: str
    scheduler: str
    pool: str
    asked: float
    ended: float | None = None


class BlockRecords:
    """The blocks of one campaign, a small file each.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def asked(self, job: str, scheduler: str, pool: str) -> None:
        """Write down that ``job`` was asked for."""
        self._write(Block(job, scheduler, pool, time.time()))

    def ended(self, jobs: Sequence[str]) -> None:
        """Write down that ``jobs`` were cancelled."""
        for block in self.known():
            if block.job in jobs and block.ended is None:
                self._write(Block(block.job, block.scheduler, block.pool, block.asked, time.time()))

    def known(self) -> Iterator[Block]:
        """Yield every block written down.

        Raises
        ------
        FormatError
            If a record is damaged: the job that it means may still run.
        """
        for path in sorted(self._folder.glob("*.json")):
            found: Any = read_json(path)
            try:
                yield Block(**found)
            except TypeError:
                raise FormatError(
                    f"{path} is no record of a block.",
                    "If its job is gone, remove the file; then submit again.",
                ) from None

    def alive(self) -> list[str]:
        """Return those jobs that wait or run now, as far as their scheduler can be asked from here."""
        found = []
        for block in self.known():
            if block.ended is None and shutil.which(queue_command(block.scheduler)[0]):
                found += _alive(block.scheduler, [block.job])
        return found

    def end_leftovers(self) -> list[str]:
        """Cancel what a killed driver left in the queue or running, wait until it is gone, return the jobs.

        Raises
        ------
        SiteError
            If the scheduler does not answer, or a job outlives its cancellation: its workers would write beside the
            new ones.
        """
        left = [block for block in self.known() if block.ended is None]
        gone = []
        for scheduler in sorted({block.scheduler for block in left}):
            jobs = [block.job for block in left if block.scheduler == scheduler]
            program = cancel_commands(scheduler, jobs)[0][0]
            if shutil.which(program) is None:
                raise SiteError(
                    f"Jobs {', '.join(jobs)} of an earlier driver may still run, and {program} is not "
                    "here to end them.",
                    f"Go on from a machine that reaches {scheduler}, or, if they are gone, remove {self._folder}.",
                )
            alive = _alive(scheduler, jobs)
            if alive:
                for command in cancel_commands(scheduler, alive):
                    run_command(command, _ANSWER_SECONDS)
                _wait_until_gone(scheduler, alive)
                gone += alive
        self.ended([block.job for block in left])
        return gone

    def _write(self, block: Block) -> None:
        name = "".join(letter if letter.isalnum() else "_" for letter in block.job)
        write_json(self._folder / f"{name}.json", vars(block))


def _alive(scheduler: str, jobs: Sequence[str]) -> list[str]:
    """Return those of ``jobs`` that wait or run.

    Raises
    ------
    SiteError
        If the scheduler does not answer: then nothing is known of them, and least of all that they are gone.
    """
    found = []
    for cluster, together in by_cluster(jobs).items():
        command = queue_command(scheduler, cluster)
        code, out, err = run_command(command, _ANSWER_SECONDS)
        queue = queued_jobs(scheduler, code, out, err)
        if queue is None:
            raise SiteError(
                f"{command[0]} does not answer, so jobs {', '.join(jobs)} may still run: {' '.join(err.split())}",
                "Submit again when the scheduler is there.",
            )
        found += still_there(together, queue)
    return found


def _wait_until_gone(scheduler: str, jobs: Sequence[str]) -> None:
    until = time.monotonic() + _PATIENCE
    while left := _alive(scheduler, jobs):
        if time.monotonic() > until:
            raise SiteError(
                f"Jobs {', '.join(left)} of an earlier driver were cancelled and still run after {_PATIENCE:.0f} s.",
                "Wait until they are gone, then submit again.",
            )
        time.sleep(0.5)
