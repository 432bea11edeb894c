"""Running one stage: what is done is skipped, the rest is run, failures are told together at its end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from ...data.errors import CampaignError
from ...data.receipts import Receipt, receipt_path
from ...hpc.sites.site import Site
from ..campaign.campaign import Campaign
from ..campaign.chain import follows, linked_again
from ..campaign.driver import cancel_path, write_driver
from ..campaign.ledger import FOLLOWS, Task
from ..campaign.under_way import clear_under_way, molecules_under_way
from .engine import RunnerWatch, TaskRunner
from .observer import Observer

MAX_FAILURES_IN_A_ROW = 5
"""Tasks of one stage that may fail one after the other before the rest is not even tried."""
_DRIVER_NOTE_SECONDS = 2.0
_LOOK_SECONDS = 2.0


class StageRunner:
    """Runs the stages of one campaign on one engine."""

    def __init__(self, campaign: Campaign, engine: TaskRunner, observer: Observer, site: Site) -> None:
        self._campaign, self._engine, self._observer, self._site = campaign, engine, observer, site
        self._noted = self._looked = 0.0

    def run(self, stage: str, tasks: Sequence[Task]) -> None:
        """Run those of ``tasks`` that are not done yet.

        Raises
        ------
        CampaignError
            If tasks failed. All others of the stage are done by then, except after several failures in a
            row, which mean that something is wrong with all of them.
        """
        ledger = self._campaign.ledger
        ledger.plan(stage, tasks)
        wanted = follows(self._campaign, stage)
        finished = {task.name: ledger.finished(task) for task in tasks}
        linked_again(self._campaign, [receipt for receipt in finished.values() if receipt], wanted)
        open_tasks = [
            replace(task, runtime={**task.runtime, FOLLOWS: wanted})
            for task in tasks
            if finished[task.name] is None
        ]
        self._observer.stage_begun(stage, len(tasks), len(tasks) - len(open_tasks))
        counted = _Molecules(tasks, open_tasks)
        self._tell(stage, counted)
        failed: list[Receipt] = []
        in_a_row = 0
        watch = RunnerWatch(
            on_running=lambda names: self._look(stage, names, counted),
            stop_requested=cancel_path(self._campaign.root).exists,
        )
        try:
            for receipt in self._engine.run(open_tasks, watch):
                self._observer.task_ended(stage, receipt)
                counted.ended(receipt)
                self._tell(stage, counted)
                in_a_row = 0 if receipt.done else in_a_row + 1
                if not receipt.done:
                    failed.append(receipt)
                if in_a_row >= MAX_FAILURES_IN_A_ROW:
                    break
        finally:
            self._observer.stage_ended(stage)
            clear_under_way(self._campaign.root)
        if failed:
            raise self._explain(stage, failed, len(tasks))

    def _look(self, stage: str, running: list[str], counted: _Molecules) -> None:
        """Note for others what runs, and tell how far it is, molecules inside of unfinished tasks included."""
        self._note(stage, running)
        now = time.monotonic()
        if counted.total and now - self._looked > _LOOK_SECONDS:
            self._looked = now
            counted.inside = molecules_under_way(self._campaign.root, running)
            self._tell(stage, counted)

    def _tell(self, stage: str, counted: _Molecules) -> None:
        # Observers that were written before there was this to hear need not have the method.
        hear = getattr(self._observer, "molecules_done", None)
        if counted.total and hear is not None:
            hear(stage, counted.done, counted.total)

    def _note(self, stage: str, running: list[str]) -> None:
        now = time.monotonic()
        if now - self._noted > _DRIVER_NOTE_SECONDS:
            self._noted = now
            write_driver(
                self._campaign.root,
                stage,
                running,
                self._site.name,
                self._engine.workers,
                self._engine.blocks(),
            )

    def _explain(self, stage: str, failed: list[Receipt], total: int) -> CampaignError:
        first = failed[0]
        assert first.failure is not None
        where = receipt_path(self._campaign.root, first.task)
        unexpected = " This looks like a fault of docksieve." if first.failure.traceback else ""
        return CampaignError(
            f"{len(failed)} of {total} tasks of {stage} failed, the first of them {first.task}: "
            f"{first.failure.message}{unexpected}",
            f"Details: {where}. When the cause is mended, submit again: finished tasks are kept.",
        )


class _Molecules:
    """Counts the molecules of a stage: those of finished tasks, and those that are done inside of unfinished ones.

    Attributes
    ----------
    total : int
        0 for a stage that is not counted in molecules.
    inside : dict of str to int
        By task in flight, at the latest look.
    """

    def __init__(self, tasks: Sequence[Task], open_tasks: Sequence[Task]) -> None:
        self.total = sum(task.molecules for task in tasks)
        self._open = {task.name: task.molecules for task in open_tasks}
        self._finished = self.total - sum(self._open.values())
        self.inside: dict[str, int] = {}

    @property
    def done(self) -> int:
        """How many are done."""
        return self._finished + sum(self.inside.values())

    def ended(self, receipt: Receipt) -> None:
        """Count a task that ended well; one that failed is still to be done."""
        self.inside.pop(receipt.task, None)
        if receipt.done:
            self._finished += self._open.pop(receipt.task, 0)
