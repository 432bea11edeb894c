"""Early recognition: BEDROC and the robust initial enhancement that it rests on.

Truchon, Bayly, J. Chem. Inf. Model. 47, 488 (2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _mean_weights(values: NDArray[np.float64], alpha: float, lower_is_better: bool) -> NDArray[np.float64]:
    """Return exp(-alpha rank / n) of each molecule, ranks from 1; tied molecules share the mean of theirs."""
    _, inverse, sizes = np.unique(
        values if lower_is_better else -values, return_inverse=True, return_counts=True
    )
    weights = np.exp(-alpha * np.arange(1, len(values) + 1) / len(values))
    ends = np.cumsum(sizes)
    means: NDArray[np.float64] = np.add.reduceat(weights, ends - sizes) / sizes
    return means[inverse]


def bedroc(
    active: ArrayLike, predicted: ArrayLike, alpha: float = 20.0, lower_is_better: bool = True
) -> float:
    """Return the Boltzmann-enhanced discrimination of the receiver operating characteristic.

    With n actives among N molecules, Ra = n / N and ranks r_i from 1::

        RIE    = (1/n sum exp(-alpha r_i / N)) / (1/N (1 - exp(-alpha)) / (exp(alpha / N) - 1))
        BEDROC = (RIE - RIE_min) / (RIE_max - RIE_min)

    with RIE_max and RIE_min those of a large N with all actives first or last. It is the probability that an
    active comes before a molecule drawn from an exponential distribution of ranks; comparable only at equal
    ``alpha``, and to be read so only where ``alpha * Ra`` is far below 1.

    Parameters
    ----------
    active : array of bool, shape (n,)
    predicted : array of float, shape (n,)
        Tied predictions get the mean over all orders among them.
    alpha : float
        Weight of early ranks, in (0, 500]: at 20, the first 8 % of the ranks weigh 80 %.
    lower_is_better : bool
        Of the predictions.

    Returns
    -------
    float
        In [0, 1], up to what a finite number of molecules makes of the limits; NaN where there are no
        actives, or nothing else.

    Raises
    ------
    ValueError
        If the shapes differ, nothing is given, a prediction is NaN, or ``alpha`` is out of range.

    Examples
    --------
    >>> active = np.array([True, False, True, False, False, False])
    >>> predicted = np.array([-9.0, -8.0, -7.5, -6.0, -5.5, -5.0])
    >>> round(docksieve.bedroc(active, predicted, alpha=2.0), 3)
    0.839
    """
    mask, values = np.asarray(active, bool), np.asarray(predicted, np.float64)
    if mask.ndim != 1 or mask.shape != values.shape or not len(mask):
        raise ValueError(
            f"expected two equally long, non-empty vectors, got shapes {mask.shape} and {values.shape}"
        )
    if np.isnan(values).any():
        raise ValueError("predictions hold NaN; leave those molecules out before measuring")
    if not 0 < alpha <= 500:
        raise ValueError(f"alpha must be in (0, 500], not {alpha}")
    total, actives = len(mask), int(mask.sum())
    if actives in (0, total):
        return float("nan")
    ratio = actives / total
    found = _mean_weights(values, alpha, lower_is_better)[mask].mean()
    at_random = -np.expm1(-alpha) / np.expm1(alpha / total) / total
    enhancement = found / at_random
    # The same limits as in the paper, with no exponential that can overflow.
    most = np.expm1(-alpha * ratio) / (ratio * np.expm1(-alpha))
    least = np.exp(-alpha * (1 - ratio)) * np.expm1(-alpha * ratio) / (ratio * np.expm1(-alpha))
    return float((enhancement - least) / (most - least))
