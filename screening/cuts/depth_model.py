"""How much to keep where too few of the best are docked for order statistics: how deep the best lie.

Not the score given the prediction is modelled, but the prediction given the score, and only among the better docked
molecules. Scores and predictions are replaced by normal scores of their ranks (van der Waerden 1952), turned so that
larger is better: x of the score among the n docked, w of the prediction among the library's.

1. In each of several nested tails (the best 40, 20 and 10 % by score) w = a + b x + c x^2 + s e, e normal, by
   conjugate Bayesian regression (Gelman et al., Bayesian Data Analysis, 3rd ed., 14.2), with the usual flat prior but
   for c, which is normal about 0 with standard deviation ``CURVATURE`` times s: a bend that few molecules cannot
   show is possible, not certain. The tails count the same; where they disagree, the one that asks for more decides.
2. What no regression within the docked molecules shows, a shift that all of the best share, is normal with standard
   deviation ``doubt`` times s. The doubt is large where predictions hardly rise with the scores of the best: there
   the best are molecules of which the teacher knows little; and where hardly any of the best are docked. Its form
   was found on tables of known scores, its scale is set by ``benchmarks/promises.py``.
3. A normal scatter has too short a tail for a recall near 1: what is missed then is what the teacher knows nothing
   of. So a molecule is missed as often as by the normal law, or as often as the residuals of any tail miss it, or as if
   a share of the best were any molecules (twice the share of the best tenth docked that is predicted among the worse
   half), whichever is most; both shares are drawn with their sampling error, and one miss more is counted than seen.
4. The library has k = best x N such molecules. At a cut z each is kept with the probability that steps 1 to 3 give, so
   that the number kept is binomial; molecules that tie with the last of them fill its place. This gives the predictive
   distribution of the recall over everything that is not known, not a bound of its mean.
5. Steps 1 and 3 are cautious each on its own account (several tails, the worst of three laws, a miss that nobody saw),
   and together far too cautious: with the deviate of the confidence taken whole, 99.9 % of the promises of 95 % were
   kept on tables. So the cut is the deepest at which the share wanted is kept with probability Phi(``CAUTION`` x
   Phi^-1(C)). ``CAUTION`` is what tables of other kinds and simulations choose where 1,000 are docked, whichever kind
   is left out.

A confidence is printed only if the docked molecules can carry it (:func:`obstacles`): else the predictive distribution
of the regressions alone (step 1) is given, as an estimate: the margins of steps 2 and 3 would be so wide there that
nothing is screened out. Nothing here is free of assumptions, as the order statistics are.
"""

from __future__ import annotations

from math import floor

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from .cut import Cut, CutGoal
from .depth_tails import DOUBT, Doubt, Tails, deepest, depths, plain, regress_tails
from .order_statistics import dockings_needed, oriented, share_bounds

LEAST = 30
"""Fewest held-out molecules from which anything is estimated."""
MISSED = 0.5
"""For a promise, the docked molecules hold in the mean at least so many of the best that the cut may miss: the bound
is then no further from what was seen than where tables of known scores and simulations have shown it to hold."""
DOCKED = 500
"""Fewest random dockings for a promise: with 300, slope and scatter are so uncertain that on tables where predictions
say little one trial of 200 was promised by chance, and broken."""
SLOPE = 0.3
"""Least slope in the middle tail, for a promise: below, the best dockings are hardly predicted to be better."""
GROWTH = 1.25
"""Most that the scatter may grow from the widest tail to the deepest, for a promise: where it grows, some of the best
are of a kind that the teacher misses, and more of the very best are than of those that were docked."""
BEST_ROWS = 20
"""Fewest of the best in the library, for a promise: of a handful, each molecule is a tenth of the recall."""
SCATTER = 0.8
"""Largest scatter of the predictions of the best about the regression, for a promise. That of molecules taken at
random is 1: with more, predictions hardly tell the best from the others, and their tails are long."""
CAUTION = 0.7
"""Part of the normal deviate of the confidence that the predictive distribution is asked for: a factor for all margins
that choices without one kind of table came to, of known scores and simulations (``benchmarks/promise_margins.py``,
docs/trust.md)."""
WIDEST = 0.9
"""No promise is made of a cut that keeps more: it would be of little use, and the bound is least certain there."""


def promised_share(tails: Tails, goal: CutGoal, best_rows: int) -> float:
    """Return the share of the library to keep for a promise, whether or not one can be made."""
    return deepest(tails, goal, best_rows, float(ndtr(CAUTION * ndtri(goal.confidence))))


def docked_for(goal: CutGoal) -> int:
    """Return the fewest random dockings from which the model promises ``goal``."""
    return max(DOCKED, int(np.ceil(MISSED / ((1 - goal.recall) * goal.best) - 1e-6)))


def promised_best(goal: CutGoal, docked: int, rows: int | None) -> float:
    """Return the smallest share of the library that so many dockings may carry a promise about; 1 if none."""
    if docked < DOCKED:
        return 1.0
    least = MISSED / ((1 - goal.recall) * docked)
    return min(1.0, max(least, 0.0 if rows is None else BEST_ROWS / rows) * (1 + 1e-6))


def promised_recall(goal: CutGoal, docked: int) -> float:
    """Return the largest recall, in whole percent, that so many dockings may carry a promise about; 0 if none."""
    if docked < DOCKED:
        return 0.0
    return max(0, floor(100 * (1 - MISSED / (goal.best * docked)) + 1e-6)) / 100


