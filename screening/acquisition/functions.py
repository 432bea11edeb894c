"""Acquisition: which molecules are worth docking next.

Every function takes predictions turned so that *larger is better* and returns one value per molecule,
larger meaning "dock this sooner". Formulas: Jones, Schonlau, Welch 1998 (expected improvement), Kushner
1964 (probability of improvement), Srinivas et al. 2010 (upper confidence bound), Thompson 1933.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .draws import Draws

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


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

    Examples
    --------
    >>> docksieve.AcquisitionContext(best=-10.2)  # for expected improvement on -10.2 kcal/mol
    AcquisitionContext(best=-10.2, beta=2.0, xi=0.01)
    """

    best: float = 0.0
    beta: float = 2.0
    xi: float = 0.01


Acquisition = Callable[[Array, Array, AcquisitionContext, Draws], Array]


def greedy(mean: Array, spread: Array, context: AcquisitionContext, draws: Draws) -> Array:
    """Return the mean."""
    return mean


def upper_confidence_bound(mean: Array, spread: Array, context: AcquisitionContext, draws: Draws) -> Array:
    """Return mean + beta * spread."""
    return mean + context.beta * spread


def expected_improvement(mean: Array, spread: Array, context: AcquisitionContext, draws: Draws) -> Array:
    """Return E[max(0, score - best - xi)] for a normal score; the plain gain where the spread is 0."""
    gain = mean - context.best - context.xi
    safe = np.where(spread > 0, spread, 1.0)
    z = gain / safe
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.where(spread > 0, gain * ndtr(z) + spread * density, np.maximum(gain, 0.0))


def probability_of_improvement(
    mean: Array, spread: Array, context: AcquisitionContext, draws: Draws
) -> Array:
    """Return P(score > best + xi) for a normal score; 0 or 1 where the spread is 0."""
    gain = mean - context.best - context.xi
    safe = np.where(spread > 0, spread, 1.0)
    return np.where(spread > 0, ndtr(gain / safe), (gain > 0).astype(float))


def thompson(mean: Array, spread: Array, context: AcquisitionContext, draws: Draws) -> Array:
    """Return one independent draw from each molecule's normal score."""
    return mean + spread * draws.normal("thompson")


def uncertainty(mean: Array, spread: Array, context: AcquisitionContext, draws: Draws) -> Array:
    """Return the spread: what the model knows least."""
    return spread


def uniform(mean: Array, spread: Array, context: AcquisitionContext, draws: Draws) -> Array:
    """Return random values: the baseline that every other function must beat."""
    return draws.uniform("random")


ACQUISITIONS: dict[str, Acquisition] = {
    "greedy": greedy,
    "ucb": upper_confidence_bound,
    "ei": expected_improvement,
    "pi": probability_of_improvement,
    "thompson": thompson,
    "uncertainty": uncertainty,
    "random": uniform,
}


PROPORTIONAL = ("ei", "pi", "uncertainty")
"""Acquisition functions whose value is what a docking is worth: none, without a score."""

DIVERSITIES = {"none": 1, "scaffold": 10, "maxmin": 3}
"""Ways to spread a batch, and how many times the batch they choose among. MaxMin looks at nothing but
distance among those, so it is given fewer."""


def pool_size(diversity: str, count: int, factor: int | None = None) -> int:
    """Return among how many of the best candidates a batch of ``count`` is spread.

    Raises
    ------
    ValueError
        If ``factor`` is below 1.
    """
    factor = DIVERSITIES[diversity] if factor is None else factor
    if factor < 1:
        raise ValueError(f"pool must be at least 1, not {factor}")
    return count if diversity == "none" else count * factor


def acquisition_values(
    name: str,
    rows: Rows,
    mean: Array,
    spread: Array,
    *,
    lower_is_better: bool,
    context: AcquisitionContext,
    seed: int,
) -> Array:
    """Return the acquisition value of each molecule, larger meaning "dock this sooner".

    Parameters are those of :func:`docksieve.screening.acquisition.acquire.acquire`. A value depends on nothing but the
    molecule's row and predictions, the context and the seed.

    Returns
    -------
    array of float64, shape (n,)
        NaN where the mean is not finite. A spread that is missing, infinite or negative counts as 0.
    """
    sign = -1.0 if lower_is_better else 1.0
    turned = replace(context, best=sign * context.best)
    known = np.isfinite(mean)
    centre = np.where(known, sign * mean.astype(np.float64), 0.0)
    sigma = np.where(np.isfinite(spread) & (spread > 0), spread, 0.0).astype(np.float64)
    values = ACQUISITIONS[name](centre, sigma, turned, Draws(seed, rows))
    return np.where(known, values, np.nan)


def discounted(name: str, values: Array, chance: Array, typical: float) -> Array:
    """Return acquisition values, discounted by the probability of a score.

    What improvement or uncertainty is worth is worth nothing without a score. A value that is a score itself
    (``greedy``, ``ucb``, ``thompson``) falls back to ``typical``: a docking that fails brings as much as that of a
    usual molecule. Values below that stay. ``random`` stays random.

    Parameters
    ----------
    name : str
        The acquisition function.
    values, chance : array of float, shape (n,)
    typical : float
        A usual docked score, turned so that larger is better.
    """
    if name == "random":
        return values
    if name in PROPORTIONAL:
        return values * chance
    return np.where(values > typical, typical + chance * (values - typical), values)
