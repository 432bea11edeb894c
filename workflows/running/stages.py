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
from .engine import RunnerWatch, TaskRunner
from .observer import Observer

MAX_FAILURES_IN_A_ROW = 5
"""Tasks of one stage that may fail one after the other before the rest is not even tried."""
_DRIVER_NOTE_SECONDS = 2.0


class StageRunner:
    """Runs the stages of one campaign on one engine."""

    def __init__(self, campaign: Campaign, engine: TaskRunner, observer: Observer, site: Site) -> None:
        self._campaign, self._engine, self._observer, self._site = campaign, engine, observer, site
        self._noted = 0.0

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
        failed: list[Receipt] = []
        in_a_row = 0
        watch = RunnerWatch(
            on_running=lambda names: self._note(stage, names),
            stop_requested=cancel_path(self._campaign.root).exists,
        )
        try:
            for receipt in self._engine.run(open_tasks, watch):
                self._observer.task_ended(stage, receipt)
                in_a_row = 0 if receipt.done else in_a_row + 1
                if not receipt.done:
                    failed.append(receipt)
                if in_a_row >= MAX_FAILURES_IN_A_ROW:
                    break
        finally:
            self._observer.stage_ended(stage)
        if failed:
            raise self._explain(stage, failed, len(tasks))

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
