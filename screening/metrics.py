"""How good a ranking is: enrichment surface, recall, precision, enrichment, agreement, with intervals.

Pure numpy. Scores are docking scores or predictions of them; ``lower_is_better`` says which end is the good
one. Missing values (NaN) are refused: leave those molecules out, or give them the worst score, knowingly.

Ties are settled by the order of the input (a stable sort), so that a metric is a function of its arguments.
Rounded docking scores tie often: :func:`top_k_found` counts both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats], float]


def _pair(truth: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    first, second = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            f"expected two equally long, non-empty vectors, got shapes {first.shape} and {second.shape}"
        )
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("scores hold NaN; leave those molecules out before measuring")
    return first, second


def _order(values: Floats, lower_is_better: bool) -> NDArray[np.int64]:
    return np.argsort(values if lower_is_better else -values, kind="stable")


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
    kept : float
        Share of the library kept by prediction, in (0, 1].
    best : float
        Share that counts as truly best, in (0, 1].
    lower_is_better : bool

    Returns
    -------
    float
        |kept and best| / |best|; never below one molecule each.
    """
    first, second = _pair(truth, predicted)
    wanted = _order(first, lower_is_better)[: _count(best, len(first), "best")]
    taken = _order(second, lower_is_better)[: _count(kept, len(first), "kept")]
    return float(np.isin(wanted, taken).mean())


def precision_at(
    truth: ArrayLike, predicted: ArrayLike, kept: float, best: float, lower_is_better: bool = True
) -> float:
    """Return the share of what a cut by prediction keeps that is truly among the best.

    Parameters are those of :func:`recall_at`.
    """
    first, second = _pair(truth, predicted)
    wanted = _order(first, lower_is_better)[: _count(best, len(first), "best")]
    taken = _order(second, lower_is_better)[: _count(kept, len(first), "kept")]
    return float(np.isin(taken, wanted).mean())


def enrichment_factor(
    truth: ArrayLike, predicted: ArrayLike, kept: float, best: float, lower_is_better: bool = True
) -> float:
    """Return how many times more of the best are in the kept part than in one drawn at random.

    EF = (hits kept / kept) / (hits / n); parameters are those of :func:`recall_at`.
    """
    first, _ = _pair(truth, predicted)
    precision = precision_at(truth, predicted, kept, best, lower_is_better)
    return precision * len(first) / _count(best, len(first), "best")


@dataclass(frozen=True)
class EnrichmentSurface:
    """A regression enrichment surface.

    Attributes
    ----------
    shares : array of float64, shape (g,)
        The grid of both axes, ascending, the last being 1.
    surface : array of float64, shape (g, g)
        ``surface[i, j]``: keeping the best ``shares[i]`` by prediction, looking for the best ``shares[j]``.
    integral : float
        Its volume over logarithmic axes scaled to one.
    """

    shares: Floats
    surface: Floats
    integral: float


