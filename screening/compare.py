"""Two models on the same molecules: which is better, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class PairedComparison:
    """Present and candidate on the same test molecules.

    Attributes
    ----------
    molecules : int
    rmse_present, rmse_candidate : Estimate
        In score units.
    spearman_present, spearman_candidate : Estimate
    difference : Estimate
        RMSE of the candidate minus that of the present model, resampled in pairs; below 0 the candidate is
        better.
    """

    molecules: int
    rmse_present: Estimate
    rmse_candidate: Estimate
    spearman_present: Estimate
    spearman_candidate: Estimate
    difference: Estimate


def rank_correlation(a: Array, b: Array) -> float:
    """Return Spearman's rank correlation of two arrays of shape (n,), ties sharing their mean rank.

    NaN if either is constant or there are fewer than two values.
    """
    if len(a) < 2:
        return float("nan")
    x, y = rankdata(a) - (len(a) + 1) / 2, rankdata(b) - (len(b) + 1) / 2
    norm = np.sqrt((x @ x) * (y @ y))
    return float((x @ y) / norm) if norm > 0 else float("nan")


def root_mean_square_error(truth: Array, predicted: Array) -> float:
    """Return the root mean square error of ``predicted``."""
    return float(np.sqrt(np.mean((np.asarray(predicted) - np.asarray(truth)) ** 2)))


def compare_predictions(truth: Array, present: Array, candidate: Array, seed: int) -> PairedComparison:
    """Compare two models' predictions with the truth.

    Parameters
    ----------
    truth, present, candidate : array of float, shape (n,)
        Without NaN; n is at least 1.
    seed : int
        Of the bootstrap (2,000 resamples of molecules, percentile intervals; Efron 1979).

    Returns
    -------
    PairedComparison
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(truth), size=(RESAMPLES, len(truth)))

    def estimate(measure: Callable[[NDArray[np.int64]], float]) -> Estimate:
        values = np.array([measure(draw) for draw in draws])
        values = values[np.isfinite(values)]
        low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (np.nan, np.nan)
        return Estimate(measure(np.arange(len(truth))), float(low), float(high))

    def rmse(model: Array) -> Callable[[NDArray[np.int64]], float]:
        return lambda at: root_mean_square_error(truth[at], model[at])

    def spearman(model: Array) -> Callable[[NDArray[np.int64]], float]:
        return lambda at: rank_correlation(truth[at], model[at])

    old, new = rmse(present), rmse(candidate)
    return PairedComparison(
        molecules=len(truth),
        rmse_present=estimate(old),
        rmse_candidate=estimate(new),
        spearman_present=estimate(spearman(present)),
        spearman_candidate=estimate(spearman(candidate)),
        difference=estimate(lambda at: new(at) - old(at)),
    )
