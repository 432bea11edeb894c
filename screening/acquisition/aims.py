"""What a batch is to be good for where several targets count: one target over another, the worst of several, a front.

Every target's prediction becomes a *goodness*, larger being better: the score turned, in its own unit where all targets
share one, else in widths of what its scores usually are. Aims with one value per molecule (:func:`combined`) go through
:class:`~.stream.AcquisitionStream` like the predictions of one target; a front is spread over many weights
(:class:`FrontStream`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from .draws import Draws
from .functions import Array, Rows
from .stream import Acquired, BestRows, random_share

AIMS = ("selective", "worst_over", "pareto")
FRONT_ACQUISITIONS = ("greedy", "ucb", "thompson", "random")
"""Acquisition functions that a front can take: those whose value is a score."""
FLOOR_SHARE = 0.25
"""A selective molecule must be among so large a share of the library, best for the target it is to bind."""
MOST_WEIGHTS = 64
LEANING = 0.05
"""Part of the plain sum in a weighted value, so that nothing is chosen that another molecule beats on every target."""


@dataclass(frozen=True)
class Scale:
    """What one target's scores are measured by.

    Attributes
    ----------
    lower_is_better : bool
    centre, width : float
        In score units; 0 and 1: goodness stays in them.
    best : float
        The best goodness known.
    floor : float
        Goodness that the best quarter of the library reaches.
    """

    lower_is_better: bool
    centre: float = 0.0
    width: float = 1.0
    best: float = 0.0
    floor: float = -np.inf

    @classmethod
    def of(cls, scores: ArrayLike, lower_is_better: bool, one_unit: bool, best: float | None = None) -> Scale:
        """Return the scale of scores of a random part of the library; ``best`` is a score, the best known."""
        known = np.asarray(scores, np.float64)
        known = known[np.isfinite(known)]
        if not len(known):
            return cls(lower_is_better)
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
        width = max(float(high - low) / 1.349, 1e-6)  # the standard deviation, if the scores were normal
        plain = cls(lower_is_better, *((0.0, 1.0) if one_unit else (float(middle), width)))
        quarter = np.quantile(known, FLOOR_SHARE if lower_is_better else 1 - FLOOR_SHARE)
        top = float(known.min() if lower_is_better else known.max()) if best is None else best
        return cls(
            lower_is_better,
            plain.centre,
            plain.width,
            float(plain.goodness(np.array([top]))[0]),
            float(plain.goodness(np.array([quarter]))[0]),
        )

    def goodness(self, scores: NDArray[np.floating]) -> Array:
        """Return scores turned and scaled."""
        sign = -1.0 if self.lower_is_better else 1.0
        return np.asarray(sign * (scores.astype(np.float64) - self.centre) / self.width)


def combined(kind: str, mean: Array, spread: Array, floor: float = -np.inf) -> tuple[Array, Array]:
    """Return mean and standard deviation of what an aim with one value per molecule looks at; larger is better.

    Parameters
    ----------
    kind : str
        ``selective``: the first target's goodness less the second's, of molecules that reach ``floor`` for the first.
        ``worst_over``: the worst of all; mean and variance of the least of normal variables by Clark's recursion
        (Oper. Res. 9, 145, 1961), errors of different targets taken to be independent.
    mean, spread : array of float, shape (n, targets)
        Goodness of each target; NaN: not predicted. A spread that is missing counts as 0.
    floor : float

    Returns
    -------
    mean, spread : array of float, shape (n,)
        NaN where a target is not predicted, or the floor is not reached.
    """
    sigma = np.where(np.isfinite(spread) & (spread > 0), spread, 0.0)
    if kind == "selective":
        gap = mean[:, 0] - mean[:, 1]
        return np.where(mean[:, 0] >= floor, gap, np.nan), np.hypot(sigma[:, 0], sigma[:, 1])
    if kind != "worst_over":
        raise ValueError(f"the aim {kind!r} has no single value")
    low, variance = mean[:, 0].astype(np.float64), sigma[:, 0] ** 2
    for place in range(1, mean.shape[1]):
        low, variance = _lesser(low, variance, mean[:, place], sigma[:, place] ** 2)
    return low, np.sqrt(variance)


def _lesser(a: Array, a_variance: Array, b: Array, b_variance: Array) -> tuple[Array, Array]:
    """Return mean and variance of the lesser of two independent normal variables."""
    theta = np.sqrt(a_variance + b_variance)
    safe = np.where(theta > 0, theta, 1.0)
    z = (b - a) / safe
    share, density = ndtr(z), np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    mean = a * share + b * (1 - share) - theta * density
    square = (a_variance + a**2) * share + (b_variance + b**2) * (1 - share) - (a + b) * theta * density
    plain = np.minimum(a, b)
    variance = np.maximum(square - mean**2, 0.0)
    return np.where(theta > 0, mean, plain), np.where(
        theta > 0, variance, np.where(a < b, a_variance, b_variance)
    )


def front_weights(count: int, targets: int, seed: int) -> Array:
    """Return weights of targets, shape (count, targets), rows adding up to 1: even for two targets, else drawn."""
    if targets == 2:
        first = (np.arange(count) + 0.5) / count
        return np.column_stack([first, 1 - first])
    return np.random.default_rng(seed).dirichlet(np.ones(targets), count)


def front_values(goodness: Array, best: Array, weights: Array) -> Array:
    """Return the weighted values of molecules, shape (n, weights): minus their farthest distance from ``best``.

    The augmented Chebyshev distance (Steuer and Choo, Math. Program. 26, 326, 1983), by which any molecule of a Pareto
    front is the best for some weights; drawing weights at random makes ParEGO (Knowles, IEEE Trans. Evol. Comput. 10,
    50, 2006).
    """
    short = best - goodness
    values = np.empty((len(goodness), len(weights)))
    for place, weight in enumerate(weights):
        part = short * weight
        values[:, place] = -(part.max(1) + LEANING * part.sum(1))
    return values


class FrontStream:
    """Chooses molecules along the Pareto front of several targets, from predictions that arrive in batches.

    Parameters
    ----------
    name : str
        One of :data:`FRONT_ACQUISITIONS`: what stands for a molecule's goodness.
    count : int
    best : array of float, shape (targets,)
        Best goodness known, by target.
    beta : float
        Standard deviations added by ``ucb``.
    seed : int
    docked : array of int64
        Rows never to choose.
    epsilon : float
        Share of the batch drawn at random.
    """

    def __init__(
        self, name: str, count: int, best: Array, beta: float, seed: int, docked: Rows, epsilon: float = 0.0
    ) -> None:
        if name not in FRONT_ACQUISITIONS:
            raise ValueError(f"a front takes {', '.join(FRONT_ACQUISITIONS)}, not {name!r}")
        self._name, self._best_known, self._beta, self._seed = name, best, beta, seed
        self.at_random = count if name == "random" else random_share(count, epsilon)
        self.by_value = count - self.at_random
        self._docked = np.unique(np.asarray(docked, np.int64))
        number = min(self.by_value, MOST_WEIGHTS)
        self._weights = front_weights(number, len(best), seed) if number else np.empty((0, len(best)))
        # Whatever the other weights take first, as many as are needed are left.
        self._by_weight = [BestRows(self.by_value) for _ in range(number)]
        self._drawn = BestRows(count)

    def add(self, rows: Rows, mean: Array, spread: Array, chance: Array | None = None) -> None:
        """Take in a batch: goodness and its standard deviation, shape (n, targets), and the probability of scores."""
        sigma = np.where(np.isfinite(spread) & (spread > 0), spread, 0.0)
        values = mean
        if self._name == "ucb":
            values = mean + self._beta * sigma
        elif self._name == "thompson":
            draws = Draws(self._seed, rows)
            noise = np.column_stack([draws.normal(f"thompson {place}") for place in range(mean.shape[1])])
            values = mean + sigma * noise
        known = np.isfinite(values).all(1) & ~np.isin(rows, self._docked)
        rows, values = rows[known], values[known]
        weighted = front_values(values, self._best_known, self._weights)
        if chance is not None:
            # Without a score a molecule is as far away as a usual one, whose goodness is 0.
            usual = front_values(np.zeros((1, mean.shape[1])), self._best_known, self._weights)
            likely = chance[known][:, None]
            weighted = np.where(weighted > usual, usual + likely * (weighted - usual), weighted)
        for place, best in enumerate(self._by_weight):
            near = np.flatnonzero(weighted[:, place] >= best.least)
            best.offer(weighted[near, place], rows[near], weighted[near, place])
        if self.at_random:
            keys = Draws(self._seed, rows).uniform("epsilon")
            self._drawn.offer(keys, rows, np.zeros(len(rows)))

    def choose(self) -> Acquired:
        """Return the batch: every weight's best in turn, then those drawn at random."""
        lists = [best.best() for best in self._by_weight]
        chosen: dict[int, float] = {}
        places = [0] * len(lists)
        while len(chosen) < self.by_value and any(
            p < len(found[1]) for p, found in zip(places, lists, strict=True)
        ):
            for number, (_, rows, values) in enumerate(lists):
                while places[number] < len(rows) and int(rows[places[number]]) in chosen:
                    places[number] += 1
                if places[number] < len(rows) and len(chosen) < self.by_value:
                    chosen[int(rows[places[number]])] = float(values[places[number]])
        rows = np.array(list(chosen), np.int64)
        _, others, nothing = self._drawn.best()
        free = np.flatnonzero(~np.isin(others, rows))[: self.at_random]
        return Acquired(
            np.concatenate([rows, others[free]]),
            np.concatenate([np.array(list(chosen.values())), nothing[free]]),
            len(free),
        )
