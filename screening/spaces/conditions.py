"""What the products of a search must meet: windows of properties, allowed blocks, and how often a block may occur."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...data.errors import InputError
from .tables import FactorTables, Positions


@dataclass(frozen=True)
class SpaceConditions:
    """Conditions of a search.

    Attributes
    ----------
    windows : dict of str to (float, float)
        Least and largest value of a property that is a sum over blocks; infinite where there is no bound.
    allowed : dict of (int, int) to array of bool
        For (reaction, role): which blocks may be used; all where nothing is said.
    per_block : int, optional
        Most products of the answer with the same building block in the same role.

    Examples
    --------
    >>> docksieve.SpaceConditions(windows={"weight": (0.0, 500.0)}, per_block=10).per_block
    10
    """

    windows: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    allowed: Mapping[tuple[int, int], NDArray[np.bool_]] = field(default_factory=dict)
    per_block: int | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in self.windows.items():
            if not low <= high:
                raise InputError(f"No {name} is at least {low:g} and at most {high:g}.", "Widen the window.")
        if self.per_block is not None and self.per_block < 1:
            raise InputError(f"At most {self.per_block} products per building block leaves none.")

    def blocks(self, reaction: int, tables: FactorTables) -> tuple[Positions, ...]:
        """Return the positions of the blocks that may be used, for each role.

        Blocks that cannot be within a window even with the best partners are left out as well.
        """
        chosen = [
            np.flatnonzero(self.allowed.get((reaction, role), np.ones(size, bool)))
            for role, size in enumerate(tables.sizes)
        ]
        for name, (low, high) in self.windows.items():
            if name not in tables.sums:
                raise InputError(
                    f"There is no property {name!r} of products.",
                    f"Known are {', '.join(sorted(tables.sums)) or 'none'}.",
                )
            item = tables.sums[name]
            # A block of which the value is not known cannot be shown to be within the window.
            chosen = [rows[~np.isnan(part[rows])] for part, rows in zip(item.parts, chosen, strict=True)]
            if not all(len(rows) for rows in chosen):
                break
            least = [part[rows].min() for part, rows in zip(item.parts, chosen, strict=True)]
            most = [part[rows].max() for part, rows in zip(item.parts, chosen, strict=True)]
            for role, part in enumerate(item.parts):
                own = part[chosen[role]]
                others_least = item.base + sum(least) - least[role]
                others_most = item.base + sum(most) - most[role]
                margin = 1e-6 * (1 + abs(item.base) + np.abs(own))
                able = (own + others_least <= high + margin) & (own + others_most >= low - margin)
                chosen[role] = chosen[role][able]
        return tuple(chosen)

    def meets(self, tables: FactorTables, positions: Positions) -> NDArray[np.bool_]:
        """Return which products, given the positions of their blocks, are within the windows."""
        good = np.ones(len(positions), bool)
        for name, (low, high) in self.windows.items():
            values = tables.sums[name].of(positions)
            good &= (values >= low) & (values <= high)
        return good
