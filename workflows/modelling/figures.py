"""Figures of repeated cross-validation with intervals, beside what chance gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.statistics import Metric

Floats = NDArray[np.float64]
LEVEL = 0.95
ERRORS = ("r2", "rmse")
"""Figures of the values, not of the ranking: by chance those of the mean of all scores."""


@dataclass(frozen=True)
class Figure:
    """A figure of merit.

    Attributes
    ----------
    value : float
        Mean over repeats, each of all molecules that were tested; NaN where it is not defined.
    low, high : float
        95 % bootstrap interval over molecules (or over scaffolds), the same ones drawn in every repeat.
    between_repeats : float
        S.d. over repeats: what the split alone changes. NaN for a single one.
    """

    value: float
    low: float
    high: float
    between_repeats: float = float("nan")

    def to_json(self) -> dict[str, float | None]:
        """Return plain values; None for what is not defined."""
        return {name: None if value != value else float(value) for name, value in vars(self).items()}


def repeated_figures(
    metrics: Mapping[str, Metric],
    truth: Floats,
    predicted: Floats,
    seed: int,
    rounds: int,
    groups: NDArray[np.int64] | None = None,
) -> dict[str, Figure]:
    """Return figures of predictions that were made several times.

    Parameters
    ----------
    metrics : mapping of str to callable
    truth : array of float64, shape (n,)
    predicted : array of float64, shape (repeats, n)
    seed : int
    rounds : int
        Bootstrap draws.
    groups : array of int64, shape (n,), optional
        Molecules of one group are drawn together: those of a scaffold are alike, and a draw of single molecules would
        make intervals too narrow.
    """
    whole = np.array([[metric(truth, one) for metric in metrics.values()] for one in predicted])
    random = np.random.default_rng(seed)
    members: list[NDArray[np.int64]] = []
    if groups is not None:
        order = np.argsort(groups, kind="stable")
        members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    draws = np.full((rounds, len(metrics)), np.nan)
    for draw in range(rounds):
        if members:
            rows = np.concatenate([members[at] for at in random.integers(0, len(members), len(members))])
        else:
            rows = random.integers(0, len(truth), len(truth))
        found = [[metric(truth[rows], one[rows]) for metric in metrics.values()] for one in predicted]
        draws[draw] = _mean(np.array(found))
    ends = _percentiles(draws)
    spread = whole.std(axis=0, ddof=1) if len(whole) > 1 else np.full(len(metrics), np.nan)
    return {
        name: Figure(value, low, high, apart)
        for name, value, low, high, apart in zip(
            metrics, _mean(whole).tolist(), *ends.tolist(), spread.tolist(), strict=True
        )
    }


def chance_figures(metrics: Mapping[str, Metric], truth: Floats, seed: int, rounds: int) -> dict[str, Figure]:
    """Return what rankings at random give: their mean and the range of 95 % of them.

    Of ``r2`` and ``rmse``, which a ranking does not have: those of the mean of all scores.
    """
    random = np.random.default_rng(seed)
    draws = np.array(
        [
            [metric(truth, one) for metric in metrics.values()]
            for one in (random.permutation(truth) for _ in range(rounds))
        ]
    )
    ends = _percentiles(draws)
    found = {
        name: Figure(value, low, high)
        for name, value, low, high in zip(metrics, _mean(draws).tolist(), *ends.tolist(), strict=True)
    }
    nan, constant = float("nan"), np.full_like(truth, truth.mean())
    return found | {
        name: Figure(metrics[name](truth, constant), nan, nan) for name in ERRORS if name in metrics
    }


def beyond_chance(figure: Figure, control: Figure, smaller: bool = False) -> bool | None:
    """Tell whether a figure's whole interval is better than a control's; None where either is not defined."""
    near, far = (-figure.high, -control.low) if smaller else (figure.low, control.high)
    if control.low != control.low:
        far = -control.value if smaller else control.value
    return None if near != near or far != far else bool(near > far)


def _mean(values: Floats) -> Floats:
    """Return means over the first axis of what is defined."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _percentiles(draws: Floats) -> Floats:
    """Return both ends of the interval of each column, of the draws that are defined."""
    ends = np.full((2, draws.shape[1]), np.nan)
    for column, values in enumerate(draws.T):
        known = values[~np.isnan(values)]
        if len(known):
            ends[:, column] = np.percentile(known, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return ends


def to_json(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return figures as plain values."""
    return {name: figure.to_json() for name, figure in figures.items()}
