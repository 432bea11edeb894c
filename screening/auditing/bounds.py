"""How many were missed: an exact upper confidence bound of a total over strata, assuming nothing of the model.

What was not picked is divided into strata (by predicted rank, say) before the draw. Of the N_h molecules of stratum
h, n_h are drawn at random without replacement and docked; k_h of them turn out to be hits that were missed. Nothing
is assumed of how many hits m_h a stratum holds; the only chance is that of the draw. Wanted is an upper bound of
the total m = m_1 + ... + m_H.

**The bound.** Let S = sum_h floor(w_h k_h) with weights w_h inversely proportional to the fraction drawn: what the
stratified estimator orders outcomes by, fixed by the design alone. The bound is the largest total of a configuration
(m_1, ..., m_H) that agrees with what was seen and has P(S <= s | m_1, ..., m_H) > risk, s being the value seen
(Buehler 1957; for stratified finite populations Wendell, Schmee, J. Am. Stat. Assoc. 91, 825, 1996).

*Proof of coverage.* Let m* be the truth. It always agrees with what was seen, so the bound can be below its total only
if P(S <= s | m*) <= risk for the s that was seen. For any distribution of S, the probability of drawing such an
s is at most the risk (the values with that property are an initial piece of S's range, whose last member has a
cumulative probability of at most the risk). Q.E.D. No limit theorem, no model, no prior.

**The search.** K_h grows stochastically with m_h and S grows with every k_h, so P(S <= s | m) falls in every m_h: the
configurations that are not excluded form a set closed downwards. Over such a set the largest total is found by branch
and bound: a box of configurations is out if its lowest corner is excluded, each side is cut where the corner moved
along it alone is excluded, and what is left is halved. The value returned is the *outer* bound, never below the
maximum: stopping early costs width, never coverage. Configurations are looked at on a grid that holds all numbers up
to 64 and grows by half a percent from there, each interval again taken by its upper end.

With no miss seen the bound is about log(1 / risk) / f with f the least fraction drawn; a shared-out risk
would add up one such term for every stratum.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from .hypergeometric import Floats, hypergeometric_pmf, marked_upper

RESOLUTION = 100
"""Weight of a miss in the most thinly sampled stratum: what the statistic resolves."""
MARGIN = 1e-9
"""Configurations this close to the risk stay in: numbers in floating point never exclude one wrongly."""


@dataclass(frozen=True)
class StratumCount:
    """What the draw from one stratum showed.

    Attributes
    ----------
    size : int
        Molecules of the stratum, none of them picked: N_h.
    drawn : int
        Of those, drawn at random and sent to docking: n_h.
    missed : int
        Of those, docked to a score at or beyond the threshold: k_h.
    failed : int
        Of those drawn, without a score.
    """

    size: int
    drawn: int
    missed: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        if min(self.size, self.drawn, self.missed, self.failed) < 0 or self.drawn > self.size:
            raise ValueError(f"impossible stratum: {self}")
        if self.missed + self.failed > self.drawn:
            raise ValueError(f"more missed and failed than drawn: {self}")

    @property
    def fraction(self) -> float:
        """Share of the stratum that was drawn; 1 for an empty stratum, about which everything is known."""
        return self.drawn / self.size if self.size else 1.0


@dataclass(frozen=True)
class MissedBound:
    """An upper confidence bound of the missed hits.

    Attributes
    ----------
    upper : int
        With the stated confidence there are no more.
    within : int
        A configuration with this total is not excluded: the best bound of this kind lies in [within, upper].
    estimate : float
        Horvitz-Thompson estimate of the total, over the strata that were sampled.
    """

    upper: int
    within: int
    estimate: float


class _Stratum:
    """Distribution of a stratum's part of the statistic, for hits on a grid of numbers."""

    def __init__(self, count: StratumCount, seen: int, weight: float, limit: int) -> None:
        self.size, self.drawn, self.limit = count.size, count.drawn, limit
        low, high = seen, count.size - (count.drawn - seen)
        points = [low]
        while points[-1] < high:
            points.append(min(high, max(points[-1] + 1, int(points[-1] * 1.005))))
        self.grid: NDArray[np.int64] = np.array(points, dtype=np.int64)
        # floor(weight k) <= limit exactly for the k below this
        self.most = min(int((limit + 1) / weight) + 1, count.drawn)
        self.bins: NDArray[np.int64] = np.floor(weight * np.arange(self.most + 1) + 1e-9).astype(np.int64)
        self.kept: dict[int, Floats] = {}

    def upper_end(self, index: int) -> int:
        """Return the largest number of hits that the grid point ``index`` stands for."""
        return int(self.grid[index + 1]) - 1 if index + 1 < len(self.grid) else int(self.grid[index])

    def pmf(self, index: int) -> Floats:
        """Return P(floor(w K) = u) for u = 0 ... limit, where the stratum has ``grid[index]`` hits."""
        if index not in self.kept:
            values = hypergeometric_pmf(self.size, int(self.grid[index]), self.drawn, self.most)
            inside = self.bins <= self.limit
            binned = np.bincount(self.bins[inside], weights=values[inside], minlength=self.limit + 1)
            self.kept[index] = np.asarray(binned, np.float64)
        return self.kept[index]

    @cached_property
    def last(self) -> int:
        return len(self.grid) - 1


Corner = tuple[int, ...]


