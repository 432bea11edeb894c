"""How good probability forecasts were: Brier score with its parts, and a reliability table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Brier:
    """A Brier score and what it is made of: score = reliability - resolution + uncertainty + within.

    Attributes
    ----------
    score : float
        Mean of (forecast - outcome)^2 (Brier 1950).
    reliability : float
        How far forecasts are from the frequencies that followed; 0 is perfect (Murphy, J. Appl. Meteorol. 12, 595,
        1973).
    resolution : float
        How far these frequencies are from their mean; larger is better.
    uncertainty : float
        Of the outcome itself.
    within : float
        What forecasts that differ inside a bin add (Stephenson, Coelho, Jolliffe, Weather Forecast. 23, 752, 2008).
    skill : float
        1 - score / uncertainty; NaN where all outcomes are the same.
    count : int
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float
    skill: float
    count: int


@dataclass(frozen=True)
class ReliabilityBin:
    """One line of a reliability table.

    Attributes
    ----------
    low, high : float
        Forecasts from ``low`` to below ``high``.
    count : int
    forecast, frequency : float
        Means of the forecasts and outcomes.
    frequency_low, frequency_high : float
        95 % interval of the frequency (Wilson, J. Am. Stat. Assoc. 22, 209, 1927).
    agrees : bool
        Whether the mean forecast lies in it.
    """

    low: float
    high: float
    count: int
    forecast: float
    frequency: float
    frequency_low: float
    frequency_high: float
    agrees: bool


def wilson(hits: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share (1927); (0, 1) where nothing was seen."""
    if not 0 <= hits <= total or not 0 < confidence < 1:
        raise ValueError(f"impossible: {hits} of {total} at confidence {confidence}")
    if not total:
        return 0.0, 1.0
    square = float(ndtri((1 + confidence) / 2)) ** 2
    share = hits / total
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = np.sqrt(square * (share * (1 - share) / total + square / (4 * total**2))) / (1 + square / total)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def chance_words(probability: float | None) -> str:
    """Return a forecast with two decimals, or that there is none; it is never printed as certain or impossible."""
    if probability is None:
        return "not stated"
    if probability >= 0.995:
        return "over 0.99"
    return "under 0.01" if probability < 0.005 else f"{probability:.2f}"


def brier(forecast: ArrayLike, outcome: ArrayLike, bins: int = 10) -> Brier:
    """Return the Brier score of probability forecasts, and its decomposition over evenly spaced bins.

    Parameters
    ----------
    forecast : array of float, shape (n,)
        Probabilities.
    outcome : array of bool, shape (n,)
    bins : int

    Raises
    ------
    ValueError
        If nothing is given, the lengths differ, or a forecast is no probability.
    """
    chance, came, place = _checked(forecast, outcome, bins)
    total, base = len(chance), float(came.mean())
    count = np.bincount(place, minlength=bins)
    used = count > 0
    mean = np.bincount(place, chance, bins)[used] / count[used]
    frequency = np.bincount(place, came, bins)[used] / count[used]
    weight = count[used] / total
    score = float(((chance - came) ** 2).mean())
    reliability = float((weight * (mean - frequency) ** 2).sum())
    resolution = float((weight * (frequency - base) ** 2).sum())
    uncertainty = base * (1 - base)
    within = score - reliability + resolution - uncertainty
    skill = 1 - score / uncertainty if uncertainty else float("nan")
    return Brier(score, reliability, resolution, uncertainty, within, skill, total)


def reliability_table(forecast: ArrayLike, outcome: ArrayLike, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Return forecasts and frequencies by bin; empty bins are left out. Parameters as for :func:`brier`."""
    chance, came, place = _checked(forecast, outcome, bins)
    table = []
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        if count:
            low, high = wilson(int(came[inside].sum()), count)
            mean = float(chance[inside].mean())
            table.append(
                ReliabilityBin(
                    number / bins,
                    (number + 1) / bins,
                    count,
                    mean,
                    float(came[inside].mean()),
                    low,
                    high,
                    low <= mean <= high,
                )
            )
    return tuple(table)


def _checked(forecast: ArrayLike, outcome: ArrayLike, bins: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    chance, came = np.asarray(forecast, np.float64), np.asarray(outcome, bool).astype(np.float64)
    if chance.ndim != 1 or chance.shape != came.shape or not len(chance) or bins < 1:
        raise ValueError(f"expected two equally long, non-empty vectors, got {chance.shape} and {came.shape}")
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError("forecasts must be probabilities between 0 and 1")
    return chance, came, np.minimum((chance * bins).astype(np.int64), bins - 1)
