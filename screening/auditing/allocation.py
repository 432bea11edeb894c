"""How many dockings each stratum of an audit gets, and where strata are worth having.

**Planning bound.** With the fractions f_h, any c below the least of them and k_h misses expected, with the stated
confidence

    M <= (log(1 / risk) - sum_h k_h log(1 - c / f_h)) / -log(1 - c),

since prod_h (1 - c / f_h)^K_h has a mean of at most (1 - c)^M (a sample without replacement has less convex moments
than one with; Hoeffding, J. Am. Stat. Assoc. 58, 13, 1963) and by Markov's inequality. It is smooth in the
fractions, which the search for the best ones needs, and somewhat above what
:func:`docksieve.screening.auditing.bounds.upper_missed` will give.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from .design import AuditDesign, Places

Floats = NDArray[np.float64]

APART = 1.5
"""Neighbouring strata are drawn from at rates that differ by this factor at least."""


def planned_upper(sizes: ArrayLike, fractions: ArrayLike, expected: ArrayLike, confidence: float) -> float:
    """Return the planning bound of the module at the expected misses; infinite if a stratum is not sampled.

    Parameters
    ----------
    sizes, fractions, expected : array of float, shape (strata,)
        Molecules, fraction drawn and hits guessed.
    confidence : float
    """
    size, share, hits = (np.asarray(value, np.float64) for value in (sizes, fractions, expected))
    share, hits = share[size > 0], hits[size > 0]
    if not len(share):
        return 0.0
    least = float(share.min())
    if least <= 0:
        return float("inf")
    if least >= 1:
        return float(hits.sum())

    def bound(part: float) -> float:
        c = least * part
        return float((-np.log1p(-confidence) - (hits * share * np.log1p(-c / share)).sum()) / -np.log1p(-c))

    return float(minimize_scalar(bound, bounds=(1e-3, 1 - 1e-6), method="bounded").fun)


def allocate(sizes: ArrayLike, expected: ArrayLike, dockings: int, confidence: float = 0.95) -> Places:
    """Return how many molecules to draw from each stratum, for the lowest planning bound.

    Parameters
    ----------
    sizes, expected : array, shape (strata,)
        Molecules, and hits guessed.
    dockings : int
        The budget; what exceeds all molecules is left over.
    confidence : float

    Returns
    -------
    array of int64, shape (strata,)
        Adding up to ``dockings``, or to all molecules.
    """
    size = np.asarray(sizes, np.float64)
    return _whole(size, best_fractions(size, expected, dockings, confidence), dockings)


def best_fractions(sizes: ArrayLike, expected: ArrayLike, dockings: int, confidence: float = 0.95) -> Floats:
    """Return the share of each stratum to draw, for the lowest planning bound; see :func:`allocate`.

    For a given c the terms -hits_h f_h log(1 - c / f_h) are convex in f_h: at the optimum their slopes per molecule
    are equal (a Lagrange multiplier, found by bisection), and no fraction is below c.

    Raises
    ------
    ValueError
        If the budget is negative or the shapes differ.
    """
    size, hits = np.asarray(sizes, np.float64), np.maximum(np.asarray(expected, np.float64), 0.0)
    total = float(size.sum())
    if dockings < 0 or size.shape != hits.shape:
        raise ValueError(f"impossible: {dockings} dockings, shapes {size.shape} and {hits.shape}")
    if dockings == 0 or dockings >= total:
        return np.full(len(size), float(dockings > 0 or not total))
    density = hits / np.maximum(size, 1.0)
    even = np.full(len(size), dockings / total)
    candidates = [even, *_fractions(size, density, even[0] * (1 - np.geomspace(1e-2, 0.9, 16)), dockings)]
    return min(candidates, key=lambda shares: planned_upper(size, shares, hits, confidence))


def _fractions(size: Floats, density: Floats, least: Floats, dockings: int) -> Floats:
    """Return fractions that use up the budget with equal slopes: a row for every c of ``least``."""
    c = least[:, None] * (1 + 1e-9)
    low, high = np.full(c.shape, -60.0), np.full(c.shape, 60.0)
    shares = np.repeat(c, len(size), axis=1)
    for _ in range(40):
        price = np.exp((low + high) / 2)
        below, above = np.repeat(c, len(size), axis=1), np.ones((len(c), len(size)))
        for _ in range(30):
            middle = np.sqrt(below * above)
            ratio = c / (1 + 1e-9) / middle
            # minus the slope of -f log(1 - c / f): falls with f, from infinity at c
            gain = density * (ratio / (1 - ratio) + np.log1p(-ratio))
            below, above = np.where(gain > price, middle, below), np.where(gain > price, above, middle)
        shares = np.minimum(below, 1.0)
        over = (shares @ size)[:, None] > dockings
        low, high = np.where(over, (low + high) / 2, low), np.where(over, high, (low + high) / 2)
    return shares


def _whole(size: Floats, shares: Floats, dockings: int) -> Places:
    """Return whole numbers near ``shares * size`` that add up to the budget."""
    wanted = np.minimum(shares * size, size)
    drawn = np.floor(wanted + 1e-9)
    dockings = min(dockings, int(size.sum()))
    while drawn.sum() > dockings:
        drawn[int(np.argmax(drawn))] -= 1
    while drawn.sum() < dockings:  # the rest goes where the least fraction was drawn
        share = np.where(drawn < size, (drawn + 0.5) / np.maximum(size, 1), np.inf)
        place = int(np.argmin(share))
        short = dockings - drawn.sum()
        drawn[place] += min(size[place] - drawn[place], max(1.0, short // 2))
    return drawn.astype(np.int64)


def choose_strata(
    sizes: ArrayLike, expected: ArrayLike, dockings: int, confidence: float = 0.95, most: int = 3
) -> AuditDesign:
    """Return strata and their dockings, from a guess of where the missed hits are.

    The bins are allotted dockings as if each were a stratum; neighbours with similar fractions are then merged, which
    loses little: a stratum is worth having where it is sampled at another rate.

    Parameters
    ----------
    sizes, expected : array, shape (bins,)
        Molecules not picked, and hits guessed (from the model's predictive distribution), in fine bins of predicted
        rank, best first.
    dockings : int
    confidence : float
    most : int
        Strata at most; the exact bound's cost grows with them.

    Raises
    ------
    ValueError
        If nothing is given or ``most`` is below 1.
    """
    size, hits = np.asarray(sizes, np.int64), np.asarray(expected, np.float64)
    if size.ndim != 1 or size.shape != hits.shape or not len(size) or most < 1:
        raise ValueError(f"expected bins of equal number, got shapes {size.shape} and {hits.shape}")
    fine = best_fractions(size, hits, dockings, confidence)
    level = np.log(np.maximum(fine, 1e-12))
    found: AuditDesign | None = None
    for count in range(1, min(most, len(size)) + 1):
        edges = np.linspace(level.max(), level.min(), count + 1)[1:-1]
        group = (np.minimum.accumulate(level)[:, None] <= edges).sum(axis=1) if count > 1 else level * 0
        names = np.unique(group)
        merged = np.array([int(size[group == name].sum()) for name in names])
        guessed = np.array([float(hits[group == name].sum()) for name in names])
        drawn = allocate(merged, guessed, dockings, confidence)
        design = AuditDesign(
            tuple(merged.tolist()), tuple(drawn.tolist()), tuple(guessed.tolist()), confidence
        )
        rates = np.array(design.drawn) / np.maximum(design.sizes, 1)
        if (rates[:-1] < APART * rates[1:]).any():
            continue  # nearly the same rate: two strata say no more than one, and the exact bound is harder
        if found is None or _planned(design) < _planned(found) * 0.99:
            found = design
    assert found is not None
    return found


def _planned(design: AuditDesign) -> float:
    shares = np.array(design.drawn) / np.maximum(design.sizes, 1)
    return planned_upper(design.sizes, shares, design.expected, design.confidence)


def least_dockings(
    goal: float, found: int, sizes: ArrayLike, expected: ArrayLike, confidence: float = 0.95, most: int = 3
) -> AuditDesign | None:
    """Return the cheapest design whose planning bound reaches a recall, or None if the guess itself does not.

    Parameters
    ----------
    goal : float
        Wanted lower bound of the recall, in (0, 1).
    found : int
        Picked molecules at or beyond the threshold.
    sizes, expected, confidence, most
        As for :func:`choose_strata`.
    """
    if not 0 < goal < 1 or found < 0:
        raise ValueError(f"goal must be in (0, 1) and found at least 0, not {goal} and {found}")
    allowed = found * (1 - goal) / goal
    low, high = 0, int(np.asarray(sizes, np.int64).sum())
    if float(np.asarray(expected, np.float64).sum()) > allowed:
        return None
    while high - low > max(1, high // 200):
        middle = int(np.sqrt(max(low, 1) * high)) if high > 2 * max(low, 1) else (low + high) // 2
        good = _planned(choose_strata(sizes, expected, middle, confidence, most)) <= allowed
        low, high = (low, middle) if good else (middle, high)
    return choose_strata(sizes, expected, high, confidence, most)
