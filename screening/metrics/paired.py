"""Two models on the same molecules: which is better, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .virtual_screening import Interval as Estimate
from .virtual_screening import bootstrap, paired_difference, rmse, spearman
from .virtual_screening import rmse as root_mean_square_error

__all__ = [
    "Estimate",
    "PairedComparison",
    "compare_predictions",
    "rank_correlation",
    "root_mean_square_error",
]

Array = NDArray[np.float64]
RESAMPLES = 2000


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
    return spearman(a, b) if len(a) > 1 else float("nan")


def compare_predictions(truth: Array, present: Array, candidate: Array, seed: int) -> PairedComparison:
    """Compare two models' predictions with the truth.

    Parameters
    ----------
    truth, present, candidate : array of float, shape (n,)
        Without NaN; n is at least 1.
    seed : int
        Of the bootstrap (2,000 resamples of molecules, the same ones for every figure; percentile intervals).

    Returns
    -------
    PairedComparison
    """
    return PairedComparison(
        molecules=len(truth),
        rmse_present=bootstrap(rmse, truth, present, seed, RESAMPLES),
        rmse_candidate=bootstrap(rmse, truth, candidate, seed, RESAMPLES),
        spearman_present=bootstrap(spearman, truth, present, seed, RESAMPLES),
        spearman_candidate=bootstrap(spearman, truth, candidate, seed, RESAMPLES),
        difference=paired_difference(rmse, truth, present, candidate, seed, RESAMPLES),
    )
