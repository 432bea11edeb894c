"""The depth model keeps its promises in simulation, and refuses where it cannot promise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from docksieve.screening.cuts.cascade import vouched_cut
from docksieve.screening.cuts.cut import Cut, CutGoal
from docksieve.screening.cuts.depth_model import docked_for, modelled_cut
from docksieve.screening.cuts.order_statistics import choose_cut, kept_chance, members_needed

ROWS = 20_000


def simulated(
    seed: int, correlation: float, freedom: float | None = None, rows: int = ROWS
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and predictions, lower is better: a normal copula, or a t copula with so many degrees."""
    generator = np.random.default_rng(seed)
    first, second = generator.standard_normal((2, rows))
    second = correlation * first + np.sqrt(1 - correlation**2) * second
    if freedom is not None:
        common = np.sqrt(freedom / generator.chisquare(freedom, rows))
        first, second = first * common, second * common
    return first, second


def kept(cut: Cut, scores: np.ndarray, predictions: np.ndarray, goal: CutGoal) -> bool:
    best = np.argsort(scores)[: round(goal.best * len(scores))]
    found = (predictions[best] <= cut.threshold).sum()
    return bool(found >= np.ceil(goal.recall * len(best) - 1e-9))


def share_kept(
    goal: CutGoal, docked: int, trials: int, correlation: float, freedom: float | None = None
) -> tuple[float, float]:
    """Return how often a promise was printed, and how often such a one was kept."""
    results = []
    for trial in range(trials):
        scores, predictions = simulated(trial, correlation, freedom)
        cut = modelled_cut(
            scores[:docked], predictions[:docked], goal, seed=trial, library=predictions, rows=ROWS
        )
        if cut.promised:
            results.append(kept(cut, scores[docked:], predictions[docked:], goal))
    return len(results) / trials, float(np.mean(results)) if results else 1.0


@pytest.mark.parametrize("correlation", [0.88, 0.75, 0.6])
@pytest.mark.parametrize("freedom", [None, 5.0])
def test_stated_recall_is_kept_as_often_as_stated(correlation: float, freedom: float | None) -> None:
    printed, share = share_kept(CutGoal(0.9, 0.01, 0.95), 500, 50, correlation, freedom)
    assert share >= 0.92
    if correlation > 0.7:
        assert printed > 0.6


def test_a_model_that_knows_nothing_gets_no_promise() -> None:
    assert share_kept(CutGoal(0.9, 0.01, 0.95), 500, 20, 0.0)[0] == 0


def test_too_few_of_the_best_are_an_estimate_with_what_would_carry_a_promise() -> None:
    scores, predictions = simulated(1, 0.8)
    goal = CutGoal(0.9, 0.001, 0.95)
    cut = modelled_cut(scores[:500], predictions[:500], goal, seed=1, library=predictions, rows=10**6)
    assert not cut.promised
    assert cut.dockings_model == docked_for(goal) == 5000 and cut.dockings_needed == 29_000
    assert "cannot be promised" in str(cut) and "confidence" in str(cut)
    assert "95 % confidence" not in str(cut)
    carried = modelled_cut(scores[:5000], predictions[:5000], goal, seed=1, library=predictions, rows=10**6)
    assert carried.promised and "95 % confidence" in str(carried)
    # What is kept is not narrowed by what is not known.
    assert cut.low < cut.estimate < cut.fraction


def test_recall_near_one_is_kept_although_errors_have_long_tails() -> None:
    """With normal errors, three of ten such promises were broken."""
    printed, share = share_kept(CutGoal(0.95, 0.01, 0.95), 1000, 40, 0.75, 5.0)
    assert printed > 0.6 and share >= 0.95


def test_what_can_be_promised_is_offered_instead() -> None:
    scores, predictions = simulated(2, 0.85)
    goal = CutGoal(0.9, 0.001, 0.95)
    cut = vouched_cut(scores[:500], predictions[:500], goal, 1, True, predictions, rows=10**6)
    assert not cut.promised and cut.reasons
    (more,) = cut.instead
    assert more.promised and 0.001 < more.best <= 0.01 + 1e-6 and more.goal.recall == 0.9
    cut = vouched_cut(scores[:2500], predictions[:2500], goal, 1, True, predictions, rows=10**6)
    less, more = cut.instead
    assert less.promised and less.goal == dataclasses.replace(goal, recall=0.8)
    assert more.promised and more.best == pytest.approx(0.002, rel=1e-3)
    # Order statistics alone, where the model sees nothing.
    blind = vouched_cut(scores[:500], scores[500:1000], CutGoal(0.9, 0.03, 0.95), 1, True, rows=10**6)
    assert [other.method for other in blind.instead] == ["order statistics"] * len(blind.instead)


