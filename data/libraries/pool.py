"""Where the steps of a library build run: in this process, on all cores, or on a Dask cluster."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import queue
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from ..errors import InputError

Job = Mapping[str, Any]
Task = Callable[[Job], dict[str, Any]]
CHECK_SECONDS = 1.0
"""How often a cluster is asked whether there is still hope, while nothing ends."""


class Cluster(Protocol):
    """A Dask cluster that somebody else opened, whose workers see the same files."""

    @property
    def client(self) -> Any:
        """The ``distributed.Client``."""

    @property
    def words(self) -> str:
        """Where it is, for the user; may be empty."""

    @property
    def check(self) -> Callable[[], None]:
        """Raises if there will be no workers."""


OpenCluster = Callable[[Path], contextlib.AbstractContextManager[Cluster]]
"""Opens a cluster, given a folder for its own files that all workers see."""


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


class BuildWorkers:
    """Runs jobs, a bounded number of them at a time.

    Nothing is started before there is more than one job to run: a small library is built in this process.

    Parameters
    ----------
    workers : int
        Processes; 1 runs every job in this process. With a cluster: its workers, once all are there.
    scratch : path
        Where workers may put temporary files.
    client : distributed.Client, optional
        Of a cluster that somebody else started, whose workers see the same files. It stays open.
    open_cluster : callable, optional
        Opens a cluster as soon as it is needed; it is closed with the pool.
    say : callable, optional
        Shows the user where the cluster is.
    """

    def __init__(
        self,
        workers: int,
        scratch: Path,
        client: Any = None,
        open_cluster: OpenCluster | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.workers = workers
        self._scratch = scratch
        self._client = client
        self._open_cluster = open_cluster
        self._say = say or (lambda _: None)
        self._check: Callable[[], None] = lambda: None
        self._own = contextlib.ExitStack()

    def __enter__(self) -> BuildWorkers:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._own.close()

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
            If a job killed its worker again and again.
        """
        waiting = iter(jobs)
        head = _take(waiting, 2)
        here = len(head) < 2 or (self.workers == 1 and self._open_cluster is None)
        if self._client is None and here:
            for job in itertools.chain(head, waiting):  # not unpacked: each job holds its piece of the input
                yield job, task(job)
            return
        yield from self._run_on_cluster(task, head, waiting)

    def _run_on_cluster(
        self, task: Task, head: list[Job], waiting: Iterator[Job]
    ) -> Iterator[tuple[Job, dict[str, Any]]]:
        client = self._connected()
        flying: dict[str, Job] = {}
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def submit(jobs: Iterable[Job]) -> None:
            for job in jobs:
                future = client.submit(task, job, pure=False)
                flying[future.key] = job
                future.add_done_callback(ended.put)

        limit = 2 * max(self.workers, len(client.nthreads()))
        submit([*head, *_take(waiting, max(limit - len(head), 0))])
        while flying:
            try:
                future = ended.get(timeout=CHECK_SECONDS)
            except queue.Empty:
                self._check()
                continue
            job = flying.pop(future.key)
            result = _result_of(future, job)
            future.release()
            submit(_take(waiting, 1))
            yield job, result

    def _connected(self) -> Any:
        if self._client is None and self._open_cluster is not None:
            cluster = self._own.enter_context(self._open_cluster(self._scratch))
            self._client, self._check = cluster.client, cluster.check
            self._say(cluster.words)
        if self._client is None:
            self._client = self._own.enter_context(_local_client(self.workers, self._scratch))
        return self._client


@contextlib.contextmanager
def _local_client(workers: int, scratch: Path) -> Iterator[Any]:
    """Yield a client of worker processes on this machine."""
    import dask
    from distributed import Client, LocalCluster

    settings = {
        # One retry for a job whose worker died.
        "distributed.scheduler.allowed-failures": 1,
        # Steps are long and busy: sampling their stack a hundred times a second, and giving memory back to
        # the system after every molecule, would cost more than a tenth of the build.
        "distributed.worker.profile.enabled": False,
        "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 1 << 28,
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=None,
            local_directory=str(scratch),
            silence_logs=logging.CRITICAL,  # heartbeat messages of lost workers are no news to users
            security=_security(),
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


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
    except KilledWorker as error:
        times = {2: "twice"}.get(error.allowed_failures + 1, f"{error.allowed_failures + 1} times")
        raise InputError(
            f"A worker died {times} on {job.get('what', job['task'])}.",
            "A molecule there crashes RDKit, or memory ran out. Give the same command again (finished work is "
            "kept); if it happens again, take that range out of the file and tell us about it.",
        ) from None
