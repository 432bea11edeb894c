"""What runs tasks: the interface, what it tells and asks, and the twin that runs them in the driver itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Protocol

from ...data.errors import CampaignError
from ...data.receipts import Receipt
from ..campaign.campaign import Campaign
from ..campaign.ledger import Task
from ..tasks.run import run_task
from .interrupts import check_interrupts

MAX_ATTEMPTS = 3
"""How often one task is tried when workers die under it or the machine fails it."""


class Cancelled(CampaignError):
    """The campaign was asked to stop; finished work is kept."""


class TaskRunner(Protocol):
    """Runs tasks and yields their receipts."""

    workers: int

    def blocks(self) -> list[dict[str, Any]]:
        """Return how many blocks each pool of the site has, by state."""

    def run(self, tasks: Iterable[Task], watch: RunnerWatch) -> Iterator[Receipt]:
        """Run ``tasks`` and yield one receipt each, as they finish."""


class RunnerWatch:
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


class InlineRunner:
    """Runs every task here and now: the twin of ``ParslEngine`` for tests and debugging."""

    workers = 1

    def __init__(self, campaign: Campaign) -> None:
        self._root = str(campaign.root)

    def blocks(self) -> list[dict[str, Any]]:
        """Return that there are none."""
        return []

    def run(self, tasks: Iterable[Task], watch: RunnerWatch) -> Iterator[Receipt]:
        """Run ``tasks`` in turn; a fault of the machine is tried again."""
        for task in tasks:
            for attempt in range(MAX_ATTEMPTS):
                watch.check()
                watch.on_running([task.name])
                receipt = run_task(self._root, task, partial(watch.on_running, [task.name]))
                if receipt.done or not is_retryable(receipt) or attempt == MAX_ATTEMPTS - 1:
                    yield receipt
                    break


def is_retryable(receipt: Receipt) -> bool:
    """Tell whether the same task may succeed elsewhere."""
    return receipt.failure is not None and receipt.failure.retryable
