"""The hypergeometric distribution, by sums that stay exact where a billion molecules stand in a stratum.

Of N molecules m are marked and n are drawn without replacement; K of those drawn are marked. Differences of
log-gamma functions of a billion lose six digits; here the first probability is a product of min(n, m) ratios, and
the others follow by the ratio of neighbours (Johnson, Kemp, Kotz, Univariate Discrete Distributions, 2005, ch. 6).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def hypergeometric_pmf(size: int, marked: int, drawn: int, most: int) -> Floats:
    """Return P(K = k) for k = 0 ... ``most``.

    Parameters
    ----------
    size, marked, drawn : int
        N, m and n; 0 <= m, n <= N.
    most : int
        Largest k wanted, at least 0.

    Returns
    -------
    array of float64, shape (most + 1,)
    """
    _check(size, marked, drawn)
    pmf = np.zeros(most + 1)
    least = max(0, marked + drawn - size)
    top = min(marked, drawn, most)
    if least > top:
        return pmf
    few, many = sorted((marked, drawn))
    if least == 0:
        # P(K = 0): none of the fewer falls among the many
        start = float(np.log1p(-many / (size - np.arange(few, dtype=float))).sum())
    else:
        # as few as can be: all that are not marked were drawn
        plain = np.arange(size - marked, dtype=float)
        start = float((np.log(drawn - plain) - np.log(size - plain)).sum())
    k = np.arange(least, top, dtype=float)
    steps = np.log(marked - k) + np.log(drawn - k) - np.log(k + 1) - np.log(size - marked - drawn + k + 1)
    pmf[least : top + 1] = np.exp(start + np.concatenate([[0.0], np.cumsum(steps)]))
    return pmf


def hypergeometric_cdf(size: int, marked: int, drawn: int, seen: int) -> float:
    """Return P(K <= seen); 0 for a negative ``seen``. Parameters as for :func:`hypergeometric_pmf`."""
    _check(size, marked, drawn)
    if seen < 0:
        return 0.0
    if seen >= min(marked, drawn):
        return 1.0
    return float(min(1.0, hypergeometric_pmf(size, marked, drawn, seen).sum()))


def marked_upper(size: int, drawn: int, seen: int, risk: float) -> int:
    """Return the exact upper confidence bound of the marked molecules of one stratum.

    The largest m with P(K <= seen | m) > risk (Buehler, J. Am. Stat. Assoc. 52, 482, 1957): P falls with m, so a
    true m above the bound has P(K <= seen) <= risk, and the values of K that lead there have no more than that.

    Parameters
    ----------
    size, drawn : int
        N and n; with n = 0 nothing is known, and the bound is N.
    seen : int
        Marked molecules among those drawn, 0 <= seen <= n.
    risk : float
        In (0, 1).

    Returns
    -------
    int
        Between ``seen`` and ``size - (drawn - seen)``.

    Raises
    ------
    ValueError
        If the counts contradict each other.
    """
    if not 0 <= seen <= drawn <= size or not 0 < risk < 1:
        raise ValueError(f"impossible: {seen} seen of {drawn} drawn of {size}, at risk {risk}")
    low, high = seen, size - (drawn - seen)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if hypergeometric_cdf(size, middle, drawn, seen) > risk else (low, middle - 1)
        )
    return low


def _check(size: int, marked: int, drawn: int) -> None:
    if not (0 <= marked <= size and 0 <= drawn <= size):
        raise ValueError(f"impossible: {marked} marked and {drawn} drawn of {size}")
