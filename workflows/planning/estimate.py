"""From a trial's receipts to a plan: everything in proportion, with an error margin."""

from __future__ import annotations

import dataclasses
import itertools
import math
import resource
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...data.errors import FormatError
from ...data.receipts import Receipt
from ...screening.ranking.leaderboard import LEADERBOARD_ROWS
from ..config.campaign_file import CampaignConfig
from ..tasks.final import final_batches
from ..text import core_time, percent
from .trial import Measured

MODEL_ERROR = 0.25
"""Relative standard error taken for everything but docking: what a minute's trial can be wrong by."""

LEVEL_Z = 1.645
"""Intervals are meant to hold nine times of ten (normal distribution)."""

KEPT_UNKNOWN = 0.02
"""Share of the library that the student is taken to keep where ``[rounds] keep`` is ``auto``."""

STEPS = ("dock", "train", "label", "distil", "screen", "rank", "refine", "final", "other")


@dataclass(frozen=True)
class StepPlan:
    """What all stages of one kind take.

    Attributes
    ----------
    tasks : int
    units : int
        Molecules docked, predicted or screened; scores learnt from; labels distilled.
    seconds, error : float
        Core-seconds, and their standard error.
    wall : float
        Seconds, if the site's workers run nothing else.
    """

    tasks: int = 0
    units: int = 0
    seconds: float = 0.0
    error: float = 0.0
    wall: float = 0.0

    def plus(self, other: StepPlan) -> StepPlan:
        """Return the sum of two; their errors are taken to go together."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return StepPlan(*(a + b for a, b in pairs))


@dataclass(frozen=True)
class CampaignPlan:
    """What a campaign will take.

    Attributes
    ----------
    steps : dict of str to StepPlan
        By kind, keys of :data:`STEPS`.
    workers : int
    dockings : dict of str to int
        By target, those of the final docking included.
    docking_seconds : dict of str to float
        Core-seconds of one docking in the rounds, by target.
    disk : int
        Bytes in the campaign folder.
    memory : int
        Bytes per worker: the largest process of the trial, and what distilling all labels adds.
    notes : tuple of str
    trial_seconds : float
    final_dockings : dict of str to int
        Those of ``dockings`` that are of the final docking; no entry where there is none.
    final_seconds : dict of str to float
        Core-seconds of one of them, by target.
    """

    steps: Mapping[str, StepPlan]
    workers: int
    dockings: Mapping[str, int]
    docking_seconds: Mapping[str, float]
    disk: int
    memory: int
    notes: tuple[str, ...] = ()
    trial_seconds: float = 0.0
    rows: int = 0
    written: float = 0.0
    site: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    final_dockings: Mapping[str, int] = field(default_factory=dict)
    final_seconds: Mapping[str, float] = field(default_factory=dict)

    def docking_cost(self, target: str) -> float:
        """Return the core-seconds of all dockings of a target, the final ones at what the final search costs."""
        final = self.final_dockings.get(target, 0)
        return (self.dockings[target] - final) * self.docking_seconds[
            target
        ] + final * self.final_seconds.get(target, 0.0)

    @property
    def wall(self) -> tuple[float, float, float]:
        """Seconds from submit to hits: estimate, low and high."""
        total = sum(step.wall for step in self.steps.values())
        share = [step.error / step.seconds * step.wall for step in self.steps.values() if step.seconds]
        return _around(total, math.hypot(*share))

    @property
    def core_seconds(self) -> tuple[float, float, float]:
        """Busy core-seconds of all tasks: estimate, low and high."""
        total = sum(step.seconds for step in self.steps.values())
        return _around(total, math.hypot(*(step.error for step in self.steps.values())))

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        values = dataclasses.asdict(self)
        return {**values, "wall": self.wall, "core_seconds": self.core_seconds, "notes": list(self.notes)}


def plan_from_json(values: Mapping[str, Any]) -> CampaignPlan:
    """Return the plan that :meth:`CampaignPlan.to_json` gave.

    Raises
    ------
    FormatError
        If it is none.
    """
    known = {item.name for item in dataclasses.fields(CampaignPlan)}
    try:
        kept = {key: value for key, value in values.items() if key in known}
        steps = {name: StepPlan(**step) for name, step in kept["steps"].items()}
        return CampaignPlan(**{**kept, "steps": steps, "notes": tuple(kept["notes"])})
    except (AttributeError, KeyError, TypeError) as error:
        raise FormatError(f"This is no plan that docksieve wrote: {error!r}.", "Remove it.") from None


def _around(value: float, error: float) -> tuple[float, float, float]:
    """Return a positive figure with its interval, symmetric on a logarithmic scale."""
    spread = math.exp(LEVEL_Z * error / value) if value else 1.0
    return value, value / spread, value * spread


def scores_by_round(config: CampaignConfig, targets: int) -> list[int]:
    """Return how many molecules the teacher of each round learns from, at most."""
    first = round(config.start.molecules * (1 - config.start.sealed))
    docked = itertools.accumulate(config.rounds.dock_in(number) for number in range(1, config.rounds.count))
    return [first + before * targets for before in (0, *docked)][: config.rounds.count]


def estimate(
    config: CampaignConfig, rows: int, shards: int, workers: int, measured: Measured
) -> CampaignPlan:
    """Return what the campaign takes, in proportion to what the trial took."""
    rounds, count = config.rounds, config.rounds.count
    targets = len(config.targets)
    notes = []
    everything = rows
    if measured.wanted < 1 or measured.filter_seconds:
        rows = max(1, round(measured.wanted * rows))
        asking = core_time(everything * measured.filter_seconds)
        notes.append(
            f"About {percent(measured.wanted)} of the library meet the conditions of [library]; "
            f"asking them of all its molecules takes {asking}, once."
        )
    steps = dict.fromkeys(STEPS, StepPlan())
    labels = min(rounds.labels, rows)
    keep = KEPT_UNKNOWN if rounds.keep == "auto" else float(rounds.keep)
    if rounds.keep == "auto" and count:
        notes.append(
            f"[rounds] keep is auto: {100 * keep:g} % are assumed; up to {100 * config.cut.widest:g} % are possible."
        )
    by_kind = _by_kind(measured.receipts)
    docking, seconds_each, final_each = _docking(config, by_kind, workers)
    steps |= docking
    if config.cut.sweep and count:
        notes.append(
            f"The last round may dock up to {config.cut.sweep:,} molecules per target more ([cut] sweep), "
            "which is not in these figures."
        )
    for number, size in enumerate(scores_by_round(config, targets), 1):
        train, each = _teacher(measured.teachers, size)
        kept = min(rows, max(round(keep * rows), 5 * rounds.dock_in(number)) + size)
        refined = min(rows, kept * targets)
        parallel = min(workers, -(-labels // config.run.predict_batch))
        steps["train"] = steps["train"].plus(_modelled(1, size, train, 1))
        steps["label"] = steps["label"].plus(
            _modelled(-(-labels // config.run.predict_batch), labels, labels * each, parallel)
        )
        batches = max(1, -(-refined // config.run.predict_batch))
        steps["refine"] = steps["refine"].plus(
            _modelled(batches, refined, refined * each, min(workers, batches))
        )
    if count:
        distilling = count * labels * measured.label_seconds
        steps["distil"] = _modelled(count, count * labels, distilling, 1)
        per_row = _rate(measured.screened)
        screened = count * rows
        steps["screen"] = _modelled(count * shards, screened, screened * per_row, min(workers, shards))
        steps["rank"] = _modelled(count, screened, screened * _rate(by_kind["rank"], least_rows=10**5), 1)
    steps["other"] = _others(by_kind, count)
    if measured.filter_seconds:
        asked = _modelled(shards, everything, everything * measured.filter_seconds, min(workers, shards))
        steps["other"] = steps["other"].plus(asked)
    if max(scores_by_round(config, targets), default=0) > max(measured.teachers, default=0):
        notes.append(
            f"Teachers of more than {max(measured.teachers)} scores were not timed; their cost is extrapolated."
        )
    each_target = config.start.molecules + rounds.dock_in_all
    final = min(config.final.molecules, each_target)
    again = {target: final for target, spec in config.targets.items() if final and spec.engine != "table"}
    return CampaignPlan(
        steps=steps,
        workers=workers,
        dockings={target: each_target + again.get(target, 0) for target in config.targets},
        docking_seconds=seconds_each,
        disk=_disk(config, rows, labels, keep, measured),
        memory=_memory(config, labels),
        notes=tuple(notes),
        rows=everything,
        final_dockings=again,
        final_seconds=final_each,
    )


def _by_kind(receipts: Iterable[Receipt]) -> dict[str, list[Receipt]]:
    found: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        found.setdefault("final" if receipt.task.startswith("final/dock") else receipt.kind, []).append(
            receipt
        )
    return found


def _rate(receipts: Sequence[Receipt], least_rows: int = 1) -> float:
    """Return seconds per row; what a task costs at the least is not blown up below ``least_rows``."""
    rows = sum(max(receipt.rows_in, least_rows) for receipt in receipts)
    return sum(receipt.seconds["total"] for receipt in receipts) / rows if rows else 0.0


def _modelled(tasks: int, units: int, seconds: float, parallel: int) -> StepPlan:
    return StepPlan(tasks, units, seconds, MODEL_ERROR * seconds, seconds / max(parallel, 1))


def _docking(
    config: CampaignConfig, by_kind: Mapping[str, list[Receipt]], workers: int
) -> tuple[dict[str, StepPlan], dict[str, float], dict[str, float]]:
    """Return the plans of docking and final docking, and core-seconds of one docking of each kind by target."""
    screen, final, each, final_each = StepPlan(), StepPlan(), {}, {}
    modes = {target: {"mode": getattr(spec, "mode", "single")} for target, spec in config.targets.items()}
    for target, spec in config.targets.items():
        mean, error = _per_ligand(by_kind["dock"], target)
        each[target] = mean
        ligands = config.start.molecules + config.rounds.dock_in_all
        screen = screen.plus(_dockings(ligands, config.run.dock_batch, mean, error, workers))
        again = 0 if spec.engine == "table" else min(config.final.molecules, ligands)
        if again and "final" in by_kind:
            mean, error = _per_ligand(by_kind["final"], target)
            final_each[target] = mean
            size = final_batches({target: modes[target]}, config.final.molecules, config.run.dock_batch)
            batch = size if isinstance(size, int) else size[target]
            final = final.plus(_dockings(again, batch, mean, error, workers))
    return {"dock": screen, "final": final}, each, final_each


def _per_ligand(receipts: Sequence[Receipt], target: str) -> tuple[float, float]:
    """Return the mean seconds of one docking and its standard error, from the batches of the trial."""
    mine = [receipt for receipt in receipts if receipt.task.split("/")[2] == target and receipt.rows_in]
    each = np.array([receipt.seconds["total"] / receipt.rows_in for receipt in mine])
    weights = np.array([receipt.rows_in for receipt in mine], float)
    mean = float(np.average(each, weights=weights)) if len(each) else 0.0
    spread = float(each.std(ddof=1) / math.sqrt(len(each))) if len(each) > 1 else 0.5 * mean
    return mean, math.hypot(spread, 0.1 * mean)


def _dockings(ligands: int, batch: int, mean: float, error: float, workers: int) -> StepPlan:
    tasks = -(-ligands // batch)
    waves = -(-tasks // workers)
    wall = max(ligands * mean / workers, min(waves * batch, ligands) * mean if tasks <= workers else 0.0)
    return StepPlan(tasks, ligands, ligands * mean, ligands * error, wall)


def _teacher(timed: Mapping[int, tuple[float, float]], size: int) -> tuple[float, float]:
    """Return seconds to train on ``size`` scores and per prediction.

    Between and beyond the timed sizes: a power law for training (exponent 1 to 3), a line for predicting.
    """
    if not timed:
        return 0.0, 0.0
    sizes = sorted(timed)
    low, high = sizes[0], sizes[-1]
    if low == high:
        return timed[low][0] * (size / low) ** 2, timed[low][1] * max(1.0, size / low)
    power = math.log(max(timed[high][0] / timed[low][0], 1e-9)) / math.log(high / low)
    power = min(max(power, 1.0), 3.0) if size > high else min(max(power, 0.0), 3.0)
    train = timed[high][0] * (size / high) ** power
    slope = max((timed[high][1] - timed[low][1]) / (high - low), 0.0)
    return train, max(timed[high][1] + slope * (size - high), 0.2 * timed[high][1])


def _others(by_kind: Mapping[str, list[Receipt]], rounds: int) -> StepPlan:
    """Return the small steps: what they took in the trial, which hardly depends on the library."""
    total = StepPlan()
    for kind in ("sample", "cut", "acquire", "select", "hits"):
        times = rounds if kind in ("cut", "acquire") else 1
        seconds = times * sum(receipt.seconds["total"] for receipt in by_kind.get(kind, ()))
        total = total.plus(_modelled(times, 0, seconds, 1))
    return total


def _disk(config: CampaignConfig, rows: int, labels: int, keep: float, measured: Measured) -> int:
    """Return the bytes that the campaign writes: predictions of every round are kept."""
    count, targets = config.rounds.count, len(config.targets)

    def per_row(receipts: Sequence[Receipt], folder: str) -> float:
        outputs = [item for receipt in receipts for item in receipt.outputs if item.path.startswith(folder)]
        total = sum(receipt.rows_in for receipt in receipts)
        return sum(item.bytes for item in outputs) / total if total else 0.0

    by_kind = _by_kind(measured.receipts)
    dockings = targets * (config.start.molecules + config.rounds.dock_in_all + config.final.molecules)
    models = sum(
        item.bytes
        for kind in ("train", "distil")
        for receipt in by_kind.get(kind, ())
        for item in receipt.outputs
    )
    leaderboards = [
        item
        for receipt in by_kind.get("rank", [])
        for item in receipt.outputs
        if item.path.startswith("leaderboards/")
    ]
    per_board_row = sum(item.bytes for item in leaderboards) / max(
        sum(item.rows or 0 for item in leaderboards), 1
    )
    histograms = sum(item.bytes for receipt in measured.screened for item in receipt.outputs[1:])
    return round(
        count * targets * min(rows, LEADERBOARD_ROWS) * per_board_row
        + count * rows * per_row(measured.screened, "predictions/")
        + count * histograms * max(rows / max(sum(item.rows_in for item in measured.screened), 1), 1.0)
        + count * labels * per_row(by_kind.get("label", []), "labels/")
        + (count * keep * rows + config.rounds.dock_in_all)
        * 2
        * per_row(by_kind.get("refine", []), "refined/")
        + dockings * (per_row(by_kind["dock"], "poses/") + per_row(by_kind["dock"], "scores/"))
        + count * models
    )


def _memory(config: CampaignConfig, labels: int) -> int:
    """Return bytes of the largest worker: the trial's largest process, and the bags of all labels while distilling."""
    largest = 1024 * max(
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )
    per_label = (
        12 * 60 * config.student.ngram
    )  # a run of each length begins at about 45 bytes; bucket and weight
    return largest + labels * per_label
