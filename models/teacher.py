"""Teachers: models that learn docking scores from few molecules, and say how sure they are."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.errors import ModelError
from ..data.seeds import derive_seed
from .agreement import r2, rmse, spearman, with_interval
from .fingerprints import Features, featurise, iter_features
from .prediction import Prediction
from .regressor import FitContext, Regressor, regressor_class
from .settings import TeacherSettings
from .training_data import CleanData, TrainingData, clean

__all__ = ["Prediction", "Teacher", "TrainingData", "train_teacher"]


@dataclass(frozen=True)
class Member:
    """One fitted model of a teacher.

    Attributes
    ----------
    name : str
        Its name in the registry.
    weight : float
    model : Regressor
    """

    name: str
    weight: float
    model: Regressor


class Teacher:
    """A fitted teacher: one or more members whose weighted mean is the prediction.

    Attributes
    ----------
    members : tuple of Member
    targets : tuple of str
    lower_is_better : tuple of bool
    settings : TeacherSettings
    centre, scale : array of float64, shape (targets,)
        Members predict ``(score - centre) / scale``.
    noise, inflation : array of float64, shape (targets,)
        ``spread**2 = inflation * (variance of the members + noise) * scale**2``, set so that held-out
        molecules deviate as much as the spread says.
    report : dict
        Cross-validated metrics with intervals, what was dropped, how the members were chosen.
    data_sha256 : str
        Hash of the training data.
    seed : int
    """

    kind = "teacher"

    def __init__(
        self,
        members: Sequence[Member],
        targets: Sequence[str],
        lower_is_better: Sequence[bool],
        settings: TeacherSettings,
        moments: Mapping[str, NDArray[np.float64]],
        report: Mapping[str, Any],
        data_sha256: str,
        seed: int,
    ) -> None:
        self.members = tuple(members)
        self.targets = tuple(targets)
        self.lower_is_better = tuple(lower_is_better)
        self.settings = settings
        self.centre, self.scale = moments["centre"], moments["scale"]
        self.noise, self.inflation = moments["noise"], moments["inflation"]
        self.report = dict(report)
        self.data_sha256 = data_sha256
        self.seed = seed

    def predict(self, smiles: Sequence[str | None], threads: int = 1) -> Prediction:
        """Return predictions for ``smiles``, one row each, in order.

        A molecule's prediction does not depend on the others (to about 1e-6 of a score: matrix products may
        round differently).
        """
        means, spreads = [], []
        for features in iter_features(smiles, self.settings.fingerprints, threads=threads):
            mean, variance = combine(
                [member.weight for member in self.members],
                [member.model.predict(features, threads) for member in self.members],
            )
            spread = np.sqrt(self.inflation * (variance + self.noise)) * self.scale
            mean = mean * self.scale + self.centre
            mean[~features.valid] = np.nan
            spread[~features.valid] = np.nan
            means.append(mean.astype(np.float32))
            spreads.append(spread.astype(np.float32))
        return Prediction(np.concatenate(means), np.concatenate(spreads))


Moments = tuple[NDArray[np.float64], NDArray[np.float64]]


def combine(weights: Sequence[float], predictions: Sequence[Moments]) -> Moments:
    """Return mean and variance of the mixture of ``predictions`` with ``weights`` (adding up to one)."""
    if len(predictions) == 1:
        return predictions[0]
    mean = sum(weight * part[0] for weight, part in zip(weights, predictions, strict=True))
    variance = sum(
        weight * (part[1] + (part[0] - mean) ** 2) for weight, part in zip(weights, predictions, strict=True)
    )
    return np.asarray(mean), np.asarray(variance)


def _cross_validate(
    cls: type[Regressor], features: Features, scores: NDArray[np.float64], context: FitContext
) -> Moments:
    """Return mean and variance of every molecule by a model that did not see it."""
    count = len(scores)
    folds = min(context.settings.folds, count)
    drawn = np.random.default_rng(derive_seed(context.seed, "folds")).permutation(count)
    # Molecules scored for the same targets are dealt out in turn: no fold takes all the scores of a target.
    drawn = drawn[np.lexsort(~np.isnan(scores[drawn]).T)]
    fold = np.empty(count, np.int64)
    fold[drawn] = np.arange(count) % folds
    mean, variance = np.zeros_like(scores), np.zeros_like(scores)
    for index in range(folds):
        train, test = np.flatnonzero(fold != index), np.flatnonzero(fold == index)
        model = cls.fit(features.take(train), scores[train], context)
        mean[test], variance[test] = model.predict(features.take(test), context.threads)
    return mean, variance


def _mixing_weights(truth: NDArray[np.float64], predictions: Sequence[Moments]) -> list[float]:
    """Return the weights (in steps of 0.05) of two models with the least held-out squared error."""
    if len(predictions) == 1:
        return [1.0]
    grid = np.arange(21) / 20
    errors = [
        np.nanmean((share * predictions[0][0] + (1 - share) * predictions[1][0] - truth) ** 2)
        for share in grid
    ]
    share = float(grid[int(np.argmin(errors))])
    return [share, 1 - share]


def _calibration(truth: NDArray[np.float64], held_out: Moments) -> dict[str, NDArray[np.float64]]:
    """Return noise and inflation of the variance per target, from held-out errors."""
    squares = (held_out[0] - truth) ** 2
    variance = np.where(np.isnan(truth), np.nan, held_out[1])
    noise = np.maximum(np.nanmean(squares, axis=0) - np.nanmean(variance, axis=0), 0.0)
    inflation = np.nanmean(squares / np.maximum(variance + noise, 1e-9), axis=0)
    return {"noise": noise, "inflation": np.clip(inflation, 0.05, 20.0)}


def _target_metrics(
    data: CleanData, centre: NDArray[np.float64], scale: NDArray[np.float64], held_out: Moments, seed: int
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for column, target in enumerate(data.targets):
        known = ~np.isnan(data.scores[:, column])
        truth = data.scores[known, column]
        predicted = held_out[0][known, column] * scale[column] + centre[column]
        result[target] = {
            name: with_interval(metric, truth, predicted, derive_seed(seed, "bootstrap", target))
            for name, metric in (("r2", r2), ("rmse", rmse), ("spearman", spearman))
        }
        result[target]["scores"] = int(known.sum())
    return result


def _why(
    kinds: Sequence[str], weights: Sequence[float], truth: NDArray[np.float64], parts: Sequence[Moments]
) -> str:
    if len(kinds) == 1:
        return f"{kinds[0]}: asked for by name."
    errors = ", ".join(
        f"{kind} {np.sqrt(np.nanmean((part[0] - truth) ** 2)):.3f}"
        for kind, part in zip(kinds, parts, strict=True)
    )
    shares = ", ".join(f"{kind} {weight:.2f}" for kind, weight in zip(kinds, weights, strict=True))
    return f"Held-out RMSE of standardised scores: {errors}; least for the mixture {shares}."


def train_teacher(
    data: TrainingData, settings: TeacherSettings | None = None, seed: int = 0, threads: int = 1
) -> Teacher:
    """Train a teacher on docking scores.

    The same data (in any order), settings, seed and threads give the same teacher.

    Parameters
    ----------
    data : TrainingData
    settings : TeacherSettings, optional
    seed : int
    threads : int

    Returns
    -------
    Teacher
        Its ``report`` holds ``data`` (what was kept and dropped), ``targets`` (cross-validated ``r2``,
        ``rmse``, ``spearman``, each with ``value``, ``low``, ``high``; hyper-parameters were chosen on all the
        data), ``members``, ``choice`` (why these), ``calibration`` and ``seconds``.

    Raises
    ------
    ModelError
        If the scores cannot teach anything; see :func:`docksieve.models.training_data.clean`.
    """
    settings = settings or TeacherSettings()
    started = time.perf_counter()
    table = clean(data, settings.min_scores)
    features = featurise(table.smiles, settings.fingerprints, threads=threads)
    if not features.valid.all():
        raise ModelError(f"No fingerprint of {table.smiles[int(np.argmin(features.valid))]!r} could be made.")
    centre, scale = np.nanmean(table.scores, axis=0), np.nanstd(table.scores, axis=0)
    scores = (table.scores - centre) / scale
    kinds = ["kernel", "mlp"] if settings.kind == "auto" else [settings.kind]
    models, held_out = [], []
    for kind in kinds:
        cls = regressor_class(kind)
        context = FitContext(settings, derive_seed(seed, "teacher", kind), threads)
        model = cls.fit(features, scores, context)
        models.append(model)
        folded = FitContext(settings, context.seed, threads, model.hyper)
        held_out.append(_cross_validate(cls, features, scores, folded))
    weights = _mixing_weights(scores, held_out)
    mixture = combine(weights, held_out)
    calibration = _calibration(scores, mixture)
    members = [
        Member(kind, weight, model)
        for kind, weight, model in zip(kinds, weights, models, strict=True)
        if weight > 0
    ]
    report = {
        "data": table.facts,
        "targets": _target_metrics(table, centre, scale, mixture, seed),
        "folds": min(settings.folds, len(scores)),
        "members": {member.name: {"weight": member.weight, **member.model.hyper} for member in members},
        "choice": _why(kinds, weights, scores, held_out),
        "calibration": {
            key: dict(zip(table.targets, value.tolist(), strict=True)) for key, value in calibration.items()
        },
        "seconds": time.perf_counter() - started,
    }
    moments = {"centre": centre, "scale": scale, **calibration}
    return Teacher(
        members, table.targets, table.lower_is_better, settings, moments, report, table.sha256, seed
    )
