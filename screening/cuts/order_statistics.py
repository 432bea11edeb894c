"""How much to keep: the smallest fraction that holds on to the best, with a stated confidence.

A stage keeps the best fraction by prediction. Held-out molecules (a random sample of the library, docked, or
labelled by the teacher where the stage is the student) say how deep in the predictions the truly best lie:

1. The best m of the n held-out molecules by score stand for the best m/n of the library. Given the score that
   bounds them, they are independent draws from all of the library's molecules beyond that score, so nothing
   need be assumed of the scores (the share of the library beyond it is Beta(m, n - m + 1) distributed; its
   interval is given).
2. With s_(1) <= ... <= s_(m) their predictions, best first, a cut at s_(r) keeps at least the share R of all
   such molecules with probability P(Binomial(m, R) < r): the distribution-free bound of a quantile (Wilks 1941;
   Conover, Practical Nonparametric Statistics, 3.2). The smallest r for which that reaches the confidence is
   taken. It exists if R^m <= 1 - confidence: for 95 % of them at 95 % confidence, from 59 on.
   A library has only k = best x rows such molecules, and what is kept of those few scatters too: with ``rows``
   given, the share is that of a new sample of k (how many of k further values lie at or below the r-th of m is
   beta-binomial: Wilks 1942; Fligner and Wolfe, Am. Stat. 30, 78, 1976). More of the best are needed then.
3. The fraction of the library that this cut keeps is read from the library's predictions, or estimated from
   the held-out ones, with the upper Clopper-Pearson bound (1934). A tenth of the risk is set aside for that.

If fewer of the best are at hand than step 2 needs, the best that *are* observable are answered for instead, and
the answer says so. :func:`docksieve.screening.cuts.depth_model.modelled_cut` goes on from there, with a model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, betaincinv, gammaln

from .cut import Cut, CutGoal, CutPrice, cut_price

__all__ = [
    "Cut",
    "CutGoal",
    "CutPrice",
    "choose_cut",
    "cut_price",
    "dockings_needed",
    "kept_chance",
    "members_needed",
    "oriented",
    "quantile_ranks",
    "recall_at_hand",
    "share_bounds",
]

Floats = NDArray[np.float64]

FRACTION_RISK = 0.1
"""Share of the risk (1 - confidence) spent on not knowing the library's predictions."""
HOPELESS = 1_000_000
"""More of the best than anybody will dock."""
MANY = 20_000
"""Of so many of the best in a library, the share that is kept scatters no more."""


def members_needed(recall: float, confidence: float, best_rows: int | None = None) -> int:
    """Return how many of the best must be at hand for a cut below everything.

    log(1 - C) / log(R), rounded up; more if the library has only ``best_rows`` of the best. Where no number will
    do (all of a few must be found), ``HOPELESS``.
    """
    members = int(np.ceil(np.log1p(-confidence) / np.log(recall) - 1e-9))
    low, high = members, HOPELESS
    if kept_chance(members, members, recall, best_rows) >= confidence or best_rows is None:
        return members
    while low < high:
        middle = (low + high) // 2
        if kept_chance(middle, middle, recall, best_rows) >= confidence:
            high = middle
        else:
            low = middle + 1
    return low


def recall_at_hand(members: int, confidence: float, best_rows: int | None = None) -> float:
    """Return the largest recall, in whole percent, that so many of the best allow a bound for; 0 if none."""
    for percent in range(99, 0, -1):
        if kept_chance(members, members, percent / 100, best_rows) >= confidence:
            return percent / 100
    return 0.0


def kept_chance(rank: int, members: int, recall: float, best_rows: int | None) -> float:
    """Return the probability that a cut at the ``rank``-th of ``members`` keeps ``recall`` of ``best_rows`` others."""
    if best_rows is None or best_rows > MANY:
        return float(bdtr(rank - 1, members, recall))
    wanted = np.arange(int(np.ceil(recall * best_rows - 1e-9)), best_rows + 1, dtype=float)
    others, beyond = best_rows - wanted, members - rank
    logarithm = (
        _log_choose(wanted + rank - 1, wanted)
        + _log_choose(beyond + others, others)
        - _log_choose(np.array(float(members + best_rows)), np.array(float(best_rows)))
    )
    return min(1.0, float(np.exp(logarithm).sum()))


def _log_choose(total: Floats, chosen: Floats) -> Floats:
    found: Floats = gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)
    return found


