"""A campaign as a batch job: its driver and all its workers share one allocation, and it queues again for the rest.

The job is the first pool that can screen, asked for as a block of it would be. Inside, the site is the same but of kind
``allocation``. Some time before its walltime the driver ends in order, and asks for another job like itself, as often
as it takes.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..data.errors import SiteError
from ..hpc.job import job_script, submit_job
from ..hpc.pools import Pool, walltime_seconds
from ..hpc.site import Site
from ..hpc.site_read import load_site
from .detach import log_path
from .driver import cancel_path


@dataclass(frozen=True)
class Job:
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


def job_command(file: Path, site: str, overrides: Sequence[str]) -> list[str]:
    """Return the command that the job runs."""
    sets = [word for item in overrides for word in ("--set", item)]
    return [
        sys.executable,
        "-m",
        "docksieve.workflows.cli",
        "run-job",
        str(file.resolve()),
        "--site",
        site,
        *sets,
    ]


def script_words(site: Site, root: Path, command: Sequence[str]) -> str:
    """Return the batch script of the job, exactly."""
    return job_script(site, carrying_pool(site), root / "jobs", shlex.join(command), log_path(root))


def submit_as_job(site: Site, root: Path, command: Sequence[str]) -> Job:
    """Hand the campaign to the scheduler.

    Raises
    ------
    SiteError
        If the scheduler refuses, in its own words.
    """
    pool = carrying_pool(site)
    number = submit_job(site, pool, root / "jobs", shlex.join(command), log_path(root))
    return Job(number, pool, log_path(root))


def site_inside(site: str, overrides: Mapping[str, Any]) -> Site:
    """Return the site as it is inside the job."""
    return load_site(site, {**overrides, "kind": "allocation"})


@contextlib.contextmanager
def ending_in_time(site: Site, pool: Pool) -> Iterator[None]:
    """Interrupt what runs inside some time before the job's walltime, so that it ends in order.

    Parameters
    ----------
    site : Site
        As it is inside the job: its pools' walltime is what is left of it, where the scheduler says so.
    pool : Pool
        What the job asked for; its ``drain_seconds`` are kept free.
    """
    left = min(walltime_seconds(pool.walltime), *(walltime_seconds(p.walltime) for p in site.pools.values()))
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.setitimer(signal.ITIMER_REAL, max(1.0, left - pool.drain))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _time_is_up(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def wants_more(root: Path) -> bool:
    """Tell whether an interrupted campaign is to go on in another job: not if somebody asked for its end."""
    time.sleep(0.1)
    return not cancel_path(root).exists()
