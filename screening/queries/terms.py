"""Parts of a question to the hits: a window of values, a preference for one target over another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ...data.errors import InputError


@dataclass(frozen=True)
class Window:
    """Values from ``low`` to ``high``, both included; None: no bound.

    Attributes
    ----------
    low, high : float or None
        In the unit of the column.

    Examples
    --------
    >>> docksieve.Window(250, 450)
    Window(low=250, high=450)
    >>> docksieve.Window.parse(":4", "logp")
    Window(low=None, high=4.0)
    """

    low: float | None = None
    high: float | None = None

    @classmethod
    def parse(cls, text: str, name: str) -> Window:
        """Read ``250:450``, ``:4``, ``2:`` or ``3`` (this value alone); ``name`` is the column, for messages.

        Raises
        ------
        InputError
            If it is none of these, or the bounds are the wrong way round.
        """
        left, colon, right = text.partition(":")
        try:
            low = float(left) if left.strip() else None
            high = (float(right) if right.strip() else None) if colon else low
        except ValueError:
            raise _bad_window(text, name) from None
        if low is None and high is None:
            raise _bad_window(text, name)
        return cls(low, high).checked(name)

    def checked(self, name: str) -> Window:
        """Return this window if its bounds are finite and the right way round."""
        for bound in (self.low, self.high):
            if bound is not None and not math.isfinite(bound):
                raise _bad_window(str(self), name)
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InputError(
                f"The window {self} of {name} is empty: its lower bound is above its upper one.",
                f"Did you mean {_number(self.high)}:{_number(self.low)}?",
            )
        return self

    def __str__(self) -> str:
        if self.low is not None and self.low == self.high:
            return _number(self.low)
        return ":".join("" if bound is None else _number(bound) for bound in (self.low, self.high))


@dataclass(frozen=True)
class Selective:
    """Better for one target than for another.

    Attributes
    ----------
    target, over : str
    margin : float or None
        Least difference, in score units; None: none is asked.
    floor : float, "seed" or None
        The score that a molecule must reach for ``target``, so that no molecule is listed which is bad for it and only
        worse for the other. ``seed``: that of the best tenth of the seed sample. None: no floor.

    Examples
    --------
    >>> query = docksieve.HitQuery(selective=docksieve.Selective("EGFR", over="JAK2"), top=3)
    >>> answer = docksieve.ask("campaign", query)
    >>> answer.table.num_rows, "selectivity" in answer.table.column_names
    (3, True)
    """

    target: str
    over: str
    margin: float | None = None
    floor: float | Literal["seed"] | None = "seed"

    @classmethod
    def parse(
        cls, text: str, margin: float | None = None, floor: float | Literal["seed"] | None = "seed"
    ) -> Selective:
        """Read ``A:B``: for A, over B."""
        target, colon, over = text.partition(":")
        if not colon or not target or not over or ":" in over or target == over:
            raise InputError(
                f"{text!r} does not name two targets.",
                "Write --selective A:B for molecules better for A than B.",
            )
        return cls(target, over, margin, floor)


def _bad_window(text: str, name: str) -> InputError:
    return InputError(
        f"{text!r} is not a window of {name}.",
        "Write LOW:HIGH, :HIGH, LOW: or one value, for example 250:450.",
    )


def _number(value: float) -> str:
    return f"{value:g}"
