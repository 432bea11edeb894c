"""What an audit draws: strata by predicted rank, the dockings of each, and the molecules themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.seeds import derive_seed
from .bounds import StratumCount

Places = NDArray[np.int64]


@dataclass(frozen=True)
class AuditDesign:
    """Strata of the molecules that were not picked, best predicted first, and the dockings of each.

    Attributes
    ----------
    sizes, drawn : tuple of int
        Molecules and dockings of each stratum.
    expected : tuple of float
        Hits that each is guessed to hold; only the plan depends on it, never a bound.
    confidence : float
    """

    sizes: tuple[int, ...]
    drawn: tuple[int, ...]
    expected: tuple[float, ...]
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not len(self.sizes) == len(self.drawn) == len(self.expected):
            raise ValueError("sizes, drawn and expected must be equally long")
        if any(not 0 <= n <= size for n, size in zip(self.drawn, self.sizes, strict=True)):
            raise ValueError(f"cannot draw {self.drawn} from {self.sizes}")

    @property
    def dockings(self) -> int:
        """What the audit costs."""
        return sum(self.drawn)

    def counts(self, missed: Sequence[int]) -> list[StratumCount]:
        """Return what the audit would show with so many misses seen in each stratum."""
        rows = zip(self.sizes, self.drawn, missed, strict=True)
        return [StratumCount(size, drawn, k) for size, drawn, k in rows]


def draw_places(design: AuditDesign, seed: int) -> list[Places]:
    """Return the places drawn from each stratum, counted from its first molecule, ascending.

    Simple random sampling without replacement, each stratum with random numbers of its own: the same seed and design
    give the same molecules, and another size of one stratum leaves the others' draws as they were.

    Parameters
    ----------
    design : AuditDesign
        Its strata follow each other in the order of predictions.
    seed : int
        Of the campaign.
    """
    places = []
    for number, (size, drawn) in enumerate(zip(design.sizes, design.drawn, strict=True)):
        generator = np.random.default_rng(derive_seed(seed, "audit", number))
        places.append(np.sort(generator.choice(size, drawn, replace=False, shuffle=False)).astype(np.int64))
    return places
