"""A factor model's view of one reaction: what each building block adds, alone and in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Sums:
    """A property of products that is a sum over building blocks.

    Attributes
    ----------
    base : float
        Added to every product.
    parts : tuple of array of float64
        For each role, what each block adds; NaN where nothing is known.
    error : float
        By how much sums missed real products at most, where that was measured; 0 where they are exact.
    """

    base: float
    parts: tuple[NDArray[np.float64], ...]
    error: float = 0.0

    def of(self, positions: Positions) -> NDArray[np.float64]:
        """Return the property of products, given the positions of their blocks, shape (n, roles)."""
        total = np.full(len(positions), self.base)
        for role, part in enumerate(self.parts):
            total += part[positions[:, role]]
        return np.round(total, 6)


@dataclass(frozen=True)
class FactorTables:
    """Scores of the products of one reaction, larger is better.

    The score of a product is the sum of its blocks' ``single`` values and, for each pair of roles, the scalar product
    of its blocks' vectors.

    Attributes
    ----------
    single : tuple of array of float32, shape (n_role,)
    pairs : dict of (int, int) to (array, array)
        For two roles i < j: vectors of shape (n_i, rank) and (n_j, rank), float32.
    sums : dict of str to Sums
        Properties that conditions may be put on.
    """

    single: tuple[Floats, ...]
    pairs: Mapping[tuple[int, int], tuple[Floats, Floats]]
    sums: Mapping[str, Sums] = field(default_factory=dict)

    def __post_init__(self) -> None:
        roles = len(self.single)
        if roles not in (2, 3):
            raise ValueError(f"a reaction has two or three roles here, not {roles}")
        if set(self.pairs) != set(combinations(range(roles), 2)):
            raise ValueError(f"vectors are needed for the pairs {list(combinations(range(roles), 2))}")
        for (one, other), (left, right) in self.pairs.items():
            shapes = (len(self.single[one]), len(self.single[other]))
            if (len(left), len(right)) != shapes or left.shape[1] != right.shape[1]:
                raise ValueError(f"vectors of roles {one} and {other} do not fit the blocks")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Blocks of each role."""
        return tuple(len(part) for part in self.single)

    @property
    def products(self) -> int:
        """Products of the reaction."""
        return int(np.prod([int(size) for size in self.sizes], dtype=object))

    def scores(self, positions: ArrayLike) -> NDArray[np.float64]:
        """Return the scores of products, given the positions of their blocks, shape (n, roles)."""
        places = np.asarray(positions, np.int64)
        total = np.zeros(len(places))
        for role, part in enumerate(self.single):
            total += part[places[:, role]]
        for (one, other), (left, right) in self.pairs.items():
            total += np.einsum(
                "ij,ij->i", left[places[:, one]], right[places[:, other]], dtype=np.float64, casting="safe"
            )
        return total

    def take(self, chosen: Sequence[Positions]) -> FactorTables:
        """Return the tables of some blocks of each role."""
        return FactorTables(
            tuple(part[rows] for part, rows in zip(self.single, chosen, strict=True)),
            {
                (one, other): (left[chosen[one]], right[chosen[other]])
                for (one, other), (left, right) in self.pairs.items()
            },
            {
                name: Sums(
                    item.base,
                    tuple(part[rows] for part, rows in zip(item.parts, chosen, strict=True)),
                    item.error,
                )
                for name, item in self.sums.items()
            },
        )
