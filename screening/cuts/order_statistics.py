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
3. The fraction of the library that this cut keeps is read from the library's predictions, or estimated from
   the held-out ones, with the upper Clopper-Pearson bound (1934). A tenth of the risk is set aside for that.

If fewer of the best are at hand than step 2 needs, the best that *are* observable are answered for instead, and
the answer says so. :func:`docksieve.screening.cuts.residual_model.modelled_cut` extrapolates, on an assumption.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, betaincinv

Floats = NDArray[np.float64]

FRACTION_RISK = 0.1
"""Share of the risk (1 - confidence) spent on not knowing the library's predictions."""


@dataclass(frozen=True)
class CutGoal:
    """What a cut must keep.

    Attributes
    ----------
    recall : float
        Share of the best that must be kept, in (0, 1).
    best : float
        Share of the library that counts as best, in (0, 1].
    confidence : float
        Probability that the cut keeps as much, in (0, 1).

    Examples
    --------
    >>> docksieve.CutGoal(recall=0.9, best=0.01)
    CutGoal(recall=0.9, best=0.01, confidence=0.95)
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 -- read by pydantic, which is not imported here

    recall: float = 0.95
    best: float = 0.001
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name in ("recall", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if not 0 < self.best <= 1:
            raise ValueError(f"best must be in (0, 1], not {self.best}")


@dataclass(frozen=True)
class Cut:
    """How much to keep.

    Attributes
    ----------
    goal : CutGoal
        What was asked for.
    fraction : float
        Keep this much of the library: the upper bound of what is needed.
    low, estimate : float
        Lower bound at the same confidence, and the fraction that would have kept the wanted recall of the held-out
        molecules themselves.
    threshold : float
        Predicted score at the cut, itself kept; infinite if everything is kept.
    best : float
        Share of the library that the answer is about: ``goal.best``, or more if that is not observable.
    best_low, best_high : float
        95 % interval of the share that lies beyond ``score``.
    score : float
        Score that the best begin at, itself included.
    held_out, members : int
        Held-out molecules; those of them among the best.
    recall : float or None
        Share of these that the cut keeps; None if there are none.
    method : str
        ``order statistics``, ``everything`` (no smaller cut can be vouched for) or ``residual model``.
    met : bool
        Whether ``fraction`` keeps what was asked for, of the best that were asked about, with that
        confidence; False if the answer is about more of the library or rests on an assumption.
    notes : tuple of str
        What a reader must know.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 5000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 5000)
    >>> goal = docksieve.CutGoal(recall=0.9, best=0.02, confidence=0.95)
    >>> cut = docksieve.choose_cut(docked, predicted, goal)
    >>> cut.method, cut.members, cut.low < cut.estimate < cut.fraction
    ('order statistics', 100, True)
    """

    goal: CutGoal
    fraction: float
    low: float
    estimate: float
    threshold: float
    best: float
    best_low: float
    best_high: float
    score: float
    held_out: int
    members: int
    recall: float | None
    method: str
    met: bool
    notes: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        goal = self.goal
        sentence = (
            f"Keep {100 * self.fraction:.3g} % (from {100 * self.low:.3g} %, at best {100 * self.estimate:.3g} %) "
            f"for {100 * goal.recall:g} % of the best {100 * self.best:.3g} % "
            f"with {100 * goal.confidence:g} % confidence."
        )
        return " ".join([sentence, *self.notes])


@dataclass(frozen=True)
class CutPrice:
    """What a cut costs in a library: molecules sent on, and their interval.

    Attributes
    ----------
    molecules : int
        Sent on at ``Cut.fraction``.
    low, estimate : int
        The same at ``Cut.low`` and ``Cut.estimate``.
    seconds : float or None
        What the next stage takes for ``molecules`` on one core or device; None if it was not said what one takes.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 5000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 5000)
    >>> goal = docksieve.CutGoal(recall=0.9, best=0.02, confidence=0.95)
    >>> cut = docksieve.choose_cut(docked, predicted, goal)
    >>> docksieve.cut_price(cut, 1_000_000).seconds is None
    True
    """

    molecules: int
    low: int
    estimate: int
    seconds: float | None = None


def cut_price(cut: Cut, library_rows: int, seconds_each: float | None = None) -> CutPrice:
    """Return how many molecules ``cut`` sends on to the next stage.

    After the student these are teacher predictions, after the teacher dockings.

    Parameters
    ----------
    cut : Cut
    library_rows : int
        N.
    seconds_each : float, optional
        What the next stage takes for a molecule; ``seconds`` is then the total of one core or device.

    Returns
    -------
    CutPrice

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 5000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 5000)
    >>> goal = docksieve.CutGoal(recall=0.9, best=0.02, confidence=0.95)
    >>> cut = docksieve.choose_cut(docked, predicted, goal)
    >>> price = docksieve.cut_price(cut, 1_000_000, seconds_each=20.0)
    >>> price.seconds == 20.0 * price.molecules
    True
    """
    molecules, low, estimate = (
        int(np.ceil(share * library_rows)) for share in (cut.fraction, cut.low, cut.estimate)
    )
    return CutPrice(molecules, low, estimate, None if seconds_each is None else molecules * seconds_each)


def members_needed(recall: float, confidence: float) -> int:
    """Return how many of the best must be at hand for a cut below everything: log(1 - C) / log(R), rounded up."""
    return int(np.ceil(np.log1p(-confidence) / np.log(recall) - 1e-9))


def quantile_ranks(members: int, recall: float, confidence: float) -> tuple[int, int]:
    """Return the ranks of the lower and upper confidence bounds of the ``recall`` quantile.

    Parameters
    ----------
    members : int
        Size of the sample, m.
    recall : float
        The quantile, R.
    confidence : float
        Of each bound on its own.

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
    needed = members_needed(goal.recall, certainty)
    asked = max(1, int(np.ceil(goal.best * total - 1e-9)))
    limit = np.sort(scores)[min(max(asked, needed), total) - 1]
    depth = np.sort(predictions[scores <= limit])  # tied scores are all in
    members, lost = len(depth), int((depth == np.inf).sum())
    cuts = _cuts(depth, goal.recall, certainty)
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
        best=goal.best if asked >= needed else members / total,
        best_low=beyond[0],
        best_high=beyond[1],
        score=float(sign * limit),
        held_out=total,
        members=members,
        recall=float((depth <= cuts[2]).mean()) if bounded else 1 - lost / members,
        method="order statistics" if bounded else "everything",
        met=asked >= needed and (bounded or not lost),
        notes=_notes(goal, asked, needed, total, members, lost, bounded),
    )


def _cuts(depth: Floats, recall: float, confidence: float) -> tuple[float, float, float]:
    """Return lower bound, estimate and upper bound of the ``recall`` quantile that the sorted ``depth`` is from."""
    members = len(depth)
    low, high = quantile_ranks(members, recall, confidence)
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
    goal: CutGoal, asked: int, needed: int, total: int, members: int, lost: int, bounded: bool
) -> tuple[str, ...]:
    notes = []
    if asked < needed:
        notes.append(
            f"The best {100 * goal.best:g} % of the library are not observable with {total:,} held-out molecules, "
            f"which hold about {goal.best * total:.2g} of them where {needed} are needed "
            f"({int(np.ceil(needed / goal.best)):,} held-out molecules); "
            f"this is about the best {100 * members / total:.3g} %."
        )
    if not bounded and not lost:
        notes.append(
            f"With {members} such molecules no cut can be vouched for with that confidence: keep everything."
        )
    if lost:
        notes.append(f"{lost} of the {members} best held-out molecules do not reach this stage.")
        if not bounded:
            notes.append("No cut of this stage has the wanted recall: widen the stage before it.")
    return tuple(notes)
