"""Acquisition from any number of predictions, in the memory of the answer.

Every molecule's value is a function of its own row and predictions (:mod:`docksieve.screening.acquisition.draws`
for those that draw), so only the best need be kept, and the order of shards and batches is of no consequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .draws import Draws
from .functions import (
    ACQUISITIONS,
    DIVERSITIES,
    AcquisitionContext,
    Array,
    Rows,
    acquisition_values,
    discounted,
    pool_size,
)

EXPLORED_AMONG = 20
"""New scaffolds are sought among so many times as many more of the best molecules."""


@dataclass(frozen=True)
class Acquired:
    """A batch to dock.

    Attributes
    ----------
    rows : array of int64, shape (m,)
        First those chosen by value, best first; then those drawn at random, in the order drawn.
    values : array of float64, shape (m,)
        Acquisition value of each.
    at_random : int
        How many of them, at the end, were drawn at random.
    explored : int
        How many, before those, are the best of scaffolds that were not seen.

    Examples
    --------
    >>> context = docksieve.AcquisitionContext()
    >>> stream = docksieve.AcquisitionStream("greedy", 2, lower_is_better=True, context=context, seed=1)
    >>> stream.add(np.array([0, 1, 2]), np.array([-7.0, -9.0, -8.0]), np.array([0.5, 0.5, 0.5]))
    >>> stream.add(np.array([3]), np.array([-8.5]), np.array([0.5]))
    >>> batch = stream.choose()
    >>> batch.rows, batch.values, batch.at_random
    (array([1, 3]), array([9. , 8.5]), 0)
    """

    rows: Rows
    values: Array
    at_random: int
    explored: int = 0


class BestRows:
    """The ``capacity`` rows with the largest keys of all that were offered; ties go to the smaller row.

    Holds at most ``2 * capacity`` entries and a batch at any time.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.least = -np.inf
        """Keys below this one cannot be among the best any more."""
        self._parts: list[tuple[Array, Rows, Array]] = []
        self._held = 0

    def offer(self, keys: Array, rows: Rows, values: Array) -> None:
        """Take in rows with their keys (never NaN) and whatever value goes with them."""
        if not len(keys) or not self.capacity:
            return
        self._parts.append((keys, rows, values))
        self._held += len(keys)
        if self._held > 2 * self.capacity:
            self.best()

    def best(self) -> tuple[Array, Rows, Array]:
        """Return keys, rows and values of the best, best first, and forget all others."""
        empty = (np.empty(0), np.empty(0, np.int64), np.empty(0))
        keys, rows, values = (np.concatenate(side) for side in zip(empty, *self._parts, strict=True))
        if len(keys) > self.capacity:  # sort only what can be among the best
            limit = -np.partition(-keys, self.capacity - 1)[self.capacity - 1] if self.capacity else np.inf
            near = np.flatnonzero(keys >= limit)
            keys, rows, values = keys[near], rows[near], values[near]
        order = np.lexsort((rows, -keys))[: self.capacity]
        kept = (keys[order], rows[order], values[order])
        self._parts, self._held = [kept], len(order)
        if len(order) and len(order) == self.capacity:
            self.least = float(kept[0][-1])
        return kept


def random_share(count: int, epsilon: float) -> int:
    """Return how many of ``count`` are drawn at random: ``epsilon * count``, halves rounded up."""
    return int(np.floor(epsilon * count + 0.5))


