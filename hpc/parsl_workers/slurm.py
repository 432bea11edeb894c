"""Parsl's provider for Slurm, as a site's pools want it."""

from __future__ import annotations

import time

from parsl.jobs.states import JobState
from parsl.providers import SlurmProvider
from parsl.providers.slurm.slurm import sacct_translate_table

from ..jobs.queue import by_cluster
from ..jobs.submitted import job_number
from .listening import Listening, NoAnswer, Recorded, merged

ACCOUNTING_SECONDS = 60.0
"""How long Slurm's accounting may take to learn how a job ended."""
_STATES = {
    **sacct_translate_table,
    # What the queue says and accounting does not.
    "CONFIGURING": JobState.PENDING,
    "COMPLETING": JobState.RUNNING,
    "EXPEDITING": JobState.PENDING,
    "LAUNCH_FAILED": JobState.FAILED,
    "POWER_UP_NODE": JobState.PENDING,
    "RECONFIG_FAIL": JobState.FAILED,
    "REQUEUE_FED": JobState.PENDING,
    "REQUEUE_HOLD": JobState.HELD,
    "RESIZING": JobState.RUNNING,
    "RESV_DEL_HOLD": JobState.HELD,
    "SIGNALING": JobState.RUNNING,
    "SPECIAL_EXIT": JobState.HELD,
    "STAGE_OUT": JobState.RUNNING,
    "STOPPED": JobState.HELD,
}
_ALIVE = (JobState.PENDING, JobState.RUNNING)


def slurm_states(out: str, separator: str | None = None) -> dict[str, JobState]:
    """Return the state of each job in an answer of squeue or sacct, by its number.

    Parameters
    ----------
    out : str
        A line per job, or per part of an array (``12_3``, ``12_[4-9]``) or of a heterogeneous job (``12+0``): its name
        and its state. Lines of other words, such as ``CLUSTER: x``, are passed over.
    separator : str, optional
        Between name and state; white space if not given.
    """
    parts: dict[str, list[JobState]] = {}
    for line in out.splitlines():
        name, *rest = line.split(separator, 1)
        words = rest[0].split() if rest else []
        name = name.strip()
        if name[:1].isdigit() and words and words[0].rstrip("+").replace("_", "").isupper():
            state = _STATES.get(words[0].rstrip("+"), JobState.UNKNOWN)
            parts.setdefault(job_number(name), []).append(state)
    return {number: merged(states) for number, states in parts.items()}


class Slurm(Recorded, SlurmProvider, Listening):
    """Parsl's provider for Slurm, with blocks written down and followed to the cluster that took them."""

    scheduler_options: str
    _excluded: tuple[str, ...] = ()

    def _status(self) -> None:
        """Ask how the blocks are: the queue, which knows at once, and accounting about those that have left it.

        Parsl asks accounting alone, which learns of a job some seconds after it was submitted; a job that accounting
        does not know is then taken for ended, for good, and another one asked for in its place.
        """
        silent = [
            said
            for cluster, jobs in by_cluster(self._open_jobs()).items()
            if (said := self._look(cluster, jobs))
        ]
        if silent:
            raise NoAnswer(silent[0])

    def _look(self, cluster: str, jobs: list[str]) -> str:
        """Note how ``jobs`` of one cluster are; return why nothing could be learnt, empty if something was."""
        where = f" --clusters={cluster}" if cluster else ""
        code, out, err = self.execute_wait(f"squeue --noheader --me{where} --format='%i %T'")
        if code != 0:
            return f"squeue does not answer: {' '.join(err.split()) or f'exit code {code}'}"
        queue = slurm_states(out)
        gone = [job for job in jobs if job_number(job) not in queue]
        for job in set(jobs) - set(gone):
            self.resources[job].pop("gone_since", None)
            self._note(job, queue[job_number(job)])
        if gone:
            self._ask_accounting(where, gone)
        return ""

    def _ask_accounting(self, where: str, gone: list[str]) -> None:
        numbers = ",".join(map(job_number, gone))
        code, out, _ = self.execute_wait(
            f"sacct -X{where} --noheader --parsable2 --format=jobid,state --job {numbers}"
        )
        said = slurm_states(out, "|") if code == 0 else {}
        for job in gone:
            state = said.get(job_number(job))
            if code != 0:  # without accounting nothing tells how a job ended
                self._note(job, JobState.COMPLETED)
            elif state is not None and state not in _ALIVE:
                self._note(job, state)
            elif self._gone_for_good(job):  # what still counts as waiting there has not arrived yet
                self._note(job, JobState.COMPLETED)

    def _gone_for_good(self, job: str) -> bool:
        """Tell whether a job has been out of the queue for so long that accounting must know it if it ever will."""
        since = self.resources[job].setdefault("gone_since", time.monotonic())
        return bool(time.monotonic() - since > ACCOUNTING_SECONDS)

    def exclude(self, node: str) -> None:
        """Ask for no block on ``node`` any more."""
        before = f"#SBATCH --exclude={','.join(self._excluded)}\n" if self._excluded else ""
        self._excluded = (*self._excluded, node)
        plain = self.scheduler_options.removesuffix(before)
        self.scheduler_options = f"{plain}#SBATCH --exclude={','.join(self._excluded)}\n"
