"""Intervals of picked molecules: how the scores of the next picks will lie about their predictions.

A standard deviation that is right for a molecule drawn at random is not right for one that was picked because its
prediction is good: among many predictions the best are also the luckiest (the winner's curse; Smith, Winkler, Manage.
Sci. 52, 311, 2006), and where a model is asked beyond what it learnt, errors have other sizes and other tails.

With z = (docked - predicted) / s.d., two kinds of evidence speak for two kinds of molecules:

- *What the next round will pick* (:func:`calibrate_next`). The best witness is what was picked **before**, as the
  **present** model predicts it in cross-validation: the same model, the same kind of molecules, none of them learnt.
  The sizes of these errors are right, but they have no common bias, since the model learnt the bias of earlier batches
  away; the next batch will have one. It cannot be forecast from earlier batches (a coefficient of 0 fits best), but how
  large it is can: its s.d. is in ``NEXT``, or ``NEXT_DRAWN`` where the teacher learnt scores with the bad ones drawn
  together, which also makes picks dock worse than predicted. How wide earlier batches turned out to
  be, beside what was foretold of them, is learnt from the campaign itself (:func:`own_factor`).
- *What is left of a shortlist whose best were docked* (:func:`calibrate_rest`). These molecules were predicted by the
  same model as the docked ones: half of their median error and all of its scatter are passed on.

Errors are mixed with a normal distribution of their robust s.d., as heavier or lighter tails than that are not learnt
from some tens of molecules. ``shift`` and ``inflation`` are the median and half the width of the central 68 %: what a
normal distribution needs to be told. Intervals come from the quantiles themselves.

The constants were fitted across tables, by the pinball loss of 13 quantiles; ``benchmarks/picked.py`` has the coverage
of every table by constants that the others gave. It is an empirical forecast: batches are not exchangeable, and no
coverage is guaranteed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

LEAST = 30
"""Fewest picked molecules with a score from which an interval is recalibrated."""
FEW = 10
"""Fewest molecules of a batch that say how wide its errors are."""
BELIEF = 2.0
"""Batches that the constants of all tables are worth."""
SHARES = np.concatenate([[0.0025], np.arange(1, 200) / 200, [0.9975]])
"""Cumulative probabilities that quantiles are kept of."""


@dataclass(frozen=True)
class Constants:
    """What was learnt across tables.

    Attributes
    ----------
    size : float
        Errors of a batch about its own median, as a multiple of those in cross-validation.
    bias : float
        S.d. of a batch's common error, in predictive s.d.
    shift : float
        Its mean; positive is worse than predicted.
    normal : float
        Weight of the normal distribution in the mixture.
    """

    size: float
    bias: float
    shift: float
    normal: float


NEXT = Constants(size=0.95, bias=0.35, shift=0.0, normal=0.6)
NEXT_DRAWN = Constants(size=1.0, bias=0.7, shift=0.2, normal=0.6)
"""The same where bad scores were drawn together before the model learnt them."""
REST = Constants(size=1.0, bias=0.3, shift=0.5, normal=0.3)
"""Of what is left of a shortlist; ``shift`` is the share of the docked molecules' median error that is passed on."""