class AcquisitionStream:
    """Chooses molecules to dock from predictions that arrive in batches.

    Give it every molecule once (:meth:`add`), in any order, then ask (:meth:`choose`).

    Parameters
    ----------
    name : str
        ``greedy``, ``ucb``, ``ei``, ``pi``, ``thompson``, ``uncertainty`` or ``random``.
    count : int
        How many to choose; all that can be chosen if there are fewer.
    lower_is_better : bool
    context : AcquisitionContext
        ``best`` in score units as stored.
    seed : int
    docked : array of int64, optional
        Rows never to choose again.
    epsilon : float
        Share of the batch drawn at random from all other candidates, in [0, 1].
    diversity : str
        ``none``, ``scaffold`` or ``maxmin``.
    pool : int, optional
        Best candidates, as a multiple of the batch, among which ``diversity`` chooses; by default 10 for
        ``scaffold`` and 3 for ``maxmin``.
    typical : float
        A usual docked score, in score units: what a docking without a score is worth (see :meth:`add`).
    explore : int
        Molecules of the batch, the last by value, that make room for the best of scaffolds that were not seen
        (:meth:`choose`).

    Raises
    ------
    ValueError
        If an argument is unknown or out of range.

    Examples
    --------
    >>> context = docksieve.AcquisitionContext()
    >>> stream = docksieve.AcquisitionStream("greedy", 2, lower_is_better=True, context=context, seed=1)
    >>> stream.add(np.array([0, 1, 2]), np.array([-7.0, -9.0, -8.0]), np.array([0.5, 0.5, 0.5]))
    >>> stream.add(np.array([3]), np.array([-8.5]), np.array([0.5]))
    >>> stream.choose().rows
    array([1, 3])
    """

    def __init__(
        self,
        name: str,
        count: int,
        *,
        lower_is_better: bool,
        context: AcquisitionContext,
        seed: int,
        docked: ArrayLike | None = None,
        epsilon: float = 0.0,
        diversity: str = "none",
        pool: int | None = None,
        typical: float = 0.0,
        explore: int = 0,
    ) -> None:
        if name not in ACQUISITIONS:
            raise ValueError(f"acquisition {name!r} is not one of {', '.join(ACQUISITIONS)}")
        if diversity not in DIVERSITIES:
            raise ValueError(f"diversity {diversity!r} is not one of {', '.join(DIVERSITIES)}")
        if not 0 <= epsilon <= 1:
            raise ValueError(f"epsilon must be in [0, 1], not {epsilon}")
        if count < 0:
            raise ValueError(f"count must not be negative, not {count}")
        self.name, self.count, self.diversity, self.seed = name, count, diversity, seed
        self.lower_is_better, self.context = lower_is_better, context
        self.typical = -typical if lower_is_better else typical
        self.at_random = random_share(count, epsilon)
        self.by_value = count - self.at_random
        self._docked = np.unique(np.asarray([] if docked is None else docked, np.int64))
        self.explore = min(explore, self.by_value)
        self._pool = pool_size(diversity, self.by_value, pool)
        self._best = BestRows(self._pool + EXPLORED_AMONG * self.explore)
        # Up to `by_value` of the molecules with the largest random keys may be chosen by value.
        self._drawn = BestRows(count if self.at_random else 0)
        self.candidates = 0
        """Molecules with a prediction seen so far, docked ones included."""

    def add(
        self,
        rows: ArrayLike,
        mean: ArrayLike,
        spread: ArrayLike,
        chance: Callable[[NDArray[np.int64]], Array] | None = None,
    ) -> None:
        """Take in a batch.

        Parameters
        ----------
        rows : array of int64, shape (n,)
        mean, spread : array of float, shape (n,)
            In score units; molecules whose mean is NaN or infinite are never chosen.
        chance : callable, optional
            Given places in the batch, returns the probabilities that these molecules get a score: their values are
            discounted by it (:func:`docksieve.screening.acquisition.functions.discounted`). Asked only of molecules
            that may still be chosen; values of molecules drawn at random are never discounted.
        """
        rows, mean, spread = np.asarray(rows, np.int64), np.asarray(mean), np.asarray(spread)
        if not rows.shape == mean.shape == spread.shape or rows.ndim != 1:
            raise ValueError(
                f"rows, mean and spread differ in shape: {rows.shape}, {mean.shape}, {spread.shape}"
            )
        values = acquisition_values(
            self.name,
            rows,
            mean,
            spread,
            lower_is_better=self.lower_is_better,
            context=self.context,
            seed=self.seed,
        )
        known = ~np.isnan(values)
        self.candidates += int(known.sum())
        self._offer(self._best, self._discounted(values, rows, known, chance), rows, None, known)
        if self.at_random:
            keys = Draws(self.seed, rows).uniform("epsilon")
            self._offer(self._drawn, keys, rows, values, known)

    def _discounted(
        self,
        values: Array,
        rows: Rows,
        known: NDArray[np.bool_],
        chance: Callable[[NDArray[np.int64]], Array] | None,
    ) -> Array:
        """Return the values by which molecules are chosen; no discount makes one larger, so only the best are asked."""
        if chance is None or self.name == "random":
            return values
        near = self._near(self._best, values, rows, known)
        if len(near):
            values = values.copy()
            values[near] = discounted(self.name, values[near], chance(near), self.typical)
        return values

    def _near(self, best: BestRows, keys: Array, rows: Rows, known: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the places of what can still be among the best; only few are left to be looked up among the docked."""
        near = np.flatnonzero(known & (keys >= best.least))
        if len(self._docked) and len(near):
            places = np.minimum(np.searchsorted(self._docked, rows[near]), len(self._docked) - 1)
            near = near[self._docked[places] != rows[near]]
        return near

    def _offer(
        self, best: BestRows, keys: Array, rows: Rows, values: Array | None, known: NDArray[np.bool_]
    ) -> None:
        near = self._near(best, keys, rows, known)
        best.offer(keys[near], rows[near], (keys if values is None else values)[near])

    def choose(
        self, smiles: Callable[[Rows], Sequence[str]] | None = None, seen: Sequence[str] = ()
    ) -> Acquired:
        """Return the batch.

        Parameters
        ----------
        smiles : callable, optional
            Given rows, returns their SMILES in that order; asked for the best candidates only. Needed if
            ``diversity`` is not ``none``, or for exploring.
        seen : sequence of str
            SMILES whose scaffolds are known already, for exploring: what was docked.

        Raises
        ------
        ValueError
            If SMILES are needed and not given, or a row was added twice.
        """
        _, rows, values = self._best.best()
        _distinct(rows)
        places = np.arange(min(self.by_value, len(rows)))
        if smiles is None and (self.diversity != "none" or self.explore):
            raise ValueError(f"diversity {self.diversity!r} and exploring need the molecules' SMILES")
        if self.diversity != "none" and smiles is not None and self.by_value < len(rows):
            from ..chemistry.diversity import spread_out  # RDKit, only where a batch is spread

            places = spread_out(self.diversity, smiles(rows[: self._pool]), self.by_value)
        explored = 0
        if self.explore and smiles is not None:
            from .stalled import explored_places

            places, explored = explored_places(places, smiles(rows), self.explore, seen)
        rows, values = rows[places], values[places]
        _, others, other_values = self._drawn.best()
        _distinct(others)
        free = np.flatnonzero(~np.isin(others, rows))[: self.at_random]
        both = np.concatenate([rows, others[free]]), np.concatenate([values, other_values[free]])
        return Acquired(*both, len(free), explored)


def _distinct(rows: Rows) -> None:
    if len(np.unique(rows)) != len(rows):
        raise ValueError("a row was added twice: each molecule must be given once")
