"""A learning curve: a power law with a floor, and how little a few points say about it.

    y(n) = a + b n^-c

(Cortes et al., NIPS 1993; Hestness et al., arXiv 1712.00409, 2017): a is what no amount of scores would mend. For a
given c the law is linear in a and b, so the likelihood is profiled over c on a grid. Every interval is a
profile-likelihood interval (Venzon, Moolgavkar, Appl. Stat. 37, 87, 1988): a value v of any quantity x'(a, b) is
inside if some c has

    RSS(c) + (v - estimate(c))^2 / h(c) <= RSS_min + q s^2,

h being its variance in units of s^2, and q the quantile of F(1, m - 3), or of chi-square with one degree where
errors are known. Points of one campaign share molecules, so their errors are correlated: neighbours by
``correlation``, those k apart by its k-th power.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]

EXPONENTS = np.geomspace(0.02, 4.0, 300)
"""Values of c that are looked at."""


@dataclass(frozen=True)
class LearningCurve:
    """A fitted law.

    Attributes
    ----------
    status : str
        ``fits``; ``does not fit`` (the points bend as no such law does); ``no trend`` (a constant does as well); or
        ``cannot say`` (too few points).
    reason : str
    floor, gain, exponent : float
        a, b and c; NaN where nothing can be said.
    floor_interval, exponent_interval : (float, float)
        At ``confidence``; infinite where the points set no limit (c was allowed from 0.02 to 4).
    residual : float
        S.d. of the points around the law, in the unit of y (in units of their own errors where these are known).
    points : int
    confidence : float
    errors_known : bool
        Whether the points came with standard errors.
    """

    status: str
    reason: str
    floor: float
    gain: float
    exponent: float
    floor_interval: tuple[float, float]
    exponent_interval: tuple[float, float]
    residual: float
    points: int
    confidence: float
    errors_known: bool = False
    _profile: tuple[Floats, Floats, Floats, float] | None = field(default=None, repr=False, compare=False)

    def at(self, size: float, *, new_point: bool = False, error: float = 0.0) -> tuple[float, float, float]:
        """Return the value at a training-set size and its interval; the interval holds the uncertainty of c.

        Parameters
        ----------
        size : float
            n.
        new_point : bool
            Whether the interval is of a point to be measured, not of the law.
        error : float
            Standard error of that point, where the errors of the others were given.

        Raises
        ------
        ValueError
            If no law was fitted, or ``size`` is not positive.
        """
        if self._profile is None:
            raise ValueError(f"no learning curve to extrapolate: {self.reason}")
        if not size > 0:
            raise ValueError(f"a size must be positive, not {size}")
        if new_point and self.errors_known and not error > 0:
            raise ValueError("points had standard errors: give that of the new one")
        coefficients, covariances, room, quantile = self._profile
        row = np.stack([np.ones(len(EXPONENTS)), size**-EXPONENTS], axis=1)
        extra = (error**2 if error else self.residual**2) * quantile if new_point else 0.0
        low, high = _interval(row, coefficients, covariances, room, extra)
        return self.floor + self.gain * size**-self.exponent, low, high

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what is not a number is None."""
        values = {name: value for name, value in asdict(self).items() if name != "_profile"}

        def plain(value: Any) -> Any:
            if isinstance(value, tuple):
                return [plain(item) for item in value]
            return None if isinstance(value, float) and not np.isfinite(value) else value

        return {name: plain(value) for name, value in values.items()}


