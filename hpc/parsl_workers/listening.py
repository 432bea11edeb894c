"""What all of our Parsl providers share: how schedulers' commands are run, and how their answers are understood.

Parsl's own providers read an answer as the scheduler's manual prints it, and take a job that is missing from an
answer for ended. Centres' answers have notices around them, and a scheduler forgets a job or does not answer now and
then.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from parsl.jobs.states import JobState, JobStatus
from parsl.providers.cluster_provider import ClusterProvider

from ..jobs.blocks import BlockRecords
from ..jobs.commands import TOO_LATE, Answer, run_command
from ..jobs.queue import by_cluster, cancel_commands, queue_command, queued_jobs, still_there
from ..jobs.submitted import SUBMIT, job_number, submitted_job

_rehearsal: ContextVar[Callable[[str], Answer] | None] = ContextVar("rehearsal", default=None)
MISSED_ANSWERS = 3
"""Whole answers in a row that leave a job out before it counts as ended."""
_STRONGEST = (
    JobState.RUNNING, JobState.PENDING, JobState.HELD, JobState.UNKNOWN, JobState.FAILED, JobState.TIMEOUT,
    JobState.CANCELLED, JobState.COMPLETED,
)  # fmt: skip


class NoAnswer(RuntimeError):
    """A scheduler did not say how its jobs are; nothing is known about them, least of all that they ended."""


def accepted(command: str) -> Answer:
    """Answer a command for a scheduler as one that takes every job would."""
    said = {"sbatch": "Submitted batch job 1", "qsub": "1", "bsub": "Job <1> is submitted to queue <any>."}
    return 0, said.get(command.split()[0], ""), ""


@contextlib.contextmanager
def rehearsed(answer: Callable[[str], Answer]) -> Iterator[None]:
    """Let ``answer`` reply to every command for a scheduler inside the block; none is run."""
    token = _rehearsal.set(answer)
    try:
        yield
    finally:
        _rehearsal.reset(token)


def merged(states: Sequence[JobState]) -> JobState:
    """Return the state of a job of several parts (an array, a heterogeneous job): it lives as long as one of them."""
    return min(states, key=_STRONGEST.index)


class Listening(ClusterProvider):
    """Runs a scheduler's commands, and puts the answer to a submission into the words that Parsl expects.

    It stands behind Parsl's own providers in their line of inheritance, since one of them calls the method of
    ``ClusterProvider`` by name.
    """

    last_words: str = ""
    """What the scheduler said when it last refused something."""
    cluster: str = ""
    """Slurm's cluster that jobs are asked of, where the site names one."""

    def execute_wait(self, cmd: str, timeout: int | None = None) -> Answer:
        """Run a command of the scheduler, and keep what it says when it fails."""
        rehearsal = _rehearsal.get()
        code, out, err = rehearsal(cmd) if rehearsal else run_command(cmd, timeout or self.cmd_timeout)
        program = cmd.split()[0]
        if program in SUBMIT and code in (0, TOO_LATE):
            # A command that was too slow may have submitted all the same.
            job = submitted_job(SUBMIT[program], out, self.cluster) if code == 0 else None
            if job is None and not rehearsal:
                job = self._by_name(cmd)
            if job is not None:
                return 0, _PLAIN[program].format(job), err
            if code == 0:
                self.last_words = (
                    f"{program} answered without a job's number, so the job, if it was taken, cannot be followed "
                    f"(look for it in the queue): {' '.join((out + ' ' + err).split()) or 'it said nothing'}"
                )
                return 1, out, self.last_words
        if code != 0:
            self.last_words = " ".join((err or out or "").split())
        return code, out, err

    def _by_name(self, cmd: str) -> str | None:
        """Return the job that a submission without a readable answer made, if there is just one of its name."""
        program = cmd.split()[0]
        name = Path(shlex.split(cmd)[-1]).name.removesuffix(".submit")
        cluster = f" --clusters={self.cluster}" if self.cluster else ""
        ask = {
            "sbatch": f"squeue --noheader --me{cluster} --format=%A --name={name}",
            "qsub": f"qselect -N {name}",
            "bsub": f"bjobs -noheader -o jobid -J {name}",
        }
        code, out, err = run_command(ask[program], self.cmd_timeout)
        found = queued_jobs(SUBMIT[program], code, out, err) or set()
        where = f";{self.cluster}" if self.cluster else ""
        return f"{found.pop()}{where}" if len(found) == 1 else None