class _Search:
    """Branch and bound for the largest total that is not excluded."""

    def __init__(self, strata: Sequence[_Stratum], risk: float, limit: int) -> None:
        self.strata, self.risk, self.limit = strata, risk, limit

    def _convolved(self, parts: list[Floats]) -> Floats:
        whole = np.zeros(self.limit + 1)
        whole[0] = 1.0
        for part in parts:
            convolve = np.convolve if self.limit < 500 else fftconvolve
            whole = np.maximum(convolve(whole, part)[: self.limit + 1], 0.0)
        return whole

    def shrunk(self, low: Corner, high: Corner) -> tuple[Corner, int] | None:
        """Return the box's upper corner cut to size and the largest total seen inside, or None if it is out."""
        parts = [stratum.pmf(index) for stratum, index in zip(self.strata, low, strict=True)]
        ends, total = [], sum(int(s.grid[i]) for s, i in zip(self.strata, low, strict=True))
        best = total
        for place, stratum in enumerate(self.strata):
            others = np.cumsum(self._convolved(parts[:place] + parts[place + 1 :]))[::-1]

            def stays(index: int, stratum: _Stratum = stratum, others: NDArray[np.float64] = others) -> bool:
                return float(stratum.pmf(index) @ others) > self.risk - MARGIN

            if place == 0 and not stays(low[0]):
                return None
            first, last = low[place], high[place]
            if not stays(last):
                while last - first > 1:
                    middle = (first + last) // 2
                    first, last = (middle, last) if stays(middle) else (first, middle)
                last = first
            ends.append(last)
            best = max(best, total + int(stratum.grid[last] - stratum.grid[low[place]]))
        return tuple(ends), best

    def outer(self, high: Corner) -> int:
        return sum(stratum.upper_end(index) for stratum, index in zip(self.strata, high, strict=True))

    def run(self, tolerance: float, nodes: int) -> tuple[int, int]:
        """Return a total that no allowed configuration exceeds, and the largest one that was met."""
        root: Corner = (0,) * len(self.strata)
        found = self.shrunk(root, tuple(stratum.last for stratum in self.strata))
        if found is None:  # cannot be: with nothing but what was seen, S <= s is certain
            raise ArithmeticError("the configuration that was seen is excluded")
        high, best = found
        queue: list[tuple[int, Corner, Corner]] = [(-self.outer(high), root, high)]
        for _ in range(nodes):
            top, low, high = queue[0]
            widest = max(range(len(low)), key=lambda h: self._width(h, low[h], high[h]))
            if -top - best <= tolerance * -top or low[widest] == high[widest]:
                break
            heapq.heappop(queue)
            middle = (low[widest] + high[widest]) // 2
            halves = [
                (low, (*high[:widest], middle, *high[widest + 1 :])),
                ((*low[:widest], middle + 1, *low[widest + 1 :]), high),
            ]
            for corner, far in halves:
                part = self.shrunk(corner, far)
                if part is not None:
                    best = max(best, part[1])
                    if self.outer(part[0]) > best:
                        heapq.heappush(queue, (-self.outer(part[0]), corner, part[0]))
            if not queue:
                return best, best
        return max(-queue[0][0], best), best

    def _width(self, place: int, low: int, high: int) -> int:
        grid = self.strata[place].grid
        return int(grid[high] - grid[low])


def upper_missed(
    strata: Sequence[StratumCount],
    confidence: float = 0.95,
    *,
    failures_missed: bool = True,
    tolerance: float = 0.01,
    nodes: int = 400,
) -> MissedBound:
    """Return the exact upper confidence bound of the missed hits of all strata together.

    Parameters
    ----------
    strata : sequence of StratumCount
        Strata, sizes drawn and threshold must have been fixed before the draw.
    confidence : float
        In (0, 1).
    failures_missed : bool
        Count drawn molecules without a score as missed hits. The property bounded is then "is a hit or would fail",
        which holds for at least as many molecules: conservative whatever a failure hides. Otherwise a molecule that
        fails is no hit, which is right where failing is a property of the molecule.
    tolerance : float
        The search may stop when its outer bound is this close to a total that is allowed, relative to it.
    nodes : int
        Boxes it may halve.

    Returns
    -------
    MissedBound

    Raises
    ------
    ValueError
        If ``confidence`` is out of range.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
    seen = [item.missed + (item.failed if failures_missed else 0) for item in strata]
    estimate = sum(k / item.fraction for item, k in zip(strata, seen, strict=True) if item.drawn)
    # A stratum drawn whole is known, and one never drawn from may be all hits: neither is left to chance.
    known = sum(k for item, k in zip(strata, seen, strict=True) if item.drawn == item.size)
    known += sum(item.size for item in strata if item.drawn == 0)
    open_strata = [(item, k) for item, k in zip(strata, seen, strict=True) if 0 < item.drawn < item.size]
    if not open_strata:
        return MissedBound(known, known, estimate)
    if len(open_strata) == 1:
        item, k = open_strata[0]
        upper = known + marked_upper(item.size, item.drawn, k, 1 - confidence)
        return MissedBound(upper, upper, estimate)
    least = min(item.fraction for item, _ in open_strata)
    weights = [RESOLUTION * least / item.fraction for item, _ in open_strata]
    limit = sum(int(np.floor(w * k + 1e-9)) for w, (_, k) in zip(weights, open_strata, strict=True))
    parts = [_Stratum(item, k, w, limit) for w, (item, k) in zip(weights, open_strata, strict=True)]
    upper, within = _Search(parts, 1 - confidence, limit).run(tolerance, nodes)
    return MissedBound(known + upper, known + within, estimate)
