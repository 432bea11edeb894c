"""Where a campaign stands: what is done, running, failed and left, how fast, and when it will be over."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..campaign.audits import audit_words, read_audits
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.damage import damage_words, reads_campaigns
from ..campaign.driver import is_driven, read_driver
from ..campaign.filters import leaves_out
from ..campaign.ledger import round_name, round_number
from ..campaign.under_way import molecules_under_way
from ..campaign.versions import mixed_words, versions_used
from ..source_words import source_words
from .dockings import docking_words
from .failing import failing_lines
from .forecast import seconds_left
from .left_out import left_out_lines, read_left_out
from .receipts import CampaignReceipts
from .stage import StageStatus
from .stalled import stalled_lines

STALE_SECONDS = 30.0


@dataclass(frozen=True)
class CampaignStatus:
    """A whole campaign.

    Attributes
    ----------
    root : Path
        The campaign's folder.
    state : str
        ``running``, ``complete``, ``cancelling``, ``stopped``; ``damaged``: nobody drives it, and files are missing or
        altered that were finished once.
    stages : tuple of StageStatus
        Those planned so far.
    waiting : tuple of str
        Stages whose tasks are not known yet.
    driver : str
        Who drives it; empty if nobody.
    blocks : tuple of str
        How many blocks each pool of a cluster has, by state, in words.
    seconds_left : float or None
        Estimate from the finished tasks' seconds, and for steps of which there are none, from the plan; None where
        there is nothing to go by.
    audits : tuple of str
        A sentence about each audit.
    sources : tuple of str
        A sentence about each earlier teacher that the latest one was given: used or not, and why.
    by_plan : bool
        Whether ``seconds_left`` rests on the plan (``docksieve plan``) in part.
    dockings : tuple of str
        A sentence about each target: how many dockings were tried, and how many gave a score.
    left_out : tuple of str
        What of the library is left out from the start, a sentence for each reason.
    stalled : tuple of str
        Rounds whose batches had stopped improving, and what was done about it.
    damage : tuple of str
        Files that are missing or damaged, and what to do about them, as sentences.
    mixed : tuple of str
        A sentence if docking scores were made with several versions of RDKit, meeko or Vina.
    failing : tuple of str
        What rounds learnt of dockings that fail, a sentence for each round and target.

    Examples
    --------
    >>> found = docksieve.status("campaign")
    >>> found.state, found.waiting, found.seconds_left
    ('complete', (), 0.0)
    """

    root: Path
    state: str
    stages: tuple[StageStatus, ...]
    waiting: tuple[str, ...]
    driver: str
    seconds_left: float | None
    blocks: tuple[str, ...] = ()
    audits: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    by_plan: bool = False

    def __repr__(self) -> str:
        done = sum(stage.done == stage.total for stage in self.stages)
        known = len(self.stages) + len(self.waiting)
        at = next((stage for stage in self.stages if stage.done < stage.total), None)
        now = f", now {at.stage}: {at.done:,} of {at.total:,} tasks" if at is not None else ""
        return f"Campaign in {self.root}: {self.state}, {done} of {known} stages done{now}"

    dockings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    stalled: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    mixed: tuple[str, ...] = ()

    @property
    def docks(self) -> bool:
        """Whether dockings are still to come."""
        begun = any(stage.done < stage.total for stage in self.stages if stage.stage.endswith("/dock"))
        return begun or any(name.endswith("/dock") for name in self.waiting)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values; rates that are not known are null."""
        stages = [
            {**asdict(stage), "rate": stage.rate if stage.rate == stage.rate else None}
            for stage in self.stages
        ]
        return {**asdict(self), "root": str(self.root), "stages": stages}


