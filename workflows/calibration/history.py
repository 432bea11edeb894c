"""What the rounds picked for a target, in the scale that their teachers learnt, and the intervals that follow.

A teacher may have learnt scores with the worse half drawn together (``models.teachers.focus``): its means and
standard deviations are then of drawn scores. Errors are therefore learnt after the docked scores were drawn along the
same curve, and the ends of intervals are carried back along it: they are docking scores, as users know them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from ...data.store import FileRecord, concat, read_table
from ...models.teachers.focus import Curve, recorded_curve
from ...screening.calibration.history import PickedHistory
from ...screening.calibration.picked import LEAST, Batch, PickedCalibration, calibrate_rest
from ..campaign.ledger import chooser, round_number
from ..progress.receipts import CampaignReceipts

Floats = NDArray[np.float64]
LEVEL = 0.95
"""Of the intervals that are shown where none is named."""


@dataclass(frozen=True)
class Scale:
    """The scale of one teacher's predictions for one target: docking scores, or those drawn along a curve.

    Attributes
    ----------
    curve : Curve or None
    known : bool
        False where scores were drawn together and the curve was not recorded.
    """

    curve: Curve | None = None
    known: bool = True

    @classmethod
    def of(cls, report: Mapping[str, Any], target: str) -> Scale:
        """Return the scale of a teacher by its report."""
        focus = report.get("focus", {})
        curve = recorded_curve(focus, target)
        drawn = focus.get(target, {}).get("drawn_together", False)
        return cls(curve, known=curve is not None or not drawn)

    def of_scores(self, scores: ArrayLike) -> Floats:
        """Return docking scores in the teacher's scale."""
        values = np.asarray(scores, np.float64)
        return values if self.curve is None else self.curve.draw(values)

    def to_scores(self, values: ArrayLike) -> Floats:
        """Return values of the teacher's scale as docking scores."""
        found = np.asarray(values, np.float64)
        return found if self.curve is None else self.curve.undraw(found)

    def onto(self, other: Scale, values: ArrayLike) -> Floats:
        """Return values of this scale in ``other``, the worst of them at the end of its curve."""
        return np.asarray(values, np.float64) if other == self else other.of_scores(self.to_scores(values))


def common_scale(scales: Mapping[int, Scale]) -> Scale:
    """Return one scale for the predictions of several rounds: that of the last teacher that draws scores together.

    Docking scores where none does. Where bad scores were drawn together, what was a score is not known any more, so
    predictions of all rounds and docking scores can be compared in a drawn scale alone.
    """
    drawn = [number for number, scale in scales.items() if scale.curve is not None]
    return scales[max(drawn)] if drawn else Scale()


@dataclass(frozen=True)
class Picked:
    """The molecules that one round picked by prediction and that are docked.

    Attributes
    ----------
    rows : array of int64, shape (n,)
    ids : list of str
    scores : array of float64, shape (n,)
        Docking scores; NaN where docking failed.
    batch : Batch
        The same in the teacher's scale, with its predictions.
    """

    rows: NDArray[np.int64]
    ids: list[str]
    scores: Floats
    batch: Batch


@dataclass(frozen=True)
class CampaignIntervals:
    """Recalibrated intervals of one target's predictions.

    Attributes
    ----------
    target : str
    picked : dict of int to Picked
        By round.
    history : PickedHistory
        The same, for the arithmetic.
    scales : dict of int to Scale
        Of the rounds that have a teacher.
    """

    target: str
    picked: Mapping[int, Picked]
    history: PickedHistory
    scales: Mapping[int, Scale]

    def calibration(self, number: int, docked: bool) -> PickedCalibration | None:
        """Return what is known of the errors of predictions of round ``number``; None where that is too little.

        ``docked``: of molecules that this round picked; otherwise of what is left of its shortlist.
        """
        if not self.scales.get(number, Scale(known=False)).known:
            return None
        return self.history.before(number) if docked else self.history.after(number)

    def interval(
        self, number: int, mean: ArrayLike, sd: ArrayLike, *, docked: bool, level: float = LEVEL
    ) -> tuple[Floats, Floats] | None:
        """Return the ends of intervals of docking scores, each of shape (n,); None where nothing can be said.

        An end may be infinite on the bad side, where the teacher does not tell bad scores apart.
        """
        found = self.calibration(number, docked)
        if found is None:
            return None
        ends = [self.scales[number].to_scores(end) for end in found.interval(mean, sd, level)]
        return np.minimum(*ends), np.maximum(*ends)

    def basis(self, number: int, docked: bool) -> str:
        """Return in words what the intervals of such predictions rest on."""
        found = self.calibration(number, docked)
        if found is None:
            return f"not recalibrated: fewer than {LEAST} picked molecules are docked that could tell"
        own = not docked and number in self.picked and found == calibrate_rest(self.picked[number].batch)
        which = f"that round {number} picked" if own else f"picked before round {number}"
        return f"recalibrated on {found.picked:,} molecules {which}"


