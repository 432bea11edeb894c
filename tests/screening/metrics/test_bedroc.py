"""BEDROC against RDKit's, its limits, and its behaviour under ties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from docksieve.screening.metrics.bedroc import bedroc
from rdkit.ML.Scoring import Scoring


@pytest.mark.parametrize("alpha", [1.0, 20.0, 160.9])
def test_it_is_rdkits(alpha: float) -> None:
    random = np.random.default_rng(3)
    active = random.random(400) < 0.05
    predicted = random.normal(size=400) - active
    order = np.argsort(predicted)
    theirs = Scoring.CalcBEDROC([[0, bool(active[index])] for index in order], 1, alpha)
    assert bedroc(active, predicted, alpha) == pytest.approx(theirs, rel=1e-9)
    assert bedroc(active, -predicted, alpha, lower_is_better=False) == pytest.approx(theirs, rel=1e-9)


def test_all_first_and_all_last() -> None:
    active = np.arange(1_000) < 10
    assert bedroc(active, np.arange(1_000)) == pytest.approx(1, abs=0.02)
    assert bedroc(active, -np.arange(1_000)) == pytest.approx(0, abs=1e-6)


def test_ties_give_the_mean_over_their_orders() -> None:
    active, predicted = np.array([True, False, True, False]), np.array([0.0, 1.0, 1.0, 1.0])
    orders = [bedroc(active[[0, *rest]], np.arange(4.0), 5.0) for rest in itertools.permutations((1, 2, 3))]
    assert bedroc(active, predicted, 5.0) == pytest.approx(np.mean(orders))


def test_nothing_to_tell_apart_and_what_is_refused() -> None:
    assert np.isnan(bedroc([True, True], [1.0, 2.0])) and np.isnan(bedroc([False, False], [1.0, 2.0]))
    for active, predicted, alpha, said in (
        ([True], [1.0, 2.0], 20, "equally long"),
        ([], [], 20, "non-empty"),
        ([True, False], [1.0, np.nan], 20, "NaN"),
        ([True, False], [1.0, 2.0], 0, "alpha"),
        ([True, False], [1.0, 2.0], 501, "alpha"),
    ):
        with pytest.raises(ValueError, match=said):
            bedroc(active, predicted, alpha)
