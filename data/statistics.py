"""Figures that say how well two sets of numbers agree, and how sure that is. Pure numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Metric = Callable[[Floats, Floats], float]


def paired(truth: ArrayLike, predicted: ArrayLike) -> tuple[Floats, Floats]:
    """Return both as float64 vectors.

    Raises
    ------
    ValueError
        If they are empty, not equally long, or hold NaN.
    """
    first, second = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            f"expected two equally long, non-empty vectors, got shapes {first.shape} and {second.shape}"
        )
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("scores hold NaN; leave those molecules out before measuring")
    return first, second


def ranks(values: ArrayLike) -> Floats:
    """Return ranks from 0, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(np.asarray(values, np.float64), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    result: Floats = (ends - (counts + 1) / 2)[inverse]
    return result


def spearman(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Not empty, no NaN.

    Returns
    -------
    float
        In [-1, 1]; NaN where one side does not vary.

    Raises
    ------
    ValueError
        If they are empty, not equally long, or hold NaN.

    Examples
    --------
    >>> docked, predicted = np.array([-9.1, -8.4, -7.0, -6.2]), np.array([-8.8, -8.6, -7.3, -6.0])
    >>> docksieve.spearman(docked, predicted)
    1.0
    """
    first, second = (ranks(side) for side in paired(truth, predicted))
    first, second = first - first.mean(), second - second.mean()
    norm = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / norm) if norm > 0 else float("nan")


def r2(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of the variance that is explained: 1 - residual / total sum of squares.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Not empty, no NaN.

    Returns
    -------
    float
        At most 1; NaN where the truth does not vary.

    Raises
    ------
    ValueError
        If they are empty, not equally long, or hold NaN.

    Examples
    --------
    >>> docked, predicted = np.array([-9.1, -8.4, -7.0, -6.2]), np.array([-8.8, -8.6, -7.3, -6.0])
    >>> round(docksieve.r2(docked, predicted), 2)
    0.95
    """
    first, second = paired(truth, predicted)
    total = ((first - first.mean()) ** 2).sum()
    return float(1 - ((first - second) ** 2).sum() / total) if total > 0 else float("nan")


def rmse(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the root mean squared error.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Not empty, no NaN.

    Returns
    -------
    float
        In the unit of the scores.

    Raises
    ------
    ValueError
        If they are empty, not equally long, or hold NaN.

    Examples
    --------
    >>> docked, predicted = np.array([-9.1, -8.4, -7.0, -6.2]), np.array([-8.8, -8.6, -7.3, -6.0])
    >>> round(docksieve.rmse(docked, predicted), 3)
    0.255
    """
    first, second = paired(truth, predicted)
    return float(np.sqrt(((first - second) ** 2).mean()))


@dataclass(frozen=True)
class Interval:
    """A figure with its bootstrap interval; as text ``0.912 (0.874 to 0.941)``.

    Attributes
    ----------
    value : float
        Of all molecules.
    low, high : float
        Ends of the interval; NaN where no draw has the figure.

    Examples
    --------
    >>> print(docksieve.Interval(0.912, 0.874, 0.941))
    0.912 (0.874 to 0.941)
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


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

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If the arrays are empty, not equally long, or hold NaN, or ``level`` or ``rounds`` is out of range.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 200)
    >>> predicted = docked + generator.normal(0.0, 0.5, 200)
    >>> found = docksieve.bootstrap(docksieve.spearman, docked, predicted, seed=1)
    >>> found.low < found.value < found.high
    True
    """
    if not 0 < level < 1 or rounds < 1:
        raise ValueError(f"level must be in (0, 1) and rounds at least 1, not {level} and {rounds}")
    first, second = paired(truth, predicted)
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
    """Return how much better or worse a second prediction is: ``metric(truth, after) - metric(truth, before)``.

    Parameters
    ----------
    metric : callable
        ``metric(truth, predicted) -> float``.
    truth, before, after : array of float, shape (n,)
        Of the same molecules in the same order, no NaN.
    seed : int
        The same seed gives the same interval.
    rounds : int
        Bootstrap draws of molecules, each the same for both predictions.
    level : float
        Coverage, in (0, 1).

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        As for :func:`bootstrap`.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 200)
    >>> before, after = (docked + generator.normal(0.0, error, 200) for error in (0.8, 0.4))
    >>> docksieve.paired_difference(docksieve.rmse, docked, before, after, seed=1).high < 0  # surely better
    True
    """
    first, old = paired(truth, before)
    _, new = paired(truth, after)
    joined = np.arange(len(first), dtype=np.float64)

    def difference(rows: Floats, _: Floats) -> float:
        index = rows.astype(np.int64)
        return metric(first[index], new[index]) - metric(first[index], old[index])

    return bootstrap(difference, joined, joined, seed, rounds, level)
