"""Whose errors speak for whom: never a molecule for itself."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.calibration.history import PickedHistory
from docksieve.screening.calibration.picked import Batch, calibrate_next, calibrate_rest


def batch(seed: int, count: int = 60, shift: float = 0.0) -> Batch:
    mean = np.random.default_rng(seed).normal(-8, 1, count)
    return Batch(
        mean, np.full(count, 0.5), mean + 0.5 * np.random.default_rng(seed + 50).normal(shift, 1, count)
    )


def test_what_a_round_picked_is_judged_without_its_own_scores() -> None:
    picked, seen = {1: batch(1), 2: batch(2, shift=3.0)}, {2: batch(1)}
    history = PickedHistory(picked, seen)
    assert history.before(1) is None, "nothing was picked before"
    assert history.before(2) == calibrate_next(seen[2])
    assert PickedHistory({**picked, 2: batch(9)}, seen).before(2) == history.before(2)


def test_what_is_left_is_judged_by_what_was_docked_of_the_same_shortlist() -> None:
    history = PickedHistory({1: batch(1), 2: batch(2, 10)}, {2: batch(1)})
    assert history.after(1) == calibrate_rest(batch(1))
    assert history.after(2) == history.before(2), "ten molecules are too few; earlier picks are not"
    assert history.after(3) is None


def test_the_side_of_the_shift_follows_the_direction_of_the_scores() -> None:
    for lower in (True, False):
        found = PickedHistory({}, {2: batch(1)}, frozenset({2}), lower).before(2)
        assert found is not None and (found.shift > 0) is lower


def test_a_campaign_whose_batches_scatter_more_than_foretold_gets_wider_intervals() -> None:
    def wide(seed: int) -> Batch:
        plain = batch(seed, 200)
        return Batch(plain.mean, plain.sd / 2, plain.docked)

    seen = {number: batch(number + 20, 200) for number in (2, 3, 4)}
    calm = PickedHistory({number: batch(number, 200) for number in (1, 2, 3)}, seen)
    rough = PickedHistory({number: wide(number) for number in (1, 2, 3)}, seen)
    assert calm.factor(2) == 1.0, "round 1 had nothing foretold"
    assert 0.8 < calm.factor(4) < 1.1 < rough.factor(3) < rough.factor(4) < 2
    first, second = rough.before(4), calm.before(4)
    assert first is not None and second is not None
    assert first.inflation / second.inflation == pytest.approx(rough.factor(4) / calm.factor(4))
    assert first.shift == pytest.approx(second.shift)
