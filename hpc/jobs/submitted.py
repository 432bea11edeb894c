"""Which job a scheduler's answer to a submission means.

Centres put banners, notices and budgets around the one line that counts, and wrap the commands. So the line is
looked for by its own words, never by the first number. A job of a Slurm cluster other than the one that commands ask by
default is called ``NUMBER;CLUSTER`` here, as ``sbatch --parsable`` does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

SUBMIT = {"sbatch": "slurm", "qsub": "pbspro", "bsub": "lsf"}
"""Commands that submit, and whose they are."""
_NUMBER = r"(?P<number>\d+)"
_ANSWERS: dict[str, tuple[str, ...]] = {
    "slurm": (
        # sbatch itself; a wrapper may put something before it. Part of an array or of a heterogeneous job: the whole.
        rf"Submitted batch job {_NUMBER}(?:[_+]\S*)?(?:;(?P<named>[\w.-]+))?(?:\s+on cluster (?P<cluster>[\w.-]+))?",
        # sbatch --parsable
        rf"^\s*{_NUMBER}(?:[_+]\d+)?(?:;(?P<cluster>[\w.-]+))?\s*$",
    ),
    "pbspro": (
        rf"^\s*{_NUMBER}(?P<rest>(?:\[[\d,:-]*\])?\.[A-Za-z][\w.-]*)\s*$",
        rf"^\s*{_NUMBER}(?P<rest>\[[\d,:-]*\])?\s*$",
        # NQSII's and wrappers' sentences
        rf"\b{_NUMBER}(?P<rest>(?:\[[\d,:-]*\])?\.[A-Za-z][\w.-]*\w)",
        rf"\b[Jj]ob\s+(?:id\s*:?\s*)?{_NUMBER}(?P<rest>)\b.*\bsubmitted\b",
    ),
    "lsf": (rf"\bJob <{_NUMBER}>(?:\s+is)?\s+submitted\b",),
}
"""What is looked for, the surest words first; of several lines of one kind the last counts."""
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def submitted_job(scheduler: str, out: str, cluster: str = "") -> str | None:
    """Return the job that an answer to a submission means.

    Parameters
    ----------
    scheduler : str
        ``slurm``, ``pbspro`` or ``lsf``.
    out : str
        What the command printed.
    cluster : str
        Slurm's cluster that was asked for, for answers that do not name one (:func:`asked_cluster`).

    Returns
    -------
    str or None
        Its number; with ``;CLUSTER`` for Slurm, with its server for PBS, where they are said. None if no line
        has one.
    """
    lines = _COLOURS.sub("", out).splitlines()
    for pattern in _ANSWERS[scheduler]:
        found = [match for line in lines if (match := re.search(pattern, line))]
        if found:
            parts = found[-1].groupdict()
            where = parts.get("cluster") or parts.get("named") or (cluster if scheduler == "slurm" else "")
            return parts["number"] + (parts.get("rest") or "") + (f";{where}" if where else "")
    return None


def asked_cluster(directives: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Return the cluster of Slurm that directives or sbatch's variables ask for; empty if none, or several."""
    for line in directives:
        match = re.search(r"^#SBATCH\s+(?:--clusters?[= ]\s*|-M\s*)(\S+)", line.strip())
        if match:
            return _single(match[1])
    env = os.environ if environment is None else environment
    return _single(env.get("SBATCH_CLUSTERS") or env.get("SLURM_CLUSTERS") or "")


def _single(clusters: str) -> str:
    name = clusters.strip("\"'")
    return "" if "," in name or name == "all" else name


def job_number(job: str) -> str:
    """Return the number of a job without its server, cluster or part: ``12`` of ``12.pbs01``, ``12;x``, ``12[3]``."""
    found = re.match(r"\s*(\d+)", job)
    return found[1] if found else job


def job_cluster(job: str) -> str:
    """Return the cluster of a job of Slurm; empty for the one that commands ask by default."""
    return job.partition(";")[2]
