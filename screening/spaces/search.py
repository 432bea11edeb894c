"""The exact best products of a space by a factor model, found by blocks of matrix products and bounds.

A reaction of two roles is one matrix product: rows are blocks of one role, columns those of the other. Rows and columns
are sorted by their own best, cut into tiles, and a tile is skipped if an upper bound of its scores is below what is held
already. A reaction of three roles is such a product for every block of the smallest role; how much a pair of the two
others can add at most is computed once for each tile, exactly, and serves all of them.

Scores are sums of float32 products; the bounds have a margin for their rounding. What is skipped cannot be among the
best: the answer is that of a search through all products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .best import BestProducts
from .conditions import SpaceConditions
from .tables import FactorTables, Floats, Positions

TILE_ROWS, TILE_COLUMNS = 512, 2_048
"""Of two roles: what fits the cache of a core beside its vectors."""
SMALL_TILE = 128
"""Of three roles: the smaller a tile, the sharper its bound."""
MARGIN = 1e-5
"""Relative rounding of bounds and scores in float32."""


@dataclass(frozen=True)
class Found:
    """The best products of a search.

    Attributes
    ----------
    scores : array of float32, shape (n,)
        Best first, larger is better.
    numbers : array of int64, shape (n,)
        Of the products in the space.
    products, evaluated : int
        How many products the search answers for, and of how many a score was computed. The rest was shown to be
        worse by bounds, or to miss the conditions.
    """

    scores: Floats
    numbers: NDArray[np.int64]
    products: int
    evaluated: int


def search_space(
    tables: Sequence[FactorTables],
    count: int,
    conditions: SpaceConditions | None = None,
    threads: int = 1,
    first: Sequence[int] | None = None,
) -> Found:
    """Return the best products of some reactions.

    Parameters
    ----------
    tables : sequence of FactorTables
        One per reaction.
    count : int
        How many; all that meet the conditions if there are fewer.
    conditions : SpaceConditions, optional
    threads : int
    first : sequence of int, optional
        Number of each reaction's first product; by default they follow each other from 0.

    Returns
    -------
    Found
        With ``per_block``, products are accepted from the best down, and one is passed over if a block of it has
        occurred so often already.

    Examples
    --------
    >>> one = np.array([0.0, 1.0], np.float32)
    >>> none = (np.zeros((2, 1), np.float32), np.zeros((2, 1), np.float32))
    >>> search_space([FactorTables((one, one), {(0, 1): none})], 2).numbers
    array([3, 1])
    """
    conditions = conditions or SpaceConditions()
    starts = list(first) if first is not None else _starts(tables)
    total = sum(item.products for item in tables)
    wanted, evaluated = count, 0
    while True:
        best = BestProducts(wanted)
        for index in _promising_first(tables):
            evaluated += _search_one(tables[index], index, starts[index], best, conditions, threads)
        keys, numbers = best.best()
        if conditions.per_block is None:
            return Found(keys, numbers, total, evaluated)
        kept = _spread(tables, starts, numbers, conditions.per_block, count)
        if len(kept) >= count or len(numbers) < wanted:
            return Found(keys[kept], numbers[kept], total, evaluated)
        wanted *= 4


def _starts(tables: Sequence[FactorTables]) -> list[int]:
    starts = [0]
    for item in tables:
        starts.append(starts[-1] + item.products)
    return starts[:-1]


def _promising_first(tables: Sequence[FactorTables]) -> list[int]:
    """Return the reactions by their best sum of single values: a high floor early saves work."""
    tops = [sum(float(part.max()) for part in item.single) if item.products else -np.inf for item in tables]
    return sorted(range(len(tables)), key=lambda index: (-tops[index], index))


def _spread(
    tables: Sequence[FactorTables], starts: Sequence[int], numbers: NDArray[np.int64], most: int, count: int
) -> NDArray[np.int64]:
    """Return the places of products accepted from the best down, no block more often than ``most``."""
    edges = np.array([*starts, 2**63 - 1], np.int64)
    used: dict[tuple[int, int, int], int] = {}
    kept: list[int] = []
    for place, number in enumerate(numbers.tolist()):
        index = int(np.searchsorted(edges, number, side="right")) - 1
        rest, blocks = number - starts[index], []
        for role in reversed(range(len(tables[index].sizes))):
            rest, at = divmod(rest, tables[index].sizes[role])
            blocks.append((index, role, at))
        if all(used.get(block, 0) < most for block in blocks):
            for block in blocks:
                used[block] = used.get(block, 0) + 1
            kept.append(place)
            if len(kept) == count:
                break
    return np.array(kept, np.int64)


def _search_one(
    tables: FactorTables,
    index: int,
    start: int,
    best: BestProducts,
    conditions: SpaceConditions,
    threads: int,
) -> int:
    chosen = conditions.blocks(index, tables)
    if not all(len(rows) for rows in chosen) or not best.count:
        return 0
    sinks = _Sink(tables, chosen, start, best, conditions)
    part = tables.take(chosen)
    plan = _two(part) if len(part.single) == 2 else _three(part)
    jobs = plan.jobs()
    if threads == 1:
        return sum(plan.run(job, sinks) for job in jobs)
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda job: plan.run(job, sinks), jobs))


@dataclass(frozen=True)
class _Sink:
    """Where tiles leave what they found, in terms of the whole reaction's blocks."""

    tables: FactorTables
    chosen: tuple[Positions, ...]
    start: int
    best: BestProducts
    conditions: SpaceConditions

    def take(self, keys: Floats, places: Sequence[Positions]) -> None:
        positions = np.stack(
            [rows[place] for rows, place in zip(self.chosen, places, strict=True)], axis=1
        ).astype(np.int64)
        if self.conditions.windows:
            good = self.conditions.meets(self.tables, positions)
            keys, positions = keys[good], positions[good]
        numbers = np.zeros(len(positions), np.int64)
        for role, size in enumerate(self.tables.sizes):
            numbers = numbers * size + positions[:, role]
        self.best.offer(keys, numbers + self.start)


