"""The regression enrichment surface: how many of any best share any cut keeps.

Clyde, Duan, Stevens, arXiv 2006.01171 (2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...data.statistics import Floats, paired


def best_first(values: Floats, lower_is_better: bool) -> NDArray[np.int64]:
    """Return the places of the molecules, best first; ties stay in the order of the input."""
    return np.argsort(values if lower_is_better else -values, kind="stable")


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

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 1000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 1000)
    >>> found = docksieve.enrichment_surface(docked, predicted, points=11)
    >>> found.surface.shape, float(found.shares[-1])
    ((11, 11), 1.0)
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

    ``RES(x, y) = |best x by prediction that are among the true best y| / (min(x, y) n)``: recall where x >= y,
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

    Raises
    ------
    ValueError
        If the arrays are empty, not equally long, or hold NaN, or ``least`` or ``points`` is out of range.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 1000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 1000)
    >>> docksieve.enrichment_surface(docked, docked).integral
    1.0
    >>> 0.4 < docksieve.enrichment_surface(docked, predicted).integral < 1
    True
    """
    if not 0 < least < 1 or points < 2:
        raise ValueError(f"least must be in (0, 1) and points at least 2, not {least} and {points}")
    first, second = paired(truth, predicted)
    count = len(first)
    rank = np.empty(count, np.int64)
    rank[best_first(first, lower_is_better)] = np.arange(count)
    by_prediction = rank[best_first(second, lower_is_better)]
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