def enrichment_surface(
    truth: ArrayLike,
    predicted: ArrayLike,
    lower_is_better: bool = True,
    least: float = 1e-3,
    points: int = 31,
) -> EnrichmentSurface:
    """Return the regression enrichment surface (Clyde, Duan, Stevens, arXiv 2006.01171, 2020).

    RES(x, y) = |best x by prediction that are among the true best y| / (min(x, y) n): recall where x >= y,
    precision where x < y; 1 everywhere for a perfect ranking, max(x, y) for a random one. Shares are turned
    into whole numbers of molecules, at least one.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
    lower_is_better : bool
    least : float
        Smallest share; the grid is logarithmic from there to 1.
    points : int
        Grid points on each axis, at least 2.

    Returns
    -------
    EnrichmentSurface
    """
    if not 0 < least < 1 or points < 2:
        raise ValueError(f"least must be in (0, 1) and points at least 2, not {least} and {points}")
    first, second = _pair(truth, predicted)
    count = len(first)
    rank = np.empty(count, np.int64)
    rank[_order(first, lower_is_better)] = np.arange(count)
    by_prediction = rank[_order(second, lower_is_better)]
    shares = np.geomspace(least, 1.0, points)
    shares[-1] = 1.0
    sizes = np.maximum(np.rint(shares * count).astype(np.int64), 1)
    # found[i, j]: among the first sizes[i] by prediction, those of true rank below sizes[j].
    found = np.array([np.searchsorted(np.sort(by_prediction[:size]), sizes) for size in sizes])
    surface = found / np.minimum(sizes[:, None], sizes[None, :])
    steps = np.full(points, 1.0)
    steps[[0, -1]] = 0.5  # trapezoids; the logarithmic grid is even
    weights = np.outer(steps, steps) / (points - 1) ** 2
    return EnrichmentSurface(shares, surface, float((surface * weights).sum()))


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
    """
    scores = np.asarray(truth, np.float64)
    rows = np.unique(np.asarray(acquired, np.int64))
    scored = np.flatnonzero(~np.isnan(scores))
    if not 1 <= count <= len(scored):
        raise ValueError(f"count must be from 1 to {len(scored)} (the scored molecules), not {count}")
    best = scored[_order(scores[scored], lower_is_better)[:count]]
    molecules = float(np.isin(best, rows).mean())
    limit = scores[best[-1]]
    have = scores[rows]
    have = have[~np.isnan(have)]
    better = have < limit if lower_is_better else have > limit
    # All molecules better than the limit are in the top; of those at the limit, as many as there is room for.
    room = int((scores[best] == limit).sum())
    covered = int(better.sum()) + min(int((have == limit).sum()), room)
    return {"scores": covered / count, "molecules": molecules}


def ranks(values: ArrayLike) -> Floats:
    """Return ranks from 0, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(np.asarray(values, np.float64), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    result: Floats = (ends - (counts + 1) / 2)[inverse]
    return result


def spearman(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return Spearman's rank correlation (Pearson's of the ranks); NaN where one side does not vary."""
    first, second = (ranks(side) for side in _pair(truth, predicted))
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / norm) if norm > 0 else float("nan")


def r2(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return 1 - residual / total sum of squares; NaN where the truth does not vary."""
    first, second = _pair(truth, predicted)
    total = ((first - first.mean()) ** 2).sum()
    return float(1 - ((first - second) ** 2).sum() / total) if total > 0 else float("nan")


def rmse(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the root mean squared error, in the unit of the scores."""
    first, second = _pair(truth, predicted)
    return float(np.sqrt(((first - second) ** 2).mean()))


@dataclass(frozen=True)
class Interval:
    """A metric with its bootstrap interval."""

    value: float
    low: float
    high: float


def bootstrap(
    metric: Metric,
    truth: ArrayLike,
    predicted: ArrayLike,
    seed: int,
    rounds: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Return ``metric`` and its percentile bootstrap interval over molecules (Efron 1979).

    Parameters
    ----------
    metric : callable
        ``metric(truth, predicted) -> float``; draws for which it is NaN are left out.
    truth, predicted : array of float, shape (n,)
    seed : int
        The same seed gives the same interval.
    rounds : int
    level : float
        Coverage, in (0, 1).
    """
    if not 0 < level < 1 or rounds < 1:
        raise ValueError(f"level must be in (0, 1) and rounds at least 1, not {level} and {rounds}")
    first, second = _pair(truth, predicted)
    generator = np.random.default_rng(seed)
    draws = np.array([
        metric(first[rows], second[rows])
        for rows in (generator.integers(0, len(first), len(first)) for _ in range(rounds))
    ])  # fmt: skip
    draws = draws[~np.isnan(draws)]
    value = metric(first, second)
    if not len(draws):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.percentile(draws, [50 * (1 - level), 50 * (1 + level)])
    return Interval(value, float(low), float(high))


def paired_difference(
    metric: Metric,
    truth: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    seed: int,
    rounds: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Return ``metric(truth, after) - metric(truth, before)`` with its interval, both on the same draws."""
    first, old = _pair(truth, before)
    _, new = _pair(truth, after)
    joined = np.arange(len(first), dtype=np.float64)

    def difference(rows: Floats, _: Floats) -> float:
        index = rows.astype(np.int64)
        return metric(first[index], new[index]) - metric(first[index], old[index])

    return bootstrap(difference, joined, joined, seed, rounds, level)


def enrichment_table(
    truth: ArrayLike,
    predicted: ArrayLike,
    kept: Sequence[float],
    best: Sequence[float],
    lower_is_better: bool = True,
) -> Floats:
    """Return the recall of the best (columns) at each share kept (rows)."""
    return np.array([[recall_at(truth, predicted, x, y, lower_is_better) for y in best] for x in kept])