def obstacles(tails: Tails, goal: CutGoal, total: int, best_rows: int, fraction: float) -> list[str]:
    """Return why the docked molecules cannot carry a promise; nothing if they can."""
    reasons = []
    if total < docked_for(goal):
        reasons.append(
            f"{total:,} held-out molecules hold about {goal.best * total:.2g} of the best {100 * goal.best:.3g} %; "
            f"{docked_for(goal):,} are the least"
        )
    if best_rows < BEST_ROWS:
        reasons.append(f"the library has only {best_rows} such molecules, {BEST_ROWS} are the least")
    if tails.spread > SCATTER:
        reasons.append(
            f"the predictions of the best docked scatter {tails.spread:.2f} times as much as those of any molecules, "
            f"{SCATTER:g} is the most"
        )
    if tails.slope < SLOPE:
        reasons.append(
            f"among the best docked, predictions rise by {tails.slope:.2f} for each unit of the scores (both as normal "
            f"scores), {SLOPE:g} is the least"
        )
    if tails.growth > GROWTH:
        reasons.append(
            f"predictions scatter {tails.growth:.2f} times as much among the deepest docked as among the better ones, "
            f"{GROWTH:g} is the most"
        )
    if fraction > WIDEST and total >= docked_for(goal):
        reasons.append(f"the cut would keep {100 * fraction:.0f} % of the library")
    return reasons


def modelled_cut(
    truth: ArrayLike,
    predicted: ArrayLike,
    goal: CutGoal,
    *,
    seed: int,
    lower_is_better: bool = True,
    library: ArrayLike | None = None,
    rows: int | None = None,
    doubt: Doubt = DOUBT,
) -> Cut:
    """Return the smallest fraction to keep, by a model of how deep the best lie (see the module).

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Of held-out molecules, a random sample of the library; none missing, at least 30.
    goal : CutGoal
    seed : int
        Of the draws.
    lower_is_better : bool
    library : array of float, shape (k,), optional
        Predictions of the whole library or a large random sample of it; without, the held-out ones stand for it.
    rows : int, optional
        Molecules in the library, N; without, it is taken to be large.
    doubt : Doubt

    Returns
    -------
    Cut
        ``promised`` tells whether ``fraction`` has the confidence asked for; if not, ``reasons`` says why, the
        figures are the predictive distribution of the regressions alone, and ``dockings_needed`` and
        ``dockings_model`` say what would carry a promise.

    Raises
    ------
    ValueError
        If there are fewer than 30 molecules, or anything is missing.

    Examples
    --------
    2,500 random dockings hold too few of the best 0.1 % of a library to promise anything of them:

    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 2500)
    >>> predicted = docked + generator.normal(0.0, 0.5, 2500)
    >>> cut = docksieve.modelled_cut(docked, predicted, docksieve.CutGoal(recall=0.9, best=0.001), seed=1)
    >>> cut.promised, cut.low < cut.estimate < cut.fraction
    (False, True)
    """
    scores, predictions, everything = oriented(truth, predicted, library, lower_is_better)
    total = len(scores)
    if total < LEAST:
        raise ValueError(f"a model of the depths needs {LEAST} held-out molecules, not {total}")
    if not np.isfinite(predictions).all():
        raise ValueError("a model of the depths needs the predictions of all held-out molecules")
    ordered = np.sort(predictions) if everything is None else everything
    best_rows = max(1, round(goal.best * rows)) if rows is not None else 1_000_000
    tails = regress_tails(scores, depths(predictions, ordered), goal.best, seed, doubt)
    risk = 1 - goal.confidence
    low, estimate, likely = (deepest(plain(tails), goal, best_rows, share) for share in (risk, 0.5, 1 - risk))
    high = max(promised_share(tails, goal, best_rows), estimate)
    reasons = obstacles(tails, goal, total, best_rows, high)
    high = likely if reasons else high
    if everything is None:
        # The held-out predictions stand for the library's: what they do not tell is added (Clopper-Pearson).
        high = share_bounds(round(high * total), total, goal.confidence)[1]
    fraction = high
    place = min(int(np.ceil(fraction * len(ordered) - 1e-9)), len(ordered)) - 1
    threshold = float(ordered[max(place, 0)])
    # Predictions that tie with the last one are kept too.
    fraction = max(fraction, float(np.searchsorted(ordered, threshold, side="right")) / len(ordered))
    limit = float(np.sort(scores)[max(1, int(np.ceil(goal.best * total - 1e-9))) - 1])
    members = scores <= limit
    beyond = share_bounds(int(members.sum()), total, 0.975)
    sign = 1.0 if lower_is_better else -1.0
    dockings = dockings_needed(goal, goal.confidence, best_rows if rows is not None else None)
    fewest = docked_for(goal) if len(reasons) == 1 and total < docked_for(goal) else None
    return Cut(
        goal=goal,
        fraction=min(fraction, 1.0),
        low=min(low, estimate),
        estimate=estimate,
        threshold=sign * threshold,
        best=goal.best,
        best_low=beyond[0],
        best_high=beyond[1],
        score=sign * limit,
        held_out=total,
        members=int(members.sum()),
        recall=float((predictions[members] <= threshold).mean()),
        method="depth model",
        met=False,
        notes=_notes(total, reasons, dockings, fewest),
        promised=not reasons,
        reasons=tuple(reasons),
        dockings_needed=None if not reasons else dockings,
        dockings_model=fewest,
    )


def _notes(total: int, reasons: list[str], dockings: int | None, fewest: int | None) -> tuple[str, ...]:
    if not reasons:
        return (f"By a model of how deep the best lie, from {total:,} held-out molecules.",)
    carry = "No number of random dockings would carry it by counting alone."
    if dockings is not None:
        carry = f"About {dockings:,} random dockings would carry a promise by counting alone."
    if fewest is not None:
        carry += f" By the model {fewest:,} may."
    return (f"No promise, because {'; '.join(reasons)}.", carry)
