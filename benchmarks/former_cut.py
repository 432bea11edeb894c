"""How much to keep where the best cannot be observed: extrapolation with a model of the errors.

The assumption, which a caller must be willing to make: a score is a straight line of its prediction plus an error
that does not depend on the prediction, and whose distribution is that of the held-out errors. Every prediction
of the library then stands for as many possible scores as there are held-out errors, which reaches far beyond the
best score seen. How well a few errors are known is told by the bootstrap over held-out molecules (Efron 1979).
Errors that grow towards the best scores, or a tail longer than what was seen, make the true cut wider. Where the
assumption holds, simulations find the wanted recall kept about as often as stated (0.87 to 0.97 for 0.9, 0.92 for
0.95): not an exact bound, as that of :func:`docksieve.screening.cuts.order_statistics.choose_cut` is.
"""

from __future__ import annotations

import numpy as np
from docksieve.screening.cuts.order_statistics import Cut, CutGoal, oriented, share_bounds
from numpy.typing import ArrayLike, NDArray

LEAST = 30
"""Fewest held-out molecules from which errors are extrapolated."""
GRID = 4096
"""Library predictions are taken as so many quantiles, finer towards the best, at most."""

Floats = NDArray[np.float64]


def modelled_cut(
    truth: ArrayLike,
    predicted: ArrayLike,
    goal: CutGoal,
    *,
    seed: int,
    lower_is_better: bool = True,
    library: ArrayLike | None = None,
    rounds: int = 200,
) -> Cut:
    """Return the smallest fraction to keep, by a model of the errors (see the module).

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Of held-out molecules, a random sample of the library; none missing, at least 30.
    goal : CutGoal
        ``best`` may be far below 1 / n.
    seed : int
        Of the bootstrap.
    lower_is_better : bool
    library : array of float, shape (k,), optional
        Predictions of the whole library or a large random sample of it; without, the held-out ones are resampled.
    rounds : int
        Bootstrap draws, at least 20.

    Returns
    -------
    Cut
        ``estimate`` of the model, ``low`` and ``fraction`` from the bootstrap; ``met`` is False, since the
        confidence holds only if the assumption does.

    Raises
    ------
    ValueError
        If there are fewer than 30 molecules, or anything is missing.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 500)
    >>> predicted = docked + generator.normal(0.0, 0.5, 500)
    >>> goal = docksieve.CutGoal(best=0.0001)  # of which 500 molecules show none
    >>> cut = docksieve.modelled_cut(docked, predicted, goal, seed=1, rounds=20)
    >>> cut.method, cut.met
    ('residual model', False)
    """
    scores, predictions, everything = oriented(truth, predicted, library, lower_is_better)
    total = len(scores)
    if total < LEAST or rounds < 20:
        raise ValueError(
            f"a model of the errors needs {LEAST} held-out molecules and 20 rounds, not {total} and {rounds}"
        )
    if not np.isfinite(predictions).all():
        raise ValueError("a model of the errors needs the predictions of all held-out molecules")
    known = None if everything is None else everything[np.isfinite(everything)]
    generator = np.random.default_rng(seed)
    estimate, limit = _needed(scores, predictions, known, goal)
    draws = []
    for _ in range(rounds):
        drawn = generator.integers(0, total, total)
        draws.append(_needed(scores[drawn], predictions[drawn], known, goal)[0])
    low, fraction = np.quantile(draws, [1 - goal.confidence, goal.confidence])
    fraction = float(max(fraction, estimate))
    reference = np.sort(predictions) if known is None else known
    threshold = reference[min(int(np.ceil(fraction * len(reference))), len(reference)) - 1]
    best = scores <= limit
    sign = 1.0 if lower_is_better else -1.0
    beyond = share_bounds(int(best.sum()), total, 0.975)
    return Cut(
        goal=goal,
        fraction=fraction,
        low=float(min(low, estimate)),
        estimate=estimate,
        threshold=float(sign * threshold),
        best=goal.best,
        best_low=beyond[0],
        best_high=beyond[1],
        score=float(sign * limit),
        held_out=total,
        members=int(best.sum()),
        recall=float((predictions[best] <= threshold).mean()) if best.any() else None,
        method="residual model",
        met=False,
        notes=(
            f"Extrapolated from {total:,} held-out molecules: holds if errors do not depend on the prediction.",
        ),
    )


def _needed(
    scores: Floats, predictions: Floats, library: Floats | None, goal: CutGoal
) -> tuple[float, float]:
    """Return the fraction to keep for the wanted recall, and the score that the best begin at."""
    slope, intercept = _line(predictions, scores)
    errors = np.sort(scores - slope * predictions - intercept)
    points, weights = _grid(np.sort(predictions) if library is None else library)
    centres = slope * points + intercept

    def good(limit: float) -> Floats:
        """Return for each point the probability that its score is at or better than ``limit``, times its weight."""
        return weights * np.searchsorted(errors, limit - centres, side="right") / len(errors)

    low, high = float(centres.min() + errors[0]), float(centres.max() + errors[-1])
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if good(middle).sum() >= goal.best else (middle, high)
    found = np.cumsum(good(high))
    place = min(int(np.searchsorted(found, goal.recall * found[-1])), len(found) - 1)
    return float(min(1.0, weights[: place + 1].sum())), high


def _line(predictions: Floats, scores: Floats) -> tuple[float, float]:
    """Return slope and intercept by least squares; a model that does not vary, or runs backwards, has slope 0."""
    centred = predictions - predictions.mean()
    square = float((centred**2).sum())
    slope = max(float((centred * scores).sum() / square), 0.0) if square > 0 else 0.0
    return slope, float(scores.mean() - slope * predictions.mean())


def _grid(ordered: Floats) -> tuple[Floats, Floats]:
    """Return points of a sorted distribution and the share that each stands for; all of them if there are few."""
    count = len(ordered)
    if count <= GRID:
        return ordered, np.full(count, 1 / count)
    ends = np.unique(np.geomspace(1, count, GRID).astype(np.int64))
    starts = np.concatenate([[0], ends[:-1]])
    return ordered[(starts + ends - 1) // 2], (ends - starts) / count
