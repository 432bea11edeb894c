"""How much each stage of the cascade keeps, so that the whole of it holds on to the best.

A molecule is lost if the student drops it or if the teacher does. The share R of the best is kept with confidence C
over both if their recalls multiply to R and their risks add up to 1 - C:

- *teacher*: the share f of the library, by the teacher's prediction, that holds its recall of the best by docking;
- *student*: the share by the student's prediction that holds its recall of the teacher's best f.

They are not shared out evenly. What the teacher must carry costs dockings, and rests on few of them; the student is
checked on labels, of which there are many more, and what it must carry costs predictions only. So the student gets as
little of the loss and of the risk as its checks can vouch for (``SPLITS``): their number decides, not what they show.

The product is exact if the student loses the truly best among the teacher's best f no more often than the others of
them; it loses them less often, since the truly best lie deeper within f. Where the number of dockings is fixed,
the student is asked for the teacher's best as many instead: the teacher's own losses are the budget's price then.

The cascade promises what its stages promise: one that cannot be promised leaves the whole without a confidence.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...data.words import plural
from .cut import Cut, CutGoal
from .depth_model import LEAST, modelled_cut, promised_best, promised_recall
from .order_statistics import choose_cut, members_needed, recall_at_hand

SPLITS = ((0.1, 0.1), (0.3, 0.1), (0.5, 0.5))
"""The student's part of the loss and of the risk: the first that its checks can carry, else even."""
LEAST_RECALL = 0.5
"""No smaller recall is offered in place of one that cannot be promised."""
MOST_OFFERED = 0.2
"""No larger share of the library is offered as its best: to find most of the best half tells a chemist nothing."""


@dataclass(frozen=True)
class StageCuts:
    """What the two stages of one target keep.

    Attributes
    ----------
    teacher : Cut
        Share of the library to dock, by the teacher's prediction, for the goal.
    student : Cut
        Share to send on to the teacher.
    """

    teacher: Cut
    student: Cut

    @property
    def promised(self) -> bool:
        """Whether both stages are promised, so that the goal's confidence may be printed."""
        return self.teacher.promised and self.student.promised


def share_out(goal: CutGoal, loss: float, risk: float) -> tuple[CutGoal, CutGoal]:
    """Return what the teacher and the student must keep, given the student's part of the loss and of the risk.

    The student's recall is R^loss and the teacher's R^(1 - loss), so that their product is R; their risks add up.

    Parameters
    ----------
    goal : CutGoal
        For both together.
    loss, risk : float
        In (0, 1).
    """
    allowed = 1 - goal.confidence
    teacher = CutGoal(goal.recall ** (1 - loss), goal.best, 1 - (1 - risk) * allowed)
    return teacher, CutGoal(goal.recall**loss, goal.best, 1 - risk * allowed)


def vouched_cut(
    truth: ArrayLike,
    predicted: ArrayLike,
    goal: CutGoal,
    seed: int,
    lower_is_better: bool,
    library: ArrayLike | None = None,
    rows: int | None = None,
) -> Cut:
    """Return the cut that needs no assumption where enough of the best were held out, else the modelled one.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Of held-out molecules, a random sample of the library.
    goal : CutGoal
    seed : int
    lower_is_better : bool
    library : array of float, shape (k,), optional
        Predictions of a large random sample of the library.
    rows : int, optional
        Molecules in the library, N; without, it is taken to be large.

    Returns
    -------
    Cut
        Its ``method`` and ``notes`` say which. With fewer than 30 molecules, or predictions missing, everything
        is kept that no smaller cut can be vouched for. What cannot be promised is an estimate (``promised`` is
        False), and ``instead`` holds what can be.

    Raises
    ------
    ValueError
        If there are no held-out molecules.
    """

    def counted(wanted: CutGoal) -> Cut:
        return choose_cut(
            truth, predicted, wanted, lower_is_better=lower_is_better, library=library, rows=rows
        )

    def modelled(wanted: CutGoal) -> Cut:
        return modelled_cut(
            truth, predicted, wanted, seed=seed, lower_is_better=lower_is_better, library=library, rows=rows
        )

    order = counted(goal)
    if order.met:
        return order
    docked = len(np.asarray(truth))
    able = docked >= LEAST and bool(np.isfinite(np.asarray(predicted, float)).all())
    cut = modelled(goal) if able else dataclasses.replace(order, promised=False, reasons=_unable(docked))
    if cut.promised:
        return cut
    return dataclasses.replace(
        cut, instead=tuple(_instead(goal, docked, order, rows, counted, modelled if able else None))
    )