def read_intervals(receipts: CampaignReceipts, target: str) -> CampaignIntervals:
    """Read what was picked and docked by now; the campaign may be running."""
    picked, relearnt, scales = {}, {}, {}
    groups = {name for stage in receipts.stages if round_number(name := stage.partition("/")[0])}
    for name in sorted(groups):
        number = round_number(name) or 0
        trained = next((item for item in receipts.of(f"{name}/train") if item.done), None)
        if trained is None or target not in trained.facts.get("targets", ()):
            continue
        scales[number] = Scale.of(trained.facts.get("report", {}), target)
        if not scales[number].known:
            continue
        unseen = [item for item in trained.outputs if item.path.startswith("heldout/")]
        if unseen and (found := _relearnt(_keys(receipts, unseen), target)) is not None:
            relearnt[number] = found
        selected = receipts.outputs(f"{name}/{chooser(name)}", f"selections/{name}/{target}/")
        docked = receipts.outputs(f"{name}/dock", f"scores/{name}/{target}/")
        if selected and docked:
            chosen = next(item for item in receipts.of(f"{name}/{chooser(name)}") if item.done)
            drawn = int(chosen.facts.get(target, {}).get("at_random", 0))
            batch = _picked(_keys(receipts, selected), _keys(receipts, docked), drawn, scales[number])
            if batch is not None:
                picked[number] = batch
    history = PickedHistory(
        {number: item.batch for number, item in picked.items()},
        relearnt,
        frozenset(number for number, scale in scales.items() if scale.curve is not None),
        bool(receipts.campaign.targets[target]["lower_is_better"]),
    )
    return CampaignIntervals(target, picked, history, scales)


Keys = tuple[tuple[str, str], ...]


def _keys(receipts: CampaignReceipts, records: list[FileRecord]) -> Keys:
    """Return paths and checksums: files that have changed are read again."""
    return tuple((str(receipts.campaign.root / item.path), item.sha256) for item in records)


@lru_cache(maxsize=256)
def _picked(selected: Keys, docked: Keys, at_random: int, scale: Scale) -> Picked | None:
    """Return the docked part of a selection, without the ``at_random`` molecules at its end."""
    columns = ["row", "id", "mean", "spread"]
    chosen = concat([Path(path) for path, _ in selected], columns)
    chosen = chosen.slice(0, chosen.num_rows - at_random)
    scores = concat([Path(path) for path, _ in docked], ["row", "score"])
    score_of = dict(zip(scores["row"].to_pylist(), scores["score"].to_pylist(), strict=True))
    rows = chosen["row"].to_numpy()
    mean, sd = (np.asarray(chosen[name].to_numpy(), np.float64) for name in ("mean", "spread"))
    usable = np.isfinite(mean) & (sd > 0) & np.array([row in score_of for row in rows.tolist()], bool)
    if not usable.any():
        return None
    values = [score_of[row] for row in rows[usable].tolist()]
    found = np.array([np.nan if value is None else value for value in values], np.float64)
    ids = [text for text, kept in zip(chosen["id"].to_pylist(), usable, strict=True) if kept]
    return Picked(rows[usable], ids, found, Batch(mean[usable], sd[usable], scale.of_scores(found)))


@lru_cache(maxsize=256)
def _relearnt(paths: Keys, target: str) -> Batch | None:
    """Return what was docked by choice before a round, as its teacher predicts it in cross-validation.

    The truths of the table are the scores as the teacher learnt them: in the scale of its predictions.
    """
    path = Path(paths[0][0])
    if (
        not path.exists() or "seed_sample" not in pq.read_schema(path).names
    ):  # thrown away, or of an early version
        return None
    table = read_table(path)  # in the columns of tasks.held_out, which knows hits and may not be known here
    mine = pc.and_(pc.equal(table["target"], target), pc.equal(table["how"], "folds"))
    table = table.filter(pc.and_(mine, pc.invert(table["seed_sample"])))
    mean, spread, truth = (table[name].to_numpy().astype(float) for name in ("mean", "spread", "truth"))
    fine = np.isfinite(mean) & np.isfinite(truth) & (spread > 0)
    return Batch(mean[fine], spread[fine], truth[fine]) if fine.any() else None
