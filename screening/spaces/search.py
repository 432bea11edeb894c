"""The exact best products of a space by a factor model, found by blocks of matrix products and bounds.

A reaction of two roles is one matrix product: rows are blocks of one role, columns those of the other. Rows and
columns are sorted by their own best, cut into tiles, and a tile is skipped if an upper bound of its scores is below
what is held already. A reaction of three roles is such a product for every block of the smallest role; how much a
pair of the two others can add at most is computed once for each tile, exactly, and serves all of them.

Scores are sums of float32 products; the bounds have a margin for their rounding. What is skipped cannot be among the
best: the answer is that of a search through all products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .best import BestProducts
from .conditions import SpaceConditions
from .tables import FactorTables, Floats, Positions

TILE_ROWS, TILE_COLUMNS = 512, 2_048
"""Of two roles: what fits the cache of a core beside its vectors."""
SMALL_TILE = 128
"""Of three roles: the smaller a tile, the sharper its bound."""
BATCH = 1_000
"""Products beyond those wanted that are looked through at a time where blocks may occur a few times only."""
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
    estimated : tuple of str
        Windows on properties that are no exact sums over blocks, as real products showed: products near a limit may
        miss it, or have been left out. :func:`docksieve.screening.spaces.from_space.made_within` looks at them.
    """

    scores: Floats
    numbers: NDArray[np.int64]
    products: int
    evaluated: int
    estimated: tuple[str, ...] = ()


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
    >>> space = docksieve.build_space("amides", ["amide"], workers=1)
    >>> from types import SimpleNamespace  # in place of a model: heavy products are good ones
    >>> single = tuple(role.values("weight").astype(np.float32)[:, None] for role in space.blocks[0])
    >>> none = tuple(np.zeros((len(part), 1, 1), np.float32) for part in single)
    >>> factors = [SimpleNamespace(single=single, pairs={(0, 1): none})]
    >>> tables = docksieve.space_tables(space, factors, lower_is_better=False)
    >>> conditions = docksieve.SpaceConditions({"weight": (0, 400)}, per_block=1)
    >>> found = docksieve.search_space(tables, 5, conditions)
    >>> bool((space.take(found.numbers, ["weight"])["weight"].to_numpy() <= 400).all())
    True
    """
    conditions = conditions or SpaceConditions()
    starts = list(first) if first is not None else _starts(tables)
    total = sum(item.products for item in tables)
    estimated = tuple(
        name
        for name in conditions.windows
        if any(one.sums[name].error > 0 for one in tables if name in one.sums)
    )
    if conditions.per_block is None:
        keys, numbers, evaluated = _search_all(tables, starts, count, conditions, threads)
        return Found(keys, numbers, total, evaluated, estimated)
    taken = _Spread(tables, starts, conditions.per_block, count)
    allowed, evaluated = dict(conditions.allowed), 0
    wanted = 2 * count + BATCH
    while True:
        # What was accepted comes again as long as its blocks may still be used: at most ``count`` products.
        keys, numbers, more = _search_all(
            tables, starts, wanted, replace(conditions, allowed=allowed), threads
        )
        evaluated += more
        exhausted = taken.accept(keys, numbers)
        if len(taken.numbers) >= count or len(numbers) < wanted:
            found = np.array(taken.keys, np.float32), np.array(taken.numbers, np.int64)
            return Found(*found, total, evaluated, estimated)
        for index, role, block in exhausted:
            mask = np.array(allowed.get((index, role), np.ones(tables[index].sizes[role], bool)))
            mask[block] = False
            allowed[index, role] = mask


def _search_all(
    tables: Sequence[FactorTables],
    starts: Sequence[int],
    count: int,
    conditions: SpaceConditions,
    threads: int,
) -> tuple[Floats, NDArray[np.int64], int]:
    best, evaluated = BestProducts(count), 0
    for index in _promising_first(tables):
        evaluated += _search_one(tables[index], index, starts[index], best, conditions, threads)
    return *best.best(), evaluated


def _starts(tables: Sequence[FactorTables]) -> list[int]:
    starts = [0]
    for item in tables:
        starts.append(starts[-1] + item.products)
    return starts[:-1]


def _promising_first(tables: Sequence[FactorTables]) -> list[int]:
    """Return the reactions by their best sum of single values: a high floor early saves work."""
    tops = [sum(float(part.max()) for part in item.single) if item.products else -np.inf for item in tables]
    return sorted(range(len(tables)), key=lambda index: (-tops[index], index))


class _Spread:
    """Products accepted from the best down, no block more often than ``most``."""

    def __init__(self, tables: Sequence[FactorTables], starts: Sequence[int], most: int, count: int) -> None:
        self._tables, self._starts, self._most, self._count = tables, starts, most, count
        self._order = np.argsort(starts, kind="stable")
        self._edges = np.array(starts, np.int64)[self._order]
        self._used: dict[tuple[int, int, int], int] = {}
        self._seen: set[int] = set()
        self.keys: list[float] = []
        self.numbers: list[int] = []

    def accept(self, keys: Floats, numbers: NDArray[np.int64]) -> list[tuple[int, int, int]]:
        """Go through further products, best first; return the blocks (reaction, role, position) used up."""
        for key, number in zip(keys.tolist(), numbers.tolist(), strict=True):
            if len(self.numbers) == self._count:
                break
            blocks = self._blocks(number)
            if number in self._seen or any(self._used.get(block, 0) >= self._most for block in blocks):
                continue
            for block in blocks:
                self._used[block] = self._used.get(block, 0) + 1
            self._seen.add(number)
            self.keys.append(key)
            self.numbers.append(number)
        return [block for block, times in self._used.items() if times >= self._most]

    def _blocks(self, number: int) -> list[tuple[int, int, int]]:
        index = int(self._order[int(np.searchsorted(self._edges, number, side="right")) - 1])
        rest, blocks = number - self._starts[index], []
        for role in reversed(range(len(self._tables[index].sizes))):
            rest, at = divmod(rest, self._tables[index].sizes[role])
            blocks.append((index, role, at))
        return blocks


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
            size = abs(self.row_tops[tile]) + abs(self.column_tops[other])
            size += self.row_norms[tile] * self.column_norms[other]
            if bound + MARGIN * (1 + size) < sink.best.floor:
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
        first = np.maximum.reduceat(one, self.starts[0])[:, None].astype(np.float64)
        second = np.maximum.reduceat(two, self.starts[1])[None, :].astype(np.float64)
        tops = first + second + self.tile_tops
        # Terms may cancel: the margin is that of their sizes, not of their sum.
        tops += MARGIN * (1 + np.abs(first) + np.abs(second) + np.abs(self.tile_tops))
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