def quantile_ranks(
    members: int, recall: float, confidence: float, best_rows: int | None = None
) -> tuple[int, int]:
    """Return the ranks of the lower and upper confidence bounds of the ``recall`` quantile.

    Parameters
    ----------
    members : int
        Size of the sample, m.
    recall : float
        The quantile, R.
    confidence : float
        Of each bound on its own.
    best_rows : int, optional
        Size of the finite set whose quantile the upper bound is for; without, a distribution's.

    Returns
    -------
    low, high : int
        Ranks from 1: the low-th smallest value is at most the quantile, and the high-th smallest at least,
        each with the given confidence. ``low`` is 0 and ``high`` is m + 1 where no value will do.
    """
    # P(the r-th smallest is at or above the quantile) = P(Binomial(m, R) <= r - 1)
    below = bdtr(np.arange(members, dtype=float), members, recall)
    high = int(np.searchsorted(below, confidence)) + 1
    low = int(np.searchsorted(below, 1 - confidence, side="right"))
    if best_rows is not None and best_rows <= MANY:
        while high <= members and kept_chance(high, members, recall, best_rows) < confidence:
            high += 1
    return low, high


def share_bounds(hits: int, total: int, confidence: float) -> tuple[float, float]:
    """Return the lower and upper Clopper-Pearson bounds (1934) of a share, each with the given confidence."""
    low = float(betaincinv(hits, total - hits + 1, 1 - confidence)) if hits else 0.0
    high = float(betaincinv(hits + 1, total - hits, confidence)) if hits < total else 1.0
    return low, high


def oriented(
    truth: ArrayLike, predicted: ArrayLike, library: ArrayLike | None, lower_is_better: bool
) -> tuple[Floats, Floats, Floats | None]:
    """Return scores and predictions turned so that lower is better, missing predictions at +infinity.

    Raises
    ------
    ValueError
        If there is nothing, the lengths differ or a score is missing.
    """
    sign = 1.0 if lower_is_better else -1.0
    first, second = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise ValueError(
            f"expected two equally long, non-empty vectors, got shapes {first.shape} and {second.shape}"
        )
    if not np.isfinite(first).all():
        raise ValueError("held-out scores must be finite; leave failed dockings out before measuring")

    def turned(values: Floats) -> Floats:
        return np.where(np.isnan(values), np.inf, sign * values)

    everything = None if library is None else np.sort(turned(np.asarray(library, np.float64).ravel()))
    if everything is not None and not len(everything):
        raise ValueError("the library's predictions are empty; leave them out to use the held-out ones")
    return sign * first, turned(second), everything


def choose_cut(
    truth: ArrayLike,
    predicted: ArrayLike,
    goal: CutGoal,
    *,
    lower_is_better: bool = True,
    library: ArrayLike | None = None,
    rows: int | None = None,
) -> Cut:
    """Return the smallest fraction to keep that has the wanted recall with the wanted confidence.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Of held-out molecules: a *random* sample of the library that the model did not learn from. ``truth`` is
        the docking score, or the teacher's prediction where the student is judged by that. A prediction of NaN means
        that the molecule does not get this far (it cannot be predicted, or an earlier stage has dropped it):
        it counts as lost, so the answer covers all stages up to this one.
    goal : CutGoal
    lower_is_better : bool
    library : array of float, shape (k,), optional
        Predictions of the whole library (or of a large random sample, taken as the whole); NaN counts as never kept.
    rows : int, optional
        Molecules in the library, N: of few best the share that is kept scatters. Without, it is taken to be large.

    Returns
    -------
    Cut

    Raises
    ------
    ValueError
        If the input is empty, of different lengths, or has missing scores.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 5000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 5000)
    >>> goal = docksieve.CutGoal(recall=0.9, best=0.02, confidence=0.95)
    >>> cut = docksieve.choose_cut(docked, predicted, goal)
    >>> cut.met, 0.02 < cut.fraction < 0.2
    (True, True)
    """
    scores, predictions, everything = oriented(truth, predicted, library, lower_is_better)
    total, risk = len(scores), 1 - goal.confidence
    certainty = 1 - risk * (1 - FRACTION_RISK) if everything is None else goal.confidence
    best_rows = None if rows is None else max(1, round(goal.best * rows))
    needed = members_needed(goal.recall, certainty, best_rows)
    asked = max(1, int(np.ceil(goal.best * total - 1e-9)))
    enough = asked >= needed
    dockings = None if enough else dockings_needed(goal, certainty, best_rows)
    if not enough:
        needed, best_rows = _observable(asked, total, rows, goal.recall, certainty)
    limit = np.sort(scores)[min(max(asked, needed), total) - 1]
    depth = np.sort(predictions[scores <= limit])  # tied scores are all in
    members, lost = len(depth), int((depth == np.inf).sum())
    cuts = _cuts(depth, goal.recall, certainty, best_rows)
    if everything is None:
        low, estimate, fraction = _estimated_shares(cuts, np.sort(predictions), risk * FRACTION_RISK)
    else:
        low, estimate, fraction = (_share(cut, everything) for cut in cuts)
    bounded = cuts[2] < np.inf
    sign = 1.0 if lower_is_better else -1.0
    beyond = share_bounds(members, total, 0.975)
    return Cut(
        goal=goal,
        fraction=fraction,
        low=low,
        estimate=estimate,
        threshold=float(sign * cuts[2]),
        best=goal.best if enough else members / total,
        best_low=beyond[0],
        best_high=beyond[1],
        score=float(sign * limit),
        held_out=total,
        members=members,
        recall=float((depth <= cuts[2]).mean()) if bounded else 1 - lost / members,
        method="order statistics" if bounded else "everything",
        met=enough and (bounded or not lost),
        notes=_notes(goal, enough, dockings, total, members, lost, bounded),
        promised=bounded or not lost,
        dockings_needed=dockings,
    )


