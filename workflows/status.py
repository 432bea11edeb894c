"""Where a campaign stands: what is done, running, failed and left, how fast, and when it will be over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ..data.receipts import Receipt, read_receipt
from .folder import Campaign, is_driven, open_campaign, read_driver
from .ledger import round_name

STALE_SECONDS = 30.0


@dataclass(frozen=True)
class StageStatus:
    """One stage of a campaign.

    Attributes
    ----------
    stage : str
    total, done, running, failed, left : int
        Tasks; they add up: ``done + running + failed + left == total``.
    rows : int
        Molecules (or ligands) of the finished tasks.
    seconds : float
        Sum of the finished tasks' seconds.
    """

    stage: str
    total: int
    done: int
    running: int
    failed: int
    left: int
    rows: int
    seconds: float

    @property
    def rate(self) -> float:
        """Molecules per task-second; NaN before any task is finished."""
        return self.rows / self.seconds if self.seconds else float("nan")


@dataclass(frozen=True)
class CampaignStatus:
    """A whole campaign.

    Attributes
    ----------
    state : str
        ``running``, ``complete``, ``cancelling``, ``stopped``.
    stages : tuple of StageStatus
        Those planned so far.
    waiting : tuple of str
        Stages whose tasks are not known yet.
    driver : str
        Who drives it; empty if nobody.
    seconds_left : float or None
        Estimate from the finished tasks' seconds; None where there is nothing to go by.
    """

    root: Path
    state: str
    stages: tuple[StageStatus, ...]
    waiting: tuple[str, ...]
    driver: str
    seconds_left: float | None


def status(campaign: str | Path | Campaign) -> CampaignStatus:
    """Return where ``campaign`` stands, from its plans and receipts."""
    opened = campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
    driven = is_driven(opened.root)
    note = read_driver(opened.root) if driven else None
    running = set(note["running"]) if note and time.time() - note["updated"] < STALE_SECONDS else set()
    ledger = opened.ledger
    stages = tuple(_stage(opened, name, running) for name in ledger.stages())
    known = {stage.stage for stage in stages}
    waiting = tuple(name for name in expected_stages(opened) if name not in known)
    complete = not waiting and all(stage.done == stage.total for stage in stages)
    if driven:
        state = "cancelling" if (opened.root / "cancel").exists() else "running"
    else:
        state = "complete" if complete else "stopped"
    driver = f"process {note['pid']} on {note['host']}, site {note['site']}" if note else ""
    workers = int(note["workers"]) if note else 1
    left = 0.0 if complete else _seconds_left(stages, waiting, workers)
    return CampaignStatus(opened.root, state, stages, waiting, driver, left)


def expected_stages(campaign: Campaign) -> list[str]:
    """Return every stage that the campaign will have, in order."""
    names = ["round-00/sample", "round-00/dock"]
    steps = ("train", "label", "distil", "screen", "rank", "refine", "acquire", "dock")
    for number in range(1, campaign.config.rounds.count + 1):
        names += [f"{round_name(number)}/{step}" for step in steps]
    if campaign.config.final.molecules:
        names += ["final/select", "final/dock"]
    return [*names, "final/hits"]


def _stage(campaign: Campaign, stage: str, running: set[str]) -> StageStatus:
    names = campaign.ledger.planned(stage)
    receipts: dict[str, Receipt] = {}
    for name in names:
        receipt = read_receipt(campaign.root, name)
        if receipt is not None:
            receipts[name] = receipt
    done = [receipt for receipt in receipts.values() if receipt.done]
    failed = sum(1 for name, receipt in receipts.items() if not receipt.done and name not in running)
    now = sum(1 for name in names if name in running and not (name in receipts and receipts[name].done))
    return StageStatus(
        stage=stage,
        total=len(names),
        done=len(done),
        running=now,
        failed=failed,
        left=len(names) - len(done) - failed - now,
        rows=sum(receipt.rows_in for receipt in done),
        seconds=sum(receipt.seconds.get("total", 0.0) for receipt in done),
    )


def _seconds_left(stages: tuple[StageStatus, ...], waiting: tuple[str, ...], workers: int) -> float | None:
    """Estimate: open tasks cost what finished ones of their step cost; a waiting stage, the latest's total."""
    per_task: dict[str, float] = {}
    per_stage: dict[str, float] = {}
    for stage in stages:
        step = stage.stage.partition("/")[2]
        if stage.done:
            per_task[step] = stage.seconds / stage.done
            per_stage[step] = per_task[step] * stage.total
    if not per_task:
        return None
    work = 0.0
    for stage in stages:
        step = stage.stage.partition("/")[2]
        parallel = min(workers, max(1, stage.total))
        work += (stage.total - stage.done) * per_task.get(step, 0.0) / parallel
    for name in waiting:
        step = name.partition("/")[2]
        work += per_stage.get(step, 0.0) / (1 if step in ("train", "distil") else workers)
    return work
