from __future__ import annotations

import json

import numpy as np
import pytest
from docksieve.screening.decisions.learning import fit_learning_curve

SIZES = np.array([100.0, 200, 400, 800, 1600, 3200])


def law(sizes: np.ndarray) -> np.ndarray:
    return 0.2 + 3.0 * sizes**-0.5


def test_an_exact_law_is_found() -> None:
    found = fit_learning_curve(SIZES, law(SIZES))
    assert found.status == "fits"
    assert found.exponent == pytest.approx(0.5, abs=0.02) and found.floor == pytest.approx(0.2, abs=0.01)
    value, low, high = found.at(10_000)
    assert low <= value <= high and value == pytest.approx(law(np.array(1e4)), abs=0.003)
    json.dumps(found.to_json(), allow_nan=False)


def test_intervals_cover_and_say_how_little_is_known() -> None:
    generator = np.random.default_rng(1)
    errors = np.full(6, 0.01)
    inside = width = 0.0
    for _ in range(80):
        noise = np.linalg.cholesky(0.3 ** np.abs(np.subtract.outer(np.arange(6), np.arange(6))))
        found = fit_learning_curve(SIZES, law(SIZES) + 0.01 * noise @ generator.normal(size=6), errors)
        _, low, high = found.at(20_000)
        inside += low <= law(np.array(2e4)) <= high
        width += (high - low) / 80
    assert inside / 80 >= 0.9 - 3 * np.sqrt(0.09 / 80)
    assert width > 0.02
    assert found.floor_interval[0] < 0.2 < found.floor_interval[1]


def test_a_short_noisy_curve_sets_no_floor() -> None:
    noisy = law(SIZES[:5]) + np.array([0.0, 0.02, -0.02, 0.015, -0.01])
    found = fit_learning_curve(SIZES[:5], noisy)
    assert found.floor_interval[0] == -np.inf or found.exponent_interval[1] == np.inf
    assert None in found.to_json()["floor_interval"] + found.to_json()["exponent_interval"]
    inner, outer = found.at(5000), found.at(5000, new_point=True)
    assert outer[1] < inner[1] and outer[2] > inner[2]


def test_rising_curves_are_laws_too() -> None:
    found = fit_learning_curve(SIZES, 0.9 - 2 * SIZES**-0.4)
    assert found.gain < 0 and found.status == "fits" and found.floor == pytest.approx(0.9, abs=0.02)


def test_what_is_no_law_is_said_to_be_none() -> None:
    generator = np.random.default_rng(2)
    flat = fit_learning_curve(SIZES, 0.5 + 0.01 * generator.normal(size=6))
    assert flat.status == "no trend"
    assert fit_learning_curve(SIZES, np.full(6, 0.5)).status == "no trend"
    errors = np.full(6, 0.002)
    zigzag = law(SIZES) + 0.05 * np.array([1, -1, 1, -1, 1, -1])
    assert fit_learning_curve(SIZES, zigzag, errors).status == "does not fit"
    many = np.geomspace(100, 10_000, 12)
    hump = law(many) + 0.3 * np.exp(-((np.log(many) - np.log(1000)) ** 2))
    assert fit_learning_curve(many, hump).status in ("does not fit", "no trend")


def test_too_few_points_and_nonsense() -> None:
    few = fit_learning_curve(SIZES[:4], law(SIZES[:4]))
    assert few.status == "cannot say" and "4 points" in few.reason
    with pytest.raises(ValueError, match="no learning curve"):
        few.at(100)
    found = fit_learning_curve(SIZES, law(SIZES), np.full(6, 0.01))
    with pytest.raises(ValueError, match="standard errors"):
        found.at(100, new_point=True)
    assert found.at(100, new_point=True, error=0.01)[1] < found.at(100)[1]
    with pytest.raises(ValueError, match="positive"):
        found.at(0)
    for sizes, values in (([1, 2], [1]), ([1, 1, 2, 3, 4], [1] * 5), ([0, 1, 2, 3, 4], [1] * 5)):
        with pytest.raises(ValueError):
            fit_learning_curve(sizes, values)