def fit_learning_curve(
    sizes: ArrayLike,
    values: ArrayLike,
    errors: ArrayLike | None = None,
    *,
    correlation: float = 0.3,
    confidence: float = 0.9,
) -> LearningCurve:
    """Return the power law with a floor that fits best, or why none can be told.

    Parameters
    ----------
    sizes : array of float, shape (m,)
        Training molecules, positive and distinct.
    values : array of float, shape (m,)
        Error, or recall: rising curves have a negative gain.
    errors : array of float, shape (m,), optional
        Standard errors of the values; without, the scatter around the law is taken, at the price of a degree of
        freedom.
    correlation : float
        Of neighbouring points' errors, in [0, 1).
    confidence : float

    Raises
    ------
    ValueError
        If the input is malformed.
    """
    size, value = np.asarray(sizes, np.float64), np.asarray(values, np.float64)
    if size.ndim != 1 or size.shape != value.shape:
        raise ValueError(f"expected two equally long vectors, got shapes {size.shape} and {value.shape}")
    if not (size > 0).all() or not np.isfinite(size + value).all() or len(np.unique(size)) < len(size):
        raise ValueError("sizes must be positive and distinct, and all values finite")
    if not 0 <= correlation < 1 or not 0 < confidence < 1:
        raise ValueError(f"impossible: correlation {correlation}, confidence {confidence}")
    error = np.ones(len(size)) if errors is None else np.asarray(errors, np.float64)
    if error.shape != size.shape or not (error > 0).all():
        raise ValueError("errors must be positive, one for each point")
    needed = 5 if errors is None else 4
    if len(size) < needed:
        reason = f"{len(size)} points; a law with three unknowns needs {needed}"
        return _unfitted("cannot say", reason, len(size), confidence)
    order = np.argsort(size)
    size, value, error = size[order], value[order], error[order]
    places = np.arange(len(size))
    whiten = np.linalg.inv(
        np.linalg.cholesky(correlation ** np.abs(places[:, None] - places) * np.outer(error, error))
    )
    target, ones = whiten @ value, whiten @ np.ones(len(size))
    if np.ptp(value) == 0:
        return _unfitted("no trend", "all values are equal", len(size), confidence)
    # a reference size keeps n^-c near one, so that the equations stay well-posed for every c
    middle = float(np.exp(np.log(size).mean()))
    coefficients, covariances, squares = [], [], []
    for c in EXPONENTS:
        design = np.stack([ones, whiten @ (size / middle) ** -c], axis=1)
        inverse = np.linalg.inv(design.T @ design)
        found = inverse @ design.T @ target
        squares.append(float(((target - design @ found) ** 2).sum()))
        back = np.diag([1.0, middle**c])
        coefficients.append(back @ found)
        covariances.append(back @ inverse @ back)
    free = len(size) - 3
    best = int(np.argmin(squares))
    variance = squares[best] / free if errors is None else 1.0
    variance = max(variance, 1e-12 * float(np.var(value)) if errors is None else 0.0)
    quantile = stats.f.ppf(confidence, 1, free) if errors is None else stats.chi2.ppf(confidence, 1)
    status, reason = _status(size, target, ones, whiten, squares[best], errors is not None)
    room = squares[best] + quantile * variance - np.array(squares)
    stacked, spread = np.array(coefficients), np.array(covariances)
    inside = np.flatnonzero(room >= 0)
    exponents = (
        0.0 if inside[0] == 0 else float(EXPONENTS[inside[0]]),
        float("inf") if inside[-1] == len(EXPONENTS) - 1 else float(EXPONENTS[inside[-1]]),
    )
    row = np.tile([1.0, 0.0], (len(EXPONENTS), 1))
    floor = _interval(row, stacked, spread, room)
    if exponents[0] == 0.0:
        # a law without a floor is not excluded: with c towards 0 the floor runs away in the direction of the trend
        falling = value[-1] < value[0]
        floor = (-np.inf, floor[1]) if falling else (floor[0], np.inf)
    return LearningCurve(
        status=status,
        reason=reason,
        floor=float(stacked[best, 0]),
        gain=float(stacked[best, 1]),
        exponent=float(EXPONENTS[best]),
        floor_interval=floor,
        exponent_interval=exponents,
        residual=float(np.sqrt(squares[best] / free)),
        points=len(size),
        confidence=confidence,
        errors_known=errors is not None,
        _profile=(stacked, spread, room, float(quantile)),
    )


def _status(
    size: Floats, target: Floats, ones: Floats, whiten: Floats, squares: float, known: bool
) -> tuple[str, str]:
    """Return whether the law fits: against its own errors or a bend of the residuals, and against a constant."""
    free = len(size) - 3
    constant = float((ones @ target) / (ones @ ones))
    flat = float(((target - constant * ones) ** 2).sum())
    if known:
        chance = float(stats.chi2.sf(squares, free))
        if chance < 0.05:
            return "does not fit", f"the points scatter more than their errors (p = {chance:.3f})"
        trend = float(stats.chi2.sf(flat - squares, 2))
    else:
        # a polynomial in log n bends as it likes: if it does much better for what it costs, the law has the wrong shape
        degree = 3 if len(size) < 10 else 5
        shape = whiten @ np.vander(np.log(size / size[0]) / np.log(size[-1] / size[0]), degree + 1)
        rest = float(((target - shape @ np.linalg.lstsq(shape, target, rcond=None)[0]) ** 2).sum())
        more, left = degree - 2, len(size) - degree - 1
        scatter = max(rest / max(left, 1), 1e-12 * float(target @ target))
        if left > 1 and stats.f.sf((squares - rest) / more / scatter, more, left) < 0.01:
            return "does not fit", "the points bend as no power law does"
        trend = float(stats.f.sf((flat - squares) / 2 / max(squares / free, 1e-300), 2, free))
    if trend > 0.1:
        return "no trend", f"a constant does as well (p = {trend:.2f})"
    return "fits", "a power law with a floor agrees with the points"


def _interval(
    row: Floats, coefficients: Floats, covariances: Floats, room: Floats, extra: float = 0.0
) -> tuple[float, float]:
    """Return the ends of a profile-likelihood interval of row'(a, b): the union over all c that are allowed."""
    inside = room >= 0
    estimate = np.einsum("ki,ki->k", row, coefficients)[inside]
    unit = np.einsum("ki,kij,kj->k", row, covariances, row)[inside]
    half = np.sqrt(np.maximum(unit, 0) * room[inside] + extra)
    return float((estimate - half).min()), float((estimate + half).max())


def _unfitted(status: str, reason: str, points: int, confidence: float) -> LearningCurve:
    nan = float("nan")
    return LearningCurve(
        status, reason, nan, nan, nan, (-np.inf, np.inf), (0.0, np.inf), nan, points, confidence
    )
