from __future__ import annotations

import json

import numpy as np
import pytest
from docksieve.screening.calibration.picked import (
    LEAST,
    NEXT,
    NEXT_DRAWN,
    REST,
    Batch,
    PickedCalibration,
    calibrate_next,
    calibrate_rest,
)


def batch(z: np.ndarray, seed: int = 0) -> Batch:
    generator = np.random.default_rng(seed)
    mean, sd = generator.normal(-8, 1, len(z)), generator.uniform(0.3, 0.9, len(z))
    return Batch(mean, sd, mean + sd * z)


def normal(count: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return shift + scale * np.random.default_rng(seed).normal(size=count)


def known(found: PickedCalibration | None) -> PickedCalibration:
    assert found is not None
    return found


def test_sizes_of_errors_are_learnt_and_a_common_error_is_counted_in() -> None:
    found = known(calibrate_next(batch(normal(4000, 1, 0.7, 1.5))))
    # a bias that the present model has is no forecast of the next batch's
    assert found.shift == pytest.approx(NEXT.shift, abs=0.03)
    assert found.inflation == pytest.approx(np.hypot(NEXT.size * 1.5, NEXT.bias), rel=0.03)
    assert found.picked == 4000 and found.bias == NEXT.bias
    low, high = found.interval([-9.0], [0.5], 0.95)
    half = 1.96 * 0.5 * np.hypot(NEXT.size * 1.5, NEXT.bias)
    assert (high[0] - low[0]) / 2 == pytest.approx(half, rel=0.04)
    mean, sd = found.adjusted(-9.0, 0.5)
    assert mean == pytest.approx(-9 + 0.5 * found.shift) and sd == pytest.approx(0.5 * found.inflation)


def test_batches_with_such_common_errors_are_covered_on_average() -> None:
    """Simulated as the constants have it: the share over many batches is the stated one, single batches differ."""
    generator = np.random.default_rng(2)
    shares = {0.68: [], 0.95: []}
    for seed in range(200):
        found = known(calibrate_next(batch(normal(100, 1000 + seed))))
        new = batch(NEXT.size * normal(100, seed) + NEXT.bias * generator.normal(), seed)
        for level, listed in shares.items():
            listed.append(found.coverage(new, level))
    assert np.mean(shares[0.68]) == pytest.approx(0.68, abs=0.03)
    assert np.mean(shares[0.95]) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("lower", [True, False])
def test_where_scores_are_drawn_together_picks_dock_worse(lower: bool) -> None:
    found = known(calibrate_next(batch(normal(500, 3)), drawn=True, lower_is_better=lower))
    assert found.shift == pytest.approx(NEXT_DRAWN.shift if lower else -NEXT_DRAWN.shift, abs=0.05)
    assert found.inflation > known(calibrate_next(batch(normal(500, 3)))).inflation


def test_what_is_left_of_a_shortlist_takes_over_half_of_the_bias() -> None:
    found = known(calibrate_rest(batch(normal(4000, 4, 2.0, 0.8))))
    assert found.shift == pytest.approx(REST.shift * 2.0, abs=0.05)
    assert found.inflation == pytest.approx(np.hypot(REST.size * 0.8, REST.bias), rel=0.03)


def test_too_few_are_no_evidence_and_failed_ones_do_not_count() -> None:
    few = batch(normal(LEAST, 5))
    assert calibrate_next(few) is not None and calibrate_rest(few) is not None
    few.docked[0] = np.nan
    assert calibrate_next(few) is None and calibrate_rest(few) is None
    whole = batch(normal(80, 6))
    more = normal(90, 6)
    holed = batch(more)
    assert (calibrate_next(whole) == calibrate_next(holed)) is False
    holed.docked[80:] = np.nan
    assert known(calibrate_next(holed)).picked == 80
    failed = Batch(np.zeros(3), np.ones(3), np.full(3, np.nan))
    assert np.isnan(known(calibrate_next(whole)).coverage(failed, 0.95))


def test_skewed_errors_have_skewed_intervals() -> None:
    z = np.random.default_rng(7).exponential(1.5, 4000) - 0.5
    found = known(calibrate_next(batch(z)))
    low, high = found.interval([0.0], [1.0], 0.95)
    assert high[0] > 1.2 * -low[0]


def test_plain_values_and_bad_questions() -> None:
    found = known(calibrate_next(batch(normal(60, 8))))
    json.dumps(found.to_json(), allow_nan=False)
    with pytest.raises(ValueError, match="level"):
        found.interval([0.0], [1.0], 1.0)
    with pytest.raises(ValueError, match="equally long"):
        Batch(np.zeros(2), np.ones(3), np.zeros(2))
    with pytest.raises(ValueError, match="positive standard deviation"):
        Batch(np.zeros(2), np.zeros(2), np.zeros(2))
