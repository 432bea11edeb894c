"""Whether an analysis plan was kept: molecules held out, the figure against its threshold, the stopping rule."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc

from ...data.seeds import derive_seed
from ...data.statistics import bootstrap
from ...data.store import read_table
from ...data.words import plural
from ...models.bundles.bundle import read_card
from ...models.settings import TeacherSettings
from ...models.teachers.focus import recorded_curve
from ...models.teachers.training_data import clean
from ...screening.chemistry.parents import parent_smiles
from ...screening.metrics.paired import rank_correlation, root_mean_square_error
from ...screening.metrics.virtual_screening import enrichment_factor, precision_at, recall_at
from ..campaign.campaign import Campaign
from ..campaign.ledger import round_name
from ..campaign.sources import FOLDER
from ..config.campaign_file import settings_from
from ..tasks.held_out import learnt_scores
from ..tasks.training_scores import read_training_scores
from .plan import unaltered
from .shuffle import FEWEST, taught_only

Answer = Literal["yes", "no", "open"]


@dataclass(frozen=True)
class Kept:
    """One point of a plan: what was planned, whether it was kept, and what the files say."""

    what: str
    answer: Answer
    words: str


def judge_plan(campaign: Campaign, plan: Mapping[str, Any], rounds: int, complete: bool) -> list[Kept]:
    """Return for each point of the plan whether it was kept.

    Parameters
    ----------
    campaign : Campaign
    plan : mapping
        As :func:`docksieve.workflows.controls.plan.read_plan` gives it.
    rounds : int
        Rounds that have a teacher.
    complete : bool
        Whether the campaign has ended.
    """
    points = [_written(plan)]
    points.append(_held_out(campaign, rounds))
    points += [_reached(campaign, plan, target, rounds) for target in plan["targets"]]
    return [*points, _stopped(plan, rounds, complete)]


def _written(plan: Mapping[str, Any]) -> Kept:
    if not unaltered(plan):
        return Kept(
            "written beforehand", "no", "The plan was altered after it was written: its hash is another."
        )
    known = sum(plan["scores_known"].values())
    if known:
        return Kept("written beforehand", "no", f"{plural(known, 'score')} known when it was written.")
    return Kept("written beforehand", "yes", "No score was known when it was written.")


def _held_out(campaign: Campaign, rounds: int) -> Kept:
    """Look whether any teacher learnt from a sealed molecule: its data are read again, and must have its hash."""
    what = "held-out molecules never trained on"
    settings = settings_from(TeacherSettings, campaign.teacher_settings)
    directions = {name: bool(spec["lower_is_better"]) for name, spec in campaign.targets.items()}
    seen = checked = sealed_count = 0
    for number in range(1, rounds + 1):
        for receipt in campaign.ledger.receipts(f"{round_name(number)}/train"):
            if not receipt.done:
                continue
            paths = [campaign.root / r.path for r in receipt.inputs if not r.path.startswith(f"{FOLDER}/")]
            share = campaign.config.start.sealed
            scores = read_training_scores(paths, campaign.root, directions, campaign.seed, share)
            data = clean(
                taught_only(scores.data, list(receipt.facts["targets"])),
                settings.min_scores,
                settings.drop_failures,
            )
            card = read_card(campaign.root / "models" / round_name(number) / "teacher")
            if card["data_sha256"] != data.sha256:
                return Kept(
                    what, "no", f"The teacher of round {number} learnt from other data than the scores give."
                )
            sealed = sorted({*scores.sealed.smiles})
            parents = set(parent_smiles(data.smiles))
            seen += sum(parent in parents for parent in parent_smiles(sealed))
            checked, sealed_count = checked + 1, len(sealed)
    if not checked:
        return Kept(what, "open", "No teacher is trained yet.")
    if seen:
        return Kept(what, "no", f"{seen:,} of {sealed_count:,} were trained on, in this or another form.")
    return Kept(
        what, "yes", f"None of {sealed_count:,} is among the data of {checked} teachers, whose hashes agree."
    )


def _metric(plan: Mapping[str, Any], lower: bool) -> Callable[[Any, Any], float]:
    shares = {"kept": plan["kept"], "best": plan["best"], "lower_is_better": lower}
    ranked = {"recall": recall_at, "precision": precision_at, "enrichment": enrichment_factor}
    if plan["metric"] in ranked:
        return functools.partial(ranked[plan["metric"]], **shares)
    if plan["metric"] == "r2":
        return lambda truth, mean: 1 - float(np.mean((truth - mean) ** 2) / np.var(truth))
    return {"spearman": rank_correlation, "rmse": root_mean_square_error}[plan["metric"]]


def _reached(campaign: Campaign, plan: Mapping[str, Any], target: str, rounds: int) -> Kept:
    """Compare the last teacher's figure on sealed molecules with the threshold."""
    metric, threshold = plan["metric"], float(plan["threshold"])
    sign = "at most" if metric == "rmse" else "at least"
    what = f"{target}: {metric} {sign} {threshold:g}"
    path = campaign.root / "heldout" / f"{round_name(rounds)}-teacher.parquet"
    if not rounds or not path.is_file():
        return Kept(what, "open", "No teacher is trained yet.")
    table = read_table(path)
    table = table.filter(pc.and_(pc.equal(table["target"], target), pc.equal(table["how"], "sealed")))
    if table.num_rows < FEWEST:
        return Kept(
            what, "open", f"Only {plural(table.num_rows, 'molecule')} of the test set (sealed) with a score."
        )
    lower = bool(campaign.targets[target]["lower_is_better"])
    report = read_card(campaign.root / "models" / round_name(rounds) / "teacher")["report"]
    curve = recorded_curve(report.get("focus", {}), target)
    # errors are in the scale that the teacher learnt: a bad prediction is of no docking score in particular
    truth, mean = learnt_scores(table, curve), table["mean"].to_numpy()
    seed = derive_seed(campaign.seed, "analysis", target) % 2**31
    found = bootstrap(_metric(plan, lower), truth, mean, seed)
    low, high = (found.low, found.high) if metric != "rmse" else (-found.high, -found.low)
    limit = threshold if metric != "rmse" else -threshold
    answer: Answer = "yes" if low >= limit else "no" if high < limit else "open"
    within = f"95 % interval {found.low:.3f} to {found.high:.3f}"
    said = f"{found.value:.3f} ({within}) on {plural(table.num_rows, 'molecule')} of the test set (sealed)"
    if curve is not None and metric in ("r2", "rmse"):
        said += ", with bad scores drawn together as the teacher learns them"
    beyond = {"yes": "", "no": "", "open": "; the interval holds the threshold"}[answer]
    return Kept(what, answer, f"{said}, round {rounds}{beyond}.")


def _stopped(plan: Mapping[str, Any], rounds: int, complete: bool) -> Kept:
    wanted = plan["stop_after"]
    what = f"stop after {wanted} round{'s' if wanted > 1 else ''}"
    if rounds > wanted:
        return Kept(what, "no", f"{plural(rounds, 'round')} begun.")
    if rounds < wanted or not complete:
        return Kept(
            what,
            "no" if complete else "open",
            f"{plural(rounds, 'round')} {'run' if complete else 'so far'}.",
        )
    return Kept(what, "yes", f"{plural(rounds, 'round')} run.")
