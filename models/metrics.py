"""Figures that say how well predictions agree with scores, for the reports that models carry.

As in :mod:`docksieve.data.statistics`, but 0 where one side does not vary: a model's card is JSON, which
knows no NaN.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from ..data import statistics
from ..data.statistics import Metric, rmse

__all__ = ["best_recall", "r2", "rmse", "spearman", "with_interval"]


def r2(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return 1 - residual / total sum of squares; 0 where the truth does not vary."""
    return float(np.nan_to_num(statistics.r2(truth, predicted)))


def spearman(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the rank correlation (ties share ranks); 0 where one side does not vary."""
    return float(np.nan_to_num(statistics.spearman(truth, predicted)))


def with_interval(
    metric: Metric, truth: NDArray[np.float64], predicted: NDArray[np.float64], seed: int, rounds: int = 200
) -> dict[str, float]:
    """Return the metric and its 95 % bootstrap interval over molecules (percentile method)."""
    return asdict(statistics.bootstrap(metric, truth, predicted, seed, rounds))


def best_recall(truth: NDArray[np.float64], predicted: NDArray[np.float64], share: float) -> float:
    """Return the share of the best (lowest) ``share`` of ``truth`` that is among the best of ``predicted``."""
    count = max(1, round(share * len(truth)))
    wanted = np.argsort(truth, kind="stable")[:count]
    found = np.argsort(predicted, kind="stable")[:count]
    return float(np.isin(wanted, found).mean())
