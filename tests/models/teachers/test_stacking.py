from __future__ import annotations

import numpy as np
import pytest
from docksieve.models.settings import KernelSettings, TeacherSettings
from docksieve.models.teachers.calibration import LEVELS, coverage
from docksieve.models.teachers.stacking import (
    affordable,
    combine,
    held_out_mixture,
    simplex_weights,
    stacking_weights,
)
from scipy.optimize import minimize


def _models(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=400)
    noise = generator.normal(size=(400, count)) * np.linspace(0.4, 1.5, count) + 0.3 * generator.normal(
        size=(400, 1)
    )
    return truth, truth[:, None] + noise


@pytest.mark.parametrize("seed", range(4))
def test_weights_are_those_of_a_general_solver(seed: int) -> None:
    truth, predicted = _models(4, seed)
    found = simplex_weights(truth, predicted)
    slow = minimize(
        lambda w: ((predicted @ w - truth) ** 2).mean(), np.full(4, 0.25), method="SLSQP", tol=1e-12,
        bounds=[(0, 1)] * 4, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
    ).x  # fmt: skip
    assert found.sum() == pytest.approx(1) and (found >= 0).all()
    np.testing.assert_allclose(found, slow, atol=2e-3)


def test_a_useless_model_gets_nothing_and_each_target_its_own_weights() -> None:
    truth, predicted = _models(2, 9)
    both = np.stack([truth, truth], axis=1)
    both[:100, 1] = np.nan
    good = predicted[:, :1]
    bad = good + 2 * (good - truth[:, None])  # the same errors, three times as large
    first, second = np.hstack([good, bad]), np.hstack([bad, good])
    flat = np.ones_like(first)
    weights = stacking_weights(both, [(first, flat), (second, flat)])
    np.testing.assert_array_equal(weights, np.eye(2))
    mean, variance = combine(weights, [(first, flat), (second, flat)])
    np.testing.assert_array_equal(mean, np.hstack([good, good]))
    np.testing.assert_array_equal(variance, flat)
    few = stacking_weights(both[:20], [(first[:20], flat[:20]), (second[:20], flat[:20])])
    np.testing.assert_array_equal(few[:, 0], [0.5, 0.5])


def test_a_held_out_mixture_takes_no_weight_from_its_own_fold() -> None:
    truth, predicted = _models(2, 3)
    parts = [(predicted[:, :1], np.ones((400, 1))), (predicted[:, 1:], np.ones((400, 1)))]
    before = held_out_mixture(truth[:, None], parts, 2, 1)[0]
    changed = truth.copy()
    changed[17] += 1_000.0  # its fold's weights must not follow
    after = held_out_mixture(changed[:, None], parts, 2, 1)[0]
    same = np.isclose(before, after, atol=1e-12).ravel()
    assert same[17] and 150 < same.sum() < 250


def test_auto_keeps_to_its_budget() -> None:
    assert affordable(1_000, 1, TeacherSettings())[0] == ["kernel", "mlp", "trees"]
    kinds, minutes = affordable(1_000, 1, TeacherSettings(auto_minutes=0))
    assert kinds == ["kernel"] and set(minutes) == {"kernel", "mlp", "trees"}
    big = TeacherSettings(kernel=KernelSettings(max_exact=200_000))
    assert affordable(200_000, 1, big)[0] == ["kernel"]


def test_coverage_of_a_normal_is_what_it_says_and_of_half_the_spread_is_not() -> None:
    generator = np.random.default_rng(2)
    spread = generator.uniform(0.5, 2.0, 5_000)
    error = generator.normal(size=5_000) * spread
    table = coverage(error, spread)
    assert [row["expected"] for row in table] == list(LEVELS)
    assert all(abs(row["observed"] - row["expected"]) < 0.03 for row in table)
    assert all(row["low"] <= row["observed"] <= row["high"] for row in table)
    widths = [row["half_width"] for row in table]
    assert widths == sorted(widths)
    assert table[10]["half_width_in_spreads"] == pytest.approx(1.96, abs=0.1)
    assert coverage(error, spread / 2)[10]["observed"] < 0.75
    # New molecules of the same kind are covered by the conformal widths, though the spreads are wrong.
    fresh = np.abs(generator.normal(size=5_000) * spread)
    wide = coverage(error, spread / 2)[9]
    assert (fresh <= wide["half_width_in_spreads"] * spread / 2).mean() == pytest.approx(0.9, abs=0.02)


def test_few_held_out_molecules_give_no_width_for_high_levels() -> None:
    table = coverage(np.arange(20.0), np.ones(20))
    assert table[-1]["half_width"] is None and table[8]["half_width"] == 16.0
