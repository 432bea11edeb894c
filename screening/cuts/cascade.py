"""How much each stage of the cascade keeps, so that the whole of it holds on to the best.

A molecule is lost if the student drops it or if the teacher does. To keep the share R of the best with
confidence C over both, each stage is asked for sqrt(R) and may fail with half the risk:

- *teacher*: the share f of the library, by the teacher's prediction, that holds sqrt(R) of the best by docking;
- *student*: the share by the student's prediction that holds sqrt(R) of the teacher's best f.

The product is exact if the student loses the truly best among the teacher's best f no more often than the others of
them; it loses them less often, since the truly best lie deeper within f. Where the number of dockings is fixed,
the student is asked for the teacher's best as many instead: the teacher's own losses are the budget's price then.

The cascade promises what its stages promise: one that cannot be promised leaves the whole without a confidence.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .cut import Cut, CutGoal
from .depth_model import LEAST, modelled_cut, promised_best
from .order_statistics import choose_cut


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


def stage_goal(goal: CutGoal, best: float, stages: int = 2) -> CutGoal:
    """Return what one of ``stages`` must keep of the best ``best``: the root of the recall, its part of the risk."""
    recall = goal.recall ** (1 / stages)
    return CutGoal(recall, min(max(best, 1e-12), 1.0), 1 - (1 - goal.confidence) / stages)


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
        False), and ``instead`` is the promise about the least more of the library that can be given.

    Raises
    ------
    ValueError
        If there are no held-out molecules.
    """
    order = choose_cut(truth, predicted, goal, lower_is_better=lower_is_better, library=library, rows=rows)
    docked = len(np.asarray(truth))
    if order.met or docked < LEAST or not np.isfinite(np.asarray(predicted, float)).all():
        return order

    def modelled(wanted: CutGoal) -> Cut:
        return modelled_cut(
            truth, predicted, wanted, seed=seed, lower_is_better=lower_is_better, library=library, rows=rows
        )

    cut = modelled(goal)
    if cut.promised:
        return cut
    instead = order if order.promised and order.fraction < 1 else None
    more = promised_best(goal, docked, rows)
    if goal.best < more < order.best:
        other = modelled(dataclasses.replace(goal, best=more))
        instead = other if other.promised else instead
    return dataclasses.replace(cut, instead=instead)


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
    teacher = vouched_cut(*docked, stage_goal(goal, goal.best), seed, lower_is_better, library[0], rows)
    if budget is None:
        wanted = stage_goal(goal, teacher.fraction)
    else:
        wanted = dataclasses.replace(goal, best=min(max(budget, 1e-12), 1.0))
    student = vouched_cut(*labelled, wanted, seed + 1, lower_is_better, library[1], rows)
    return StageCuts(teacher, student)


def molecules(share: float, rows: int) -> int:
    """Return how many of ``rows`` molecules a share is, rounded up."""
    return min(rows, math.ceil(share * rows - 1e-9))
