from __future__ import annotations

import json

import numpy as np
import pytest
from docksieve.screening.calibration.picked import Batch, calibrate_picked


def batch(z: np.ndarray, seed: int = 0) -> Batch:
    generator = np.random.default_rng(seed)
    mean, sd = generator.normal(-8, 1, len(z)), generator.uniform(0.3, 0.9, len(z))
    return Batch(mean, sd, mean + sd * z)


def normal(count: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return shift + scale * np.random.default_rng(seed).normal(size=count)


def test_nothing_known_is_the_normal_distribution() -> None:
    found = calibrate_picked([])
    assert not found.learnt and found.picked == found.held_out == 0
    assert found.shift == pytest.approx(0, abs=1e-9) and found.inflation == pytest.approx(1, abs=0.02)
    low, high = found.interval([-8.0], [0.5], 0.95)
    assert (low[0] + high[0]) / 2 == pytest.approx(-8) and high[0] - low[0] == pytest.approx(1.96, abs=0.05)


def test_the_bias_of_picked_molecules_is_learnt() -> None:
    held_out = batch(normal(100, 1))
    found = calibrate_picked([batch(normal(400, 2, 0.8, 1.5)), batch(normal(400, 3, 0.8, 1.5))], held_out)
    assert found.learnt and found.picked == 400 and found.held_out == 100
    assert 0.6 < found.shift < 0.9 and 1.3 < found.inflation < 1.7
    mean, sd = found.adjusted([-9.0], [0.5])
    assert mean[0] == pytest.approx(-9 + 0.5 * found.shift) and sd[0] == pytest.approx(0.5 * found.inflation)
    new = batch(normal(4000, 4, 0.8, 1.5))
    for level in (0.68, 0.95):
        assert abs(found.coverage(new, level) - level) < 0.05


def test_few_picked_molecules_move_it_little() -> None:
    held_out = batch(normal(200, 5))
    few = calibrate_picked([batch(np.full(3, 2.0))], held_out)
    many = calibrate_picked([batch(normal(300, 6, 2.0))], held_out)
    assert few.shift < 0.5 < 1.5 < many.shift


def test_a_small_batch_is_filled_up_by_older_ones() -> None:
    older, small = batch(normal(200, 7, 1.0)), batch(normal(10, 8, 1.0))
    assert calibrate_picked([older, small]).picked == 50
    assert calibrate_picked([older, batch(normal(80, 9, 1.0))]).picked == 80


def test_heavy_and_skewed_tails_are_covered() -> None:
    generator = np.random.default_rng(10)

    def skewed(count: int) -> np.ndarray:
        return generator.exponential(1.5, count) - 0.5

    found = calibrate_picked([batch(skewed(500)), batch(skewed(500))], batch(normal(100, 11)))
    new = batch(skewed(5000))
    assert abs(found.coverage(new, 0.68) - 0.68) < 0.05 and abs(found.coverage(new, 0.95) - 0.95) < 0.03
    low, high = found.interval([0.0], [1.0], 0.95)
    assert high[0] > 2.5 * -low[0]


def test_a_bias_that_moves_widens_the_interval() -> None:
    still = calibrate_picked([batch(normal(300, 12)), batch(normal(300, 13))])
    moved = calibrate_picked([batch(normal(300, 12, 1.5)), batch(normal(300, 13))])
    assert still.drift < 0.15 < 0.6 < moved.drift and moved.inflation > 1.15 * still.inflation


def test_failed_dockings_are_left_out() -> None:
    z = normal(60, 14)
    whole = batch(z)
    holed = Batch(np.append(whole.mean, -9.0), np.append(whole.sd, np.nan), np.append(whole.docked, np.nan))
    assert calibrate_picked([whole]) == calibrate_picked([holed])
    failed = Batch(np.zeros(2), np.ones(2), np.full(2, np.nan))
    assert not calibrate_picked([failed]).learnt and np.isnan(calibrate_picked([]).coverage(failed, 0.95))


def test_it_is_plain_json_and_refuses_nonsense() -> None:
    json.dumps(calibrate_picked([batch(normal(60, 15))]).to_json(), allow_nan=False)
    with pytest.raises(ValueError, match="level"):
        calibrate_picked([]).interval([0.0], [1.0], 1.0)
    with pytest.raises(ValueError, match="equally long"):
        Batch(np.zeros(2), np.ones(3), np.zeros(2))
    with pytest.raises(ValueError, match="positive"):
        Batch(np.zeros(1), np.zeros(1), np.zeros(1))
