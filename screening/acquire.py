"""Acquisition: which molecules are worth docking next.

Every function takes predictions turned so that *larger is better* and returns one value per molecule,
larger meaning "dock this sooner". Formulas: Jones, Schonlau, Welch 1998 (expected improvement), Kushner
1964 (probability of improvement), Srinivas et al. 2010 (upper confidence bound), Thompson 1933.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]


@dataclass(frozen=True)
class AcquisitionContext:
    """What an acquisition function may use besides the predictions.

    Attributes
    ----------
    best : float
        Best score docked so far, turned so that larger is better.
    beta : float
        Spreads added to the mean by the upper confidence bound.
    xi : float
        Least improvement that counts, in score units.
    """

    best: float = 0.0
    beta: float = 2.0
    xi: float = 0.01


Acquisition = Callable[[Array, Array, AcquisitionContext, np.random.Generator], Array]


def greedy(mean: Array, spread: Array, context: AcquisitionContext, rng: np.random.Generator) -> Array:
    """Return the mean."""
    return mean


def upper_confidence_bound(
    mean: Array, spread: Array, context: AcquisitionContext, rng: np.random.Generator
) -> Array:
    """Return mean + beta * spread."""
    return mean + context.beta * spread


def expected_improvement(
    mean: Array, spread: Array, context: AcquisitionContext, rng: np.random.Generator
) -> Array:
    """Return E[max(0, score - best - xi)] for a normal score; the plain gain where the spread is 0."""
    gain = mean - context.best - context.xi
    safe = np.where(spread > 0, spread, 1.0)
    z = gain / safe
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.where(spread > 0, gain * ndtr(z) + spread * density, np.maximum(gain, 0.0))


def probability_of_improvement(
    mean: Array, spread: Array, context: AcquisitionContext, rng: np.random.Generator
) -> Array:
    """Return P(score > best + xi) for a normal score; 0 or 1 where the spread is 0."""
    gain = mean - context.best - context.xi
    safe = np.where(spread > 0, spread, 1.0)
    return np.where(spread > 0, ndtr(gain / safe), (gain > 0).astype(float))


def thompson(mean: Array, spread: Array, context: AcquisitionContext, rng: np.random.Generator) -> Array:
    """Return one independent draw from each molecule's normal score."""
    return mean + spread * rng.standard_normal(len(mean))


def uncertainty(mean: Array, spread: Array, context: AcquisitionContext, rng: np.random.Generator) -> Array:
    """Return the spread: what the model knows least."""
    return spread


def uniform(mean: Array, spread: Array, context: AcquisitionContext, rng: np.random.Generator) -> Array:
    """Return random values: the baseline that every other function must beat."""
    return rng.random(len(mean))


ACQUISITIONS: dict[str, Acquisition] = {
    "greedy": greedy,
    "ucb": upper_confidence_bound,
    "ei": expected_improvement,
    "pi": probability_of_improvement,
    "thompson": thompson,
    "uncertainty": uncertainty,
    "random": uniform,
}


def acquire(
    name: str,
    rows: NDArray[np.int64],
    mean: Array,
    spread: Array,
    count: int,
    *,
    lower_is_better: bool,
    context: AcquisitionContext,
    seed: int,
    docked: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], Array]:
    """Choose molecules to dock.

    Parameters
    ----------
    name : str
        A key of :data:`ACQUISITIONS`.
    rows : array of int64, shape (n,)
        Library rows.
    mean, spread : array of float, shape (n,)
        In score units; NaN means that the molecule could not be predicted, and it is not chosen.
    count : int
        How many to choose; all that can be chosen if there are fewer.
    lower_is_better : bool
        Direction of the score.
    context : AcquisitionContext
        ``best`` in score units as stored; it is turned here.
    seed : int
        For the functions that draw.
    docked : array of int64, optional
        Rows never to choose again.

    Returns
    -------
    chosen : array of int64, shape (m,)
        Indices into ``rows``, best first; ties go to the smaller row, so the order of ``rows`` is of no
        consequence.
    values : array of float, shape (m,)
        Acquisition value of each.
    """
    candidates = np.flatnonzero(np.isfinite(mean))
    if docked is not None and len(docked):
        candidates = candidates[~np.isin(rows[candidates], docked)]
    candidates = candidates[np.argsort(rows[candidates], kind="stable")]  # draws belong to molecules
    sign = -1.0 if lower_is_better else 1.0
    turned = AcquisitionContext(best=sign * context.best, beta=context.beta, xi=context.xi)
    sigma = np.nan_to_num(spread[candidates].astype(float), nan=0.0)
    rng = np.random.default_rng(seed)
    values = ACQUISITIONS[name](sign * mean[candidates].astype(float), sigma, turned, rng)
    order = np.lexsort((rows[candidates], -values))[:count]
    return candidates[order], values[order]
