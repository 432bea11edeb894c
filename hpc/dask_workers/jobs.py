"""Dask workers as batch jobs: how many there should be, which have ended, and when to give up.

dask-jobqueue makes the jobs. Its cluster counts workers, and loses count where a job has several: a cancelled job is
never asked for again, a job that dies before its first worker reports stays "on its way" for ever, and a refused
submission is repeated without a word. Here jobs are counted, and compared with what the scheduler knows.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distributed.core import Status
from distributed.deploy.adaptive import Adaptive

from ...data.errors import SiteError
from ..jobs.queue import queue_command, queued_jobs
from ..jobs.submitted import job_cluster, job_number
from .submitting import called

MAX_STILLBORN = 3
"""Jobs that may end in a row without one worker having reported, before a build is given up."""
MAX_REFUSED = 10
"""Submissions that may be refused in a row after some have been accepted; before that, none may."""


MAX_SILENT = 3
"""Questions in a row that a scheduler may leave without an answer before that is said."""
_log = logging.getLogger(__name__)


class JobWatch:
    """What became of the jobs that were asked for.

    Parameters
    ----------
    scheduler : str
        ``slurm``, ``pbspro`` or ``lsf``.
    site : str
        Its name, for messages.
    logs : Path
        Where jobs write what they say.
    cluster : str
        Slurm's cluster that jobs are asked of, where the site names one.
    """

    def __init__(self, scheduler: str, site: str, logs: Path, cluster: str = "") -> None:
        self.scheduler, self.cluster = scheduler, cluster
        self._site, self._logs = site, logs
        self._accepted = self._refused = self._stillborn = self._silent = 0
        self._words = ""
        self._clusters: set[str] = set()

    def accepted(self, job: str = "") -> None:
        """Note that the scheduler took a job, and on which of Slurm's clusters it is."""
        self._accepted, self._refused = self._accepted + 1, 0
        self._clusters.add(job_cluster(job))

    def refused(self, error: Exception) -> None:
        """Note that the scheduler did not take a job."""
        self._refused += 1
        self._words = _own_words(str(error))

    def ended(self, worked: bool) -> None:
        """Note that a job is no longer in the queue, and whether any of its workers ever reported."""
        self._stillborn = 0 if worked else self._stillborn + 1

    def check(self) -> None:
        """Raise if there is no sense in asking for more.

        Raises
        ------
        SiteError
            If the scheduler refuses jobs, or jobs end before their workers report.
        """
        if self._refused and (not self._accepted or self._refused >= MAX_REFUSED):
            raise SiteError(
                f"The scheduler of site {self._site!r} refused the job: {self._words}",
                "See queue, account and directives of the site (`docksieve site show`); --set KEY=VALUE changes one.",
            )
        if self._stillborn >= MAX_STILLBORN:
            raise SiteError(
                f"{self._stillborn} jobs in a row of site {self._site!r} ended before a worker reported. "
                f"{self._last_log()}",
                f"See the logs in {self._logs}: does every node see this environment, and reach this machine?",
            )

    def _last_log(self) -> str:
        logs = sorted(self._logs.glob("*"), key=lambda path: path.stat().st_mtime)
        for path in reversed(logs):
            lines = path.read_text(errors="replace").split("\n")
            said = [line.strip() for line in lines if line.strip()]
            if said:
                return f"The last one said: {said[-1]}"
        return "They wrote nothing."

    async def alive(self) -> set[str] | None:
        """Return the numbers of this user's jobs that wait or run; None if the scheduler does not answer."""
        found: set[str] = set()
        for cluster in sorted(self._clusters) or [self.cluster]:
            code, out, err = await called(queue_command(self.scheduler, cluster))
            numbers = queued_jobs(self.scheduler, code, out, err)
            if numbers is None:
                self._silent += 1
                if self._silent == MAX_SILENT:
                    said = " ".join((err or out).split()) or f"exit code {code}"
                    _log.warning(
                        "nothing is known of the jobs of site %s since %d questions to the scheduler: %s",
                        self._site, self._silent, said,
                    )  # fmt: skip
                return None
            found |= numbers
        self._silent = 0
        return found


