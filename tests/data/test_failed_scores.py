"""Failures written as scores are found, and nothing else is taken for them."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.data.failed_scores import failures_written_as_scores, usual


def vina(count: int, seed: int, digits: int | None) -> np.ndarray:
    """Scores such as Vina gives, a few of them bad."""
    generator = np.random.default_rng(seed)
    values = generator.normal(-7.8, 0.9, count)
    values[: count // 100] += generator.exponential(1.5, count // 100)
    values = np.minimum(values, -0.5)
    return values if digits is None else np.round(values, digits)


@pytest.mark.parametrize("count", [30, 300, 3_000, 30_000])
@pytest.mark.parametrize("digits", [0, 1, 2, 3, None])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scores_are_never_taken_for_failures(count: int, digits: int | None, seed: int) -> None:
    values = vina(count, seed, digits)
    assert failures_written_as_scores(values, True).values == ()
    assert failures_written_as_scores(-values, False).values == ()
    assert failures_written_as_scores(-values, True).values == ()  # a tail on the good side
    flat = np.random.default_rng(seed).uniform(-14, -0.1, count)
    flat = flat if digits is None else np.round(flat, digits)
    found = failures_written_as_scores(flat, True)
    assert found.values == () and not found.mask.any() and found.explanation == ""


@pytest.mark.parametrize("digits", [1, 2, None])
@pytest.mark.parametrize("value", [0.0, 10.0, 99.9, 9999.0])
def test_one_value_in_thirty_is_found(digits: int | None, value: float) -> None:
    values = vina(3_000, 5, digits)
    failed = np.random.default_rng(0).choice(3_000, 105, replace=False)
    values[failed] = value
    found = failures_written_as_scores(values, True)
    assert found.values == (value,) and found.counts == (105,)
    assert np.array_equal(np.flatnonzero(found.mask), np.sort(failed))
    assert f"105 of exactly {value:g}" in found.explanation and "3.5 %" in found.explanation


def test_higher_is_better() -> None:
    values = np.random.default_rng(1).normal(6.0, 1.0, 2_000).clip(0.5)
    values[::29] = 0.0
    found = failures_written_as_scores(values, False)
    assert found.values == (0.0,) and str(found.values[0]) == "0.0"
    assert found.counts == (69,)
    assert failures_written_as_scores(-values, True).counts == (69,)
    assert failures_written_as_scores(values, True).values == ()  # at the good end: not for us to judge


def test_two_values_and_real_scores_beyond_one_of_them() -> None:
    values = vina(5_000, 8, None)
    values[:60], values[60:140] = 0.0, 9999.0
    values[140:150] = np.linspace(0.5, 30, 10)  # clashes
    found = failures_written_as_scores(values, True)
    assert found.values == (9999.0, 0.0) and found.counts == (80, 60)
    assert found.mask[:140].all() and not found.mask[140:].any()


def test_a_tail_that_runs_through_zero() -> None:
    values = np.random.default_rng(3).normal(-20, 8, 4_000)
    values[:140] = 0.0
    assert failures_written_as_scores(values, True).counts == (140,)


def test_a_clipped_distribution_is_not_failures() -> None:
    generator = np.random.default_rng(4)
    for limit in (-6.2, -5.5):
        values = generator.normal(-7.8, 0.9, 5_000).clip(max=limit)
        assert failures_written_as_scores(values, True).values == ()
    clipped_good = generator.normal(-7.8, 0.9, 5_000).clip(min=-9.9)
    assert failures_written_as_scores(clipped_good, True).values == ()


def test_few_rows() -> None:
    values = np.linspace(-9, -6, 24)
    assert failures_written_as_scores(np.append(values, [9999.0] * 6), True).values == (9999.0,)
    assert failures_written_as_scores(np.append(values, [9999.0] * 4), True).values == ()
    assert failures_written_as_scores(np.append(values, [-6.0] * 6), True).values == ()
    for odd in ([], [1.0], [0.0] * 100, [np.nan] * 9, [np.inf, -np.inf, 0.0]):
        assert failures_written_as_scores(odd, True).values == ()


def test_missing_scores_stay_out() -> None:
    values = vina(1_000, 2, None)
    values[:100], values[100:150], values[150] = np.nan, 0.0, np.inf
    found = failures_written_as_scores(values, True)
    assert found.mask.sum() == 50 and not found.mask[:100].any() and not found.mask[150]


def test_the_order_is_of_no_consequence() -> None:
    values = vina(2_000, 6, 1)
    values[:80] = 0.0
    order = np.random.default_rng(0).permutation(2_000)
    first, second = failures_written_as_scores(values, True), failures_written_as_scores(values[order], True)
    assert np.array_equal(first.mask[order], second.mask)
    assert first.explanation == second.explanation


def test_the_values_that_programs_write() -> None:
    assert all(usual(value) for value in (0.0, 10.0, 99.9, 99.99, 999.0, 9999.0, -9999.0, 100.0, 1000.0))
    assert not any(usual(value) for value in (-6.2, 1.0, 9.0, 9.9, 25.0, 90.0))