def dockings_needed(goal: CutGoal, confidence: float, best_rows: int | None) -> int | None:
    """Return how many random dockings hold enough of the best, None where no number does."""
    needed = members_needed(goal.recall, confidence, best_rows)
    return None if needed >= HOPELESS else int(np.ceil(needed / goal.best))


def _observable(
    asked: int, total: int, rows: int | None, recall: float, confidence: float
) -> tuple[int, int | None]:
    """Return how many of the best of ``total`` allow a bound, and how many the library has of these."""
    if rows is None:
        return members_needed(recall, confidence), None
    members = asked + 1
    while members < total:
        best_rows = max(1, round(members / total * rows))
        if kept_chance(members, members, recall, best_rows) >= confidence:
            break
        members += 1
    return members, max(1, round(members / total * rows))


def _cuts(
    depth: Floats, recall: float, confidence: float, best_rows: int | None
) -> tuple[float, float, float]:
    """Return lower bound, estimate and upper bound of the ``recall`` quantile that the sorted ``depth`` is from."""
    members = len(depth)
    low, high = quantile_ranks(members, recall, confidence, best_rows)
    middle = int(np.ceil(recall * members - 1e-9))
    padded = np.concatenate([[-np.inf], depth, [np.inf]])
    return float(padded[low]), float(padded[middle]), float(padded[high])


def _share(cut: float, ordered: Floats) -> float:
    """Return the share of the sorted predictions that ``cut`` keeps; all of them if there is no cut."""
    if cut == np.inf:
        return 1.0
    return int(np.searchsorted(ordered, cut, side="right")) / len(ordered)


def _estimated_shares(
    cuts: tuple[float, float, float], ordered: Floats, risk: float
) -> tuple[float, float, float]:
    """Return what the cuts keep of a library of which ``ordered`` is a sample, bounded on the outer sides."""
    low, estimate, high = (_share(cut, ordered) for cut in cuts)
    total = len(ordered)
    low = share_bounds(round(low * total), total, 1 - risk)[0]
    return low, estimate, share_bounds(round(high * total), total, 1 - risk)[1]


def _notes(
    goal: CutGoal, enough: bool, dockings: int | None, total: int, members: int, lost: int, bounded: bool
) -> tuple[str, ...]:
    notes = []
    if not enough:
        wanted = (
            "and the library has too few of them for any number to do"
            if dockings is None
            else f"where {int(np.ceil(dockings * goal.best))} are needed ({dockings:,} held-out molecules)"
        )
        notes.append(
            f"The best {100 * goal.best:g} % of the library are not observable with {total:,} held-out molecules, "
            f"which hold about {goal.best * total:.2g} of them {wanted}; "
            f"this is about the best {100 * members / total:.3g} %."
        )
    if not bounded and not lost:
        notes.append(
            f"With {members} such molecules no cut can be guaranteed with that confidence: keep everything."
        )
    if lost:
        notes.append(f"{lost} of the {members} best held-out molecules do not reach this stage.")
        if not bounded:
            notes.append("No cut of this stage has the wanted recall: widen the stage before it.")
    return tuple(notes)
