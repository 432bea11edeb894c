"""What a cut must keep, how much it keeps, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


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
        Keep this much of the library: the upper bound of what is needed; where nothing can be promised, the upper end
        of what the model takes to be likely, so that a screen is not narrowed by what is not known.
    low, estimate : float
        Lower bound at the same confidence, and the middle: the fraction that would have kept the wanted recall of the
        held-out molecules themselves, or the median of the model's predictive distribution.
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
        ``order statistics``, ``everything`` (no smaller cut can be vouched for) or ``depth model``.
    met : bool
        Whether ``fraction`` keeps what was asked for, of the best that were asked about, with that
        confidence and no assumption; False if the answer is about more of the library or rests on a model.
    notes : tuple of str
        What a reader must know.
    promised : bool
        Whether the confidence may be printed. If False, all figures are estimates without one.
    dockings_needed : int or None
        Random held-out molecules that would carry a promise by counting alone; None if these do, or if no number would.
    dockings_model : int or None
        The fewest with which the model may carry one, where too few are all that is seen to be in its way.
    reasons : tuple of str
        Why nothing can be promised.
    instead : tuple of Cut
        What can be promised where what was asked for cannot: the largest recall of the same best, and the same recall
        of a larger share of the library, as far as there are any.

    Examples
    --------
    >>> generator = np.random.default_rng(1)
    >>> docked = generator.normal(-7.0, 1.0, 5000)
    >>> predicted = docked + generator.normal(0.0, 0.5, 5000)
    >>> goal = docksieve.CutGoal(recall=0.9, best=0.02, confidence=0.95)
    >>> cut = docksieve.choose_cut(docked, predicted, goal)
    >>> cut.method, cut.members, cut.promised, cut.low < cut.estimate < cut.fraction
    ('order statistics', 100, True, True)
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
    promised: bool = False
    dockings_needed: int | None = None
    dockings_model: int | None = None
    reasons: tuple[str, ...] = ()
    instead: tuple[Cut, ...] = ()

    def __str__(self) -> str:
        goal = self.goal
        if not self.promised:
            sentence = (
                f"Keeping {100 * goal.recall:.3g} % of the best {100 * goal.best:.3g} % cannot be promised. "
                f"An estimate, without a confidence: {100 * self.estimate:.3g} % "
                f"({100 * self.low:.3g} to {100 * self.fraction:.3g} %)."
            )
            return " ".join([sentence, *self.notes])
        sentence = (
            f"Keep {100 * self.fraction:.3g} % (from {100 * self.low:.3g} %, at best {100 * self.estimate:.3g} %) "
            f"for {100 * goal.recall:.3g} % of the best {100 * self.best:.3g} % "
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
