"""Blocks: the batch jobs that a campaign has asked for, written down, so that whoever goes on can end them."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.errors import FormatError, SiteError
from ..data.store import read_json, write_json

_CANCEL = {"slurm": ["scancel"], "pbspro": ["qdel"], "lsf": ["bkill"]}
_ASK = {
    "slurm": ["squeue", "--noheader", "--format=%i", "--jobs"],
    "pbspro": ["qstat"],
    "lsf": ["bjobs", "-noheader", "-o", "jobid"],
}
_PATIENCE = 60.0


@dataclass(frozen=True)
class Block:
    """A batch job that was asked for.

    Attributes
    ----------
    job : str
        As the scheduler calls it.
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
        """Yield every block written down."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                found: Any = read_json(path)
                yield Block(**found)
            except (FormatError, TypeError):
                continue

    def alive(self) -> list[str]:
        """Return those jobs that wait or run now, as far as their scheduler can be asked from here."""
        found = []
        for block in self.known():
            if block.ended is None and shutil.which(_ASK[block.scheduler][0]):
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
            if shutil.which(_CANCEL[scheduler][0]) is None:
                raise SiteError(
                    f"Jobs {', '.join(jobs)} of an earlier driver may still run, and {_CANCEL[scheduler][0]} is not "
                    "here to end them.",
                    f"Go on from a machine that reaches {scheduler}, or, if they are gone, remove {self._folder}.",
                )
            alive = _alive(scheduler, jobs)
            if alive:
                subprocess.run([*_CANCEL[scheduler], *alive], capture_output=True, check=False, timeout=60)
                _wait_until_gone(scheduler, alive)
                gone += alive
        self.ended([block.job for block in left])
        return gone

    def _write(self, block: Block) -> None:
        name = "".join(letter if letter.isalnum() else "_" for letter in block.job)
        write_json(self._folder / f"{name}.json", vars(block))


def _alive(scheduler: str, jobs: Sequence[str]) -> list[str]:
    """Return those of ``jobs`` that the scheduler still knows; it forgets ended ones after some minutes.

    Each is asked for alone: an unknown job makes some schedulers refuse the whole question.
    """
    alive = []
    for job in jobs:
        separate = [*_ASK[scheduler], job]
        answer = subprocess.run(separate, capture_output=True, text=True, check=False, timeout=60)
        if answer.returncode == 0 and job in answer.stdout:
            alive.append(job)
    return alive


def _wait_until_gone(scheduler: str, jobs: Sequence[str]) -> None:
    until = time.monotonic() + _PATIENCE
    while left := _alive(scheduler, jobs):
        if time.monotonic() > until:
            raise SiteError(
                f"Jobs {', '.join(left)} of an earlier driver were cancelled and still run after {_PATIENCE:.0f} s.",
                "Wait until they are gone, then submit again.",
            )
        time.sleep(0.5)
