"""Tasks as Parsl apps, in one place: one app per pool of the site, every receipt reported as it comes.

Faults of the place are tried again elsewhere, cheaply; bad input never is.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil

from ...data.environment import CAMPAIGN
from ...data.errors import SiteError
from ...data.receipts import Failure, Receipt, write_receipt
from ...hpc.jobs.blocks import BlockRecords
from ...hpc.sites.site import Site
from ..campaign.campaign import Campaign
from ..campaign.driver import marked_processes
from ..campaign.ledger import Task, role_of
from ..tasks.run import failed_receipt, run_task
from .engine import MAX_ATTEMPTS, InlineRunner, RunnerWatch, TaskRunner, is_retryable
from .node_watch import NodeWatch
from .stalled_pool import StalledPool

CLOSE_SECONDS = 20.0
"""How long Parsl may take to end its processes before they are killed; on a cluster, three times as long."""
NODE_LOSS_COST = 0.25
"""Attempts that a task loses with its node: walltimes, cancelled jobs and dead nodes are nobody's fault."""
_NOTE_SECONDS = 0.5
_REPORT_SECONDS = 10.0


class ParslRunner:
    """Runs tasks as Parsl apps on the workers of a site."""

    def __init__(self, campaign: Campaign, site: Site) -> None:
        import parsl
        from parsl.executors.errors import BadStateException
        from parsl.executors.high_throughput.errors import ManagerLost

        from ...hpc.parsl_workers.config import parsl_config

        self._no_workers, self._node_lost = BadStateException, ManagerLost

        self._root = str(campaign.root)
        self._site = site
        self._stalled = StalledPool(campaign, site.stall_seconds) if site.on_this_machine else None
        self.workers = site.worker_count
        self._id = campaign.state["id"]
        self._records = BlockRecords(campaign.root / "blocks")
        with _interrupts_ignored():  # by the processes started here, not by the driver for long
            self._kernel = parsl.DataFlowKernel(parsl_config(site, campaign.root, self._id))
        # The undecorated function travels by its module's name, so workers run their installed version.
        self._apps = {
            name: parsl.python_app(run_task, data_flow_kernel=self._kernel, executors=[name])
            for name in site.pools
        }
        executors = {name: self._kernel.executors[name] for name in site.pools}
        self._nodes = None if site.on_this_machine else NodeWatch(campaign.root / "nodes", executors)

    def blocks(self) -> list[dict[str, Any]]:
        """Return how many blocks each pool has, by state."""
        found: list[dict[str, Any]] = []
        if not self._site.on_cluster:
            return found
        for name in self._site.pools:
            executor = self._kernel.executors[name]
            states = [job.state.name.lower() for job in executor.status_facade.values()]
            counts: dict[str, Any] = {state: states.count(state) for state in sorted(set(states))}
            if executor.problem:
                counts["problem"] = executor.problem
            found.append({"pool": name, **counts})
        return found

    def run(self, tasks: Iterable[Task], watch: RunnerWatch) -> Iterator[Receipt]:
        """Keep two tasks per worker in flight until all are done.

        A worker that dies under a task, or a fault of its machine, costs that task one attempt of three; a node that
        is lost with it, a quarter.

        Raises
        ------
        SiteError
            If the site gives no workers at all: the scheduler's own words.
        """
        waiting = iter(tasks)
        flying: dict[Future[Receipt], tuple[Task, float]] = {}
        ended: queue.SimpleQueue[Future[Receipt]] = queue.SimpleQueue()
        noted = reports_read = 0.0
        exhausted = False

        def send(task: Task, spent: float) -> int:
            pool = self._site.pool_for(role_of(task.kind))
            future = self._apps[pool.name](self._root, task)
            flying[future] = (task, spent)
            future.add_done_callback(ended.put)
            return 2 * pool.most_workers

        room = 1
        while flying or not exhausted:
            while not exhausted and len(flying) < room:
                task = next(waiting, None)
                if task is None:
                    exhausted = True
                else:
                    room = send(task, 0.0)
            if time.monotonic() - noted > _NOTE_SECONDS:
                noted = time.monotonic()
                watch.on_running([task.name for task, _ in flying.values()])
                self._check_interchanges()
                if self._nodes is not None and noted > reports_read + _REPORT_SECONDS:
                    reports_read = noted
                    self._nodes.look()
                if self._stalled is not None:
                    self._stalled.look(task for task, _ in flying.values())
            watch.check()
            for future in _taken(ended, self._site.poll_seconds if flying else 0.0):
                task, spent = flying.pop(future)
                receipt, cost = self._result(future, task)
                if self._nodes is not None:
                    error = future.exception()
                    self._nodes.saw(receipt, error, node_lost=isinstance(error, self._node_lost))
                if not receipt.done and is_retryable(receipt) and spent + cost < MAX_ATTEMPTS:
                    send(task, spent + cost)
                else:
                    yield receipt

    def _result(self, future: Future[Receipt], task: Task) -> tuple[Receipt, float]:
        """Return the receipt of an ended task, and what a failure costs."""
        error = future.exception()
        if error is None:
            return future.result(), 1.0
        if isinstance(error, self._no_workers):
            raise SiteError(
                f"Site {self._site.name!r} gives no workers: {_own_words(error)}",
                f"`docksieve doctor --site {self._site.name}` looks for the cause; batch scripts and their "
                f"output are under {Path(self._root) / 'parsl'}. Finished tasks are kept.",
            )
        code = type(error).__name__
        # run_task never raises: whatever arrives here befell the worker, not the task.
        message = (
            f"{task.name}: the worker was lost ({code}: {error}). Its memory or its node may have failed."
        )
        receipt = failed_receipt(task, Failure(code, message, retryable=True))
        write_receipt(Path(self._root), receipt)
        return receipt, NODE_LOSS_COST if isinstance(error, self._node_lost) else 1.0

    def _dead_interchanges(self) -> list[str]:
        pools = {name: self._kernel.executors[name].interchange_proc for name in self._site.pools}
        return [name for name, process in pools.items() if process is not None and process.poll() is not None]

    def _check_interchanges(self) -> None:
        """Notice that a process of Parsl's died through which all tasks of a pool go: its answers would never come.

        Raises
        ------
        SiteError
            If so.
        """
        if dead := self._dead_interchanges():
            raise SiteError(
                f"Parsl's interchange of pool {dead[0]!r} has died (killed, or out of memory).",
                "Submit again: finished tasks are kept. Its log is interchange.log under "
                f"{Path(self._root) / 'parsl'}.",
            )

    def close(self) -> None:
        """End the workers, their blocks and Parsl's own processes, kindly first and then for certain."""
        if not self._dead_interchanges():  # Parsl would wait for a dead one's answer
            cleanup = threading.Thread(target=self._clean_up, daemon=True)
            cleanup.start()
            cleanup.join(CLOSE_SECONDS * (1 if self._site.on_this_machine else 3))
        for process in marked_processes(self._id):
            with contextlib.suppress(psutil.Error):
                process.kill()
        if self._site.on_cluster:
            self._records.end_leftovers()

    def _clean_up(self) -> None:
        with contextlib.suppress(Exception):
            self._kernel.cleanup()


