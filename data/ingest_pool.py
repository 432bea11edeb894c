"""Where the steps of a library build run: in this process, on all cores, or on a Dask cluster."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import InputError

Job = Mapping[str, Any]
Task = Callable[[Job], dict[str, Any]]


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


class Pool:
    """Runs jobs, a bounded number of them at a time.

    Nothing is started before there is more than one job to run: a small library is built in this process.

    Parameters
    ----------
    workers : int
        Processes; 1 runs every job in this process.
    scratch : path
        Where workers may put temporary files.
    client : distributed.Client, optional
        A cluster that somebody else started, whose workers see the same files. It stays open.
    """

    def __init__(self, workers: int, scratch: Path, client: Any = None) -> None:
        self.workers = workers
        self._scratch = scratch
        self._client = client
        self._own: list[Any] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for thing in self._own:
            thing.close()

    def run(self, task: Task, jobs: Iterable[Job]) -> Iterator[tuple[Job, dict[str, Any]]]:
        """Yield each job with its result, in the order in which they end.

        Parameters
        ----------
        task : callable
            A module-level function of a job.
        jobs : iterable of mapping
            Taken only as fast as they are worked off: at most twice as many as workers are in flight.

        Raises
        ------
        InputError
            If a job killed its worker twice.
        """
        waiting = iter(jobs)
        head = _take(waiting, 2)
        if self._client is None and (self.workers == 1 or len(head) < 2):
            for job in (*head, *waiting):
                yield job, task(job)
            return
        yield from self._run_on_cluster(task, head, waiting)

    def _run_on_cluster(
        self, task: Task, head: list[Job], waiting: Iterator[Job]
    ) -> Iterator[tuple[Job, dict[str, Any]]]:
        from distributed import as_completed

        client = self._connected()
        submitted: dict[str, Job] = {}

        def submit(job: Job) -> Any:
            future = client.submit(task, job, pure=False)
            submitted[future.key] = job
            return future

        limit = 2 * max(self.workers, len(client.nthreads()))
        ready = as_completed([submit(job) for job in (*head, *_take(waiting, max(limit - len(head), 0)))])
        for future in ready:
            job = submitted.pop(future.key)
            result = _result_of(future, job)
            future.release()
            for more in _take(waiting, 1):
                ready.add(submit(more))
            yield job, result

    def _connected(self) -> Any:
        if self._client is None:
            import dask
            from distributed import Client, LocalCluster

            # One retry for a job whose worker died; heartbeat messages of lost workers are no news to users.
            dask.config.set({"distributed.scheduler.allowed-failures": 1})
            # Steps are long and busy: sampling their stack a hundred times a second, and giving memory back to
            # the system after every molecule, would cost more than a tenth of the build.
            dask.config.set({"distributed.worker.profile.enabled": False})
            dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 1 << 28})
            cluster = LocalCluster(
                n_workers=self.workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                memory_limit=None,
                local_directory=str(self._scratch),
                silence_logs=logging.CRITICAL,
                security=_security(),
            )
            self._client = Client(cluster)
            self._own = [self._client, cluster]
        return self._client


def _security() -> Any:
    """Return TLS certificates for this run, so that no other user of the machine can connect."""
    from distributed.security import Security

    return Security.temporary()


def _take(jobs: Iterator[Job], count: int) -> list[Job]:
    taken = []
    for _ in range(count):
        job = next(jobs, None)
        if job is None:
            break
        taken.append(job)
    return taken


def _result_of(future: Any, job: Job) -> dict[str, Any]:
    from distributed.scheduler import KilledWorker

    try:
        result: dict[str, Any] = future.result()
        return result
    except KilledWorker:
        raise InputError(
            f"A worker died twice on {job.get('what', job['task'])}.",
            "A molecule there crashes RDKit, or memory ran out. Give the same command again (finished work is "
            "kept); if it happens again, take that range out of the file and tell us about it.",
        ) from None