@dataclass(frozen=True)
class _TwoRoles:
    """Tiles of one matrix product; vectors are extended so that single values are part of it."""

    rows: Floats
    columns: Floats
    row_order: Positions
    column_order: Positions
    row_tops: NDArray[np.float64]
    column_tops: NDArray[np.float64]
    row_norms: NDArray[np.float64]
    column_norms: NDArray[np.float64]

    def jobs(self) -> Iterator[int]:
        return iter(range(0, len(self.rows), TILE_ROWS))

    def run(self, start: int, sink: _Sink) -> int:
        stop, done = min(start + TILE_ROWS, len(self.rows)), 0
        tile = start // TILE_ROWS
        for column in range(0, len(self.columns), TILE_COLUMNS):
            other = column // TILE_COLUMNS
            bound = (
                self.row_tops[tile]
                + self.column_tops[other]
                + self.row_norms[tile] * self.column_norms[other]
            )
            if bound + MARGIN * (1 + abs(bound)) < sink.best.floor:
                continue
            scores = self.rows[start:stop] @ self.columns[column : column + TILE_COLUMNS].T
            done += scores.size
            row, place = np.divmod(np.flatnonzero(scores >= sink.best.floor), scores.shape[1])
            if len(row):
                sink.take(
                    scores[row, place], (self.row_order[start + row], self.column_order[column + place])
                )
        return done


