"""The command: a plan, a draw that is written down, dockings on the site's workers, and the recall they prove."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...data.errors import CampaignError, InputError
from ...data.receipts import plain_json
from ...data.seeds import derive_seed
from ...data.spaces.source import MoleculeSource
from ...data.store import FileRecord, record_file, sha256_json, write_json, write_table
from ...data.version import __version__
from ...hpc.sites.read import load_site
from ...hpc.sites.site import Site
from ..campaign.audits import FOLDER, audit_name, read_audits
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.driver import DriverLock, end_orphans
from ..campaign.filters import leaves_out
from ..campaign.ledger import Task
from ..running.observer import Observer, Silent
from ..running.parsl_engine import open_runner
from ..running.stages import StageRunner
from ..tasks.eligible import molecule_columns
from ..tasks.settings import DockSettings
from .plan import AuditPlan, Goal, make_plan
from .population import Drawn, draw_unpicked
from .result import evaluate
from .snapshot import Snapshot, read_snapshot, the_target

ASKED = ("target", "budget", "recall", "best", "score", "confidence", "seed")
"""What makes two commands the same."""


@dataclass(frozen=True)
class AuditReport:
    """What the command gives.

    Attributes
    ----------
    card : dict
        What was planned, as it is written, and under ``result`` what was found; None of a plan alone.
    fresh : bool
        Whether anything was docked now; a finished audit is only shown again.
    """

    card: dict[str, Any]
    fresh: bool


def audit(
    campaign: str | Path,
    budget: int,
    target: str | None = None,
    *,
    recall: float | None = None,
    best: float | None = None,
    score: float | None = None,
    confidence: float | None = None,
    seed: int | None = None,
    site: str | Site = "local",
    plan_only: bool = False,
    observer: Observer | None = None,
    on_plan: Callable[[dict[str, Any]], None] | None = None,
) -> AuditReport:
    """Dock molecules that a campaign did not pick, and bound from below what share of the best it found.

    The same command goes on with an audit that was interrupted, and shows one that is finished; another budget, goal
    or seed, or the same after another round, is an audit of its own.

    Parameters
    ----------
    campaign : path
    budget : int
        Dockings.
    target : str, optional
        Needed only if the campaign has several.
    recall, best, confidence : float, optional
        As in ``[cut]``, whose values they have by default.
    score : float, optional
        The best are all molecules at or beyond it, instead of a share of the library.
    seed : int, optional
        The campaign's by default.
    site : str or Site
    plan_only : bool
        Say what the budget buys; nothing is written or docked.
    observer : Observer, optional
    on_plan : callable, optional
        Given the plan before anything is docked.

    Returns
    -------
    AuditReport

    Raises
    ------
    InputError, CampaignError
        If the goal or the state of the campaign allows no audit; or dockings could not be run.

    Examples
    --------
    >>> planned = docksieve.audit("campaign", 20, "EGFR", score=-7.0, plan_only=True)
    >>> planned.fresh, planned.card["budget"], planned.card["result"] is None
    (False, 20, True)
    """
    if score is not None and best is not None:
        raise InputError("--score and --best are two ways to say what the best is.", "Give one of them.")
    opened = open_campaign(campaign)
    cut = opened.config.cut
    goal = Goal(
        budget,
        cut.recall if recall is None else recall,
        cut.best if best is None else best,
        score,
        cut.confidence if confidence is None else confidence,
        opened.seed if seed is None else seed,
    )
    name = the_target(opened, target)
    on_plan = on_plan or (lambda card: None)
    if plan_only:
        snapshot = read_snapshot(opened, name)
        card = plain_json({**make_plan(snapshot, goal).to_json(snapshot), "result": None})
        on_plan(card)
        return AuditReport(card, False)
    where = site if isinstance(site, Site) else load_site(site)
    if where.on_cluster:
        from ...hpc.checks.preflight import require

        require(where, {"the campaign": opened.root, "the library": opened.library_path})
    with DriverLock(opened.root):
        return _audit(opened, name, goal, where, observer or Silent(), on_plan)


def _audit(
    campaign: Campaign,
    target: str,
    goal: Goal,
    site: Site,
    observer: Observer,
    on_plan: Callable[[dict[str, Any]], None],
) -> AuditReport:
    library = campaign.open_library()
    asked = {"target": target, **vars(goal)}
    cards = read_audits(campaign.root)
    unfinished = [card for card in cards if card["result"] is None]
    if unfinished:
        card = unfinished[0]
        _refuse_another(card, asked)
    else:
        snapshot = read_snapshot(campaign, target)
        for card in cards:
            if _same(card, asked) and card["state"] == _state(snapshot):
                on_plan(card)
                return AuditReport(card, False)
        number = max((int(item["number"]) for item in cards), default=0) + 1
        card = _begin(campaign, library, snapshot, make_plan(snapshot, goal), number)
    on_plan(card)
    end_orphans(campaign)
    stage = f"{audit_name(card['number'])}/dock"
    with open_runner(campaign, site) as engine:
        StageRunner(campaign, engine, observer, site).run(stage, _tasks(campaign, library, card))
    outputs = campaign.ledger.outputs(stage, "scores/")
    result = plain_json(evaluate(campaign, card, outputs))
    write_json(_folder(campaign, card["number"]) / "result.json", result)
    return AuditReport({**card, "result": result}, True)


def _folder(campaign: Campaign, number: int) -> Path:
    return campaign.root / FOLDER / audit_name(number)


def _same(card: dict[str, Any], asked: dict[str, Any]) -> bool:
    return all(card[key] == asked[key] for key in ASKED)


def _refuse_another(card: dict[str, Any], asked: dict[str, Any]) -> None:
    """Refuse to begin an audit while one is unfinished.

    Raises
    ------
    CampaignError
    """
    if _same(card, asked):
        return
    goal = f"--score {card['score']}" if card["score"] is not None else f"--best {card['best']}"
    raise CampaignError(
        f"{audit_name(card['number'])} of {card['target']} is not finished.",
        f"Go on with it first: docksieve audit CAMPAIGN --target {card['target']} --budget {card['budget']} "
        f"--recall {card['recall']} {goal} --confidence {card['confidence']} --seed {card['seed']}",
    )


def _state(snapshot: Snapshot) -> str:
    """Return a hash of what rounds had predicted and docked when an audit was drawn; what audits docked is no part."""
    return sha256_json([snapshot.round, [record.sha256 for record in snapshot.picked]])


def _begin(
    campaign: Campaign, library: MoleculeSource, snapshot: Snapshot, plan: AuditPlan, number: int
) -> dict[str, Any]:
    """Draw, and write down what was drawn: the plan is written last, and an audit without one never was."""
    column = f"mean:{snapshot.target}"
    seed = derive_seed(plan.goal.seed, audit_name(number), snapshot.target)
    drawn = draw_unpicked(
        snapshot.predictions,
        column,
        plan.known,
        snapshot.lower,
        plan.last_keys,
        plan.design,
        seed,
        leaves_out(campaign),
    )
    batches = _write_batches(campaign, library, snapshot.target, plan, drawn, number)
    card = plain_json(
        {
            "number": number,
            **plan.to_json(snapshot),
            "draw_seed": seed,
            "state": _state(snapshot),
            "picked_scores": [vars(record) for record in snapshot.picked],
            "audited_scores": [vars(record) for record in snapshot.audited],
            "batches": [vars(record) for record in batches],
            "created": time.time(),
            "docksieve": __version__,
        }
    )
    write_json(_folder(campaign, number) / "plan.json", card)
    return {**card, "result": None}


def _write_batches(
    campaign: Campaign, library: MoleculeSource, target: str, plan: AuditPlan, drawn: list[Drawn], number: int
) -> list[FileRecord]:
    rows = np.concatenate([item.rows for item in drawn])
    order = np.argsort(rows)
    strata = np.repeat(np.arange(len(drawn)), [len(item.rows) for item in drawn])
    share = np.array(plan.design.drawn) / np.array(plan.design.sizes)
    predicted = np.concatenate([item.predicted for item in drawn])
    table = library.take(rows[order], molecule_columns(library))
    for name, values in (("mean", predicted), ("stratum", strata), ("probability", share[strata])):
        table = table.append_column(name, pa.array(values[order], from_pandas=True))
    size, records = campaign.config.run.dock_batch, []
    for index, start in enumerate(range(0, table.num_rows, size)):
        path = campaign.root / "selections" / audit_name(number) / target / f"batch-{index:05d}.parquet"
        write_table(path, table.slice(start, size))
        records.append(record_file(path, campaign.root))
    return records


def _tasks(campaign: Campaign, library: MoleculeSource, card: dict[str, Any]) -> list[Task]:
    target, group = card["target"], audit_name(card["number"])
    settings = DockSettings(target, group, campaign.targets[target], campaign.seed, "screen")
    return [
        Task(
            f"{group}/dock/{target}/{Path(batch['path']).stem}",
            "dock",
            settings,
            (FileRecord(**batch), *campaign.target_records(target)),
            {"library": str(library.path)},
        )
        for batch in card["batches"]
    ]
