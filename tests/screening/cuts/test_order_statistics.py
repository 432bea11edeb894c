"""Order statistics: worked out by hand where that can be done, and its confidence checked on simulated libraries."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.cuts.order_statistics import (
    CutGoal,
    choose_cut,
    cut_price,
    members_needed,
    quantile_ranks,
    recall_at_hand,
    share_bounds,
)
from scipy.stats import binom, binomtest


class Simulated:
    """A library whose predictions correlate with the scores, and the truth about every cut of it."""

    def __init__(self, rows: int = 400_000, correlation: float = 0.88, seed: int = 5) -> None:
        generator = np.random.default_rng(seed)
        self.scores = generator.normal(size=rows)
        noise = generator.normal(size=rows)
        self.predictions = correlation**2 * self.scores + correlation * np.sqrt(1 - correlation**2) * noise
        self.ordered = np.sort(self.predictions)

    def threshold(self, fraction: float) -> float:
        return float(self.ordered[min(int(fraction * len(self.ordered)), len(self.ordered) - 1)])

    def kept(self, best: float) -> np.ndarray:
        """Predictions of the best, sorted."""
        return np.sort(self.predictions[np.argsort(self.scores)[: int(best * len(self.scores))]])


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return Simulated()


def recall(kept: np.ndarray, threshold: float) -> float:
    return float(np.searchsorted(kept, threshold, side="right") / len(kept))


def test_how_many_are_needed() -> None:
    assert members_needed(0.95, 0.95) == 59  # 0.95**59 = 0.0485, 0.95**58 = 0.0510
    assert members_needed(0.9, 0.95) == 29
    assert members_needed(0.5, 0.75) == 2  # exactly: 0.5**2 = 0.25


def test_the_largest_recall_that_so_many_of_the_best_allow() -> None:
    assert recall_at_hand(59, 0.95) == 0.95
    assert recall_at_hand(58, 0.95) == 0.94
    assert recall_at_hand(3, 0.95) == 0.36  # 0.36**3 = 0.047
    assert recall_at_hand(59, 0.95, 100) < 0.95


def test_ranks_of_a_quantile_by_hand() -> None:
    # Five draws, median: P(Bin(5, 0.5) <= 0, 1, 2, 3, 4) = 1/32, 6/32, 16/32, 26/32, 31/32.
    assert quantile_ranks(5, 0.5, 0.9) == (1, 5)
    assert quantile_ranks(5, 0.5, 0.8) == (2, 4)
    assert quantile_ranks(5, 0.5, 0.99) == (0, 6)
    assert quantile_ranks(59, 0.95, 0.95)[1] == 59
    assert quantile_ranks(58, 0.95, 0.95)[1] == 59  # beyond the 58th: none


@pytest.mark.parametrize(
    ("members", "share", "confidence"), [(100, 0.95, 0.95), (400, 0.9, 0.8), (37, 0.5, 0.99)]
)
def test_ranks_are_the_tightest_that_hold(members: int, share: float, confidence: float) -> None:
    low, high = quantile_ranks(members, share, confidence)
    assert binom.cdf(high - 1, members, share) >= confidence > binom.cdf(high - 2, members, share)
    assert binom.sf(low - 1, members, share) >= confidence > binom.sf(low, members, share)


@pytest.mark.parametrize(("hits", "total"), [(0, 20), (3, 50), (50, 50)])
def test_share_bounds_are_clopper_and_pearsons(hits: int, total: int) -> None:
    theirs = binomtest(hits, total).proportion_ci(0.95, "exact")
    assert share_bounds(hits, total, 0.975) == pytest.approx((theirs.low, theirs.high))


def test_a_cut_by_hand() -> None:
    # 20 molecules; the best five by score have the predictions -9, -8, -7, -6 and -3. Recall 0.5 with 80 %
    # confidence: ranks 2 and 4 of 5, the estimate being rank 3.
    truth = np.arange(20.0)
    predicted = np.array([-3, -9, -6, -8, -7, *np.linspace(-6.5, 0, 15)])
    library = np.linspace(-10, 0, 101)
    cut = choose_cut(truth, predicted, CutGoal(0.5, 0.25, 0.8), library=library)
    assert (cut.threshold, cut.score, cut.members, cut.held_out) == (-6.0, 4.0, 5, 20)
    assert cut.fraction == pytest.approx(41 / 101)  # -10.0 ... -6.0
    assert cut.estimate == pytest.approx(31 / 101)
    assert cut.low == pytest.approx(21 / 101)
    assert cut.recall == 0.8
    assert cut.met and cut.method == "order statistics" and cut.notes == ()
    assert cut_price(cut, 1_000_000, 2.0).molecules == 405_941
    assert cut_price(cut, 1_000_000, 2.0).seconds == 811_882.0
    assert cut_price(cut, 1_000_000).low == 207_921
    turned = choose_cut(-truth, -predicted, CutGoal(0.5, 0.25, 0.8), library=-library, lower_is_better=False)
    assert (turned.fraction, turned.threshold, turned.score) == (cut.fraction, 6.0, -4.0)


def test_without_the_library_its_fraction_is_bounded_too() -> None:
    truth = np.arange(20.0)
    predicted = np.array([-3, -9, -6, -8, -7, *np.linspace(-6.5, 0, 15)])
    cut = choose_cut(truth, predicted, CutGoal(0.5, 0.25, 0.8))
    # Risk 0.18 for the rank (26/32 = 0.8125 < 0.82: rank 5, the prediction -3), 0.02 for the fraction.
    assert cut.threshold == -3.0
    kept = int((predicted <= -3).sum())
    assert cut.fraction == pytest.approx(share_bounds(kept, 20, 0.98)[1])
    assert cut.estimate == (predicted <= -7).mean()


def test_too_few_held_out_molecules_are_said_to_be_too_few() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(size=600)
    cut = choose_cut(truth, truth + generator.normal(size=600), CutGoal(0.95, 0.001, 0.95))
    assert not cut.met
    assert cut.members == members_needed(0.95, 0.955) == 61
    assert cut.best == pytest.approx(61 / 600)
    assert cut.best_low < cut.best < cut.best_high
    assert cut.promised, "of more of the library"
    assert cut.dockings_needed == 61_000
    assert "not observable with 600" in str(cut) and "61,000 held-out" in str(cut)
    cut = choose_cut(truth[:30], truth[:30], CutGoal(0.95, 0.001, 0.95))
    assert (cut.fraction, cut.method, cut.met) == (1.0, "everything", False)
    assert "keep everything" in str(cut)


def test_what_earlier_stages_lost_is_counted() -> None:
    truth = np.arange(1000.0)
    predicted = truth.copy()
    predicted[[3, 50]] = np.nan
    cut = choose_cut(truth, predicted, CutGoal(0.9, 0.1, 0.9), library=predicted)
    # Of 100, rank 95 (P(Bin(100, 0.9) <= 94) = 0.942, <= 93: 0.883): 93 lie above the 95th without two.
    assert cut.threshold == 96.0
    assert cut.recall == 0.95
    assert "2 of the 100" in str(cut)
    predicted[:20] = np.nan
    cut = choose_cut(truth, predicted, CutGoal(0.9, 0.1, 0.9))
    assert (cut.fraction, cut.met) == (1.0, False)
    assert "widen the stage before" in str(cut)
    assert cut.recall == pytest.approx(0.79)


def test_tied_scores_are_all_in() -> None:
    truth = np.repeat([-9.0, -8.0, -7.0, -6.0], 50)
    cut = choose_cut(truth, truth, CutGoal(0.9, 0.3, 0.9), library=truth)
    assert (cut.members, cut.score, cut.fraction) == (100, -8.0, 0.5)


@pytest.mark.parametrize(
    ("held_out", "goal"),
    [(3000, CutGoal(0.95, 0.05, 0.95)), (3000, CutGoal(0.9, 0.02, 0.8)), (400, CutGoal(0.8, 0.1, 0.9))],
)
@pytest.mark.parametrize("known", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_confidence_is_kept(simulated: Simulated, held_out: int, goal: CutGoal, known: bool) -> None:
    generator = np.random.default_rng(1)
    kept, successes, fractions, rounds = simulated.kept(goal.best), 0, [], 200
    for _ in range(rounds):
        rows = generator.integers(0, len(simulated.scores), held_out)
        library = simulated.ordered if known else None
        cut = choose_cut(simulated.scores[rows], simulated.predictions[rows], goal, library=library)
        assert cut.met and cut.low <= cut.estimate <= cut.fraction
        successes += recall(kept, simulated.threshold(cut.fraction)) >= goal.recall
        fractions.append(cut.fraction)
    # Three standard errors of the simulation below the stated confidence at most.
    assert successes / rounds >= goal.confidence - 3 * np.sqrt(
        goal.confidence * (1 - goal.confidence) / rounds
    )
    # And it is not bought by keeping everything.
    ideal = float((simulated.predictions <= np.quantile(kept, goal.recall)).mean())
    assert ideal < np.mean(fractions) < 2.5 * ideal


def test_the_estimate_alone_would_fail(simulated: Simulated) -> None:
    goal, generator = CutGoal(0.95, 0.05, 0.95), np.random.default_rng(2)
    kept, successes = simulated.kept(goal.best), 0
    for _ in range(100):
        rows = generator.integers(0, len(simulated.scores), 3000)
        cut = choose_cut(simulated.scores[rows], simulated.predictions[rows], goal, library=simulated.ordered)
        successes += recall(kept, simulated.threshold(cut.estimate)) >= goal.recall
    assert 20 < successes < 80


def test_a_useless_model_keeps_nearly_everything() -> None:
    generator = np.random.default_rng(6)
    truth, predicted = generator.normal(size=2000), generator.normal(size=2000)
    assert choose_cut(truth, predicted, CutGoal(0.9, 0.1, 0.9)).fraction > 0.88
    assert choose_cut(truth, np.zeros(2000), CutGoal(0.9, 0.1, 0.9)).fraction == 1.0


def test_what_is_refused() -> None:
    for options in ({"recall": 1.0}, {"best": 0.0}, {"confidence": 95}):
        with pytest.raises(ValueError, match=next(iter(options))):
            CutGoal(**options)
    goal = CutGoal()
    for truth, predicted in (([], []), ([1.0], [1.0, 2.0]), ([np.nan, 1.0], [1.0, 2.0])):
        with pytest.raises(ValueError, match=r"expected|finite"):
            choose_cut(truth, predicted, goal)
    with pytest.raises(ValueError, match="library"):
        choose_cut([1.0], [1.0], goal, library=[])