def _taken(ended: queue.SimpleQueue[Future[Receipt]], patience: float) -> list[Future[Receipt]]:
    """Return all futures that have ended, waiting up to ``patience`` seconds for the first."""
    found = []
    with contextlib.suppress(queue.Empty):
        found.append(ended.get(timeout=patience) if patience else ended.get_nowait())
        while True:
            found.append(ended.get_nowait())
    return found


def _own_words(error: BaseException) -> str:
    """Return what a scheduler said, out of Parsl's account of its blocks: each thing once."""
    lines = [line.strip() for line in str(getattr(error, "exception", None) or error).splitlines()]
    kept = [line for line in lines if line and not line.startswith("Error ")]
    return " ".join(dict.fromkeys(kept))


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let processes started inside ignore Ctrl-C, which a terminal sends to the driver's whole group.

    The driver alone answers it, and ends them in order; an interchange that died by itself would leave
    Parsl waiting for its answer.
    """
    if threading.current_thread() is not threading.main_thread():  # a notebook's thread cannot set handlers
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def open_runner(campaign: Campaign, site: Site) -> Iterator[TaskRunner]:
    """Yield the engine of ``site``; its processes carry the campaign's id and are ended on leaving.

    Raises
    ------
    SiteError
        If the workers cannot be started.
    """
    if site.kind == "inline":
        yield InlineRunner(campaign)
        return
    with _marked_environment(campaign):
        try:
            engine = ParslRunner(campaign, site)
        except OSError as error:
            raise SiteError(
                f"The workers of site {site.name!r} could not be started: {error}.",
                f"Parsl's own log is in {campaign.root / 'parsl'}.",
            ) from error
        try:
            yield engine
        finally:
            engine.close()


@contextlib.contextmanager
def _marked_environment(campaign: Campaign) -> Iterator[None]:
    """Let processes started inside carry the campaign's id where others can read it.

    Parsl's processes give themselves titles, which by default overwrites the environment that the system
    shows of them; SPT_NOENV (of the setproctitle package) keeps it.
    """
    marks = {CAMPAIGN: campaign.state["id"], "SPT_NOENV": "1"}
    before = {name: os.environ.get(name) for name in marks}
    os.environ.update(marks)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
