"""Intervals of picked molecules: what earlier batches say about the errors of the next.

A standard deviation that is right for a molecule drawn at random is not right for one that was picked because its
prediction is good: among many predictions the best are also the luckiest (the winner's curse; Smith, Winkler, Manage.
Sci. 52, 311, 2006), and where a model is asked beyond what it learnt, errors have other sizes and other tails.

How the last batch missed is the best witness of how the next will. With z = (docked - predicted) / s.d.:

1. The last batch's z have weight one each; if it is small, the batches before it fill it up to ``ENOUGH``.
2. Errors of the random held-out sample (cross-validated, say) have a weight of ``PRIOR`` molecules altogether. They are
   what is believed while nothing was picked, and the more was picked the less they count. Without them, standard
   normal quantiles take their place.
3. Each round moves the bias, since the model learns from what it got wrong. The mixture is therefore widened by a
   normal distribution with half the last change of the median as its s.d.
4. The quantiles of that are the predictive distribution of the next picks' z: skewed and heavy-tailed where errors
   were.

``shift`` and ``inflation`` are its median and half the width of its central 68 %: what a normal distribution needs
to be told. Intervals come from the quantiles themselves.

The constants were chosen on six tables (``benchmarks/picked.py``, with the coverage there and on two tables
that had no part in the choice). It is an empirical forecast: batches are not exchangeable, and no coverage is
guaranteed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

ENOUGH = 50
"""Picked molecules that make older batches superfluous."""
PRIOR = 30.0
"""Weight of the held-out sample, in picked molecules."""
DRIFT = 0.5
"""S.d. of the next change of the bias, as a share of the last."""
SHARES = np.concatenate([[0.0025], np.arange(1, 200) / 200, [0.9975]])
"""Cumulative probabilities that quantiles are kept of."""


@dataclass(frozen=True)
class Batch:
    """Molecules with their predictions and what docking said afterwards.

    Attributes
    ----------
    mean, sd : array of float64, shape (n,)
        Predicted before docking; ``sd`` positive.
    docked : array of float64, shape (n,)
        Docking scores; NaN where docking failed.
    """

    mean: Floats
    sd: Floats
    docked: Floats

    def __post_init__(self) -> None:
        shapes = {np.shape(self.mean), np.shape(self.sd), np.shape(self.docked)}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ValueError(f"mean, sd and docked must be equally long vectors, got shapes {sorted(shapes)}")
        known = np.isfinite(self.docked)
        if not (np.asarray(self.sd)[known] > 0).all() or not np.isfinite(np.asarray(self.mean)[known]).all():
            raise ValueError("docked molecules need a finite mean and a positive standard deviation")

    @property
    def z(self) -> Floats:
        """(docked - mean) / sd of the molecules that have a score."""
        mean, sd, docked = (np.asarray(value, np.float64) for value in (self.mean, self.sd, self.docked))
        known = np.isfinite(docked)
        return np.asarray((docked[known] - mean[known]) / sd[known])


@dataclass(frozen=True)
class PickedCalibration:
    """The predictive distribution of (docked - mean) / sd of the next picked molecules.

    Attributes
    ----------
    shift : float
        Its median; positive where scores come out higher than predicted.
    inflation : float
        Half the width of its central 68 %, over that of a normal distribution.
    quantiles : tuple of float
        At ``SHARES``.
    drift : float
        S.d. by which the mixture was widened.
    picked, held_out : int
        Molecules learnt from; ``picked`` counts those of full weight.
    learnt : bool
        Whether a batch was there to learn from; otherwise the held-out sample alone speaks.
    """

    shift: float
    inflation: float
    quantiles: tuple[float, ...]
    drift: float
    picked: int
    held_out: int
    learnt: bool

    def adjusted(self, mean: ArrayLike, sd: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and s.d. for whoever wants a normal distribution, each of shape (n,)."""
        centre, spread = np.asarray(mean, np.float64), np.asarray(sd, np.float64)
        return centre + self.shift * spread, self.inflation * spread

    def interval(self, mean: ArrayLike, sd: ArrayLike, level: float) -> tuple[Floats, Floats]:
        """Return the ends of the central intervals that hold ``level`` of the next picks, each of shape (n,).

        Raises
        ------
        ValueError
            If ``level`` is not in (0, 0.995].
        """
        if not 0 < level <= 0.995:
            raise ValueError(f"level must be in (0, 0.995], not {level}")
        low, high = np.interp([(1 - level) / 2, (1 + level) / 2], SHARES, self.quantiles)
        centre, spread = np.asarray(mean, np.float64), np.asarray(sd, np.float64)
        return centre + low * spread, centre + high * spread

    def coverage(self, batch: Batch, level: float) -> float:
        """Return the share of a batch's scores inside their intervals; NaN where none has a score."""
        known = np.isfinite(batch.docked)
        low, high = self.interval(batch.mean, batch.sd, level)
        inside = (batch.docked >= low) & (batch.docked <= high)
        return float(inside[known].mean()) if known.any() else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "quantiles": list(self.quantiles)}


def calibrate_picked(batches: Sequence[Batch], held_out: Batch | None = None) -> PickedCalibration:
    """Return how the errors of the next picked molecules will be distributed.

    Parameters
    ----------
    batches : sequence of Batch
        Picked molecules of earlier rounds, oldest first, each with the predictions that they were picked by.
    held_out : Batch, optional
        A random sample of the library, with predictions of the *present* model that did not see it.

    Returns
    -------
    PickedCalibration
    """
    values = [batch.z for batch in batches if np.isfinite(batch.docked).any()]
    random = held_out.z if held_out is not None else np.zeros(0)
    prior = random if len(random) >= 2 else np.asarray(ndtri((np.arange(99) + 0.5) / 99))
    samples, weights = [prior], [np.full(len(prior), PRIOR / len(prior))]
    lacking = float(ENOUGH)
    count = 0
    for place, z in enumerate(reversed(values)):
        weight = 1.0 if not place else min(1.0, lacking / len(z))
        if weight <= 0:
            break
        samples.append(z)
        weights.append(np.full(len(z), weight))
        lacking -= weight * len(z)
        count += round(weight * len(z))
    drift = DRIFT * abs(float(np.median(values[-1]) - np.median(values[-2]))) if len(values) > 1 else 0.0
    quantiles = _quantiles(np.concatenate(samples), np.concatenate(weights), drift)
    low, middle, high = np.interp([0.16, 0.5, 0.84], SHARES, quantiles)
    return PickedCalibration(
        shift=float(middle),
        inflation=float((high - low) / 2 / ndtri(0.84)),
        quantiles=tuple(quantiles.tolist()),
        drift=drift,
        picked=count,
        held_out=len(random),
        learnt=bool(values),
    )


def _quantiles(values: Floats, weights: Floats, drift: float) -> Floats:
    """Return quantiles at ``SHARES`` of weighted values, widened by a normal distribution."""
    if drift > 0:
        steps = ndtri((np.arange(15) + 0.5) / 15) * drift
        values, weights = (values[:, None] + steps).ravel(), np.repeat(weights / len(steps), len(steps))
    order = np.argsort(values, kind="stable")
    heavy = weights[order]
    below = (np.cumsum(heavy) - 0.5 * heavy) / heavy.sum()
    return np.asarray(np.interp(SHARES, below, values[order]))
