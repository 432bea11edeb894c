"""What an audit would say, before it is paid for.

**What stratifying can do, and what it cannot.** A bound that assumes nothing of the model must hold wherever hits
hide. Take any design of n dockings among N molecules, and scatter M hits evenly at random: the chance that none of
them is drawn is C(N - n, M) / C(N, M), so some placement has at least this chance. Hence no bound that is exact for
every placement can be below M when no miss was seen, unless C(N - n, M) / C(N, M) is below the risk: about n M / N
>= log(1 / risk). To vouch for 95 % of the best 0.1 % (M = 0.05 x 0.001 N) takes 3.0 / 0.00005 = 60,000 dockings,
*stratified or not*, whatever the size of the library. What stratifying saves is the rest: where misses must be
expected (just below the cut) a higher fraction is drawn, so that each one seen stands for few. Without it every
miss seen costs another 20,000 or so. A smaller budget buys a claim about more of the best, a lower recall, or a
claim about part of the library (its best tenth by prediction needs a tenth); :func:`what_a_budget_buys` says which,
before it is spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from ...data.seeds import derive_seed
from .bounds import upper_missed
from .design import AuditDesign

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BudgetLine:
    """What an audit would say.

    Attributes
    ----------
    seen : int
        Misses seen.
    likely : float
        Lower bound of the recall if they turn up where the guess has them.
    worst : float
        If all turn up where each stands for the most molecules.
    """

    seen: int
    likely: float
    worst: float


@dataclass(frozen=True)
class BudgetAnswer:
    """What a budget buys, said before it is spent.

    Attributes
    ----------
    design : AuditDesign
    found : int
        Picked molecules at or beyond the threshold.
    lines : tuple of BudgetLine
    expected : float
        Mean lower bound of the recall, over draws from the guess.
    low, high : float
        The bound is in between in 80 % of those draws.
    """

    design: AuditDesign
    found: int
    lines: tuple[BudgetLine, ...]
    expected: float
    low: float
    high: float


def unstratified_dockings(recall: float, best: float, confidence: float = 0.95, seen: int = 0) -> int:
    """Return the dockings of a simple random audit that vouches for ``recall`` of the best share ``best``.

    The share of missed hits must be bounded by (1 - recall) best: of ``seen`` or fewer Poisson events the upper bound
    of the mean is a quantile of the gamma distribution, -log(1 - confidence) where none is seen.

    Examples
    --------
    >>> unstratified_dockings(0.95, 0.001)
    59915
    """
    if not (0 < recall < 1 and 0 < best <= 1 and 0 < confidence < 1 and seen >= 0):
        raise ValueError(f"impossible: recall {recall}, best {best}, confidence {confidence}, seen {seen}")
    return int(np.ceil(gamma.ppf(confidence, seen + 1) / ((1 - recall) * best)))


def what_a_budget_buys(
    design: AuditDesign, found: int, seen: Sequence[int] = (0, 1, 2, 5, 10), draws: int = 50, seed: int = 0
) -> BudgetAnswer:
    """Return the bounds that an audit would give, before it is paid for.

    Parameters
    ----------
    design : AuditDesign
    found : int
        Picked molecules at or beyond the threshold.
    seen : sequence of int
        Numbers of misses to answer for.
    draws : int
        Audits simulated from the guess, at least 1.
    seed : int
    """
    drawn, size = np.array(design.drawn), np.array(design.sizes)
    share = drawn / np.maximum(size, 1)
    mean = np.array(design.expected) * share
    generator = np.random.default_rng(derive_seed(seed, "audit", "plan"))
    known: dict[tuple[int, ...], float] = {}

    def lower(missed: NDArray[np.int64]) -> float:
        key = tuple(np.minimum(missed, drawn).tolist())
        if key not in known:
            upper = upper_missed(design.counts(key), design.confidence, nodes=100).upper
            known[key] = found / (found + upper) if found else 0.0
        return known[key]

    heavy = np.where(drawn > 0, share, np.inf).argmin() if drawn.any() else 0
    lines = []
    for k in seen:
        if k <= drawn.sum():
            worst = np.zeros(len(size), np.int64)
            worst[heavy] = k
            lines.append(BudgetLine(k, lower(_spread(mean, k)), lower(worst)))
    sampled = [lower(generator.poisson(mean)) for _ in range(draws)]
    low, high = np.quantile(sampled, [0.1, 0.9])
    return BudgetAnswer(design, found, tuple(lines), float(np.mean(sampled)), float(low), float(high))


def _spread(mean: Floats, count: int) -> NDArray[np.int64]:
    """Return ``count`` shared out in proportion to ``mean``, by largest remainders."""
    if not mean.sum():
        return np.eye(len(mean), dtype=np.int64)[0] * count
    exact = mean / mean.sum() * count
    whole = np.floor(exact).astype(np.int64)
    rest = np.argsort(whole - exact, kind="stable")[: count - int(whole.sum())]
    whole[rest] += 1
    return whole
