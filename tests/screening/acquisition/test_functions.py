"""Values of the acquisition functions, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.acquisition.functions import (
    ACQUISITIONS,
    DIVERSITIES,
    AcquisitionContext,
    acquisition_values,
    pool_size,
)

MEAN, SPREAD = np.array([1.0, 2.0, 0.5, 3.0]), np.array([1.0, 2.0, 0.0, 0.0])


def values(name: str, mean: np.ndarray = MEAN, lower: bool = False, **context: float) -> np.ndarray:
    given = AcquisitionContext(**{"best": 1.0, "beta": 2.0, "xi": 0.0, **context})
    rows = np.arange(len(mean))
    return acquisition_values(
        name, rows, mean, SPREAD[: len(mean)], lower_is_better=lower, context=given, seed=5
    )


def test_plain_ones() -> None:
    assert values("greedy").tolist() == [1, 2, 0.5, 3]
    assert values("ucb").tolist() == [3, 6, 0.5, 3]
    assert values("uncertainty").tolist() == [1, 2, 0, 0]


def test_expected_improvement() -> None:
    # gains 0, 1, -0.5, 2; a spread of 1 and no gain: phi(0); of 2 and a gain of 1: Phi(1/2) + 2 phi(1/2)
    assert values("ei") == pytest.approx([0.398942, 1.395593, 0, 2], abs=1e-6)
    assert values("ei", xi=1.0)[3] == pytest.approx(1)


def test_probability_of_improvement() -> None:
    assert values("pi") == pytest.approx([0.5, 0.691462, 0, 1], abs=1e-6)
    assert values("pi", best=3.0)[3] == 0  # as good is not better


@pytest.mark.parametrize("name", ["greedy", "ucb", "ei", "pi", "uncertainty"])
def test_where_lower_is_better_signs_are_turned(name: str) -> None:
    assert values(name, -MEAN, lower=True, best=-1.0) == pytest.approx(values(name))


@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
def test_what_is_not_known_is_not_ranked(name: str) -> None:
    found = values(name, np.array([1.0, np.nan, np.inf, 2.0]))
    assert np.isnan(found).tolist() == [False, True, True, False]


def test_draws_belong_to_the_molecule_and_follow_their_distribution() -> None:
    rows = np.arange(20_000)
    mean, spread = np.full(20_000, -8.0), np.full(20_000, 0.5)

    def drawn(name: str, which: np.ndarray, seed: int = 1) -> np.ndarray:
        return acquisition_values(
            name, which, mean[: len(which)], spread[: len(which)], lower_is_better=False,
            context=AcquisitionContext(), seed=seed,
        )  # fmt: skip

    all_at_once = drawn("thompson", rows)
    assert all_at_once.mean() == pytest.approx(-8, abs=0.02) and all_at_once.std() == pytest.approx(
        0.5, abs=0.01
    )
    np.testing.assert_array_equal(drawn("thompson", rows[100:200]), all_at_once[100:200])
    assert not np.array_equal(drawn("thompson", rows[:100], seed=2), all_at_once[:100])
    uniform = drawn("random", rows)
    assert uniform.min() >= 0 and uniform.max() < 1 and uniform.mean() == pytest.approx(0.5, abs=0.01)


def test_how_many_a_batch_is_spread_among() -> None:
    assert {name: pool_size(name, 20) for name in DIVERSITIES} == {"none": 20, "scaffold": 200, "maxmin": 60}
    assert pool_size("maxmin", 20, 7) == 140 and pool_size("none", 20, 7) == 20
    with pytest.raises(ValueError, match="at least 1, not 0"):
        pool_size("maxmin", 20, 0)
