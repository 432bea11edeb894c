"""What a teacher attends to: scores worse than the middle may be drawn together before it learns them.

A squared error counts all scores alike, and most of what is docked first is of no interest: how bad the bad are can
take what a model could say of the best. Greedy batches are then all of one kind that is good and not the best. The
curve is close to a straight line of slope 1 for good scores and flat for bad ones (softplus): good scores keep their
unit, and no order is lost. Its middle and width are those of the scores in hand, which get better from batch to
batch: attention narrows by itself.

Some scores gain much by it and others lose a little, so held-out molecules decide, anew at every training: which way
the better half of them is ranked better.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.seeds import derive_seed
from ..fingerprints import Features
from ..metrics import spearman
from ..regressors.registry import regressor_class
from ..regressors.regressor import FitContext
from ..settings import TeacherSettings
from .stacking import cross_validate
from .training_data import CleanData

MIDDLE, GOOD = 0.5, 0.1
"""Quantiles of the scores, best first: where the curve bends, and the distance to it that is the curve's unit."""
BEND = 2.0
"""How sharply: the slope is half in the middle, and falls by about e^2 with every unit that a score is worse."""
TRIAL_ROWS, TRIAL_SELECTION = 1_000, 500
"""Most molecules of the trial, and most that its kernel is chosen on."""
FEWEST = 30
"""Scores below which held-out ones could not tell: nothing is drawn together."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """The curve along which scores are drawn together: straight for good scores, flat for bad ones.

    With z = (middle - score) / (middle - good), lower scores being better, z becomes log(1 + exp(b z)) / b. It
    rises everywhere, so that a score belongs to every value on the good side of ``middle``, and limits of
    intervals can be carried to and fro.

    Attributes
    ----------
    middle, good : float
        Quantiles of the scores that a teacher learnt from, in their unit.
    """

    middle: float
    good: float

    @classmethod
    def of(cls, scores: NDArray[np.float64], lower_is_better: bool) -> Curve | None:
        """Return the curve of scores of shape (n,), NaN where missing; None where there is nothing to measure by."""
        known = scores[~np.isnan(scores)]
        if not len(known):
            return None
        sign = -1.0 if lower_is_better else 1.0
        middle, good = np.quantile(sign * known, [1 - MIDDLE, 1 - GOOD])
        if good - middle <= 0:  # most of the better scores tie
            return None
        return cls(float(sign * middle), float(sign * good))

    def draw(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores drawn together, in their unit and their order; NaN where missing."""
        unit = self.good - self.middle
        result = np.full(np.shape(scores), np.nan)
        known = ~np.isnan(scores)
        z = (np.asarray(scores, np.float64)[known] - self.middle) / unit
        result[known] = self.middle + unit * np.logaddexp(0.0, BEND * z) / BEND
        return result

    def undraw(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores that :meth:`draw` makes such values of; infinitely bad ones beyond the curve's end."""
        unit = self.good - self.middle
        z = BEND * (np.asarray(values, np.float64) - self.middle) / unit
        with np.errstate(divide="ignore"):
            back = z + np.log(-np.expm1(-np.maximum(z, 0.0)))
        return np.asarray(self.middle + unit * np.where(np.isnan(z), np.nan, back) / BEND)


def recorded_curve(focus: Mapping[str, Mapping[str, Any]], target: str) -> Curve | None:
    """Return the curve of a target by what :func:`refocused` says; None where scores are as they are, or not told."""
    said = focus.get(target, {})
    if not said.get("drawn_together") or said.get("middle") is None:
        return None
    return Curve(float(said["middle"]), float(said["good"]))


def drawn_together(scores: NDArray[np.float64], lower_is_better: bool) -> NDArray[np.float64]:
    """Return scores with the worse half drawn together along their own :class:`Curve`.

    Parameters
    ----------
    scores : array of float64, shape (n,)
        NaN where missing.
    lower_is_better : bool

    Returns
    -------
    array of float64, shape (n,)
        In the unit of the scores, in the same order; NaN where missing.
    """
    return drawn_like(scores, scores, lower_is_better)


def drawn_like(
    scores: NDArray[np.float64], others: NDArray[np.float64], lower_is_better: bool
) -> NDArray[np.float64]:
    """Return ``scores`` drawn together by the middle and the unit of ``others``, as :func:`drawn_together` has it."""
    curve = Curve.of(others, lower_is_better)
    return scores if curve is None else curve.draw(scores)


def good_ranked(truth: NDArray[np.float64], predicted: NDArray[np.float64], lower_is_better: bool) -> float:
    """Return the rank correlation within the better half of ``truth``; 0 where all of it ties."""
    sign = -1.0 if lower_is_better else 1.0
    good = sign * truth >= np.median(sign * truth)
    if np.ptp(truth[good]) == 0 or np.ptp(predicted[good]) == 0:
        return 0.0
    return spearman(truth[good], predicted[good])


def trial(
    features: Features,
    scores: NDArray[np.float64],
    lower_is_better: Sequence[bool],
    settings: TeacherSettings,
    seed: int,
    threads: int,
) -> list[tuple[float, float]]:
    """Return for each target how the better half of held-out molecules is ranked: as it is, and drawn together.

    The kernel teacher answers for all kinds: it is quick, and both ways have the same molecules and folds.

    Parameters
    ----------
    features : Features
        n valid molecules.
    scores : array of float64, shape (n, targets)
        NaN where missing.
    lower_is_better : sequence of bool
    settings : TeacherSettings
    seed, threads : int
    """
    fewer = dataclasses.replace(
        settings.kernel, selection_rows=min(TRIAL_SELECTION, settings.kernel.selection_rows)
    )
    settings = dataclasses.replace(settings, kernel=fewer)
    cls = regressor_class("kernel")
    result = []
    for column, lower in enumerate(lower_is_better):
        rows = np.flatnonzero(~np.isnan(scores[:, column]))
        if len(rows) > TRIAL_ROWS:
            generator = np.random.default_rng(derive_seed(seed, "focus", column))
            rows = np.sort(generator.choice(rows, TRIAL_ROWS, replace=False))
        truth = scores[rows, column]
        if len(rows) < FEWEST or np.ptp(truth) == 0:
            result.append((0.0, 0.0))
            continue
        known = features.take(rows)
        ranked = []
        for values in (truth, drawn_together(truth, lower)):
            standard = ((values - values.mean()) / values.std())[:, None]
            context = FitContext(settings, derive_seed(seed, "focus"), threads)
            model = cls.fit(known, standard, context)
            mean, _ = cross_validate(cls, known, standard, dataclasses.replace(context, hyper=model.hyper))
            ranked.append(good_ranked(truth, mean[:, 0], lower))
        result.append((ranked[0], ranked[1]))
    return result


@dataclasses.dataclass(frozen=True)
class Focused:
    """Scores as a teacher learns them.

    Attributes
    ----------
    scores : array of float64, shape (n, targets)
    drawn : list of bool
        For each target, whether its scores are :func:`drawn_together`.
    tried : list of (float, float)
        What :func:`trial` found for each target; empty where the settings decide.
    """

    scores: NDArray[np.float64]
    drawn: list[bool]
    tried: list[tuple[float, float]]


def focused(
    scores: NDArray[np.float64],
    features: Features,
    lower_is_better: Sequence[bool],
    settings: TeacherSettings,
    seed: int,
    threads: int,
) -> Focused:
    """Return scores as a teacher learns them.

    Parameters are those of :func:`trial`, which decides where ``settings.focus`` is ``auto``.
    """
    drawn = [settings.focus == "always"] * len(lower_is_better)
    tried: list[tuple[float, float]] = []
    if settings.focus == "auto":
        tried = trial(features, scores, lower_is_better, settings, seed, threads)
        drawn = [after > before for before, after in tried]
    columns = [
        drawn_together(scores[:, column], lower) if drawn[column] else scores[:, column]
        for column, lower in enumerate(lower_is_better)
    ]
    return Focused(np.stack(columns, axis=1), drawn, tried)


def refocused(
    data: CleanData, features: Features, settings: TeacherSettings, seed: int, threads: int
) -> tuple[CleanData, dict[str, dict[str, bool | float]]]:
    """Return ``data`` with its scores :func:`focused`, and what is to be said of it.

    For each target ``drawn_together``, if so ``middle`` and ``good`` of its :class:`Curve`, and where held-out
    molecules were asked ``ranked_as_they_are`` and
    ``ranked_drawn_together``: the rank correlation of the better half of them with their predictions.
    """
    found = focused(data.scores, features, data.lower_is_better, settings, seed, threads)
    said: dict[str, dict[str, bool | float]] = {
        target: {"drawn_together": drawn} for target, drawn in zip(data.targets, found.drawn, strict=True)
    }
    for target, (before, after) in zip(data.targets, found.tried, strict=False):
        said[target] |= {"ranked_as_they_are": before, "ranked_drawn_together": after}
    for column, target in enumerate(data.targets):
        curve = (
            Curve.of(data.scores[:, column], data.lower_is_better[column]) if found.drawn[column] else None
        )
        if curve is not None:
            said[target] |= dataclasses.asdict(curve)
    return dataclasses.replace(data, scores=found.scores), said
