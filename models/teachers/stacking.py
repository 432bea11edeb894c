"""Several models as one: held-out predictions, weights per target, and the mixture.

Weights are those of stacked regressions (Breiman, Machine Learning 24, 49, 1996): non-negative least squares on
predictions for molecules that the models did not see, here with weights that add up to one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ...data.seeds import derive_seed
from ..fingerprints import Features
from ..regressors.registry import regressor_class, stackable
from ..regressors.regressor import FitContext, Regressor
from ..settings import TeacherSettings

Moments = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Mean and variance, each of shape (n, targets)."""

FEWEST = 30
"""With fewer scores than this a target's weights would be chance: all models weigh the same."""


def combine(weights: NDArray[np.float64], predictions: Sequence[Moments]) -> Moments:
    """Return mean and variance of the mixture of ``predictions``.

    Parameters
    ----------
    weights : array of float64, shape (models, targets) or (models, n, targets)
        Adding up to one over the models.
    predictions : sequence of Moments
    """
    if len(predictions) == 1:
        return predictions[0]
    mean = sum(weight * part[0] for weight, part in zip(weights, predictions, strict=True))
    variance = sum(
        weight * (part[1] + (part[0] - mean) ** 2) for weight, part in zip(weights, predictions, strict=True)
    )
    return np.asarray(mean), np.asarray(variance)


def cross_validate(
    cls: type[Regressor], features: Features, scores: NDArray[np.float64], context: FitContext
) -> Moments:
    """Return mean and variance of every molecule by a model that did not see it."""
    folds = min(context.settings.folds, len(scores))
    fold = _dealt(scores, folds, derive_seed(context.seed, "folds"))
    mean, variance = np.zeros_like(scores), np.zeros_like(scores)
    for index in range(folds):
        train, test = np.flatnonzero(fold != index), np.flatnonzero(fold == index)
        model = cls.fit(features.take(train), scores[train], context)
        mean[test], variance[test] = model.predict(features.take(test), context.threads)
    return mean, variance


def _dealt(scores: NDArray[np.float64], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each molecule, drawn at random."""
    drawn = np.random.default_rng(seed).permutation(len(scores))
    # Molecules scored for the same targets are dealt out in turn: no fold takes all the scores of a target.
    drawn = drawn[np.lexsort(~np.isnan(scores[drawn]).T)]
    fold = np.empty(len(scores), np.int64)
    fold[drawn] = np.arange(len(scores)) % folds
    return fold


def simplex_weights(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the non-negative weights adding up to one with the least squared error.

    Every subset of the models is solved with the sum alone as a constraint (Lagrange); the best whose weights
    are all positive is the solution, exactly, and for a handful of models at no cost. Fewer models win ties.

    Parameters
    ----------
    truth : array of float64, shape (n,)
    predicted : array of float64, shape (n, models)
    """
    count = predicted.shape[1]
    errors = predicted - truth[:, None]
    gram = errors.T @ errors / max(len(truth), 1)
    best, weights = np.inf, np.zeros(count)
    for size in range(1, count + 1):
        for subset in combinations(range(count), size):
            part = gram[np.ix_(subset, subset)]
            solved = np.linalg.lstsq(part + 1e-9 * np.trace(part) * np.eye(size), np.ones(size), rcond=None)[
                0
            ]
            if (solved <= 0).any():
                continue
            candidate = solved / solved.sum()
            error = float(candidate @ part @ candidate)
            if error < best * (1 - 1e-9):
                best, weights = error, np.zeros(count)
                weights[list(subset)] = candidate
    return weights


def stacking_weights(truth: NDArray[np.float64], predictions: Sequence[Moments]) -> NDArray[np.float64]:
    """Return weights per target, shape (models, targets), from held-out predictions."""
    weights = np.full((len(predictions), truth.shape[1]), 1 / len(predictions))
    for target in range(truth.shape[1]):
        known = ~np.isnan(truth[:, target])
        if len(predictions) > 1 and known.sum() >= FEWEST:
            columns = np.stack([part[0][known, target] for part in predictions], axis=1)
            weights[:, target] = simplex_weights(truth[known, target], columns)
    # A model of hardly any weight costs as much as the others: without it.
    weights[weights < 0.02] = 0.0
    normal: NDArray[np.float64] = weights / weights.sum(axis=0)
    return normal


def held_out_mixture(
    truth: NDArray[np.float64], predictions: Sequence[Moments], folds: int, seed: int
) -> Moments:
    """Return the mixture for each molecule with weights found on the other folds, for honest figures."""
    if len(predictions) == 1:
        return predictions[0]
    fold = _dealt(truth, folds, derive_seed(seed, "stacking"))
    weights = np.zeros((len(predictions), *truth.shape))
    for index in range(folds):
        others = fold != index
        found = stacking_weights(truth[others], [(part[0][others], part[1][others]) for part in predictions])
        weights[:, ~others] = found[:, None, :]
    return combine(weights, predictions)


def affordable(rows: int, targets: int, settings: TeacherSettings) -> tuple[list[str], dict[str, float]]:
    """Return the kinds that ``auto`` mixes, and the estimated core-minutes of each that is known.

    The first kind is always among them. An estimate depends on the numbers alone, never on the machine.
    """
    minutes = {
        kind: regressor_class(kind).seconds(rows, targets, settings) * (settings.folds + 1) / 60
        for kind in stackable()
    }
    kinds = list(stackable()[:1])
    spent = minutes[kinds[0]]
    for kind in sorted(stackable()[1:], key=lambda name: minutes[name]):
        if spent + minutes[kind] <= settings.auto_minutes:
            kinds.append(kind)
            spent += minutes[kind]
    return [kind for kind in stackable() if kind in kinds], minutes


def explain(
    kinds: Sequence[str],
    weights: NDArray[np.float64],
    truth: NDArray[np.float64],
    predictions: Sequence[Moments],
    minutes: Mapping[str, float],
) -> str:
    """Return in words why the mixture is what it is; ``minutes`` is empty if it was asked for by name."""
    if not minutes:
        return f"{kinds[0]}: asked for by name."
    errors = ", ".join(
        f"{kind} {np.sqrt(np.nanmean((part[0] - truth) ** 2)):.3f}"
        for kind, part in zip(kinds, predictions, strict=True)
    )
    shares = ", ".join(
        f"{kind} {'/'.join(f'{value:.2f}' for value in row)}"
        for kind, row in zip(kinds, weights, strict=True)
    )
    words = f"Held-out RMSE of standardised scores: {errors}; least for the mixture (per target) {shares}."
    for kind in sorted(set(minutes) - set(kinds)):
        words += f" {kind} was left out: about {minutes[kind]:.0f} core-minutes, beyond teacher.auto_minutes."
    return words
