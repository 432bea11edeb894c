"""Which molecules may speak for which prediction.

A molecule that a round picked and docked is judged by what was known before: its own score has no part in its interval.
What is left of a round's shortlist was predicted by the same model as the molecules that the round picked from it, so
these, once docked, are the best witnesses for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .picked import Batch, PickedCalibration, calibrate_next, calibrate_rest, own_factor


@dataclass(frozen=True)
class PickedHistory:
    """What the rounds of a campaign picked for one target, in the scales of their models.

    Attributes
    ----------
    batches : dict of int to Batch
        By round: what it picked, with the predictions that it was picked by, as far as it is docked.
    relearnt : dict of int to Batch
        By round: what earlier rounds picked, as this round's model predicts it without having seen it.
    drawn : set of int
        Rounds whose model learnt scores with the bad ones drawn together.
    lower_is_better : bool
    """

    batches: Mapping[int, Batch]
    relearnt: Mapping[int, Batch] = field(default_factory=dict)
    drawn: frozenset[int] = frozenset()
    lower_is_better: bool = True

    def before(self, number: int) -> PickedCalibration | None:
        """Return what is known of the errors of a round's picks, before they are docked; None if too little."""
        return self._foretold(number, self.factor(number))

    def factor(self, number: int) -> float:
        """Return by how much wider than foretold the errors of batches before a round have been."""
        earlier = [
            (found, self.batches[other])
            for other in sorted(self.batches)
            if other < number and (found := self._foretold(other, 1.0)) is not None
        ]
        return own_factor(earlier)

    def _foretold(self, number: int, factor: float) -> PickedCalibration | None:
        if number not in self.relearnt:
            return None
        drawn = number in self.drawn
        return calibrate_next(
            self.relearnt[number], drawn=drawn, lower_is_better=self.lower_is_better, factor=factor
        )

    def after(self, number: int) -> PickedCalibration | None:
        """Return what is known of the errors of what is left of a round's shortlist; None if too little."""
        found = calibrate_rest(self.batches[number]) if number in self.batches else None
        return found or self.before(number)
