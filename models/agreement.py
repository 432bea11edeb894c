"""Figures that say how well predictions agree with scores (for reports made while training).

The metrics of screening, with enrichment, live in :mod:`docksieve.screening.metrics`; this room needs few
and knows nothing of that one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Metric = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 0, ties sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    result: NDArray[np.float64] = (ends - (counts + 1) / 2)[inverse]
    return result


def r2(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return 1 - residual / total sum of squares; 0 where the truth does not vary."""
    total = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - predicted) ** 2).sum()) / total if total > 0 else 0.0


def rmse(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the root mean squared error."""
    return float(np.sqrt(((truth - predicted) ** 2).mean()))


def spearman(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the rank correlation (ties share ranks); 0 where one side does not vary."""
    first, second = _ranks(truth), _ranks(predicted)
    first, second = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / norm if norm > 0 else 0.0


def with_interval(
    metric: Metric, truth: NDArray[np.float64], predicted: NDArray[np.float64], seed: int, rounds: int = 200
) -> dict[str, float]:
    """Return the metric and its 95 % bootstrap interval over molecules (percentile method)."""
    generator = np.random.default_rng(seed)
    draws = [
        metric(truth[rows], predicted[rows])
        for rows in (generator.integers(0, len(truth), len(truth)) for _ in range(rounds))
    ]
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"value": metric(truth, predicted), "low": float(low), "high": float(high)}


def best_recall(truth: NDArray[np.float64], predicted: NDArray[np.float64], share: float) -> float:
    """Return the share of the best (lowest) ``share`` of ``truth`` that is among the best of ``predicted``."""
    count = max(1, round(share * len(truth)))
    wanted = np.argsort(truth, kind="stable")[:count]
    found = np.argsort(predicted, kind="stable")[:count]
    return float(np.isin(wanted, found).mean())