def _two(tables: FactorTables) -> _TwoRoles:
    left, right = tables.pairs[0, 1]
    own, other = tables.single
    row_order, column_order = np.argsort(-own, kind="stable"), np.argsort(-other, kind="stable")
    one = np.ones
    rows = np.column_stack([left, own, one(len(own), np.float32)])[row_order].astype(np.float32)
    columns = np.column_stack([right, one(len(other), np.float32), other])[column_order].astype(np.float32)
    row_starts, column_starts = (
        np.arange(0, len(rows), TILE_ROWS),
        np.arange(0, len(columns), TILE_COLUMNS),
    )

    def norms(vectors: Floats, order: Positions, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        lengths = np.linalg.norm(vectors[order].astype(np.float64), axis=1)
        return np.maximum.reduceat(lengths, starts)

    return _TwoRoles(
        np.ascontiguousarray(rows),
        np.ascontiguousarray(columns),
        row_order,
        column_order,
        np.maximum.reduceat(own[row_order].astype(np.float64), row_starts),
        np.maximum.reduceat(other[column_order].astype(np.float64), column_starts),
        norms(left, row_order, row_starts),
        norms(right, column_order, column_starts),
    )


@dataclass(frozen=True)
class _ThreeRoles:
    """For each block of the outer role, tiles of the product of the two inner ones that can matter."""

    tables: FactorTables
    outer: int
    inner: tuple[int, int]
    outer_order: Positions
    orders: tuple[Positions, Positions]
    left: Floats
    right: Floats
    tile_tops: NDArray[np.float64]
    starts: tuple[NDArray[np.int64], NDArray[np.int64]]

    def jobs(self) -> Iterator[int]:
        return iter(self.outer_order.tolist())

    def _with_outer(self, block: int, role: int) -> Floats:
        """Return what the blocks of an inner role add, given the outer block."""
        low, high = sorted((self.outer, role))
        first, second = self.tables.pairs[low, high]
        vectors, mine = (second, first[block]) if role == high else (first, second[block])
        return np.asarray(self.tables.single[role] + vectors @ mine, np.float32)

    def run(self, block: int, sink: _Sink) -> int:
        one = self._with_outer(block, self.inner[0])[self.orders[0]] + self.tables.single[self.outer][block]
        two = self._with_outer(block, self.inner[1])[self.orders[1]]
        tops = (
            np.maximum.reduceat(one, self.starts[0])[:, None].astype(np.float64)
            + np.maximum.reduceat(two, self.starts[1])[None, :]
            + self.tile_tops
        )
        tops += MARGIN * (1 + np.abs(tops))
        rows, columns = np.nonzero(tops >= sink.best.floor)
        order = np.argsort(-tops[rows, columns], kind="stable")
        done = 0
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
            if tops[row, column] < sink.best.floor:
                break
            start, other = row * SMALL_TILE, column * SMALL_TILE
            scores = self.left[start : start + SMALL_TILE] @ self.right[other : other + SMALL_TILE].T
            scores += one[start : start + SMALL_TILE, None]
            scores += two[other : other + SMALL_TILE]
            done += scores.size
            at, place = np.nonzero(scores >= sink.best.floor)
            if len(at):
                places: list[Positions] = [np.empty(0, np.int64)] * 3
                places[self.outer] = np.full(len(at), block, np.int64)
                places[self.inner[0]] = self.orders[0][start + at]
                places[self.inner[1]] = self.orders[1][other + place]
                sink.take(scores[at, place], places)
        return done


def _three(tables: FactorTables) -> _ThreeRoles:
    outer = int(np.argmin(tables.sizes))
    one, two = (role for role in range(3) if role != outer)
    left, right = tables.pairs[one, two]
    orders = (
        np.argsort(-tables.single[one], kind="stable"),
        np.argsort(-tables.single[two], kind="stable"),
    )
    left, right = np.ascontiguousarray(left[orders[0]]), np.ascontiguousarray(right[orders[1]])
    starts = (np.arange(0, len(left), SMALL_TILE), np.arange(0, len(right), SMALL_TILE))
    tops = np.array(
        [
            np.maximum.reduceat(np.max(left[start : start + SMALL_TILE] @ right.T, axis=0), starts[1])
            for start in starts[0]
        ],
        np.float64,
    )
    return _ThreeRoles(
        tables,
        outer,
        (one, two),
        np.argsort(-tables.single[outer], kind="stable"),
        orders,
        left,
        right,
        tops,
        starts,
    )
