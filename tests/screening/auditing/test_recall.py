from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.auditing.bounds import StratumCount
from docksieve.screening.auditing.recall import count_strata, recall_above, recall_of_best
from docksieve.screening.metrics.virtual_screening import top_k_found


def test_recall_beyond_a_score() -> None:
    found = recall_above(950, [StratumCount(1000, 500, 2), StratumCount(9000, 3000, 1, failed=2)])
    assert found.lower < found.lower_if_failures_are_none < found.estimate < 1
    assert found.estimate == pytest.approx(950 / (950 + 4 + 3))
    assert (found.dockings, found.failed, found.hits) == (3500, 2, 3)
    assert any("failed" in note for note in found.notes)


def test_edges_of_recall() -> None:
    nothing = recall_above(0, [StratumCount(100, 10, 1)])
    assert nothing.lower == 0.0 and nothing.notes
    assert np.isnan(recall_above(0, [StratumCount(100, 10)]).estimate)
    assert recall_above(7, []).lower == 1.0  # everything was picked
    assert recall_above(7, [StratumCount(100, 100, 3)]).lower == 0.7  # everything was docked
    blind = recall_above(10, [StratumCount(90, 0)])  # budget 0
    assert blind.lower == 0.1 and any("Nothing was drawn" in note for note in blind.notes)
    with pytest.raises(ValueError, match="negative"):
        recall_above(-1, [])


def test_strata_are_counted_at_a_score_in_either_direction() -> None:
    (low,) = count_strata([10], [[-9.0, -8.0, np.nan]], -8.0)
    (high,) = count_strata([10], [[9.0, 8.0, np.nan]], 8.0, lower_is_better=False)
    assert low == high == StratumCount(10, 3, 2, 1)
    with pytest.raises(ValueError, match="samples"):
        count_strata([10, 20], [[1.0]], 0.0)


def campaign(seed: int, skill: float, rounded: bool) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=3000)
    scores = np.round(scores, 1) if rounded else scores
    predicted = skill * scores + np.sqrt(1 - skill**2) * generator.normal(size=3000)
    order = np.argsort(predicted)
    return scores, order[:400], [order[400:800], order[800:3000]]


@pytest.mark.parametrize(("skill", "rounded", "best"), [(0.9, False, 60), (0.6, True, 60), (0.95, True, 150)])
def test_recall_of_the_best_is_covered(skill: float, rounded: bool, best: int) -> None:
    scores, picked, strata = campaign(3, skill, rounded)
    truth = top_k_found(scores, picked, best)["scores"]
    generator = np.random.default_rng(7)
    good = total = 0
    for _ in range(40):
        sampled = [
            scores[generator.choice(rows, n, replace=False)]
            for rows, n in zip(strata, (150, 400), strict=True)
        ]
        found = recall_of_best(best, scores[picked], [len(rows) for rows in strata], sampled)
        good += found.lower <= truth + 1e-12
        total += 1
        assert 0 <= found.lower <= 1 and found.lower <= found.lower_if_failures_are_none
    assert good / total >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / total)
    assert found.found >= found.lower * best


def test_recall_of_the_best_when_all_is_known() -> None:
    scores, picked, strata = campaign(5, 0.9, True)
    sizes = [len(rows) for rows in strata]
    whole = recall_of_best(100, scores[picked], sizes, [scores[rows] for rows in strata])
    truth = top_k_found(scores, picked, 100)["scores"]
    assert whole.estimate == pytest.approx(truth)
    assert truth - 0.15 < whole.lower <= truth  # min(F, K - M) is lowest at ties
    turned = recall_of_best(
        100, -scores[picked], sizes, [-scores[rows] for rows in strata], lower_is_better=False
    )
    assert turned.lower == whole.lower and turned.score == -whole.score


def test_nothing_can_be_claimed_without_an_audit_or_a_find() -> None:
    assert recall_of_best(10, [-9.0] * 10, [1000], [[]]).lower == 0.0
    nothing = recall_of_best(10, [np.nan], [1000], [np.zeros(500)])
    assert nothing.lower == 0.0 and np.isnan(nothing.score)
    assert recall_of_best(3, [-9.0, -8.0, -7.0], [], []).lower == 1.0
    with pytest.raises(ValueError, match="best must be"):
        recall_of_best(0, [1.0], [], [])
