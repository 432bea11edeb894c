"""Which of this user's jobs a scheduler knows, and how it is told to end some: the commands, and what answers mean."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Sequence

from .submitted import job_cluster, job_number

_LIST = {
    "slurm": ["squeue", "--noheader", "--format=%A", "--user"],
    "pbspro": ["qselect", "-u"],
    "lsf": ["bjobs", "-noheader", "-o", "jobid", "-u"],
}
_CANCEL = {"slurm": ["scancel"], "pbspro": ["qdel"], "lsf": ["bkill"]}
_ALONE = re.compile(r"\s*(\d+)([_+]\S*|(\[[\d,:%-]*\])?(\.[A-Za-z][\w.-]*)?)\s*")
"""A line that is a job and nothing else; centres' notices may stand around it."""


def queue_command(scheduler: str, cluster: str = "") -> list[str]:
    """Return the command that lists this user's jobs that wait or run; of Slurm's default cluster, or of ``cluster``.

    All of them: asked for a job that it has forgotten, a scheduler fails as it does when it does not answer.
    """
    first, *rest = _LIST[scheduler]
    return [first, *_on(cluster), *rest, getpass.getuser()]


def cancel_commands(scheduler: str, jobs: Iterable[str]) -> list[list[str]]:
    """Return the commands that end ``jobs``: one, or one for each of Slurm's clusters."""
    return [
        [*_CANCEL[scheduler], *_on(cluster), *(job.partition(";")[0] for job in together)]
        for cluster, together in by_cluster(jobs).items()
    ]


def by_cluster(jobs: Iterable[str]) -> dict[str, list[str]]:
    """Return ``jobs`` by the cluster of Slurm that they are on; empty for the default one."""
    found: dict[str, list[str]] = {}
    for job in jobs:
        found.setdefault(job_cluster(job), []).append(job)
    return found


def _on(cluster: str) -> list[str]:
    return [f"--clusters={cluster}"] if cluster else []


def queued_jobs(scheduler: str, code: int | None, out: str, err: str) -> set[str] | None:
    """Return the numbers in an answer; None if it is none, and nothing is known about any job."""
    # bjobs fails if there are no jobs, and says so.
    if code and not (scheduler == "lsf" and re.search(r"no (unfinished )?job found", err, re.IGNORECASE)):
        return None
    return {match[1] for line in out.splitlines() if (match := _ALONE.fullmatch(line))}


def still_there(jobs: Sequence[str], queue: set[str]) -> list[str]:
    """Return those of ``jobs`` whose number is in the queue."""
    return [job for job in jobs if job_number(job) in queue]
