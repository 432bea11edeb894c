"""How good the predictions were: figures with intervals, from molecules that a model had not seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...data.libraries.library import Library
from ...data.seeds import derive_seed
from ...screening.decisions.scoring import wilson as wilson_interval
from ...screening.docking.table import ScoreIndex
from ...screening.metrics.paired import Estimate, rank_correlation, root_mean_square_error
from ..calibration.history import Scale, common_scale
from ..campaign.ledger import round_name
from ..hits.floors import good_score
from .charts.scores import Measured
from .facts import Facts

Array = NDArray[np.float64]
RESAMPLES = 1000
RETROSPECT_ROWS = 2_000_000
_Z = 1.959964


@dataclass(frozen=True)
class HonestTest:
    """Predictions made before docking, against the docked scores of the same molecules.

    Attributes
    ----------
    molecules : int
    spearman, rmse, bias : Estimate
        ``bias`` is the mean of docked minus predicted.
    within_one, within_two : float
        Share of docked scores within one and two spreads of the prediction (68 % and 95 % if the spread is
        right and errors are normal).
    """

    molecules: int
    spearman: Estimate
    rmse: Estimate
    bias: Estimate
    within_one: float
    within_two: float


@dataclass(frozen=True)
class Enrichment:
    """How much oftener acquired molecules dock well than those of the seed sample.

    Attributes
    ----------
    threshold : float
        Score of the best tenth of the seed sample.
    seed, acquired : tuple of (int, int)
        Molecules at least that good, and molecules picked: a docking that failed was paid for, and is no hit.
    seed_share, acquired_share, ratio : Estimate
        Per pick.
    seed_scored, acquired_scored : int
        Of the molecules picked, those with a score.
    acquired_share_per_score, ratio_per_score : Estimate
        The same of molecules with a score only.
    """

    threshold: float
    seed: tuple[int, int]
    acquired: tuple[int, int]
    seed_share: Estimate
    acquired_share: Estimate
    ratio: Estimate
    seed_scored: int
    acquired_scored: int
    acquired_share_per_score: Estimate
    ratio_per_score: Estimate


@dataclass(frozen=True)
class Retrospect:
    """What share of the truly best molecules was docked; known only where a table holds every score.

    Attributes
    ----------
    best : int
        The best 1 % of the library's scored molecules.
    scored : int
        Library molecules with a score in the table.
    docked : int
        Dockings that were tried, with a score or not.
    by_score : float
        Share of the best scores found; of molecules that tie with the last of them any will do.
    strictly_better, found : int
        Molecules strictly better than the last of the best, and those of them docked.
    """

    best: int
    scored: int
    docked: int
    by_score: float
    strictly_better: int
    found: int


def acquired_with_scores(facts: Facts, target: str) -> pa.Table:
    """Return all acquired molecules that have a docked score: ``Facts.chosen`` of all rounds, and more.

    ``round``; and ``learnt`` and ``predicted``, docked score and mean in one scale for all rounds: docking scores, or
    where a teacher drew bad ones together (:func:`drawn_in`), those along the curve of the last that did.
    """
    tables, scales = [], _scales(facts, target)
    shared = common_scale(scales)
    for number, own in scales.items():
        chosen = facts.chosen(round_name(number), target)
        known = pc.and_(pc.is_valid(chosen["score"]), pc.is_valid(chosen["mean"]))
        chosen = chosen.filter(known)
        score, mean = (np.asarray(chosen[name].to_numpy(), np.float64) for name in ("score", "mean"))
        chosen = chosen.append_column("round", pa.array([number] * chosen.num_rows, pa.int64()))
        chosen = chosen.append_column("learnt", pa.array(shared.of_scores(score), pa.float64()))
        means = own.onto(shared, mean) if own.known else mean
        tables.append(chosen.append_column("predicted", pa.array(means, pa.float64())))
    if tables:
        return pa.concat_tables(tables)
    fields = {"row": pa.int64(), "id": pa.string(), "mean": pa.float32(), "spread": pa.float32()}
    more = [
        ("score", pa.float64()),
        ("round", pa.int64()),
        ("learnt", pa.float64()),
        ("predicted", pa.float64()),
    ]
    return pa.schema([*fields.items(), *more]).empty_table()


def _scales(facts: Facts, target: str) -> dict[int, Scale]:
    return {number: facts.scale(round_name(number), target) for number in range(1, facts.rounds + 1)}


def drawn_in(facts: Facts, target: str) -> bool:
    """Tell whether predictions and docked scores are compared with bad ones drawn together."""
    return common_scale(_scales(facts, target)).curve is not None


def honest_test(acquired: pa.Table, seed: int) -> HonestTest | None:
    """Compare predictions with docking in one scale (95 %, 1,000 bootstrap resamples); None below five molecules."""
    if acquired.num_rows < 5:
        return None
    truth = acquired["learnt"].to_numpy().astype(float)
    mean = acquired["predicted"].to_numpy().astype(float)
    spread = acquired["spread"].to_numpy().astype(float)
    rng = np.random.default_rng(derive_seed(seed, "report", "honest-test"))
    draws = rng.integers(0, len(truth), (RESAMPLES, len(truth)))

    def estimate(measure: Callable[[Array, Array], float]) -> Estimate:
        values = np.array([measure(truth[draw], mean[draw]) for draw in draws])
        values = values[np.isfinite(values)]
        low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (np.nan, np.nan)
        return Estimate(measure(truth, mean), float(low), float(high))

    errors = np.abs(truth - mean)
    return HonestTest(
        molecules=len(truth),
        spearman=estimate(rank_correlation),
        rmse=estimate(root_mean_square_error),
        bias=estimate(lambda docked, predicted: float(np.mean(docked - predicted))),
        within_one=float(np.mean(errors <= spread)),
        within_two=float(np.mean(errors <= 2 * spread)),
    )


def enrichment(facts: Facts, target: str) -> Enrichment | None:
    """Compare acquired molecules with the seed sample; None before both were docked."""
    sign = 1.0 if facts.campaign.targets[target]["lower_is_better"] else -1.0
    first = facts.docked("round-00", target)
    later = [facts.docked(round_name(number), target) for number in range(1, facts.rounds + 1)]
    seed = sign * first.scores
    acquired = sign * np.concatenate([item.scores for item in later]) if later else np.empty(0)
    threshold = good_score(seed, lower_is_better=True)
    picked = sum(item.tried for item in later)
    if threshold is None or not picked:
        return None
    good = int((seed <= threshold).sum()), int((acquired <= threshold).sum())
    of_scores = (good[1], max(1, len(acquired)))
    return Enrichment(
        threshold=sign * threshold,
        seed=(good[0], first.tried),
        acquired=(good[1], picked),
        seed_share=wilson(good[0], first.tried),
        acquired_share=wilson(good[1], picked),
        ratio=_ratio((good[1], picked), (good[0], first.tried)),
        seed_scored=len(seed),
        acquired_scored=len(acquired),
        acquired_share_per_score=wilson(*of_scores),
        ratio_per_score=_ratio(of_scores, (good[0], len(seed))),
    )


def wilson(good: int, total: int) -> Estimate:
    """Return a share with its 95 % interval (Wilson 1927)."""
    return Estimate(good / total, *wilson_interval(good, total))


def _ratio(above: tuple[int, int], below: tuple[int, int]) -> Estimate:
    """Return a ratio of two shares with its 95 % interval (Katz et al. 1978; a half is added to a count of 0)."""
    a, b = max(above[0], 0.5), max(below[0], 0.5)
    value = (a / above[1]) / (b / below[1])
    error = math.sqrt(max(1 / a - 1 / above[1] + 1 / b - 1 / below[1], 0.0))
    return Estimate(value, value * math.exp(-_Z * error), value * math.exp(_Z * error))


def retrospect(facts: Facts, target: str) -> Retrospect | None:
    """Return how many of the best were found; None where not every score is known, or for huge libraries."""
    spec = facts.campaign.targets[target]
    if spec["engine"] != "table" or not isinstance(facts.library, Library) or facts.rows > RETROSPECT_ROWS:
        return None
    path = facts.root / "targets" / target / spec["scores"]
    if not path.is_file():
        return None
    index, column = ScoreIndex(path), "id" if spec["match"] == "id" else "smiles"
    known: list[float] = []
    for batch in facts.library.batches([column]):
        rows = index.find(batch.column(0).to_pylist())
        known += [score for row in rows if row >= 0 and (score := index.outcome(row).score) is not None]
    sign = 1.0 if spec["lower_is_better"] else -1.0
    truth = np.sort(sign * np.asarray(known, dtype=float))
    docked = sign * np.concatenate([facts.docked(group, target).scores for group in facts.groups()])
    if len(truth) < 100 or len(truth) < 0.5 * facts.rows or not len(docked):
        return None  # a table of a part of the library does not know the best
    best = max(1, round(0.01 * len(truth)))
    last = truth[best - 1]
    better, found = int((truth < last).sum()), int((docked < last).sum())
    ties = min(int((docked == last).sum()), best - better)
    tried = sum(facts.docked(group, target).tried for group in facts.groups())
    return Retrospect(best, len(truth), tried, (found + ties) / best, better, found)


def model_reports(facts: Facts, step: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Return (round, report) of every model that ``step`` (``train`` or ``distil``) made."""
    return [
        (number, receipt.facts.get("report", {}))
        for number in range(1, facts.rounds + 1)
        for receipt in facts.finished(f"{round_name(number)}/{step}")
    ]


def metrics_of(report: Mapping[str, Any], target: str) -> Mapping[str, Any]:
    """Return the metrics of ``target`` in a teacher's or a student's report."""
    for key in ("targets", "fidelity"):
        found = report.get(key, {})
        if isinstance(found, Mapping) and target in found:
            return dict(found[target])
    return {}


def estimate_of(value: Any) -> Estimate | None:
    """Return a metric of a report as an estimate; None if it is missing."""
    if isinstance(value, Mapping) and "value" in value:
        nan = float("nan")
        return Estimate(float(value["value"]), float(value.get("low", nan)), float(value.get("high", nan)))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Estimate(float(value), float("nan"), float("nan"))
    return None


def quality_series(facts: Facts, target: str) -> dict[str, list[Measured]]:
    """Return the rank correlations by round: teacher with docking, student (or factor model) with teacher."""
    series: dict[str, list[Measured]] = {}
    for name, step in (("teacher with docking", "train"), (f"{facts.fast_model} with teacher", "distil")):
        items = []
        for number, report in model_reports(facts, step):
            found = estimate_of(metrics_of(report, target).get("spearman"))
            if found is not None:
                items.append(Measured(number, found.value, found.low, found.high))
        if items:
            series[name] = items
    return series
