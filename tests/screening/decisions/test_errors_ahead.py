"""Errors of candidates are those that intervals have."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.calibration.history import PickedHistory
from docksieve.screening.calibration.picked import NEXT, REST, Batch
from docksieve.screening.decisions.errors import ErrorDraws, errors_ahead


def batch(seed: int, count: int = 400, shift: float = 0.0, sign: float = 1.0) -> Batch:
    generator = np.random.default_rng(seed)
    mean = generator.normal(-8, 1, count)
    return Batch(sign * mean, np.full(count, 0.5), sign * (mean + 0.5 * generator.normal(shift, 1.5, count)))


def share_inside(found: ErrorDraws | None, half: float) -> float:
    """Return the chance that a molecule predicted 0 +- 1 scores within ``half`` of it."""
    assert found is not None
    at = np.zeros(1), np.ones(1)
    return float((found.below(half, *at) - found.below(-half, *at)).mean())


def test_before_a_batch_is_docked_the_errors_are_those_of_earlier_picks() -> None:
    found = errors_ahead(PickedHistory({}, {3: batch(1, shift=2.0)}), 3, seed=1)
    assert found is not None and found.picked == 400
    assert np.median(found.shift) == pytest.approx(NEXT.shift, abs=0.05)
    assert found.shift.std() == pytest.approx(NEXT.bias, rel=0.1)
    assert share_inside(found, float(np.hypot(NEXT.size * 1.5, NEXT.bias))) == pytest.approx(0.683, abs=0.04)


def test_what_is_left_takes_over_half_the_bias_of_what_was_docked() -> None:
    history = PickedHistory({3: batch(2, shift=2.0)}, {3: batch(1)})
    found = errors_ahead(history, 3, seed=1)
    assert found is not None and found.batches == 1
    assert np.median(found.shift) == pytest.approx(REST.shift * 2.0, abs=0.15)
    turned = PickedHistory({3: batch(2, shift=2.0, sign=-1.0)}, {}, lower_is_better=False)
    other = errors_ahead(turned, 3, seed=1)
    assert other is not None and np.median(other.shift) == pytest.approx(np.median(found.shift), abs=1e-6)


def test_too_few_say_nothing() -> None:
    assert errors_ahead(PickedHistory({3: batch(2, 20)}, {3: batch(1, 10)}), 3, seed=1) is None
    assert errors_ahead(PickedHistory({}), 3, seed=1) is None
