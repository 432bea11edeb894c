"""Which batches may speak for which prediction.

A molecule that a round picked and docked is judged by the batches before that round: its own score has no part in its
interval. What is left of a round's shortlist was predicted by the same model as the molecules that the round picked
from it, so these, once docked, are the best witnesses for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .picked import Batch, PickedCalibration, calibrate_picked

LEAST = 30
"""Fewest picked molecules with a score from which an interval is recalibrated."""


@dataclass
class PickedHistory:
    """What the rounds of a campaign picked for one target, with the predictions that they were picked by.

    Attributes
    ----------
    batches : dict of int to Batch
        By round, as far as they are docked.
    held_out : dict of int to Batch
        By round, molecules drawn at random as that round's model predicts them unseen.
    """

    batches: Mapping[int, Batch]
    held_out: Mapping[int, Batch] = field(default_factory=dict)
    _found: dict[tuple[int, ...], PickedCalibration] = field(default_factory=dict, repr=False)

    def before(self, number: int) -> PickedCalibration:
        """Return what is known of the errors of the molecules that round ``number`` picked, before they are docked."""
        return self._of(number, tuple(sorted(item for item in self.batches if item < number)))

    def after(self, number: int) -> PickedCalibration:
        """Return what is known of the errors of what is left of the shortlist of round ``number``."""
        return self._of(number, tuple(sorted(item for item in self.batches if item <= number)))

    def _of(self, number: int, rounds: tuple[int, ...]) -> PickedCalibration:
        if (number, *rounds) not in self._found:
            earlier = [self.batches[item] for item in rounds]
            self._found[number, *rounds] = calibrate_picked(earlier, self.held_out.get(number))
        return self._found[number, *rounds]

    def scored(self, rounds: tuple[int, ...]) -> int:
        """Return how many of the molecules that ``rounds`` picked have a score."""
        return sum(int(np.isfinite(self.batches[item].docked).sum()) for item in rounds)
