"""What is known of the errors of picked molecules, and how well: draws from a posterior distribution.

With z = (docked - predicted) / s.d. of molecule j in batch i, lower scores being better,

    z_ij = b + u_i + s e_ij,    u_i ~ N(0, tau^2),    e_ij ~ Student's t with nu degrees of freedom,

s and nu having one value for e < 0 (better than the median) and another for e > 0: what goes wrong with picked
molecules goes wrong on one side, and a symmetric tail would promise as many happy surprises as there were sad ones.

b is the bias of what is picked (the winner's curse makes it positive), s the inflation of the predictive standard
deviation. The errors of a batch are not independent: similar molecules fail together, and a model that is too
hopeful is so for the whole batch. That shared part is u_i; its s.d. tau is learnt from the scatter between batches,
and the next batch draws a new u. Without it a batch of thousands would seem to average all risk away.

Posterior, as in a meta-analysis with random effects (Gelman, Bayesian Anal. 1, 515, 2006): tau on a grid with a
half-normal prior of s.d. 0.5, b given tau normal with the prior N(0, 1); nu and s on a grid by their likelihood, with
the prior N(0, 0.5^2) of log s. With one batch tau is hardly more than its prior, and forecasts are as wide as that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, stdtr

from ...data.words import plural
from ..calibration.history import PickedHistory
from ..calibration.picked import LEAST, NEXT, NEXT_DRAWN, REST, Batch

Floats = NDArray[np.float64]

TAILS = (3.0, 5.0, 8.0, 15.0, 100.0)
"""Degrees of freedom that are considered; the last counts as normal."""
_SCALES = np.geomspace(0.1, 10, 121)
_TAUS = np.linspace(0.0, 2.0, 81)


class CannotSay(ValueError):
    """Too little is known for a number; the message says what is lacking."""


@dataclass(frozen=True)
class ErrorDraws:
    """Draws of the parameters of the next batch's errors.

    Attributes
    ----------
    shift : array of float64, shape (draws,)
        b + u of the next batch, in predictive standard deviations; positive is worse than predicted.
    scale, tail : array of float64, shape (draws, 2)
        s and nu (of ``TAILS``), on the better and on the worse side of the median.
    picked, batches : int
        Molecules and batches learnt from.
    """

    shift: Floats
    scale: Floats
    tail: Floats
    picked: int
    batches: int

    def below(self, limit: float, mean: Floats, sd: Floats) -> Floats:
        """Return P(score <= limit) of molecules under each draw, shape (draws, n)."""
        standard = (limit - mean) / sd
        z = standard[None, :] - self.shift[:, None]
        result = np.empty_like(z)
        for side, inside in enumerate((z <= 0, z > 0)):
            scaled = z / self.scale[:, side, None]
            for tail in np.unique(self.tail[:, side]):
                cells = inside & (self.tail[:, side] == tail)[:, None]
                values = scaled[cells]
                result[cells] = ndtr(values) if tail == TAILS[-1] else stdtr(tail, values)
        return result


def learn_errors(
    batches: Sequence[Batch], *, seed: int, draws: int = 2000, lower_is_better: bool = True
) -> ErrorDraws:
    """Return draws from what earlier batches of picked molecules say about the errors of the next.

    Parameters
    ----------
    batches : sequence of Batch
        Oldest first; each with the predictions that its molecules were picked by.
    seed : int
    draws : int
    lower_is_better : bool

    Raises
    ------
    CannotSay
        If there is no batch with scores, fewer than 30 scores, or all scores are equal.
    """
    sign = 1.0 if lower_is_better else -1.0
    values = [sign * batch.z for batch in batches if np.isfinite(batch.docked).any()]
    count = sum(len(z) for z in values)
    if not values:
        raise CannotSay("no earlier batch of picked molecules has been docked")
    if count < LEAST:
        raise CannotSay(f"only {plural(count, 'picked molecule')} docked so far; {LEAST} are needed")
    scores = np.concatenate([batch.docked[np.isfinite(batch.docked)] for batch in batches])
    if np.ptp(scores) == 0:
        raise CannotSay(f"all {count} docked scores are equal")
    generator = np.random.default_rng(seed)
    centred = np.concatenate([z - np.median(z) for z in values])
    sides = [_shapes(np.abs(centred[inside]), draws, generator) for inside in (centred <= 0, centred >= 0)]
    tail, scale = (np.stack([side[part] for side in sides], axis=1) for part in (0, 1))
    shift = _shifts(values, draws, generator)
    return ErrorDraws(shift, scale, tail, count, len(values))


def errors_ahead(history: PickedHistory, number: int, *, seed: int, draws: int = 2000) -> ErrorDraws | None:
    """Return draws of the errors of a round's candidates as intervals have them; None where too little is known.

    Of what is left of its shortlist if its batch is docked, else of what it will pick.

    Parameters
    ----------
    history : PickedHistory
    number : int
        The round.
    seed, draws : int
    """
    batch = history.batches.get(number)
    rest = batch is not None and len(batch.z) >= LEAST
    evidence = batch if rest else history.relearnt.get(number)
    if evidence is None or len(evidence.z) < LEAST or np.ptp(evidence.z) == 0:
        return None
    drawn = number in history.drawn
    constants = REST if rest else NEXT_DRAWN if drawn else NEXT
    factor = 1.0 if rest else history.factor(number)
    z = evidence.z if history.lower_is_better else -evidence.z
    generator = np.random.default_rng(seed)
    middle = float(np.median(z))
    centred = z - middle
    sides = [_shapes(np.abs(centred[inside]), draws, generator) for inside in (centred <= 0, centred >= 0)]
    tail, scale = (np.stack([side[part] for side in sides], axis=1) for part in (0, 1))
    shift = constants.shift * (middle if rest else 1.0)
    return ErrorDraws(
        shift + factor * constants.bias * generator.standard_normal(draws),
        factor * constants.size * scale,
        tail,
        len(z),
        len([item for item in history.batches if item < number + rest]),
    )


def _shapes(sizes: Floats, draws: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Return draws of nu and s, from the sizes of the errors on one side of each batch's median."""
    prior = -0.5 * (np.log(_SCALES) / 0.5) ** 2
    posterior = np.stack([_log_likelihood(sizes, nu) + prior for nu in TAILS])
    chance = np.exp(posterior - posterior.max()).ravel()
    place = generator.choice(posterior.size, draws, p=chance / chance.sum())
    tails, scales = np.unravel_index(place, posterior.shape)
    # within a step of the grid, evenly
    step = np.log(_SCALES[1] / _SCALES[0])
    return np.array(TAILS)[tails], _SCALES[scales] * np.exp(step * (generator.random(draws) - 0.5))


