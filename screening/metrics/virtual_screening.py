"""How good a ranking is: enrichment surface, recall, precision, enrichment, agreement, with intervals.

Pure numpy. Scores are docking scores or predictions of them; ``lower_is_better`` says which end is the good
one. Missing values (NaN) are refused: leave those molecules out, or give them the worst score, knowingly.

Ties are settled by the order of the input (a stable sort), so that a metric is a function of its arguments.
Rounded docking scores tie often: :func:`top_k_found` counts both ways.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...data.statistics import (
    Interval,
    Metric,
    bootstrap,
    paired,
    paired_difference,
    r2,
    ranks,
    rmse,
    spearman,
)
from .bedroc import bedroc
from .surface import EnrichmentSurface, best_first, enrichment_surface

__all__ = [
    "EnrichmentSurface",
    "Interval",
    "bedroc",
    "bedroc_at",
    "bootstrap",
    "enrichment_factor",
    "enrichment_surface",
    "matthews",
    "paired_difference",
    "precision_at",
    "r2",
    "ranking_metrics",
    "ranking_summary",
    "ranks",
    "recall_at",
    "rmse",
    "spearman",
    "top_k_found",
]


def _count(share: float, total: int, name: str) -> int:
    if not 0 < share <= 1:
        raise ValueError(f"{name} must be in (0, 1], not {share}")
    return max(1, round(share * total))


def recall_at(
    truth: ArrayLike, predicted: ArrayLike, kept: float, best: float, lower_is_better: bool = True
) -> float:
    """Return the share of the truly best that a cut by prediction keeps.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Docked scores and predictions of the same molecules, no NaN.
    kept : float
        Share of the library kept by prediction, in (0, 1].
    best : float
        Share that counts as truly best, in (0, 1].
    lower_is_better : bool
        Of both.

    Returns
    -------
    float
        ``|kept and best| / |best|``; never below one molecule each.

    Raises
    ------
    ValueError
        If the arrays are empty, not equally long, or hold NaN, or a share is out of range.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 1000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 1000)
    >>> docksieve.recall_at(docked, predicted, kept=0.05, best=0.01)
    0.9
    """
    first, second = paired(truth, predicted)
    wanted = best_first(first, lower_is_better)[: _count(best, len(first), "best")]
    taken = best_first(second, lower_is_better)[: _count(kept, len(first), "kept")]
    return float(np.isin(wanted, taken).mean())


def precision_at(
    truth: ArrayLike, predicted: ArrayLike, kept: float, best: float, lower_is_better: bool = True
) -> float:
    """Return the share of what a cut by prediction keeps that is truly among the best.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Docked scores and predictions of the same molecules, no NaN.
    kept : float
        Share of the library kept by prediction, in (0, 1].
    best : float
        Share that counts as truly best, in (0, 1].
    lower_is_better : bool
        Of both.

    Returns
    -------
    float
        ``|kept and best| / |kept|``; never below one molecule each.

    Raises
    ------
    ValueError
        If the arrays are empty, not equally long, or hold NaN, or a share is out of range.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 1000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 1000)
    >>> docksieve.precision_at(docked, predicted, kept=0.05, best=0.05)
    0.72
    """
    first, second = paired(truth, predicted)
    wanted = best_first(first, lower_is_better)[: _count(best, len(first), "best")]
    taken = best_first(second, lower_is_better)[: _count(kept, len(first), "kept")]
    return float(np.isin(taken, wanted).mean())


def enrichment_factor(
    truth: ArrayLike, predicted: ArrayLike, kept: float, best: float, lower_is_better: bool = True
) -> float:
    """Return how many times more of the best are in the kept part than in one drawn at random.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Docked scores and predictions of the same molecules, no NaN.
    kept : float
        Share of the library kept by prediction, in (0, 1].
    best : float
        Share that counts as truly best, in (0, 1].
    lower_is_better : bool
        Of both.

    Returns
    -------
    float
        (hits kept / kept) / (hits / n); 1 at random, at most 1 / ``kept`` where ``kept`` is at least ``best``.

    Raises
    ------
    ValueError
        If the arrays are empty, not equally long, or hold NaN, or a share is out of range.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 1000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 1000)
    >>> round(docksieve.enrichment_factor(docked, predicted, kept=0.05, best=0.01), 1)
    18.0
    """
    first, _ = paired(truth, predicted)
    precision = precision_at(truth, predicted, kept, best, lower_is_better)
    return precision * len(first) / _count(best, len(first), "best")


def bedroc_at(
    truth: ArrayLike, predicted: ArrayLike, best: float, alpha: float = 20.0, lower_is_better: bool = True
) -> float:
    """Return :func:`bedroc`, the truly best being the actives.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Of molecules tied in truth the earlier count as better; molecules tied in prediction share their weight.
    best : float
        Share that counts as truly best, in (0, 1].
    alpha : float
        Weight of early ranks.
    lower_is_better : bool
        Of both.

    Returns
    -------
    float
        In [0, 1]; comparable only at equal ``alpha``.

    Raises
    ------
    ValueError
        If the arrays are empty, not equally long, or hold NaN, or a share is out of range.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 1000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 1000)
    >>> 0.8 < docksieve.bedroc_at(docked, predicted, best=0.01) <= 1
    True
    """
    first, second = paired(truth, predicted)
    active = np.zeros(len(first), bool)
    active[best_first(first, lower_is_better)[: _count(best, len(first), "best")]] = True
    return bedroc(active, second, alpha, lower_is_better)


def matthews(truth: ArrayLike, predicted: ArrayLike, cut: float, lower_is_better: bool = True) -> float:
    """Return Matthews' correlation coefficient (1975) of "is a hit" and "is predicted to be one".

    MCC = (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)).

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
    cut : float
        Score from which a molecule is a hit, itself included; no tie is broken.
    lower_is_better : bool

    Returns
    -------
    float
        In [-1, 1]; NaN where all or none are hits, or are predicted to be.

    Raises
    ------
    ValueError
        If the arrays are empty, not equally long, or hold NaN.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 1000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 1000)
    >>> 0.6 < docksieve.matthews(docked, predicted, cut=-8.0) < 0.9
    True
    """
    first, second = paired(truth, predicted)
    hit, called = (side <= cut if lower_is_better else side >= cut for side in (first, second))
    true_hits, hits, calls = (float(mask.sum()) for mask in (hit & called, hit, called))
    rest, uncalled = len(first) - hits, len(first) - calls
    # TP TN - FP FN = n TP - hits calls: the margins hold the rest.
    norm = np.sqrt(hits * rest) * np.sqrt(calls * uncalled)
    return float((len(first) * true_hits - hits * calls) / norm) if norm > 0 else float("nan")


def ranking_metrics(
    cut: float, lower: bool = True, best: float = 0.01, kept: float = 0.05
) -> dict[str, Metric]:
    """Return the figures of :func:`ranking_summary` as functions of scores and predictions, by name.

    Parameters
    ----------
    cut : float
        Score of a hit.
    lower : bool
        Whether lower scores are better.
    best, kept : float
        Shares that count as truly best and that are kept by prediction.
    """
    return {
        "r2": r2,
        "rmse": rmse,
        "spearman": spearman,
        "recall": lambda a, b: recall_at(a, b, kept, best, lower),
        "precision": lambda a, b: precision_at(a, b, kept, best, lower),
        "enrichment": lambda a, b: enrichment_factor(a, b, kept, best, lower),
        "precision_at_top": lambda a, b: precision_at(a, b, best, best, lower),
        "bedroc": lambda a, b: bedroc_at(a, b, best, lower_is_better=lower),
        "mcc": lambda a, b: matthews(a, b, cut, lower),
        "res": lambda a, b: enrichment_surface(a, b, lower).integral,
    }


def ranking_summary(
    truth: ArrayLike,
    predicted: ArrayLike,
    seed: int,
    lower_is_better: bool = True,
    best: float = 0.01,
    kept: float = 0.05,
    cut: float | None = None,
    rounds: int = 1000,
) -> dict[str, Interval]:
    """Return how good predictions are, each figure with its 95 % bootstrap interval over molecules.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
    seed : int
    lower_is_better : bool
    best, kept : float
        Shares that count as truly best and that are kept by prediction.
    cut : float, optional
        Score of a hit, for ``mcc``; by default that of the worst of the truly best.
    rounds : int
        Bootstrap draws.

    Returns
    -------
    dict of str to Interval
        ``r2``, ``rmse``, ``spearman``, ``recall``, ``precision`` and ``enrichment`` (of ``best`` in ``kept``),
        ``precision_at_top`` (of ``best`` in as many by prediction), ``bedroc`` (alpha 20), ``mcc`` and ``res``
        (the integral of the enrichment surface).

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 1000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 1000)
    >>> found = docksieve.ranking_summary(docked, predicted, seed=1, rounds=50)
    >>> sorted(found)
    ['bedroc', 'enrichment', 'mcc', 'precision', 'precision_at_top', 'r2', 'recall', 'res', 'rmse', 'spearman']
    >>> found["recall"].value
    0.9
    """
    first, _ = paired(truth, predicted)
    if cut is None:
        cut = float(first[best_first(first, lower_is_better)[_count(best, len(first), "best") - 1]])
    metrics = ranking_metrics(cut, lower_is_better, best, kept)
    return {name: bootstrap(metric, truth, predicted, seed, rounds) for name, metric in metrics.items()}


def top_k_found(
    truth: ArrayLike, acquired: ArrayLike, count: int, lower_is_better: bool = True
) -> dict[str, float]:
    """Return how much of the true top ``count`` was acquired, counted both ways.

    Parameters
    ----------
    truth : array of float, shape (n,)
        True scores; NaN where a molecule has none (it is never in the top).
    acquired : array of int
        Molecules that were looked at; repeated ones count once.
    count : int
        k, from 1 to the number of scored molecules.
    lower_is_better : bool

    Returns
    -------
    dict
        ``scores``: share of the multiset of the best k scores that the multiset of acquired scores covers (what
        MolPAL reports: any molecule with the k-th score will do); ``molecules``: share of the k molecules that
        a stable sort puts first.

    Raises
    ------
    ValueError
        If ``count`` is out of range.

    Examples
    --------
    >>> scores = np.array([-9.0, -8.5, -8.5, -7.0, np.nan])
    >>> docksieve.top_k_found(scores, acquired=[0, 2], count=2)  # rows 1 and 2 tie
    {'scores': 1.0, 'molecules': 0.5}
    """
    scores = np.asarray(truth, np.float64)
    rows = np.unique(np.asarray(acquired, np.int64))
    scored = np.flatnonzero(~np.isnan(scores))
    if not 1 <= count <= len(scored):
        raise ValueError(f"count must be from 1 to {len(scored)} (the scored molecules), not {count}")
    best = scored[best_first(scores[scored], lower_is_better)[:count]]
    molecules = float(np.isin(best, rows).mean())
    limit = scores[best[-1]]
    have = scores[rows]
    have = have[~np.isnan(have)]
    better = have < limit if lower_is_better else have > limit
    # All molecules better than the limit are in the top; of those at the limit, as many as there is room for.
    room = int((scores[best] == limit).sum())
    covered = int(better.sum()) + min(int((have == limit).sum()), room)
    return {"scores": covered / count, "molecules": molecules}
