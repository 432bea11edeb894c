"""The same figure has one definition, whichever room reports it; models are compared in pairs."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.data import statistics
from docksieve.models import metrics as agreement
from docksieve.screening.metrics import paired as compare
from docksieve.screening.metrics import virtual_screening as metrics
from scipy.stats import spearmanr


@pytest.fixture
def scores() -> tuple[np.ndarray, np.ndarray]:
    """Docking scores rounded to 0.1, as engines print them, and predictions of them."""
    rng = np.random.default_rng(4)
    truth = np.round(rng.normal(-7.5, 1.1, 120), 1)
    return truth, np.round(truth + rng.normal(0, 0.6, 120), 2)


def test_one_definition_serves_all_rooms(scores: tuple[np.ndarray, np.ndarray]) -> None:
    truth, predicted = scores
    assert metrics.spearman is statistics.spearman
    assert compare.root_mean_square_error is metrics.rmse is agreement.rmse
    assert compare.Estimate is metrics.Interval
    expected = spearmanr(truth, predicted).statistic
    for measured in (compare.rank_correlation, agreement.spearman, metrics.spearman):
        assert measured(truth, predicted) == pytest.approx(expected)
    interval = metrics.bootstrap(metrics.r2, truth, predicted, seed=3, rounds=200)
    assert agreement.with_interval(agreement.r2, truth, predicted, seed=3) == vars(interval)


def test_what_does_not_vary_has_no_correlation() -> None:
    constant, rising = np.full(5, -7.0), np.arange(5.0)
    assert np.isnan(compare.rank_correlation(constant, rising))
    assert np.isnan(compare.rank_correlation(np.array([]), np.array([])))
    assert agreement.spearman(constant, rising) == agreement.r2(constant, rising) == 0.0


def test_a_better_candidate_is_seen_in_pairs(scores: tuple[np.ndarray, np.ndarray]) -> None:
    truth, present = scores
    candidate = truth + 0.9 * (present - truth)
    found = compare.compare_predictions(truth, present, candidate, seed=1)
    assert found.molecules == len(truth)
    assert found.rmse_candidate.value == pytest.approx(0.9 * found.rmse_present.value)
    assert found.rmse_present.low < found.rmse_candidate.value  # apart they could not be told
    assert found.difference.high < 0  # in pairs they can
    assert found.difference.value == pytest.approx(found.rmse_candidate.value - found.rmse_present.value)
    assert str(found.difference).startswith(f"{found.difference.value:.3f} (")
    assert found == compare.compare_predictions(truth, present, candidate, seed=1)