def _unable(docked: int) -> tuple[str, ...]:
    if docked < LEAST:
        return (f"only {plural(docked, 'molecule')} held out, where {LEAST} are the least",)
    return ("some of the held-out molecules do not reach this stage",)


def _instead(
    goal: CutGoal,
    docked: int,
    order: Cut,
    rows: int | None,
    counted: Callable[[CutGoal], Cut],
    modelled: Callable[[CutGoal], Cut] | None,
) -> Iterator[Cut]:
    """Yield what can be promised: the largest recall of the same best, the same recall of more of the library.

    What is tried depends on how many were docked, not on what they show: a search would choose lucky ones.
    """
    members = max(1, math.ceil(goal.best * docked - 1e-9))
    best_rows = None if rows is None else max(1, round(goal.best * rows))
    by_count = recall_at_hand(members, 1 - (1 - goal.confidence) / 2, best_rows)
    for recall, answer in ((promised_recall(goal, docked), modelled), (by_count, counted)):
        if answer is not None and LEAST_RECALL <= recall < goal.recall:
            found = answer(dataclasses.replace(goal, recall=recall))
            if found.promised and found.best == goal.best and found.fraction < 1:
                yield found
                break
    more = promised_best(goal, docked, rows)
    if modelled is not None and goal.best < more < order.best:
        found = modelled(dataclasses.replace(goal, best=more))
        if found.promised and found.best <= MOST_OFFERED:
            yield found
            return
    found = beyond_a_score(goal, counted)
    if found.promised and found.fraction < 1 and found.best <= MOST_OFFERED:
        yield found


def beyond_a_score(goal: CutGoal, counted: Callable[[CutGoal], Cut]) -> Cut:
    """Return what order statistics say of the best that are observable, at half the risk that is stated.

    They are exact for one model. Held-out predictions are of models that learnt from fewer molecules than the one that
    predicts the library: with as few of the best as the bound needs, it was kept in 0.92 to 0.94 of the trials on
    tables where predictions say little.
    """
    found = counted(dataclasses.replace(goal, confidence=1 - (1 - goal.confidence) / 2))
    return dataclasses.replace(found, goal=goal)


def plan_cascade(
    goal: CutGoal,
    docked: tuple[ArrayLike, ArrayLike],
    labelled: tuple[ArrayLike, ArrayLike],
    library: tuple[ArrayLike, ArrayLike],
    *,
    seed: int,
    lower_is_better: bool = True,
    budget: float | None = None,
    rows: int | None = None,
) -> StageCuts:
    """Return how much teacher and student must keep.

    Parameters
    ----------
    goal : CutGoal
        For the whole cascade.
    docked : pair of arrays, shape (n,)
        Docked score and the teacher's held-out prediction of a random sample of the library.
    labelled : pair of arrays, shape (m,)
        The teacher's mean and the student's of random molecules that the student did not train on.
    library : pair of arrays
        Predictions of teacher and student for a large random sample of the library.
    seed : int
    lower_is_better : bool
    budget : float, optional
        Share of the library that is docked by the end of the round, whatever the goal needs. Without, everything
        that the goal needs is docked.
    rows : int, optional
        Molecules in the library, N; without, it is taken to be large.

    Returns
    -------
    StageCuts
    """
    checks = len(np.asarray(labelled[0]))
    for loss, risk in SPLITS:
        asked, left = share_out(goal, loss, risk)
        teacher = vouched_cut(*docked, asked, seed, lower_is_better, library[0], rows)
        wanted = dataclasses.replace(left, best=min(max(teacher.fraction, 1e-12), 1.0))
        if _carried(wanted, checks, rows):
            break
    if budget is not None:
        wanted = dataclasses.replace(goal, best=min(max(budget, 1e-12), 1.0))
    student = vouched_cut(*labelled, wanted, seed + 1, lower_is_better, library[1], rows)
    return StageCuts(teacher, student)


def _carried(wanted: CutGoal, checks: int, rows: int | None) -> bool:
    """Return whether so many checks hold enough of the teacher's best for a bound by counting."""
    best_rows = None if rows is None else max(1, round(wanted.best * rows))
    return wanted.best * checks >= members_needed(wanted.recall, wanted.confidence, best_rows)


def molecules(share: float, rows: int) -> int:
    """Return how many of ``rows`` molecules a share is, rounded up."""
    return min(rows, math.ceil(share * rows - 1e-9))
