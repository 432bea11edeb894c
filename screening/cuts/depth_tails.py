"""The regression of predictions on scores among the best docked, and what a cut then keeps: a model's inner part.

What is assumed and why is told in :mod:`docksieve.screening.cuts.depth_model`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaincinv, ndtr, ndtri
from scipy.stats import qmc, rankdata

from .cut import CutGoal

Floats = NDArray[np.float64]

TAILS = (0.4, 0.2, 0.1)
"""Shares of the docked molecules, best first, that are regressed on their own."""
TAIL_LEAST = 45
"""Molecules that a tail has at least."""
CURVATURE = 0.1
"""Standard deviation of the quadratic coefficient, in units of the scatter."""
DRAWS = 64
"""Draws from the posterior of each tail (a scrambled Sobol sequence, so few are enough)."""
POINTS = 6
"""Ranks among the best at which the chance of being kept is averaged."""
FARTHEST = 3.0
"""The scatter's growth is followed at most so many times as far as from the widest tail to the deepest."""
STEPS = 16
"""Halvings of the interval that the cut lies in."""


@dataclass(frozen=True)
class Doubt:
    """How far the best may lie off the regression, as a standard deviation in units of its scatter.

    ``max(least, start - fall * slope)``, and ``members`` over how many of the best are docked: both together as the
    root of the sum of their squares, times ``scale``.
    """

    start: float = 1.3
    fall: float = 1.8
    least: float = 0.2
    members: float = 1.6
    scale: float = 2.0

    def __call__(self, slope: float, members: float) -> float:
        """Return it for a slope in the middle tail and so many of the best among the docked."""
        own = np.clip(self.start - self.fall * slope, self.least, self.start)
        return float(self.scale * np.hypot(own, self.members / max(members, 1.0)))


DOUBT = Doubt()


@dataclass(frozen=True)
class Tails:
    """Posterior draws of the regressions.

    Attributes
    ----------
    origin : array of float64, shape (draws,)
        Mean of x in the tail.
    coefficients : array of float64, shape (draws, 3)
    scatter : array of float64, shape (draws,)
        Of the best.
    doubt : array of float64, shape (draws,)
        Shift of the best, with the scatter already in it.
    filled, tied : array of float64, shape (draws,)
        Share of the best whose places any of the molecules of one score can fill, and how many such molecules
        there are for each place.
    residuals : tuple of sorted arrays of float64
        Of each tail, in units of its scatter.
    luck : array of float64, shape (draws,)
        Standard normal: how far the share of long misses lies above that of the residuals, in standard errors.
    unknown : array of float64, shape (draws,)
        Share of the best that the teacher may know nothing of: twice the share of the deepest tail that it predicts
        to be among the worse half.
    slope, spread : float
        Of the middle tail: slope in its middle, and scatter.
    growth : float
        Scatter in the deepest tail over that in the widest.
    """

    origin: Floats
    coefficients: Floats
    scatter: Floats
    doubt: Floats
    filled: Floats
    tied: Floats
    residuals: tuple[Floats, ...]
    luck: Floats
    unknown: Floats
    slope: float
    spread: float
    growth: float


def plain(tails: Tails) -> Tails:
    """Return the regressions alone, as an estimate needs them: no doubt, and no misses but normal ones."""
    nothing = np.zeros_like(tails.doubt)
    return dataclasses.replace(tails, doubt=nothing, residuals=(), unknown=nothing)


def normal_scores(values: Floats) -> Floats:
    """Return normal scores of the ranks of ``values``, largest for the smallest; ties share theirs (Blom 1958)."""
    ranks = rankdata(values)
    found: Floats = -ndtri((ranks - 0.375) / (len(values) + 0.25))
    return found


def depths(predictions: Floats, ordered: Floats) -> Floats:
    """Return the normal score of the share of the ``ordered`` predictions that are at least as good."""
    count = len(ordered)
    share = np.searchsorted(ordered, predictions, side="right") / count
    found: Floats = -ndtri(np.clip(share, 0.5 / count, 1 - 0.5 / count))
    return found