def test_the_few_best_of_a_small_library_are_not_promised() -> None:
    scores, predictions = simulated(3, 0.9)
    cut = modelled_cut(
        scores[:3000], predictions[:3000], CutGoal(0.9, 0.001, 0.95), seed=1, library=predictions, rows=5_000
    )
    assert not cut.promised and any("only 5 such" in note for note in cut.notes)


def test_direction_seed_and_recall() -> None:
    scores, predictions = simulated(4, 0.8)
    goal = CutGoal(0.9, 0.01, 0.95)
    cut = modelled_cut(scores[:500], predictions[:500], goal, seed=7, library=predictions)
    assert cut == modelled_cut(scores[:500], predictions[:500], goal, seed=7, library=predictions)
    turned = modelled_cut(
        -scores[:500], -predictions[:500], goal, seed=7, library=-predictions, lower_is_better=False
    )
    assert turned.fraction == cut.fraction and turned.threshold == -cut.threshold
    fractions = [
        modelled_cut(
            scores[:3000], predictions[:3000], dataclasses.replace(goal, recall=recall), seed=7,
            library=predictions,
        ).fraction
        for recall in (0.5, 0.7, 0.8, 0.9, 0.95)
    ]  # fmt: skip
    assert fractions == sorted(fractions) and fractions[0] < fractions[-1]
    sure = [
        modelled_cut(
            scores[:3000], predictions[:3000], dataclasses.replace(goal, confidence=confidence), seed=7,
            library=predictions,
        ).fraction
        for confidence in (0.6, 0.8, 0.95, 0.99)
    ]  # fmt: skip
    assert sure == sorted(sure)


def test_without_a_library_the_held_out_predictions_stand_for_it() -> None:
    scores, predictions = simulated(5, 0.8)
    goal = CutGoal(0.9, 0.01, 0.95)
    known = modelled_cut(scores[:1000], predictions[:1000], goal, seed=1, library=predictions)
    unknown = modelled_cut(scores[:1000], predictions[:1000], goal, seed=1)
    assert known.promised and unknown.promised
    assert known.fraction < unknown.fraction < known.fraction + 0.1


def test_unusual_inputs() -> None:
    goal = CutGoal(0.9, 0.01, 0.95)
    values = np.arange(500.0)
    with pytest.raises(ValueError, match="30"):
        modelled_cut(values[:29], values[:29], goal, seed=0)
    with pytest.raises(ValueError, match="predictions of all"):
        modelled_cut(values, np.full(500, np.nan), goal, seed=0)
    with pytest.raises(ValueError, match="finite"):
        modelled_cut(np.full(500, np.nan), values, goal, seed=0)
    with pytest.raises(ValueError, match="non-empty"):
        modelled_cut([], [], goal, seed=0)
    with pytest.raises(ValueError, match="empty"):
        modelled_cut(values, values, goal, seed=0, library=[])
    same = modelled_cut(np.zeros(500), values, goal, seed=0, library=values)
    assert 0 < same.fraction <= 1
    blind = modelled_cut(values, np.zeros(500), goal, seed=0, library=np.zeros(1000))
    assert blind.fraction == 1.0
    perfect = modelled_cut(values, values, goal, seed=0, library=values, rows=100_000)
    assert perfect.fraction < 0.05
    # Molecules of the library that cannot be predicted are never kept, but count.
    part = modelled_cut(values, values, goal, seed=0, library=np.concatenate([values, np.full(500, np.nan)]))
    assert np.isfinite(part.threshold)


def test_order_statistics_of_a_finite_library() -> None:
    assert members_needed(0.95, 0.95) == 59
    assert members_needed(0.95, 0.95, 10**6) == 59
    assert members_needed(0.95, 0.95, 100) > 59
    # Uniform depths: 60 docked and 40 others of the best, the cut at the largest docked.
    generator = np.random.default_rng(1)
    draws = generator.random((4000, 100))
    found = (draws[:, 60:] <= np.sort(draws[:, :60], axis=1)[:, 56:57]).mean(axis=1) >= 0.9
    assert found.mean() == pytest.approx(kept_chance(57, 60, 0.9, 40), abs=0.025)
    scores, predictions = simulated(6, 0.8)
    goal = CutGoal(0.9, 0.05, 0.95)
    large = choose_cut(scores[:2000], predictions[:2000], goal, library=predictions)
    small = choose_cut(scores[:2000], predictions[:2000], goal, library=predictions, rows=2_000)
    assert large.met and small.met and large.promised and large.fraction < small.fraction
