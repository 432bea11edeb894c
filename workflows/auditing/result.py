"""What the dockings of an audit prove, from the files that its plan names."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from ...data.store import FileRecord, concat
from ...screening.auditing.recall import AuditedRecall, count_strata, recall_above, recall_of_best
from ..campaign.campaign import Campaign
from .snapshot import Floats, read_scores

SHOWN = 20
"""Missed hits that are listed."""


def evaluate(campaign: Campaign, card: dict[str, Any], scores: list[FileRecord]) -> dict[str, Any]:
    """Return the recall that a finished audit proves, and from which round on its scores teach.

    Molecules that only earlier audits docked are a stratum that was drawn whole: they were missed, and are known.
    What was picked is what was when the audit was drawn.
    """
    from ..retraining.retrain import trained_rounds  # reads models, and so torch

    root = campaign.root
    picked = read_scores(root, [FileRecord(**item) for item in card["picked_scores"]])
    earlier = read_scores(root, [FileRecord(**item) for item in card["audited_scores"]])
    earlier = earlier.filter(pa.array(~np.isin(earlier["row"].to_numpy(), picked["row"].to_numpy())))
    docked = read_scores(root, scores)
    batches = concat([root / item["path"] for item in card["batches"]], ["row", "stratum"])
    order = np.argsort(batches["row"].to_numpy())
    stratum = batches["stratum"].to_numpy()[order]
    values = _scores(docked)
    sampled = [values[stratum == number] for number in range(len(card["strata"]))]
    found = judge(campaign, card, _scores(picked), _scores(earlier), sampled)
    lower = bool(campaign.targets[card["target"]]["lower_is_better"])
    at = found.score if np.isfinite(found.score) else card["plan"]["threshold"]
    counts = count_strata([item["size"] for item in card["strata"]], sampled, at, lower)
    return {
        "recall": asdict(found),
        "reached": found.lower >= card["recall"],
        "strata": [
            {"size": item.size, "drawn": item.drawn, "hits": item.missed, "failed": item.failed}
            for item in counts
        ],
        "missed": _missed(docked, at, lower),
        "scores": [vars(record) for record in scores],
        "first_round": trained_rounds(campaign) + 1,
        "finished": time.time(),
    }


def judge(
    campaign: Campaign, card: dict[str, Any], picked: Floats, earlier: Floats, sampled: list[Floats]
) -> AuditedRecall:
    """Return the recall from the scores alone (NaN: failed).

    Parameters
    ----------
    campaign : Campaign
    card : dict
        The plan.
    picked, earlier : array of float
        Of what rounds picked, and of what only earlier audits docked.
    sampled : list of array of float
        Of what was drawn from each stratum.
    """
    lower = bool(campaign.targets[card["target"]]["lower_is_better"])
    sizes = [item["size"] for item in card["strata"]]
    if len(earlier):
        sizes, sampled = [len(earlier), *sizes], [earlier, *sampled]
    if card["score"] is None:
        return recall_of_best(
            card["best_molecules"], picked, sizes, sampled, card["confidence"], lower_is_better=lower
        )
    score = card["score"]
    found = int((picked <= score).sum() if lower else (picked >= score).sum())
    strata = count_strata(sizes, sampled, score, lower)
    return recall_above(found, strata, card["confidence"], score=score)


def _scores(table: pa.Table) -> Floats:
    return np.asarray(table["score"].to_numpy(), np.float64)


def _missed(docked: pa.Table, score: float, lower: bool) -> list[dict[str, Any]]:
    values = _scores(docked)
    hits = np.flatnonzero(values <= score if lower else values >= score)
    hits = hits[np.argsort(values[hits] if lower else -values[hits], kind="stable")][:SHOWN]
    return list(docked.take(pa.array(hits, pa.int64())).to_pylist())
