"""The winner's curse: what was predicted of picked molecules, against docking, before and after recalibration.

The recalibration of a round (``workflows.calibration``) learns from the batches before it alone, and from what the
round's teacher predicts of seed-sample molecules it had not seen: its coverage is an honest forecast's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ...data.words import plural
from ...screening.calibration.picked import Batch
from ..calibration.history import CampaignIntervals, read_intervals
from ..html.page import details, figure, paragraph, table
from ..progress.receipts import CampaignReceipts
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
        The same molecules: predictions as the teacher made them, and docking scores.
    known : CampaignIntervals
        What earlier batches say.
    """

    round: int
    ids: list[str]
    batch: Batch
    known: CampaignIntervals

    def interval(self, level: float) -> tuple[Array, Array] | None:
        """Return the ends of the recalibrated intervals; None where earlier batches are too few."""
        return self.known.interval(self.round, self.batch.mean, self.batch.sd, docked=True, level=level)

    def before(self, level: float) -> float:
        """Return the share of docked scores in the normal interval of mean and spread."""
        return float((np.abs(self.batch.z) <= ndtri((1 + level) / 2)).mean())

    def after(self, level: float) -> float | None:
        """Return the share of docked scores in the recalibrated interval; None where there is none."""
        ends = self.interval(level)
        if ends is None:
            return None
        return float(((self.batch.docked >= ends[0]) & (self.batch.docked <= ends[1])).mean())


def picked_rounds(facts: Facts, target: str) -> list[PickedRound]:
    """Return what each round picked, as far as it is docked, each with what was known before it."""
    known = read_intervals(CampaignReceipts(facts.campaign), target)
    found: list[PickedRound] = []
    for number, item in sorted(known.picked.items()):
        scored = np.isfinite(item.scores)
        if scored.any():
            batch = Batch(item.batch.mean[scored], item.batch.sd[scored], item.scores[scored])
            ids = [text for text, kept in zip(item.ids, scored, strict=True) if kept]
            found.append(PickedRound(number, ids, batch, known))
    return found


def coverage_of(rounds: Sequence[PickedRound], level: float) -> tuple[float, float]:
    """Return the share within the interval before and after recalibration, over rounds that have both."""
    both = [
        (len(item.batch.z), item.before(level), after)
        for item in rounds
        if (after := item.after(level)) is not None
    ]
    weights = [count for count, _, _ in both]
    before = float(np.average([before for _, before, _ in both], weights=weights))
    return before, float(np.average([after for _, _, after in both], weights=weights))


def picked_words(facts: Facts, target: str) -> Iterator[str]:
    """Yield how well the intervals of picked molecules held, before and after recalibration."""
    rounds = [item for item in picked_rounds(facts, target) if item.interval(0.95) is not None]
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
        "batches docked before; none where these held too few molecules. Among many predictions the best are also the "
        "luckiest."
    )
    svg = errors_by_round(drawn, spec["unit"], bool(spec["lower_is_better"]))
    return [figure(svg, "The winner's curse", note)]


def _errors(item: PickedRound) -> Errors:
    batch = item.batch
    ends = item.interval(0.95)
    half = float(ndtri(0.975) * batch.sd.mean())
    known = None
    if ends is not None:  # an end may be infinite: the worst score stands for it
        worst = batch.docked.min(), batch.docked.max()
        known = (
            float((np.where(np.isfinite(ends[0]), ends[0], worst[0]) - batch.mean).mean()),
            float((np.where(np.isfinite(ends[1]), ends[1], worst[1]) - batch.mean).mean()),
        )
    return Errors(
        round=item.round,
        ids=item.ids,
        predicted=batch.mean,
        docked=batch.docked,
        low=None if ends is None else ends[0],
        high=None if ends is None else ends[1],
        promised=(-half, half),
        recalibrated=known,
    )


def picked_details(facts: Facts, target: str) -> list[str]:
    """Return the coverage of every round as a table, folded away."""
    rows = []
    for item in picked_rounds(facts, target):
        error = item.batch.docked - item.batch.mean
        found = item.known.calibration(item.round, docked=True)
        rows.append(
            (
                f"{item.round}",
                f"{len(item.ids):,}",
                f"{np.mean(error):+.2f}",
                *(share_words(share) for level in LEVELS for share in (item.before(level), item.after(level))),
                "–" if found is None else f"{found.shift:+.2f}",
                "–" if found is None else f"{found.inflation:.2f}",
                item.known.basis(item.round, docked=True),
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
        "forecast from how earlier batches missed, and no coverage is guaranteed. Stored predictions stay as they "
        "were made."
    )
    body = (paragraph(words, "soft"), table("Intervals of picked molecules", head, rows))
    return [details("Intervals of picked molecules, by round", *body)]


def share_words(share: float | None) -> str:
    """Return a share in percent, a dash where there is none."""
    return "–" if share is None else f"{100 * share:.0f} %"
