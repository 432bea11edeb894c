"""A campaign as a batch job: its driver and all its workers share one allocation, and it queues again for the rest.

The job is the first pool that can screen, asked for as a block of it would be. Inside, the site is the same but of kind
``allocation``. Some time before its walltime the driver ends in order, and asks for another job like itself, as often
as it takes.
"""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...data.errors import SiteError
from ...hpc.parsl_workers.driver_job import job_script, submit_job
from ...hpc.sites.pool import Pool, walltime_seconds
from ...hpc.sites.read import load_site
from ...hpc.sites.site import Site
from .detached import log_path
from .interrupts import interrupt


@dataclass(frozen=True)
class BatchJob:
    """A campaign that was handed to a scheduler.

    Attributes
    ----------
    number : str
        As the scheduler calls it.
    pool : Pool
        What it asks for.
    log : Path
        Where the driver's words go once it runs.
    """

    number: str
    pool: Pool
    log: Path


def carrying_pool(site: Site) -> Pool:
    """Return what the job asks for: the pool that screens, since nodes with devices have cores too.

    Raises
    ------
    SiteError
        If the site has no scheduler.
    """
    if not site.on_cluster:
        raise SiteError(
            f"Site {site.name!r} has no scheduler, so a campaign cannot be a job of it.",
            "Give the site of a cluster, or leave --as-job out.",
        )
    return replace(site.pool_for("screen"), launcher="single", blocks=1, min_blocks=0)


def job_command(file: Path, site: str, overrides: Sequence[str], more: Sequence[str] = ()) -> list[str]:
    """Return the command that the job runs, with ``more`` words at its end."""
    sets = [word for item in overrides for word in ("--set", item)]
    return [
        sys.executable,
        "-m",
        "docksieve",
        "run-job",
        str(file.resolve()),
        "--site",
        site,
        *sets,
        *more,
    ]


def script_words(site: Site, root: Path, command: Sequence[str]) -> str:
    """Return the batch script of the job, exactly."""
    return job_script(site, carrying_pool(site), root / "jobs", shlex.join(command), log_path(root))


def submit_as_job(site: Site, root: Path, command: Sequence[str]) -> BatchJob:
    """Hand the campaign to the scheduler.

    Raises
    ------
    SiteError
        If the scheduler refuses, in its own words.
    """
    pool = carrying_pool(site)
    number = submit_job(site, pool, root / "jobs", shlex.join(command), log_path(root))
    return BatchJob(number, pool, log_path(root))


def site_inside(site: str, overrides: Mapping[str, Any]) -> Site:
    """Return the site as it is inside the job."""
    return load_site(site, {**overrides, "kind": "allocation"})


class Deadline:
    """Interrupts what runs inside it some time before the job's walltime, so that it ends in order.

    Parameters
    ----------
    site : Site
        As it is inside the job: its pools' walltime is what is left of it, where the scheduler says so.
    pool : Pool
        What the job asked for; its ``drain_seconds`` are kept free.

    Attributes
    ----------
    over : bool
        Whether it was this that interrupted, and not somebody who wants the job to end.
    """

    def __init__(self, site: Site, pool: Pool) -> None:
        walltimes = [pool.walltime, *(inside.walltime for inside in site.pools.values())]
        self._seconds = max(1.0, min(map(walltime_seconds, walltimes)) - pool.drain)
        self.over = False

    def __enter__(self) -> Deadline:
        signal.signal(signal.SIGALRM, self._reached)
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
        return self

    def __exit__(self, *exc_info: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.0)

    def _reached(self, signum: int, frame: object) -> None:
        self.over = True
        interrupt(signum, frame)