def _own_words(text: str) -> str:
    """Return what the scheduler itself said in the message of dask-jobqueue about a failed command."""
    _, found, said = text.partition("stderr:")
    words = " ".join((said if found else text).split())
    return words or " ".join(text.split())


class JobAdaptive(Adaptive):
    """Keeps as many jobs as there is work for, and asks again for those that ended.

    Parameters
    ----------
    cluster : dask_jobqueue.JobQueueCluster
    watch : JobWatch
    processes : int
        Workers per job.
    look_seconds : float
        How often the scheduler is asked which jobs it knows.
    minimum, maximum : int
        Jobs.
    **options
        Of :class:`distributed.deploy.Adaptive`.
    """

    def __init__(
        self, cluster: Any, watch: JobWatch, processes: int, look_seconds: float, **options: Any
    ) -> None:
        self._watch, self._processes, self._look_seconds = watch, processes, look_seconds
        self._next_look = 0.0
        self._worked: set[str] = set()
        super().__init__(cluster, **options)

    @property
    def plan(self) -> set[str]:
        """Jobs that there should be."""
        return set(self.cluster.worker_spec)

    @property
    def requested(self) -> set[str]:
        """Jobs that were asked for."""
        return set(self.cluster.workers) & self.plan

    @property
    def observed(self) -> set[str]:
        """Jobs any of whose workers has reported."""
        return {self._job_of(name) for name in self.cluster.observed} & self.plan

    def _job_of(self, worker: str) -> str:
        return str(worker).rpartition("-")[0] if self._processes > 1 else str(worker)

    async def target(self) -> int:
        """Return how many jobs the waiting and running tasks can use."""
        scheduler = self.cluster.scheduler
        waiting = len(scheduler.queued) + len(scheduler.unrunnable)
        running = sum(len(worker.processing) for worker in scheduler.workers.values())
        return math.ceil((waiting + running) / self._processes)

    async def workers_to_close(self, target: int) -> list[str]:
        """Return jobs whose workers are all idle, as many as are too many."""
        workers = self.cluster.scheduler.workers.values()
        busy = {self._job_of(worker.name) for worker in workers if worker.processing}
        idle = sorted(self.observed - busy)
        return idle[: max(len(self.plan) - target, 0)]

    async def scale_up(self, n: int) -> None:
        """Ask for jobs until there are ``n``."""
        self.cluster.scale(jobs=n)

    async def scale_down(self, workers: Iterable[str]) -> None:
        """Give jobs back: their workers finish what they have, then the jobs are cancelled."""
        jobs = list(workers)
        members = [w.name for w in self.cluster.scheduler.workers.values() if self._job_of(w.name) in jobs]
        if members:
            await self.scheduler.retire_workers(names=members, remove=True, close_workers=True)
        await self.cluster.scale_down(jobs)

    async def adapt(self) -> None:
        """Forget jobs that have ended; then decide whether there should be more, or fewer."""
        self._worked |= self.observed
        now = asyncio.get_running_loop().time()
        refused = [name for name, job in self.cluster.workers.items() if not job.job_id]
        if now >= self._next_look or refused:
            self._next_look = now + self._look_seconds
            await self._forget_ended()
        await super().adapt()

    async def _forget_ended(self) -> None:
        # The list of jobs comes first: one asked for meanwhile is not among the scheduler's, and not ended.
        asked = {name: job.job_id for name, job in self.cluster.workers.items()}
        alive = await self._watch.alive()
        if alive is None:
            return
        for name, number in asked.items():
            if (number and job_number(number) in alive) or name not in self.cluster.workers:
                continue
            if number:
                self._watch.ended(name in self._worked)
            self.cluster.workers[name].status = Status.closed
            self.cluster.worker_spec.pop(name, None)
            del self.cluster.workers[name]
