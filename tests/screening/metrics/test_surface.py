"""The regression enrichment surface, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.metrics.surface import best_first, enrichment_surface


def test_ties_stay_in_order_in_both_directions() -> None:
    values = np.array([2.0, 1.0, 2.0, 1.0])
    assert best_first(values, True).tolist() == [1, 3, 0, 2]
    assert best_first(values, False).tolist() == [0, 2, 1, 3]
    assert best_first(np.empty(0), True).tolist() == []


def test_it_is_what_counting_gives() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=200)
    predicted = truth + rng.normal(size=200)
    for lower in (True, False):
        found = enrichment_surface(truth, predicted, lower, least=0.01, points=7)
        sign = 1 if lower else -1
        by_truth, by_prediction = np.argsort(sign * truth), np.argsort(sign * predicted)
        for i, x in enumerate(found.shares):
            for j, y in enumerate(found.shares):
                kept, best = max(1, round(x * 200)), max(1, round(y * 200))
                common = len(set(by_prediction[:kept]) & set(by_truth[:best]))
                assert found.surface[i, j] == pytest.approx(common / min(kept, best))


def test_perfect_reversed_and_single() -> None:
    truth = np.arange(1000.0)
    assert enrichment_surface(truth, truth).integral == pytest.approx(1.0)
    worst = enrichment_surface(truth, -truth)
    assert worst.surface[0, 0] == 0 and worst.surface[-1, -1] == 1 and worst.integral < 0.2
    assert (enrichment_surface([1.0], [2.0], points=3).surface == 1).all()


@pytest.mark.parametrize(
    ("truth", "predicted", "options"),
    [
        ([], [], {}),
        ([1.0], [1.0, 2.0], {}),
        ([np.nan], [1.0], {}),
        ([1.0], [1.0], {"least": 1.0}),
        ([1.0], [1.0], {"points": 1}),
    ],
)
def test_what_has_no_surface_is_refused(
    truth: list[float], predicted: list[float], options: dict[str, float]
) -> None:
    with pytest.raises(ValueError):
        enrichment_surface(truth, predicted, **options)  # type: ignore[arg-type]
