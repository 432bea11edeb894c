"""Failed dockings that were written down as scores.

Programs and scripts that must give every molecule a number give failed ones 0.0, +10.0, 99.9 or 9999. Read as
scores they teach a model that what cannot be docked is merely bad, and the exact tie draws it away from what is
good. They betray themselves: *one* value that many rows share exactly, at the bad end, where neighbouring values
are hardly shared at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST_ROWS = 50
"""Below this many scores nothing is said, but for values far outside (``FAR``)."""
FEWEST_TIES = 5
FEWEST_BETTER = 10
LEAST_SHARE = 0.002
"""Share of the scores that a value needs, so that a rounded score of a huge table is none by its number alone."""
TIMES = 6.0
"""A value must be shared by so many times the rows that share the most shared of its neighbours."""
NEIGHBOURS = 40
"""Distinct values looked at beside each: those of the whole range, where a score has few."""
BAD_END = 0.10
"""A failure's value is worse than all but this share of the scores that are no failures."""
NEAR = 0.5
"""Interquartile ranges before a value that are looked at to tell a clipped distribution from failures."""
FAR = 3.0
"""Interquartile ranges from the quartile at the bad end: no score of the same table lies there by chance."""
MOST_VALUES = 4
"""More failure values than this in one table are a property of the score, not failures."""


@dataclass(frozen=True)
class FailedScores:
    """What :func:`failures_written_as_scores` found.

    Attributes
    ----------
    values : tuple of float
        The values that stand for failures, the worst first; empty if there are none.
    counts : tuple of int
        Rows that have each.
    mask : array of bool, shape (n,)
        True for the rows that are failures.
    explanation : str
        What was found and why, in words; empty if nothing was.
    """

    values: tuple[float, ...]
    counts: tuple[int, ...]
    mask: NDArray[np.bool_]
    explanation: str


def failures_written_as_scores(scores: ArrayLike, lower_is_better: bool) -> FailedScores:
    """Find values that stand for failed dockings among scores.

    From the bad end inwards, a distinct value is one if at least ``FEWEST_TIES`` rows and ``LEAST_SHARE`` of the scores
    have it exactly, few of the other scores are worse, and either

    - it is shared ``TIMES`` as often as its next ``NEIGHBOURS`` distinct values on both sides (but for the three most
      shared of them, which may be failures too): scores rounded to a tenth are shared everywhere, but never so
      unevenly; or
    - it lies ``FAR`` interquartile ranges beyond the quartile, with a gap before it as wide as the interquartile range:
      9999 among scores of -12 to -4 is none.

    A distribution that was clipped (all beyond a limit set to it) has its ties at the very end of scores that go up
    to it in numbers: where nothing is worse and more rows lie within ``NEAR`` interquartile ranges before the value
    than half of those that have it, it is taken for a limit. That is not asked of the values that programs write
    for failures (:func:`usual`): scores that really were cut at 0 or 10 cannot be told from failures by the numbers
    alone, and little is lost by leaving out rows that are bad in either case. The good end is never looked at.

    Parameters
    ----------
    scores : array of float, shape (n,)
        NaN where missing; infinite ones are not looked at.
    lower_is_better : bool

    Returns
    -------
    FailedScores
    """
    given = np.asarray(scores, np.float64).ravel()
    finite = np.isfinite(given)
    turned = given if lower_is_better else -given  # larger is worse
    values, counts = np.unique(turned[finite], return_counts=True)
    values, counts = values[::-1], counts[::-1]  # the worst first
    found: list[int] = []
    total = int(counts.sum())
    while len(found) <= MOST_VALUES:
        index = _next_failure(values, counts, found, total)
        if index is None:
            break
        found.append(index)
    if len(found) > MOST_VALUES or not found:
        return FailedScores((), (), np.zeros(len(given), bool), "")
    found.sort()
    named = tuple(float(value if lower_is_better else -value) + 0.0 for value in values[found])
    mask = finite & np.isin(turned, values[found])
    numbers = tuple(int(count) for count in counts[found])
    said = ", ".join(f"{count} of exactly {value:g}" for value, count in zip(named, numbers, strict=True))
    rest = np.delete(counts, found)
    explanation = (
        f"{int(mask.sum())} of {total} scores ({100 * mask.sum() / total:.1f} %) look like failed dockings that were "
        f"written as numbers: {said}, at the bad end, where no other value is shared by more than "
        f"{int(rest[: NEIGHBOURS + found[-1]].max(initial=0))} rows."
    )
    return FailedScores(named, numbers, mask, explanation)


def usual(value: float) -> bool:
    """Return whether programs write ``value`` for a failure: 0, powers of ten, and 99, 99.9, 999, 9999 and the like."""
    digits = f"{abs(value):.6g}".replace(".", "")
    return value == 0 or (abs(value) >= 10 and (set(digits) == {"9"} or digits.rstrip("0") == "1"))


def _next_failure(
    values: NDArray[np.float64], counts: NDArray[np.int64], found: list[int], total: int
) -> int | None:
    """Return the index of the worst value, not ``found`` yet, that stands for a failure."""
    others = np.ones(len(values), bool)
    others[found] = False
    least = max(FEWEST_TIES, LEAST_SHARE * total)
    for index in np.flatnonzero(others & (counts >= least)).tolist():
        rest = others.copy()
        rest[index] = False
        left = int(counts[rest].sum())
        if not left or counts[:index][others[:index]].sum() > BAD_END * left:
            return None  # this one and all after it are no longer at the bad end
        better = np.repeat(values[index + 1 :], counts[index + 1 :] * rest[index + 1 :])
        if len(better) < FEWEST_BETTER:
            continue
        if _apart(float(values[index]), better):
            return int(index)
        uneven = total >= FEWEST_ROWS and _uneven(counts, rest, index)
        if uneven and not (
            rest[:index].sum() == 0 and _clipped(float(values[index]), int(counts[index]), better)
        ):
            return int(index)
    return None


def _uneven(counts: NDArray[np.int64], rest: NDArray[np.bool_], index: int) -> bool:
    """Return whether a value is shared far more often than those next to it on either side."""
    places = np.flatnonzero(rest)
    split = int(np.searchsorted(places, index))
    near = counts[places[max(0, split - NEIGHBOURS) : split + NEIGHBOURS]]
    if len(near) < FEWEST_BETTER:
        return False
    # Others of these may be failures too, which are not found yet; a coarse score has too few values to say so.
    usually = int(np.sort(near)[-MOST_VALUES if len(near) >= NEIGHBOURS else -1])
    return bool(counts[index] >= TIMES * max(1, usually))


def _apart(value: float, better: NDArray[np.float64]) -> bool:
    """Return whether a value is so far beyond all scores that are better that it is none of them."""
    first, third = np.percentile(better, [25, 75])
    reach = third - first
    return bool(reach > 0 and value > third + FAR * reach and value - better[0] >= reach)


def _clipped(value: float, count: int, better: NDArray[np.float64]) -> bool:
    """Return whether a value looks like a limit that scores run up to."""
    first, third = np.percentile(better, [25, 75])
    close = int((better >= value - NEAR * (third - first)).sum())
    return not usual(value) and close > count / 2
