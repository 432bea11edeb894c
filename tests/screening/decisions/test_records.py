"""A new best score: the rule of records, and when it says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.decisions.records import Records

SEED = np.linspace(-9.0, -5.0, 101)
"""The median is -7, the best tenth -8.6: the unit is 1.6."""


def batch(best: float, count: int = 40) -> np.ndarray:
    return np.linspace(best, best + 2, count)


def test_the_last_batch_is_measured_against_all_before() -> None:
    found = Records.of(SEED, [batch(-11.0), batch(-10.2)], lower_is_better=True)
    assert found is not None and found.picked == 80
    assert found.behind == pytest.approx(0.8 / 1.6)
    leading = Records.of(SEED, [batch(-10.2), batch(-11.0)], lower_is_better=True)
    assert leading is not None and leading.behind == 0
    assert Records.of(-SEED, [-batch(-11.0), -batch(-10.2)], lower_is_better=False) == found


def test_more_dockings_and_nearer_batches_make_it_likelier() -> None:
    near, far = Records(100, 0.0), Records(100, 0.5)
    assert 0 < far.chance(100) < near.chance(100) < near.chance(500) < 1
    assert Records(400, 0.0).chance(100) < near.chance(100), "the more was picked, the rarer a record"
    # worked out by hand: 0.54 + 1.57 ln(1/2) - 3.56 * 0.5 = -2.328
    assert far.chance(100) == pytest.approx(1 / (1 + np.exp(2.328)), abs=1e-3)


def test_too_little_says_nothing() -> None:
    assert Records.of(SEED, [batch(-10, 20)], lower_is_better=True) is None
    assert Records.of(SEED[:5], [batch(-10)], lower_is_better=True) is None
    assert Records.of(np.full(50, -7.0), [batch(-10)], lower_is_better=True) is None
    failed = np.where(np.arange(40) < 15, np.nan, batch(-10))
    assert Records.of(SEED, [failed], lower_is_better=True) is None
    assert Records.of(SEED, [], lower_is_better=True) is None