def _log_likelihood(errors: Floats, tail: float) -> Floats:
    """Return the log-likelihood of every scale for errors of Student's t distribution."""
    kernel = np.log1p((errors[:, None] / _SCALES) ** 2 / tail).sum(axis=0)
    constant = gammaln((tail + 1) / 2) - gammaln(tail / 2) - 0.5 * np.log(tail * np.pi)
    return np.asarray(len(errors) * (constant - np.log(_SCALES)) - (tail + 1) / 2 * kernel)


def _shifts(values: Sequence[Floats], draws: int, generator: np.random.Generator) -> Floats:
    """Return draws of b + u for a batch to come, from the batches' means."""
    means = np.array([_location(z) for z in values])
    spread = np.concatenate([z - np.median(z) for z in values]).std() or 1.0
    errors = np.array([spread / np.sqrt(len(z)) for z in values])
    weights = 1 / (errors[:, None] ** 2 + _TAUS**2)
    precision = weights.sum(axis=0) + 1.0  # the prior of b has s.d. 1
    centre = (weights * means[:, None]).sum(axis=0) / precision
    squares = (weights * means[:, None] ** 2).sum(axis=0) - precision * centre**2
    log = 0.5 * (np.log(weights).sum(axis=0) - np.log(precision) - squares) - 0.5 * (_TAUS / 0.5) ** 2
    chance = np.exp(log - log.max())
    place = generator.choice(len(_TAUS), draws, p=chance / chance.sum())
    bias = centre[place] + generator.standard_normal(draws) / np.sqrt(precision[place])
    return bias + _TAUS[place] * generator.standard_normal(draws)


def _location(z: Floats) -> float:
    """Return the mean of the middle 90 %: a centre that one failed prediction does not move."""
    low, high = np.quantile(z, [0.05, 0.95])
    return float(np.clip(z, low, high).mean())