_PLAIN = {
    "sbatch": "Submitted batch job {}\n",
    "qsub": "{}\n",
    "bsub": "Job <{}> is submitted to queue <any>.\n",
}
"""How Parsl expects an answer."""


class Recorded:
    """Adds to a provider: blocks are written down, asked about as often as the site says, refused in its own words."""

    resources: dict[str, dict[str, Any]]
    _records: BlockRecords
    _pool: str
    _scheduler: str
    _poll: int
    last_words: str
    execute_wait: Callable[..., Answer]

    def watch(self, records: BlockRecords, pool: str, scheduler: str, poll: int) -> None:
        """Begin to write blocks down."""
        self._records, self._pool, self._scheduler, self._poll = records, pool, scheduler, poll

    @property
    def status_polling_interval(self) -> int:
        """Seconds between questions to the scheduler."""
        return self._poll

    def submit(self, command: str, tasks_per_node: int, job_name: str = "docksieve") -> Any:
        """Ask for a block."""
        try:
            job = super().submit(command, tasks_per_node, job_name)  # type: ignore[misc]
        except Exception as error:
            if self.last_words:  # rather than Parsl's account of them
                raise RuntimeError(f"the scheduler refused the job: {self.last_words}") from error
            raise
        if job is None:  # some providers only log why
            raise RuntimeError(f"the scheduler refused the job: {self.last_words}")
        self._records.asked(str(job), self._scheduler, self._pool)
        return job

    def cancel(self, job_ids: Sequence[str]) -> list[bool]:
        """Give blocks back; return for each whether it is gone or going."""
        jobs = list(map(str, job_ids))
        stay: set[str] = set()
        for command, together in zip(
            cancel_commands(self._scheduler, jobs), by_cluster(jobs).values(), strict=True
        ):
            code, _, err = self.execute_wait(shlex.join(command))
            if code != 0:  # often because one of them has ended by itself
                stay |= self._refused(together, err)
        ended = [job for job in jobs if job not in stay]
        for job in ended:
            self._note(job, JobState.CANCELLED)
        self._records.ended(ended)
        return [job not in stay for job in jobs]

    def _refused(self, jobs: Sequence[str], said: str) -> set[str]:
        """Return those of ``jobs`` that a failed cancellation left in the queue."""
        command = queue_command(self._scheduler, by_cluster(jobs).popitem()[0])
        code, out, err = self.execute_wait(shlex.join(command))
        queue = queued_jobs(self._scheduler, code, out, err)
        left = list(jobs) if queue is None else still_there(jobs, queue)
        named = {job for job in left if job_number(job) in said}
        return named or set(left)

    def _open_jobs(self) -> list[str]:
        return [job for job, known in self.resources.items() if not known["status"].terminal]

    def _note(self, job: str, state: JobState) -> None:
        known = self.resources.get(job)
        if known is not None:
            known["missed"] = 0
            known["status"] = JobStatus(
                state, stdout_path=known.get("job_stdout_path"), stderr_path=known.get("job_stderr_path")
            )

    def _missed(self, job: str) -> None:
        """Note that a whole answer does not have a job; after several, it has ended."""
        known = self.resources[job]
        known["missed"] = known.get("missed", 0) + 1
        if known["missed"] >= MISSED_ANSWERS:
            self._note(job, JobState.COMPLETED)