@reads_campaigns
def status(campaign: str | Path | Campaign, receipts: CampaignReceipts | None = None) -> CampaignStatus:
    """Return where ``campaign`` stands, from its plans and receipts.

    Parameters
    ----------
    campaign : path or Campaign
    receipts : CampaignReceipts, optional
        Of the same campaign, if it was read already.

    Returns
    -------
    CampaignStatus

    Raises
    ------
    CampaignError
        If there is no campaign.

    Examples
    --------
    >>> [stage.stage for stage in docksieve.status("campaign").stages if stage.left]
    []
    """
    opened = campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
    driven = is_driven(opened.root)
    note = read_driver(opened.root) if driven else None
    workers = int(note["workers"]) if note else 1
    fresh = note is not None and time.time() - note["updated"] < STALE_SECONDS
    flying = list(note["running"]) if note and fresh else []
    receipts = receipts or CampaignReceipts(opened)
    stages = tuple(_stage(receipts, name, flying, workers) for name in receipts.stages)
    known = {stage.stage for stage in stages}
    waiting = tuple(name for name in expected_stages(opened) if name not in known)
    complete = not waiting and all(stage.done == stage.total for stage in stages)
    if driven:
        state = "cancelling" if (opened.root / "cancel").exists() else "running"
    else:
        state = "damaged" if receipts.damage else "complete" if complete else "stopped"
    driver = f"process {note['pid']} on {note['host']}, site {note['site']}" if note else ""
    left, by_plan = (0.0, False) if complete else seconds_left(opened, stages, waiting, workers)
    blocks = _blocks(note.get("blocks", [])) if note else ()
    audits = tuple(audit_words(card) for card in read_audits(opened.root))
    sources = _sources(receipts)
    dockings = docking_words(receipts)
    out = tuple(left_out_lines(opened, read_left_out(opened.ledger))) if leaves_out(opened) else ()
    failing = tuple(failing_lines(opened.ledger))
    seen = (audits, sources, by_plan, dockings, out, failing, tuple(stalled_lines(opened.ledger)))
    damage = tuple(damage_words(receipts.damage))
    mixed = tuple(mixed_words(versions_used(opened, receipts.of)))
    return CampaignStatus(opened.root, state, stages, waiting, driver, left, blocks, *seen, damage, mixed)


def so_far(found: CampaignStatus) -> list[str]:
    """Return the sentences that stand above an answer from a campaign: what it is without, and what it mixes."""
    if found.damage:
        lost = " ".join(found.damage)
        return [f"The campaign is damaged, and this answer is without what is missing: {lost}", *found.mixed]
    if found.state == "complete":
        return list(found.mixed)
    return [f"The campaign is {found.state}: these are the results so far.", *found.mixed]


def _sources(receipts: CampaignReceipts) -> tuple[str, ...]:
    """Say which earlier teachers the latest teacher learned from."""
    trained = [stage for stage in receipts.stages if stage.endswith("/train")]
    for stage in reversed(trained):
        for receipt in receipts.of(stage):
            if receipt.done:
                number = round_number(stage.partition("/")[0])
                return tuple(f"round {number}: {words}" for words in source_words(receipt.facts["report"]))
    return ()


def _blocks(noted: list[dict[str, Any]]) -> tuple[str, ...]:
    """Put the blocks that a driver noted into words; those of this machine are not worth any."""
    words = []
    for entry in noted:
        counts = [f"{count} {state}" for state, count in entry.items() if state not in ("pool", "problem")]
        problem = f" ({entry['problem']})" if entry.get("problem") else ""
        words.append(f"{entry['pool']}: {', '.join(counts) or 'none yet'}{problem}")
    return tuple(words)


def expected_stages(campaign: Campaign) -> list[str]:
    """Return every stage that the campaign will have, in order."""
    names = ["round-00/filter"] if leaves_out(campaign) else []
    names += ["round-00/sample", "round-00/dock"]
    steps = ("train", "label", "distil", "cut", "screen", "rank", "refine", "acquire", "dock")
    for number in range(1, campaign.config.rounds.count + 1):
        names += [f"{round_name(number)}/{step}" for step in steps]
    if campaign.config.final.molecules:
        names += ["final/select", "final/dock"]
    return [*names, "final/hits"]


def _stage(receipts: CampaignReceipts, stage: str, flying: list[str], workers: int) -> StageStatus:
    """Count the tasks of ``stage``; of those in flight, the ones sent first run, the others wait for a worker."""
    names = receipts.campaign.ledger.planned(stage)
    by_task = {receipt.task: receipt for receipt in receipts.of(stage)}
    done = [receipt for receipt in by_task.values() if receipt.done]
    open_names = set(names) - {receipt.task for receipt in done}
    now = [name for name in flying if name in open_names][:workers]
    failed = sum(1 for receipt in by_task.values() if not receipt.done and receipt.task not in flying)
    failures: Counter[str] = Counter()
    for receipt in done:
        failures.update(receipt.facts.get("failures", {}))
    return StageStatus(
        stage=stage,
        total=len(names),
        done=len(done),
        running=len(now),
        failed=failed,
        left=len(names) - len(done) - failed - len(now),
        rows=sum(receipt.rows_in for receipt in done),
        seconds=sum(receipt.seconds.get("total", 0.0) for receipt in done),
        failures=dict(failures.most_common()),
        molecules=receipts.campaign.ledger.molecules(stage),
        under_way=sum(molecules_under_way(receipts.campaign.root, now).values()) if now else 0,
    )
