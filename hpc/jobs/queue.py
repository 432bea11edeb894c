"""Which of this user's jobs a scheduler knows: the question, and what its answer means."""

from __future__ import annotations

import getpass
import re

_LIST = {
    "slurm": ["squeue", "--noheader", "--format=%A", "--user"],
    "pbspro": ["qselect", "-u"],
    "lsf": ["bjobs", "-noheader", "-o", "jobid", "-u"],
}


def queue_command(scheduler: str) -> list[str]:
    """Return the command that lists this user's jobs that wait or run.

    All of them: asked for a job that it has forgotten, a scheduler fails as it does when it does not answer.
    """
    return [*_LIST[scheduler], getpass.getuser()]


def queued_jobs(scheduler: str, code: int | None, out: str, err: str) -> set[str] | None:
    """Return the numbers in an answer; None if it is none, and nothing is known about any job."""
    # bjobs fails if there are no jobs, and says so.
    if code and not (scheduler == "lsf" and "no unfinished job" in err.lower()):
        return None
    return {job_number(line) for line in out.split() if line[:1].isdigit()}


def job_number(job: str) -> str:
    """Return the number of a job without its server: ``12`` of ``12.pbs01``."""
    found = re.match(r"\d+", job)
    return found[0] if found else job
