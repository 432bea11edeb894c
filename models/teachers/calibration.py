"""How far spreads can be trusted: scaling on held-out molecules, and what they then cover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .stacking import Moments

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Shares of molecules that intervals are meant to cover, for the calibration plot."""


def scaling(truth: NDArray[np.float64], held_out: Moments) -> dict[str, NDArray[np.float64]]:
    """Return noise and inflation of the variance per target, from held-out errors."""
    squares = (held_out[0] - truth) ** 2
    variance = np.where(np.isnan(truth), np.nan, held_out[1])
    noise = np.maximum(np.nanmean(squares, axis=0) - np.nanmean(variance, axis=0), 0.0)
    inflation = np.nanmean(squares / np.maximum(variance + noise, 1e-9), axis=0)
    return {"noise": noise, "inflation": np.clip(inflation, 0.05, 20.0)}


def _conformal(sizes: NDArray[np.float64], level: float) -> float | None:
    """Return the half-width that covers ``level`` of new molecules, None where too few were held out.

    The ceil((n + 1) level)-th smallest of n held-out sizes (split conformal prediction; Lei et al., J. Am. Stat.
    Assoc. 113, 1094, 2018, section 2.2).
    """
    place = int(np.ceil((len(sizes) + 1) * level))
    return float(np.partition(sizes, place - 1)[place - 1]) if place <= len(sizes) else None


def coverage(error: NDArray[np.float64], spread: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return the table of a calibration plot for one target.

    Parameters
    ----------
    error, spread : array of float64, shape (n,)
        Of held-out molecules, in the unit of the scores.

    Returns
    -------
    list of dict
        For each of ``LEVELS``: ``expected`` (the level), ``observed`` (share of the molecules within the
        interval that a normal distribution with the spread gives) with its 95 % interval ``low`` and ``high``
        (Wilson), ``half_width`` (conformal, in the unit of the scores, the same for all molecules) and
        ``half_width_in_spreads`` (conformal, in units of each molecule's spread). The two are None where too
        few molecules were held out for the level.
    """
    sizes = np.abs(error)
    relative = sizes / np.maximum(spread, 1e-12)
    table = []
    for level in LEVELS:
        inside = int((relative <= stats.norm.ppf((1 + level) / 2)).sum())
        interval = stats.binomtest(inside, len(sizes)).proportion_ci(0.95, method="wilson")
        table.append(
            {
                "expected": level,
                "observed": inside / len(sizes),
                "low": float(interval.low),
                "high": float(interval.high),
                "half_width": _conformal(sizes, level),
                "half_width_in_spreads": _conformal(relative, level),
            }
        )
    return table


def calibration_report(
    targets: Sequence[str],
    truth: NDArray[np.float64],
    held_out: Moments,
    scaled: dict[str, NDArray[np.float64]],
    scale: NDArray[np.float64],
) -> dict[str, Any]:
    """Return ``noise`` and ``inflation`` per target, and ``coverage``: see :func:`coverage`.

    ``truth`` and ``held_out`` are standardised; ``scale`` is the unit they are in.
    """
    report: dict[str, Any] = {
        key: dict(zip(targets, value.tolist(), strict=True)) for key, value in scaled.items()
    }
    spread = np.sqrt(scaled["inflation"] * (held_out[1] + scaled["noise"])) * scale
    error = (held_out[0] - truth) * scale
    report["coverage"] = {}
    for column, target in enumerate(targets):
        known = ~np.isnan(error[:, column])
        report["coverage"][target] = coverage(error[known, column], spread[known, column])
    return report