@dataclass(frozen=True)
class Batch:
    """Molecules with their predictions and what docking said afterwards.

    Attributes
    ----------
    mean, sd : array of float64, shape (n,)
        Predicted before docking; ``sd`` positive.
    docked : array of float64, shape (n,)
        Docking scores, in the scale of the predictions; NaN where docking failed.
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
    """The predictive distribution of (docked - mean) / sd of molecules that were not docked.

    Attributes
    ----------
    shift : float
        Its median; positive where scores come out higher than predicted.
    inflation : float
        Half the width of its central 68 %, over that of a normal distribution.
    quantiles : tuple of float
        At ``SHARES``.
    bias : float
        S.d. of the common error of a batch that is counted in.
    picked : int
        Molecules learnt from.
    """

    shift: float
    inflation: float
    quantiles: tuple[float, ...]
    bias: float
    picked: int

    def adjusted(self, mean: ArrayLike, sd: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and s.d. for whoever wants a normal distribution, each of shape (n,)."""
        centre, spread = np.asarray(mean, np.float64), np.asarray(sd, np.float64)
        return centre + self.shift * spread, self.inflation * spread

    def interval(self, mean: ArrayLike, sd: ArrayLike, level: float) -> tuple[Floats, Floats]:
        """Return the ends of the central intervals that hold ``level`` of such molecules, each of shape (n,).

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


def calibrate_next(
    picked: Batch,
    *,
    drawn: bool = False,
    lower_is_better: bool = True,
    factor: float = 1.0,
    constants: Constants | None = None,
) -> PickedCalibration | None:
    """Return how the errors of the next picked molecules will be distributed; None where too few were picked before.

    Parameters
    ----------
    picked : Batch
        What earlier rounds picked, with what the *present* model predicts of each without having seen it.
    drawn : bool
        Whether scores are drawn together in the scale of the model.
    lower_is_better : bool
    factor : float
        Of :func:`own_factor`.
    constants : Constants, optional
        Instead of those that all tables gave.
    """
    z = picked.z
    if len(z) < LEAST:
        return None
    constants = constants or (NEXT_DRAWN if drawn else NEXT)
    shift = constants.shift if lower_is_better else -constants.shift
    found = _mixture(z - np.median(z), shift, constants)
    quantiles = found.shift + factor * (np.array(found.quantiles) - found.shift)
    return replace(found, quantiles=tuple(quantiles.tolist()), inflation=factor * found.inflation)


def own_factor(earlier: Sequence[tuple[PickedCalibration, Batch]]) -> float:
    """Return by how much wider a campaign's errors are than the constants of all tables say.

    The geometric mean of what its batches showed, with ``BELIEF`` batches that showed nothing: a campaign has a target
    and a library of its own, and both last.

    Parameters
    ----------
    earlier : sequence of (PickedCalibration, Batch)
        What was foretold of each batch, without any factor, and the batch.
    """
    ratios = []
    for foretold, batch in earlier:
        sizes = np.abs(batch.z - foretold.shift)
        if len(sizes) >= FEW:
            ratios.append(
                np.log(max(float(np.quantile(sizes, 0.68)), 1e-3) / (foretold.inflation * ndtri(0.84)))
            )
    return float(np.exp(sum(ratios) / (len(ratios) + BELIEF)))


def calibrate_rest(batch: Batch, constants: Constants = REST) -> PickedCalibration | None:
    """Return how the errors of what is left of the shortlist of ``batch`` are distributed; None if that is too small.

    Parameters
    ----------
    batch : Batch
        The docked ones, with the predictions of the model that predicted the others too.
    constants : Constants
    """
    z = batch.z
    if len(z) < LEAST:
        return None
    return _mixture(z - np.median(z), constants.shift * float(np.median(z)), constants)


def _mixture(errors: Floats, shift: float, constants: Constants) -> PickedCalibration:
    low, high = np.quantile(errors, [0.16, 0.84])
    robust = float(high - low) / 2
    standard = np.asarray(ndtri((np.arange(99) + 0.5) / 99))
    values = constants.size * np.concatenate([errors, robust * standard])
    shares = (
        np.full(len(errors), (1 - constants.normal) / len(errors)),
        np.full(99, constants.normal / 99),
    )
    quantiles = shift + _quantiles(values, np.concatenate(shares), constants.bias)
    low, middle, high = np.interp([0.16, 0.5, 0.84], SHARES, quantiles)
    inflation = float((high - low) / 2 / ndtri(0.84))
    return PickedCalibration(float(middle), inflation, tuple(quantiles.tolist()), constants.bias, len(errors))


def _quantiles(values: Floats, weights: Floats, spread: float) -> Floats:
    """Return quantiles at ``SHARES`` of weighted values, widened by a normal distribution."""
    if spread > 0:
        steps = np.asarray(ndtri((np.arange(15) + 0.5) / 15)) * spread
        values, weights = (values[:, None] + steps).ravel(), np.repeat(weights / len(steps), len(steps))
    order = np.argsort(values, kind="stable")
    heavy = weights[order]
    below = (np.cumsum(heavy) - 0.5 * heavy) / heavy.sum()
    return np.asarray(np.interp(SHARES, below, values[order]))
