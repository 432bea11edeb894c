"""What a decision rests on: candidates with their predictions, and how earlier predictions of the kind turned out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.store import read_table
from ...screening.calibration.picked import Batch
from ...screening.decisions.records import Records
from ..calibration.history import CampaignIntervals, Scale, common_scale, read_intervals
from ..campaign.audits import read_audits
from ..campaign.ledger import round_number
from ..progress.receipts import CampaignReceipts
from ..tasks.held_out import learnt_scores, read_held_out

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """Of one target.

    Attributes
    ----------
    round : int
        Whose teacher predicted the candidates; 0 if there are none.
    mean, sd : array of float64
        Of the rescored shortlist, without what is docked: best predicted first.
    batches : list of Batch
        Earlier selections that were docked, oldest first, in the scales of their teachers.
    records : Records or None
        What these came to; None where that is too little.
    intervals : CampaignIntervals
        The same, with the scale that ``mean`` and ``sd`` are in.
    best : float
        Best docked score so far; NaN if there is none.
    docked, failed : int
        Dockings in rounds, and those without a score.
    seconds_each : float
        Core-seconds of a docking.
    resolution : float
        Last digit that all docked scores share; 0 if there is none.
    sizes, errors, standard_errors : tuple of float
        Scores that each round's teacher learnt from, its error for held-out molecules of the seed sample, and the
        standard error of that.
    """

    round: int
    mean: Floats
    sd: Floats
    batches: list[Batch]
    records: Records | None
    intervals: CampaignIntervals
    best: float
    docked: int
    failed: int
    seconds_each: float
    resolution: float
    sizes: tuple[float, ...]
    errors: tuple[float, ...]
    standard_errors: tuple[float, ...]


def read_evidence(receipts: CampaignReceipts, target: str) -> Evidence:
    """Read what the files of a campaign say now; it may be running."""
    lower = bool(receipts.campaign.targets[target]["lower_is_better"])
    groups = sorted(
        {name for stage in receipts.stages if round_number(name := stage.partition("/")[0]) is not None}
    )
    tables = {name: _docked(receipts, name, target) for name in groups}
    rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in tables.values())])
    scores = np.concatenate([np.empty(0), *(values for _, values in tables.values())])
    audited, found = _audited(receipts, target)
    known = np.concatenate([scores, found])
    known = known[np.isfinite(known)]
    number, mean, sd = _candidates(receipts, groups, target, np.union1d(rows, audited), lower)
    known_errors = read_intervals(receipts, target)
    sizes, errors, uncertain = _learning(receipts, groups, target, known_errors.scales)
    return Evidence(
        round=number,
        mean=mean,
        sd=sd,
        batches=[item.batch for place, item in sorted(known_errors.picked.items()) if place <= number],
        records=Records.of(
            tables["round-00"][1] if "round-00" in tables else [],
            [item.scores for place, item in sorted(known_errors.picked.items())],
            lower,
        ),
        intervals=known_errors,
        best=float(known.min() if lower else known.max()) if len(known) else float("nan"),
        docked=len(scores),
        failed=int(np.isnan(scores).sum()),
        seconds_each=receipts.docking_seconds(target),
        resolution=next((step for step in (1.0, 0.1, 0.01) if _rounded(known, step)), 0.0),
        sizes=sizes,
        errors=errors,
        standard_errors=uncertain,
    )


def _read(receipts: CampaignReceipts, stage: str, folder: str, columns: list[str]) -> list[Floats]:
    """Return columns of all tables of a stage, nulls as NaN; empty ones if there is no table."""
    paths = [receipts.campaign.root / record.path for record in receipts.outputs(stage, folder)]
    if not paths:
        return [np.empty(0)] * len(columns)
    table = pa.concat_tables([read_table(path, columns) for path in paths])
    return [np.asarray(table[name].to_numpy(), np.float64) for name in columns]


def _docked(receipts: CampaignReceipts, name: str, target: str) -> tuple[NDArray[np.int64], Floats]:
    rows, scores = _read(receipts, f"{name}/dock", f"scores/{name}/{target}/", ["row", "score"])
    return rows.astype(np.int64), scores


def _audited(receipts: CampaignReceipts, target: str) -> tuple[NDArray[np.int64], Floats]:
    """Return what finished audits docked."""
    root = receipts.campaign.root
    paths = [
        root / record["path"]
        for card in read_audits(root)
        if card["target"] == target and card["result"] is not None
        for record in card["result"]["scores"]
    ]
    if not paths:
        return np.empty(0, np.int64), np.empty(0)
    table = pa.concat_tables([read_table(path, ["row", "score"]) for path in paths])
    return table["row"].to_numpy(), np.asarray(table["score"].to_numpy(), np.float64)


def _candidates(
    receipts: CampaignReceipts, groups: list[str], target: str, known: NDArray[np.int64], lower: bool
) -> tuple[int, Floats, Floats]:
    """Return the latest shortlist that the teacher has predicted, without what is docked."""
    for name in reversed(groups):
        trained = [receipt for receipt in receipts.of(f"{name}/train") if receipt.done]
        if not trained or target not in trained[0].facts["targets"] or not receipts.outputs(f"{name}/refine"):
            continue
        columns = ["row", f"mean:{target}", f"spread:{target}"]
        rows, mean, sd = _read(receipts, f"{name}/refine", "refined/", columns)
        usable = np.isfinite(mean) & (sd > 0) & ~np.isin(rows.astype(np.int64), known)
        mean, sd = mean[usable], sd[usable]
        order = np.argsort(mean if lower else -mean, kind="stable")
        return round_number(name) or 0, mean[order], sd[order]
    return 0, np.empty(0), np.empty(0)


def _rounded(scores: Floats, step: float) -> bool:
    return len(scores) >= 30 and bool(np.allclose(scores / step, np.round(scores / step), atol=1e-4, rtol=0))


def _learning(
    receipts: CampaignReceipts, groups: list[str], target: str, scales: Mapping[int, Scale]
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Return what each round's teacher learnt from, and its error on the seed sample, held out.

    The errors of all rounds are in one scale (:func:`common_scale`); those of a teacher whose scale is not recorded
    are left out.
    """
    found, shared = {}, common_scale(scales)
    for name in groups:
        for receipt in receipts.of(f"{name}/train"):
            metrics = (
                receipt.facts.get("report", {}).get("targets", {}).get(target, {}) if receipt.done else {}
            )
            paths = [item.path for item in receipt.outputs if item.path.startswith("heldout/")]
            own = scales.get(round_number(name) or 0, Scale())
            if not metrics.get("scores") or not paths or not own.known:
                continue
            table = read_held_out(receipts.campaign.root / paths[0], target)
            truth = own.onto(shared, learnt_scores(table, own.curve))
            errors = truth - own.onto(shared, table["mean"].to_numpy())
            rmse = float(np.sqrt(np.square(errors).mean())) if len(errors) >= 5 else 0.0
            if rmse > 0:
                # of the mean square, by the delta method: squares have heavy tails, so no normal errors are assumed
                spread = float(np.square(errors).std(ddof=1)) / np.sqrt(len(errors)) / (2 * rmse)
                found[float(metrics["scores"])] = (rmse, max(spread, 1e-6 * rmse))
    sizes = tuple(sorted(found))
    return sizes, tuple(found[size][0] for size in sizes), tuple(found[size][1] for size in sizes)