def regress_tails(scores: Floats, depth: Floats, best: float, seed: int, doubt: Doubt = DOUBT) -> Tails:
    """Return draws from the posterior of how prediction follows score among the best.

    Parameters
    ----------
    scores : array of float64, shape (n,)
        Lower is better.
    depth : array of float64, shape (n,)
        Normal scores of the predictions.
    best : float
        Share of the library that counts as best.
    seed : int
    doubt : Doubt
    """
    order = np.lexsort((-depth, scores))
    height, depth, ordered = normal_scores(scores)[order], depth[order], scores[order]
    total = len(scores)
    parts, spreads, residuals = [], [], []
    uniform = qmc.Sobol(7, scramble=True, seed=seed).random(DRAWS)
    uniform = np.clip(uniform, 1e-6, 1 - 1e-6)
    normal = ndtri(uniform[:, :4])
    for index, share in enumerate(TAILS):
        members = min(total, max(TAIL_LEAST, int(np.ceil(share * total))))
        origin = float(height[:members].mean())
        offset = height[:members] - origin
        design = np.stack([np.ones(members), offset, offset**2], axis=1)
        precision = design.T @ design
        precision[1, 1] += 1e-9
        precision[2, 2] += CURVATURE**-2
        covariance = np.linalg.inv(precision)
        centre = covariance @ (design.T @ depth[:members])
        rest = depth[:members] - design @ centre
        freedom = members - 2
        variance = max((float(rest @ rest) + (centre[2] / CURVATURE) ** 2) / freedom, 1e-12)
        scatter = np.sqrt(variance * freedom / (2 * gammaincinv(freedom / 2, uniform[:, 4])))
        drawn = centre + scatter[:, None] * (normal[:, :3] @ np.linalg.cholesky(covariance).T)
        spreads.append(float(np.sqrt(variance)))
        residuals.append(np.sort(rest) / spreads[-1])
        if index == 1:
            slope, spread = float(centre[1]), spreads[-1]
        parts.append((np.full(DRAWS, origin), drawn, scatter))
    scatters = np.concatenate([part[2] for part in parts])
    growth = spreads[-1] / spreads[0]
    # Scatter that grows from the widest tail to the deepest is taken to go on growing at that rate.
    origins = np.array([part[0][0] for part in parts])
    reach = (-ndtri(best / 2) - origins) / max(origins[-1] - origins[0], 1e-9)
    grown = np.repeat(np.clip(growth, 1.0, 2.0) ** np.clip(reach, 0.0, FARTHEST), DRAWS)
    luck = np.tile(ndtri(uniform[:, 6]), len(TAILS))
    worse = np.array(float((depth[:members] < 0).sum()))  # of the deepest tail
    filled, tied = _ties(ordered, best, ndtri(uniform[:, 5]))
    return Tails(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        scatters * grown,
        doubt(slope, best * total) * scatters * np.tile(normal[:, 3], len(TAILS)),
        np.tile(filled, len(TAILS)),
        np.tile(tied, len(TAILS)),
        tuple(residuals),
        luck,
        np.clip(2 * above(worse, members, luck), 0.0, 1.0),
        slope,
        spread,
        growth,
    )


def _ties(ordered: Floats, best: float, normal: Floats) -> tuple[Floats, Floats]:
    """Return, per draw of where the best end, the share of places that ties fill and molecules for each of them."""
    total = len(ordered)
    expected = best * total
    nothing = np.zeros(len(normal)), np.ones(len(normal))
    if expected < 5:  # the level at which the best end is not seen
        return nothing
    rank = np.round(expected + normal * np.sqrt(expected * (1 - best))).astype(int).clip(1, total)
    limit = ordered[rank - 1]
    before, until = np.searchsorted(ordered, limit, "left"), np.searchsorted(ordered, limit, "right")
    several = until - before > 1
    places = np.maximum(rank - before, 1)
    return np.where(several, places / rank, 0.0), np.where(several, (until - before) / places, 1.0)


def above(count: Floats, total: int, luck: Floats) -> Floats:
    """Return a draw of the share that ``count`` of ``total`` stand for, and one more that was not seen."""
    share = (count + 1) / (total + 1)
    found: Floats = share + luck * np.sqrt(share * (1 - share) / (total + 1))
    return found


def surviving(tails: Tails, margin: Floats, cut: float) -> Floats:
    """Return how likely a molecule is kept whose expected depth is so many scatters within the cut.

    The least of three: that of a normal error; of a normal error but for the molecules of which the teacher may know
    nothing, which are kept as any molecule is; and of the residuals of each tail, of m and one more that was not seen.
    """
    normal = ndtr(margin)
    kept = (1 - tails.unknown[:, None]) * normal + tails.unknown[:, None] * ndtr(-cut)
    kept = np.minimum(kept, normal)
    for residuals in tails.residuals:
        missed = above(
            np.searchsorted(residuals, -margin, side="right").astype(float),
            len(residuals),
            tails.luck[:, None],
        )
        kept = np.minimum(kept, 1 - np.clip(missed, 0.0, 1.0))
    return kept


def chance(tails: Tails, cut: float, best: float, best_rows: int, recall: float) -> float:
    """Return the predictive probability that a cut at normal score ``cut`` keeps ``recall`` of ``best_rows``."""
    middles = (np.arange(POINTS) + 0.5) / POINTS
    offset = -ndtri(middles * best) - tails.origin[:, None]
    first, second, third = (tails.coefficients[:, [column]] for column in range(3))
    expected = first + second * offset + third * offset**2 + tails.doubt[:, None]
    kept = surviving(tails, (expected - cut) / tails.scatter[:, None], cut)
    wanted = np.ceil(recall * best_rows - 1e-9)
    strict = np.round((1 - tails.filled) * best_rows)
    places = best_rows - strict
    wanted = wanted - np.minimum(places, np.floor(places * tails.tied * kept[:, -1]))
    # P(Binomial(strict, p) >= wanted), as an incomplete beta function.
    found = betainc(np.maximum(wanted, 1), np.maximum(strict - wanted + 1, 1), kept.mean(axis=1))
    return float(np.where(wanted <= 0, 1.0, np.where(wanted > strict, 0.0, found)).mean())


def deepest(tails: Tails, goal: CutGoal, best_rows: int, probability: float) -> float:
    """Return the share of the library to keep so that the recall is reached with ``probability``."""
    low, high = -6.0, 6.0
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        if chance(tails, middle, goal.best, best_rows, goal.recall) >= probability:
            low = middle
        else:
            high = middle
    return float(ndtr(-low))
