"""The winner's curse: what was predicted of picked molecules, against docking, before and after recalibration.

The recalibration of a round (``screening.calibration.picked``) learns from the batches before it alone, and from what
the round's teacher predicts of seed-sample molecules it had not seen: its coverage is an honest forecast's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ...data.words import plural
from ...screening.calibration.picked import Batch, PickedCalibration, calibrate_picked
from ..campaign.ledger import round_name
from ..html.page import details, figure, paragraph, table
from .charts.picked import Errors, errors_by_round
from .facts import Facts

Array = NDArray[np.float64]
LEVELS = (0.68, 0.95)


@dataclass(frozen=True)
class PickedRound:
    """The molecules that one round picked by prediction and docked.

    Attributes
    ----------
    round : int
    ids : list of str
        Of those with a score.
    batch : Batch
        The same molecules.
    calibration : PickedCalibration
        From earlier batches.
    """

    round: int
    ids: list[str]
    batch: Batch
    calibration: PickedCalibration

    def before(self, level: float) -> float:
        """Return the share of docked scores in the normal interval of mean and spread."""
        return float((np.abs(self.batch.z) <= ndtri((1 + level) / 2)).mean())

    def after(self, level: float) -> float:
        """Return the share of docked scores in the recalibrated interval."""
        return self.calibration.coverage(self.batch, level)


def picked_rounds(facts: Facts, target: str) -> list[PickedRound]:
    """Return what each round picked, as far as it is docked, each with what was known before it."""
    found: list[PickedRound] = []
    for number in range(1, facts.rounds + 1):
        chosen = facts.chosen(round_name(number), target)
        mean, spread, score = (chosen[name].to_numpy().astype(float) for name in ("mean", "spread", "score"))
        fine = np.isfinite(mean) & np.isfinite(score) & (spread > 0)
        if not fine.any():
            continue
        batch = Batch(mean[fine], spread[fine], score[fine])
        ids = [text for text, kept in zip(chosen["id"].to_pylist(), fine, strict=True) if kept]
        earlier = [item.batch for item in found]
        calibration = calibrate_picked(earlier, _held_out(facts, round_name(number), target))
        found.append(PickedRound(number, ids, batch, calibration))
    return found


def _held_out(facts: Facts, group: str, target: str) -> Batch | None:
    """Return the seed sample as the round's teacher predicts it unseen."""
    held = facts.held_out(group, target)
    if held is None:
        return None
    mean, spread, truth = (held[name].to_numpy().astype(float) for name in ("mean", "spread", "truth"))
    fine = np.isfinite(mean) & np.isfinite(truth) & (spread > 0)
    return Batch(mean[fine], spread[fine], truth[fine])


def coverage_of(rounds: Sequence[PickedRound], level: float) -> tuple[float, float]:
    """Return the share within the interval before and after recalibration, over all rounds."""
    weights = [len(item.batch.z) for item in rounds]
    before = float(np.average([item.before(level) for item in rounds], weights=weights))
    return before, float(np.average([item.after(level) for item in rounds], weights=weights))


def picked_words(facts: Facts, target: str) -> Iterator[str]:
    """Yield how well the intervals of picked molecules held, before and after recalibration."""
    rounds = picked_rounds(facts, target)
    if not rounds:
        return
    count = sum(len(item.ids) for item in rounds)
    shown = [
        f"{100 * after:.0f} % within the {100 * level:.0f} % interval ({100 * before:.0f} % before)"
        for level in LEVELS
        for before, after in [coverage_of(rounds, level)]
    ]
    yield (
        f"Intervals of picked molecules, recalibrated from the batches docked before: of {plural(count, 'score')} "
        f"{' and '.join(shown)}."
    )


def picked_charts(facts: Facts, target: str) -> list[str]:
    """Return the chart of the winner's curse; none before a round has docked what it picked."""
    rounds = picked_rounds(facts, target)
    if not rounds:
        return []
    spec = facts.campaign.targets[target]
    drawn = [_errors(item) for item in rounds]
    note = (
        "Docked minus predicted, of the molecules that each round picked; on the dashed line the prediction was right. "
        "Grey: the 95 % interval that mean and spread promise, on average. Coloured: after recalibration from the "
        "batches docked before. Among many predictions the best are also the luckiest."
    )
    svg = errors_by_round(drawn, spec["unit"], bool(spec["lower_is_better"]))
    return [figure(svg, "The winner's curse", note)]


def _errors(item: PickedRound) -> Errors:
    batch = item.batch
    low, high = item.calibration.interval(batch.mean, batch.sd, 0.95)
    half = float(ndtri(0.975) * batch.sd.mean())
    return Errors(
        round=item.round,
        ids=item.ids,
        predicted=batch.mean,
        docked=batch.docked,
        low=low,
        high=high,
        promised=(-half, half),
        recalibrated=(float((low - batch.mean).mean()), float((high - batch.mean).mean())),
    )


def picked_details(facts: Facts, target: str) -> list[str]:
    """Return the coverage of every round as a table, folded away."""
    rows = []
    for item in picked_rounds(facts, target):
        error = item.batch.docked - item.batch.mean
        rows.append(
            (
                f"{item.round}",
                f"{len(item.ids):,}",
                f"{np.mean(error):+.2f}",
                *(f"{100 * share:.0f} %" for level in LEVELS for share in (item.before(level), item.after(level))),
                f"{item.calibration.shift:+.2f}",
                f"{item.calibration.inflation:.2f}",
                "batches" if item.calibration.learnt else "held-out sample",
            )
        )  # fmt: skip
    if not rows:
        return []
    head = (
        "round", "molecules", "docked minus predicted", "in 68 %, before", "after", "in 95 %, before", "after",
        "shift (spreads)", "inflation", "learnt from",
    )  # fmt: skip
    words = (
        "Shares of docked scores within the intervals of picked molecules. Batches are not exchangeable: this is a "
        "forecast from how earlier batches missed, and no coverage is guaranteed. Predictions shown elsewhere are "
        "as the models made them."
    )
    body = (paragraph(words, "soft"), table("Intervals of picked molecules", head, rows))
    return [details("Intervals of picked molecules, by round", *body)]
