"""Each acquisition function against values worked out by hand, and the rules all of them share."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.acquire import ACQUISITIONS, AcquisitionContext, acquire

MEAN = np.array([-9.0, -8.0, -7.0])
SPREAD = np.array([0.1, 1.0, 2.0])
ROWS = np.array([10, 20, 30])


def values(name: str, context: AcquisitionContext, seed: int = 0) -> dict[int, float]:
    chosen, value = acquire(name, ROWS, MEAN, SPREAD, 3, lower_is_better=True, context=context, seed=seed)
    return {int(ROWS[index]): float(v) for index, v in zip(chosen, value, strict=True)}


def test_greedy_takes_the_best_mean() -> None:
    assert list(values("greedy", AcquisitionContext())) == [10, 20, 30]


def test_upper_confidence_bound_adds_beta_spreads() -> None:
    got = values("ucb", AcquisitionContext(beta=2.0))
    assert got == pytest.approx({10: 9.2, 20: 10.0, 30: 11.0})
    assert list(got) == [30, 20, 10]


def test_expected_improvement_by_hand() -> None:
    # best -8.5, xi 0: gains 0.5, -0.5, -1.5. z = 5, -0.5, -0.75.
    # EI = gain * Phi(z) + spread * phi(z): 0.5 * 1.0000 + 0.1 * 0.0000 = 0.5000;
    # -0.5 * 0.30854 + 1 * 0.35207 = 0.19780; -1.5 * 0.22663 + 2 * 0.30114 = 0.26234.
    got = values("ei", AcquisitionContext(best=-8.5, xi=0.0))
    assert got == pytest.approx({10: 0.5000, 30: 0.26234, 20: 0.19780}, abs=1e-4)
    assert list(got) == [10, 30, 20]


def test_probability_of_improvement_by_hand() -> None:
    got = values("pi", AcquisitionContext(best=-8.5, xi=0.0))
    assert got == pytest.approx({10: 1.0, 20: 0.30854, 30: 0.22663}, abs=1e-4)


def test_uncertainty_takes_the_widest() -> None:
    assert list(values("uncertainty", AcquisitionContext())) == [30, 20, 10]


def test_thompson_draws_about_the_mean() -> None:
    draws = np.array([[values("thompson", AcquisitionContext(), s)[r] for r in ROWS] for s in range(400)])
    np.testing.assert_allclose(draws.mean(0), -MEAN, atol=0.25)
    np.testing.assert_allclose(draws.std(0), SPREAD, rtol=0.15)


def test_random_is_uniform_over_molecules() -> None:
    firsts = [next(iter(values("random", AcquisitionContext(), seed))) for seed in range(300)]
    assert all(firsts.count(row) > 60 for row in (10, 20, 30))


def test_zero_spread_gives_no_nan() -> None:
    for name in ACQUISITIONS:
        _, value = acquire(
            name, ROWS, MEAN, np.zeros(3), 3, lower_is_better=True, context=AcquisitionContext(), seed=1
        )
        assert np.isfinite(value).all()


@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
def test_direction_order_and_exclusions(name: str) -> None:
    rng = np.random.default_rng(0)
    rows = rng.permutation(500)
    mean, spread = rng.normal(0, 1, 500), rng.uniform(0.1, 1, 500)
    mean[7] = np.nan
    docked = rows[:50]
    options = {"context": AcquisitionContext(best=0.5), "seed": 4, "docked": docked}
    low, low_values = acquire(name, rows, mean, spread, 40, lower_is_better=True, **options)
    assert len(set(rows[low])) == 40
    assert not set(rows[low]) & set(docked)
    assert 7 not in low
    assert (np.diff(low_values) <= 0).all()
    # The same molecules in another order, and with the sign turned, give the same choice.
    shuffle = rng.permutation(500)
    again, _ = acquire(
        name, rows[shuffle], mean[shuffle], spread[shuffle], 40, lower_is_better=True, **options
    )
    assert list(rows[shuffle][again]) == list(rows[low])
    turned = {**options, "context": AcquisitionContext(best=-0.5)}
    high, _ = acquire(name, rows, -mean, spread, 40, lower_is_better=False, **turned)
    assert list(rows[high]) == list(rows[low])


def test_ties_go_to_the_smaller_row() -> None:
    chosen, _ = acquire(
        "greedy",
        np.array([5, 3, 9, 1]),
        np.full(4, -8.0),
        np.zeros(4),
        2,
        lower_is_better=True,
        context=AcquisitionContext(),
        seed=0,
    )
    assert list(chosen) == [3, 1]
