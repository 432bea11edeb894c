"""The search of spaces finds what a search through all products finds, under every condition."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from docksieve.data.errors import InputError
from docksieve.screening.spaces.best import BestProducts
from docksieve.screening.spaces.conditions import SpaceConditions
from docksieve.screening.spaces.search import search_space
from docksieve.screening.spaces.tables import FactorTables, Sums


def random_tables(generator, roles, ties=False, most=40):
    """Tables whose scores are multiples of 1/4, so that float32 sums are exact and equal scores are equal."""
    sizes = generator.integers(1, most if roles == 2 else 14, roles)
    rank, step = int(generator.integers(1, 5)), 2 if ties else 40

    def numbers(*shape):
        return (generator.integers(-step, step + 1, shape) / 4).astype(np.float32)

    single = tuple(numbers(size) for size in sizes)
    pairs = {
        (i, j): (numbers(sizes[i], rank), numbers(sizes[j], rank)) for i, j in combinations(range(roles), 2)
    }
    parts = [tuple(generator.integers(0, 90, size) / 1.0 for size in sizes) for _ in range(2)]
    parts[1][0][generator.random(sizes[0]) < 0.1] = np.nan  # a price that nobody knows
    return FactorTables(single, pairs, {"weight": Sums(100.0, parts[0]), "price": Sums(0.0, parts[1])})


def brute_force(tables, count, conditions):
    everything, start = [], 0
    for index, item in enumerate(tables):
        positions = np.array(list(product(*map(range, item.sizes))), np.int64)
        good = np.ones(len(positions), bool)
        for name, (low, high) in conditions.windows.items():
            values = item.sums[name].of(positions)
            good &= (values >= low) & (values <= high)
        for (reaction, role), mask in conditions.allowed.items():
            if reaction == index:
                good &= mask[positions[:, role]]
        scores = item.scores(positions)
        everything += [
            (-scores[at], start + at, tuple((index, r, p) for r, p in enumerate(positions[at].tolist())))
            for at in np.flatnonzero(good).tolist()
        ]
        start += len(positions)
    kept, used = [], {}
    for score, number, blocks in sorted(everything):
        if conditions.per_block and any(used.get(b, 0) >= conditions.per_block for b in blocks):
            continue
        for block in blocks:
            used[block] = used.get(block, 0) + 1
        kept.append((-score, number))
    return kept[:count]


@pytest.mark.parametrize("seed", range(60))
def test_search_finds_what_a_look_at_all_products_finds(seed, monkeypatch):
    monkeypatch.setattr("docksieve.screening.spaces.search.TILE_ROWS", 8)
    monkeypatch.setattr("docksieve.screening.spaces.search.TILE_COLUMNS", 16)
    monkeypatch.setattr("docksieve.screening.spaces.search.SMALL_TILE", 4)
    monkeypatch.setattr("docksieve.screening.spaces.search.BATCH", 5)
    generator = np.random.default_rng(seed)
    tables = [
        random_tables(generator, int(generator.integers(2, 4)), ties=bool(seed % 2))
        for _ in range(int(generator.integers(1, 4)))
    ]
    total = sum(item.products for item in tables)
    windows = {}
    if seed % 3:
        windows["weight"] = (130.0, 250.0)
    if seed % 5 == 0:
        windows["price"] = (-np.inf, 80.0)
    allowed = {}
    if seed % 4 == 1:
        allowed[0, 1] = generator.random(tables[0].sizes[1]) < 0.7
    conditions = SpaceConditions(windows, allowed, int(generator.integers(1, 4)) if seed % 4 >= 2 else None)
    for count in (1, 17, total + 5):
        expected = brute_force(tables, count, conditions)
        found = search_space(tables, count, conditions, threads=1 + seed % 2)
        assert found.numbers.tolist() == [number for _, number in expected]
        assert found.scores.tolist() == [score for score, _ in expected]
        assert found.products == total
        if conditions.per_block is None:
            assert found.evaluated <= total


def test_bounds_leave_most_products_unscored():
    generator = np.random.default_rng(3)
    sizes = (4_000, 6_000)
    single = tuple(generator.normal(0, 1, size).astype(np.float32) for size in sizes)
    pair = tuple(generator.normal(0, 0.05, (size, 4)).astype(np.float32) for size in sizes)
    found = search_space([FactorTables(single, {(0, 1): pair})], 100)
    scores = single[0][:, None] + single[1] + pair[0] @ pair[1].T
    assert np.allclose(found.scores, np.sort(scores.ravel())[::-1][:100], atol=1e-4)
    assert found.evaluated < 0.5 * found.products


def test_terms_that_cancel_do_not_deceive_the_bounds():
    generator = np.random.default_rng(4)
    single = tuple((sign * 1e5 + generator.normal(0, 1, 700)).astype(np.float32) for sign in (1, -1))
    none = tuple(np.zeros((700, 1), np.float32) for _ in range(2))
    found = search_space([FactorTables(single, {(0, 1): none})], 50)
    exact = np.sort((single[0][:, None].astype(np.float64) + single[1]).ravel())[::-1][:50]
    assert np.allclose(found.scores, exact, atol=0.02)


def test_what_nothing_meets_is_an_empty_answer_and_what_is_nonsense_an_error():
    tables = [random_tables(np.random.default_rng(1), 2)]
    assert len(search_space(tables, 5, SpaceConditions({"weight": (1e6, 2e6)})).numbers) == 0
    assert len(search_space(tables, 0).numbers) == 0
    none = {(0, 0): np.zeros(tables[0].sizes[0], bool)}
    assert len(search_space(tables, 5, SpaceConditions({"weight": (0, 1e6)}, none)).numbers) == 0
    with pytest.raises(InputError, match="no property 'colour'"):
        search_space(tables, 5, SpaceConditions({"colour": (0, 1)}))
    with pytest.raises(InputError, match="No weight is at least 2 and at most 1"):
        SpaceConditions({"weight": (2, 1)})
    with pytest.raises(InputError, match="leaves none"):
        SpaceConditions(per_block=0)


def test_windows_on_inexact_sums_are_named():
    item = random_tables(np.random.default_rng(2), 2)
    guess = FactorTables(
        item.single, item.pairs, {"logp": Sums(0.0, item.sums["weight"].parts, 0.3), **item.sums}
    )
    conditions = SpaceConditions({"logp": (0, 500), "weight": (0, 500)})
    assert search_space([guess], 3, conditions).estimated == ("logp",)


def test_tables_that_do_not_fit_are_refused():
    one = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match="two or three roles"):
        FactorTables((one,), {})
    with pytest.raises(ValueError, match="vectors are needed"):
        FactorTables((one, one), {})
    with pytest.raises(ValueError, match="do not fit"):
        FactorTables((one, one), {(0, 1): (np.zeros((2, 1), np.float32), np.zeros((3, 1), np.float32))})


def test_best_products_keeps_the_smaller_number_of_equal_ones():
    best = BestProducts(2)
    for number in (5, 3, 9, 1, 7):
        best.offer(np.ones(1, np.float32), np.array([number]))
    assert best.best()[1].tolist() == [1, 3]
