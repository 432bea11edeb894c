"""Parsl's providers for PBS Professional and LSF, as a site's pools want them."""

from __future__ import annotations

import re

from parsl.jobs.states import JobState
from parsl.providers import LSFProvider, PBSProProvider
from parsl.providers.torque.torque import translate_table as pbs_states

from ..jobs.pbs_answers import PbsAnswer, pbs_answer
from ..jobs.submitted import job_number
from .listening import Listening, NoAnswer, Recorded, merged

_NO_HISTORY = re.compile(r"history", re.IGNORECASE)
_LSF_STATES = {
    "PEND": JobState.PENDING,
    "PROV": JobState.PENDING,
    "WAIT": JobState.PENDING,
    "RUN": JobState.RUNNING,
    "PSUSP": JobState.HELD,
    "USUSP": JobState.HELD,
    "SSUSP": JobState.HELD,
    "DONE": JobState.COMPLETED,
    "EXIT": JobState.FAILED,
    "ZOMBI": JobState.FAILED,
    "UNKWN": JobState.UNKNOWN,
}


class PBSPro(Recorded, PBSProProvider, Listening):
    """Parsl's provider for PBS Professional, with blocks written down; it cannot be told to leave out a node."""

    _history = True

    def _status(self) -> None:
        """Ask how the blocks are; a job that the server has forgotten has ended, one that it leaves out may have."""
        jobs = self._open_jobs()
        if not jobs:
            return
        answer = self._asked(jobs)
        for job in jobs:
            about = answer.jobs.get(job_number(job))
            if about is not None:
                state = str(about.get("job_state", ""))
                self._note(job, pbs_states.get(state, JobState.UNKNOWN))
            elif job_number(job) in answer.gone:
                self._note(job, JobState.COMPLETED)
            elif answer.whole:
                self._missed(job)

    def _asked(self, jobs: list[str]) -> PbsAnswer:
        finished = "-x " if self._history else ""
        code, out, err = self.execute_wait(f"qstat {finished}-f -F json {' '.join(jobs)}")
        answer = pbs_answer(out, err)
        if answer.jobs or answer.gone:
            return answer
        if code != 0 and self._history and _NO_HISTORY.search(err):  # the server keeps no finished jobs
            self._history = False
            return self._asked(jobs)
        if code == 0 and answer.whole:
            return answer
        raise NoAnswer(
            f"qstat does not answer: {' '.join((err or out).split())[:300] or f'exit code {code}'}"
        )


class LSF(Recorded, LSFProvider, Listening):
    """Parsl's provider for LSF, with blocks written down."""

    scheduler_options: str

    def _status(self) -> None:
        """Ask how the blocks are. A suspended job is held, not ended; bjobs fails if it has forgotten one of them."""
        jobs = self._open_jobs()
        if not jobs:
            return
        numbers = " ".join(map(job_number, jobs))
        code, out, err = self.execute_wait(f"bjobs -noheader -o 'jobid stat' {numbers}")
        states, gone = lsf_states(out), lsf_forgotten(out + "\n" + err)
        if not states and not gone and code != 0:
            raise NoAnswer(
                f"bjobs does not answer: {' '.join((err or out).split())[:300] or f'exit code {code}'}"
            )
        for job in jobs:
            if job_number(job) in states:
                self._note(job, states[job_number(job)])
            elif job_number(job) in gone:
                self._note(job, JobState.COMPLETED)
            elif code == 0:
                self._missed(job)

    def exclude(self, node: str) -> None:
        """Ask for no block on ``node`` any more."""
        self.scheduler_options += f"#BSUB -R \"select[hname!='{node}']\"\n"


def lsf_states(out: str) -> dict[str, JobState]:
    """Return the state of each job in an answer of ``bjobs -o 'jobid stat'``, by its number."""
    parts: dict[str, list[JobState]] = {}
    for line in out.splitlines():
        if match := re.fullmatch(r"\s*(\d+)(?:\[\d+\])?\s+([A-Z]{3,})\s*", line):
            parts.setdefault(match[1], []).append(_LSF_STATES.get(match[2], JobState.UNKNOWN))
    return {number: merged(states) for number, states in parts.items()}


def lsf_forgotten(said: str) -> set[str]:
    """Return the numbers of jobs that bjobs says it does not have any more."""
    return set(re.findall(r"Job <(\d+)(?:\[\d*\])?> is not found", said))
