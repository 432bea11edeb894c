"""Tasks as Parsl apps, in one place, and a local twin that runs the same tasks without Parsl.

Both bound the number of tasks in flight, try faults of the place again and report every receipt as it
comes. Neither ever repeats bad input.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Protocol

import psutil

from ..data.errors import CampaignError, SiteError
from ..data.receipts import Failure, Receipt, write_receipt
from ..hpc.site import Site
from .driver import ENVIRONMENT_MARK, marked_processes
from .folder import Campaign
from .interrupts import check_interrupts
from .ledger import Task
from .stuck import StuckPool
from .tasks import failed_receipt, run_task

CLOSE_SECONDS = 20.0
"""How long Parsl may take to end its processes before they are killed."""
MAX_ATTEMPTS = 3
"""How often one task is tried when workers die under it or the machine fails it."""


class Cancelled(CampaignError):
    """The campaign was asked to stop; finished work is kept."""


class Engine(Protocol):
    """Runs tasks and yields their receipts."""

    workers: int

    def run(self, tasks: Iterable[Task], watch: EngineWatch) -> Iterator[Receipt]:
        """Run ``tasks`` and yield one receipt each, as they finish."""


class EngineWatch:
    """What an engine tells while it runs, and asks between tasks.

    Parameters
    ----------
    on_running : callable
        Given the names of the tasks in flight whenever that may have changed.
    stop_requested : callable
        True makes the engine raise :class:`Cancelled`.
    """

    def __init__(self, on_running: Callable[[list[str]], None], stop_requested: Callable[[], bool]) -> None:
        self.on_running = on_running
        self.stop_requested = stop_requested

    def check(self) -> None:
        """Raise :class:`Cancelled` if a stop was asked for, KeyboardInterrupt if an interrupt was lost."""
        check_interrupts()
        if self.stop_requested():
            raise Cancelled("The campaign was cancelled.", "Submit it again and it goes on.")


class InlineEngine:
    """Runs every task here and now: the twin of :class:`ParslEngine` for tests and debugging."""

    workers = 1

    def __init__(self, campaign: Campaign) -> None:
        self._root = str(campaign.root)

    def run(self, tasks: Iterable[Task], watch: EngineWatch) -> Iterator[Receipt]:
        """Run ``tasks`` in turn; a fault of the machine is tried again."""
        for task in tasks:
            for attempt in range(MAX_ATTEMPTS):
                watch.check()
                watch.on_running([task.name])
                receipt = run_task(self._root, task)
                if receipt.done or not _retryable(receipt) or attempt == MAX_ATTEMPTS - 1:
                    yield receipt
                    break


class ParslEngine:
    """Runs tasks as Parsl apps on the workers of a site."""

    def __init__(self, campaign: Campaign, site: Site) -> None:
        import parsl

        from ..hpc.parsl_config import EXECUTOR, parsl_config

        self._root = str(campaign.root)
        self._poll = site.poll_seconds
        self._stuck = StuckPool(campaign, site.stall_seconds)
        self.workers = site.worker_count
        self._id = campaign.state["id"]
        with _interrupts_ignored():  # by the processes started here, not by the driver for long
            self._kernel = parsl.DataFlowKernel(parsl_config(site, campaign.root / "parsl"))
        # The undecorated function travels by its module's name, so workers run their installed version.
        self._app = parsl.python_app(run_task, data_flow_kernel=self._kernel, executors=[EXECUTOR])

    def run(self, tasks: Iterable[Task], watch: EngineWatch) -> Iterator[Receipt]:
        """Keep two tasks per worker in flight until all are done.

        A worker or node that dies under a task costs that task one attempt; after three it is given up
        and its receipt says so.
        """
        waiting = iter(tasks)
        flying: dict[Future[Receipt], tuple[Task, int]] = {}
        exhausted = False
        while flying or not exhausted:
            while not exhausted and len(flying) < 2 * self.workers:
                task = next(waiting, None)
                if task is None:
                    exhausted = True
                else:
                    flying[self._app(self._root, task)] = (task, 1)
            watch.on_running([task.name for task, _ in flying.values()])
            watch.check()
            self._stuck.look(task for task, _ in flying.values())
            done, _ = wait(flying, timeout=self._poll, return_when=FIRST_COMPLETED)
            for future in done:
                task, attempt = flying.pop(future)
                receipt = self._result(future, task)
                if not receipt.done and _retryable(receipt) and attempt < MAX_ATTEMPTS:
                    flying[self._app(self._root, task)] = (task, attempt + 1)
                else:
                    yield receipt

    def _result(self, future: Future[Receipt], task: Task) -> Receipt:
        error = future.exception()
        if error is None:
            return future.result()
        # run_task never raises: whatever arrives here befell the worker, not the task.
        code = type(error).__name__
        message = (
            f"{task.name}: the worker was lost ({code}: {error}). Its memory or its node may have failed."
        )
        receipt = failed_receipt(task, Failure(code, message, retryable=True))
        write_receipt(Path(self._root), receipt)
        return receipt

    def close(self) -> None:
        """End the workers and Parsl's own processes, kindly first and then for certain."""
        cleanup = threading.Thread(target=self._clean_up, daemon=True)
        cleanup.start()
        cleanup.join(CLOSE_SECONDS)
        for process in marked_processes(self._id):
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _clean_up(self) -> None:
        with contextlib.suppress(Exception):
            self._kernel.cleanup()


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


def _retryable(receipt: Receipt) -> bool:
    return receipt.failure is not None and receipt.failure.retryable


@contextlib.contextmanager
def open_engine(campaign: Campaign, site: Site) -> Iterator[Engine]:
    """Yield the engine of ``site``; its processes carry the campaign's id and are ended on leaving.

    Raises
    ------
    SiteError
        If the workers cannot be started.
    """
    if site.kind == "inline":
        yield InlineEngine(campaign)
        return
    with _marked_environment(campaign):
        try:
            engine = ParslEngine(campaign, site)
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
    marks = {ENVIRONMENT_MARK: campaign.state["id"], "SPT_NOENV": "1"}
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
