"""Whether the next dockings will bring a new best score: a rule about records, with what the last batch came to.

What a model predicts of its best candidates, with errors of every kind that was tried, is no forecast of that: over
retrospective campaigns it was worse than the share of batches that brought a new best score. What is known without a
model is better. If all picks were alike, the best of n further ones would be the best of all m + n with probability
n / (m + n); and the nearer the last batch came to the best score, the likelier the next one passes it. The chance is a
logistic regression on both, with constants from retrospective campaigns; ``benchmarks/decisions.py`` judges it by
constants that the other tables gave. By **how much** the best score improves was not forecast better than by the share
either, and is not stated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..calibration.picked import LEAST

Floats = NDArray[np.float64]

INTERCEPT, SHARE, DISTANCE = 0.54, 1.57, -3.56
"""Of the logit: by itself, per log(n / (m + n)), and per unit that the last batch stayed behind."""


@dataclass(frozen=True)
class Records:
    """What earlier batches came to.

    Attributes
    ----------
    picked : int
        Molecules that were picked and docked.
    behind : float
        By how much the last batch stayed behind the best score of all, in units of the distance between the median and
        the best tenth of the seed sample; 0 if it holds the best.
    """

    picked: int
    behind: float

    @classmethod
    def of(cls, seed_sample: ArrayLike, batches: list[Floats], lower_is_better: bool) -> Records | None:
        """Return what docking scores of the seed sample and of each batch say; None where that is too little.

        Parameters
        ----------
        seed_sample : array of float, shape (n,)
            NaN where docking failed.
        batches : list of arrays
            Oldest first.
        lower_is_better : bool
        """
        sign = 1.0 if lower_is_better else -1.0
        random = sign * np.asarray(seed_sample, np.float64)
        random = random[np.isfinite(random)]
        picked = [sign * item[np.isfinite(item)] for item in batches]
        picked = [item for item in picked if len(item)]
        if len(random) < 10 or sum(map(len, picked)) < LEAST:
            return None
        unit = float(np.quantile(random, 0.5) - np.quantile(random, 0.1))
        if unit <= 0:
            return None
        best = min(float(item.min()) for item in [random, *picked])
        return cls(sum(map(len, batches)), (float(picked[-1].min()) - best) / unit)

    def features(self, dockings: int) -> tuple[float, float]:
        """Return what the regression is on."""
        return float(np.log(dockings / (self.picked + dockings))), self.behind

    def chance(self, dockings: int) -> float:
        """Return the probability that the best of so many further picks is better than all before."""
        share, behind = self.features(dockings)
        return float(1 / (1 + np.exp(-(INTERCEPT + SHARE * share + DISTANCE * behind))))
