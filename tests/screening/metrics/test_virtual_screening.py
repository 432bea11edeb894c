from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.metrics import virtual_screening as metrics

TRUTH = np.array([-9.0, -8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0])
# By prediction: molecules 2, 0, 5, 1, then the rest in order.
PREDICTED = np.array([-8.5, -7.0, -9.0, -3.0, -2.9, -8.0, -2.8, -2.7, -2.6, -2.5])


def test_recall_and_precision_by_hand() -> None:
    # Best 20 %: molecules 0 and 1. Kept 30 %: 2, 0, 5. One of two found; one of three kept is good.
    assert metrics.recall_at(TRUTH, PREDICTED, kept=0.3, best=0.2) == 0.5
    assert metrics.precision_at(TRUTH, PREDICTED, kept=0.3, best=0.2) == pytest.approx(1 / 3)
    assert metrics.recall_at(TRUTH, PREDICTED, kept=0.4, best=0.2) == 1.0
    assert metrics.enrichment_factor(TRUTH, PREDICTED, kept=0.3, best=0.2) == pytest.approx(
        (1 / 3) / (2 / 10)
    )


def test_higher_is_better_is_the_mirror_image() -> None:
    for function in (metrics.recall_at, metrics.precision_at, metrics.enrichment_factor):
        mirrored = function(-TRUTH, -PREDICTED, 0.3, 0.2, lower_is_better=False)
        assert mirrored == function(TRUTH, PREDICTED, 0.3, 0.2)
    assert metrics.top_k_found(-TRUTH, [0, 5], 2, False) == metrics.top_k_found(TRUTH, [0, 5], 2)
    mirrored_surface = metrics.enrichment_surface(-TRUTH, -PREDICTED, False, 0.1, 5)
    assert mirrored_surface.integral == metrics.enrichment_surface(TRUTH, PREDICTED, True, 0.1, 5).integral


def test_surface_by_hand() -> None:
    surface = metrics.enrichment_surface(TRUTH, PREDICTED, least=0.1, points=3)
    np.testing.assert_allclose(surface.shares, [0.1, 10**-0.5, 1.0])
    # Sizes 1, 3, 10. Prediction's first: molecule 2. First three: 2, 0, 5 -> two of the true first three.
    expected = [[0, 1, 1], [1, 2 / 3, 1], [1, 1, 1]]
    np.testing.assert_allclose(surface.surface, expected)
    # Trapezoids on an even grid of three points: weights 1/4, 1/2, 1/4 on each axis.
    weights = np.array([0.25, 0.5, 0.25])
    assert surface.integral == pytest.approx(weights @ np.array(expected) @ weights)


def test_surface_of_perfect_and_random_rankings() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(size=20_000)
    assert metrics.enrichment_surface(truth, truth).integral == pytest.approx(1.0)
    random = metrics.enrichment_surface(truth, generator.normal(size=20_000))
    shares = random.shares
    expected = np.maximum(shares[:, None], shares[None, :])
    # A random ranking finds max(x, y); at the smallest shares only a handful is counted.
    np.testing.assert_allclose(random.surface[15:, 15:], expected[15:, 15:], atol=0.05)
    # The mean of max(x, y) over logarithmic axes from 1e-3: integral of 10**(3 (max(u, v) - 1)).
    u = (np.arange(2000) + 0.5) / 2000
    exact = (2 * u * 10 ** (3 * (u - 1))).mean()
    assert random.integral == pytest.approx(exact, abs=0.01)


def test_ties_are_settled_by_input_order() -> None:
    truth = np.array([-1.0, -2.0, -2.0, -2.0])
    equal = np.zeros(4)
    assert metrics.recall_at(truth, equal, kept=0.5, best=0.25) == 1.0  # keeps 0 and 1; the best is 1
    assert metrics.recall_at(truth[::-1], equal, kept=0.25, best=0.25) == 1.0


def test_top_k_counts_scores_and_molecules_apart() -> None:
    scores = np.array([-9.5, -9.0, -9.0, -9.0, -8.0, np.nan])
    # The top 2 by a stable sort: 0 and 1. Acquiring 0 and 3 covers the multiset {-9.5, -9.0}, not the molecules.
    assert metrics.top_k_found(scores, [0, 3], 2) == {"scores": 1.0, "molecules": 0.5}
    # Three at -9.0 fill the one place at that score only once.
    assert metrics.top_k_found(scores, [1, 2, 3], 2) == {"scores": 0.5, "molecules": 0.5}
    assert metrics.top_k_found(scores, [4, 5], 2) == {"scores": 0.0, "molecules": 0.0}
    assert metrics.top_k_found(scores, [0, 0, 0], 2)["scores"] == 0.5
    with pytest.raises(ValueError, match="1 to 5"):
        metrics.top_k_found(scores, [0], 6)


def test_agreement_by_hand() -> None:
    truth, predicted = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert metrics.r2(truth, predicted) == pytest.approx(1 - 2 / 5)
    assert metrics.rmse(truth, predicted) == pytest.approx(np.sqrt(0.5))
    assert metrics.spearman(truth, predicted) == pytest.approx(0.8)
    np.testing.assert_array_equal(metrics.ranks([3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0])
    assert np.isnan(metrics.spearman(truth, np.ones(4)))


def test_spearman_agrees_with_scipy_on_rounded_scores() -> None:
    from scipy.stats import spearmanr

    generator = np.random.default_rng(1)
    truth = generator.normal(-7, 1, 500).round(1)
    predicted = (truth + generator.normal(0, 1, 500)).round(1)
    assert metrics.spearman(truth, predicted) == pytest.approx(spearmanr(truth, predicted).statistic)


def test_bootstrap_is_seeded_and_covers() -> None:
    generator = np.random.default_rng(2)
    truth = generator.normal(size=300)
    predicted = truth + generator.normal(size=300)
    first = metrics.bootstrap(metrics.spearman, truth, predicted, seed=5, rounds=300)
    assert first == metrics.bootstrap(metrics.spearman, truth, predicted, seed=5, rounds=300)
    assert first != metrics.bootstrap(metrics.spearman, truth, predicted, seed=6, rounds=300)
    assert first.low < first.value < first.high
    # Fisher's approximation of the standard error of a correlation near 0.7.
    assert 0.03 < (first.high - first.low) / 4 < 0.06


def test_paired_difference_sees_what_separate_intervals_do_not() -> None:
    generator = np.random.default_rng(3)
    truth = generator.normal(size=200)
    noise = generator.normal(size=200)
    before, after = truth + noise, truth + 0.9 * noise
    gain = metrics.paired_difference(metrics.rmse, truth, before, after, seed=0, rounds=300)
    assert gain.high < 0
    assert gain.value == pytest.approx(-0.1 * metrics.rmse(truth, before))


@pytest.mark.parametrize(
    ("truth", "predicted"),
    [([], []), ([1.0], [1.0, 2.0]), ([1.0, np.nan], [1.0, 2.0]), ([1.0, 2.0], [np.nan, 1.0])],
)
def test_unusable_input_is_refused(truth: list[float], predicted: list[float]) -> None:
    with pytest.raises(ValueError, match=r"expected|NaN"):
        metrics.recall_at(truth, predicted, 0.5, 0.5)


def test_shares_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="kept"):
        metrics.recall_at(TRUTH, PREDICTED, 0.0, 0.1)
    with pytest.raises(ValueError, match="best"):
        metrics.recall_at(TRUTH, PREDICTED, 0.1, 1.5)


def test_bedroc_by_hand() -> None:
    # Two actives of four, ranked 1 and 3, alpha 2: weights exp(-0.5), exp(-1.5).
    active = [True, False, True, False]
    found = (np.exp(-0.5) + np.exp(-1.5)) / 2
    at_random = np.exp([-0.5, -1.0, -1.5, -2.0]).mean()
    rie = found / at_random
    least, most = (1 - np.e) / (0.5 * (1 - np.e**2)), (1 - np.exp(-1)) / (0.5 * (1 - np.exp(-2)))
    expected = (rie - least) / (most - least)
    assert metrics.bedroc(active, [1.0, 2.0, 3.0, 4.0], alpha=2.0) == pytest.approx(expected)
    mirrored = metrics.bedroc(active, [-1.0, -2.0, -3.0, -4.0], alpha=2.0, lower_is_better=False)
    assert mirrored == pytest.approx(expected)


def test_bedroc_agrees_with_rdkit() -> None:
    from rdkit.ML.Scoring.Scoring import CalcBEDROC

    generator = np.random.default_rng(4)
    for alpha, best in ((20.0, 0.02), (160.9, 0.005), (5.0, 0.3)):
        truth = generator.normal(size=2000)
        predicted = truth + generator.normal(size=2000)
        active = np.argsort(np.argsort(truth)) < best * 2000
        theirs = CalcBEDROC([[bool(active[row])] for row in np.argsort(predicted)], 0, alpha)
        assert metrics.bedroc_at(truth, predicted, best, alpha) == pytest.approx(theirs)


def test_bedroc_of_ties_is_the_mean_over_their_orders() -> None:
    # Three molecules share the second to fourth place, one of them active.
    active = np.array([False, True, False, False, True])
    tied = metrics.bedroc(active, [1.0, 2.0, 2.0, 2.0, 3.0], alpha=3.0)
    orders = [[1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 3.0, 2.0, 4.0, 5.0], [1.0, 4.0, 2.0, 3.0, 5.0]]
    assert tied == pytest.approx(np.mean([metrics.bedroc(active, order, 3.0) for order in orders]))
    assert np.isnan(metrics.bedroc([True, True], [1.0, 2.0]))
    assert metrics.bedroc(np.arange(10_000) < 100, np.arange(10_000.0), 500.0) == pytest.approx(1.0, abs=0.05)
    with pytest.raises(ValueError, match="alpha"):
        metrics.bedroc([True, False], [1.0, 2.0], alpha=501)


def test_matthews_by_hand() -> None:
    # Cut -7, itself included: hits 0, 1, 2; predicted hits 0, 1, 2, 5. TP 3, FP 1, FN 0, TN 6.
    expected = (3 * 6 - 1 * 0) / np.sqrt(4 * 3 * 7 * 6)
    assert metrics.matthews(TRUTH, PREDICTED, -7.0) == pytest.approx(expected)
    assert metrics.matthews(-TRUTH, -PREDICTED, 7.0, lower_is_better=False) == pytest.approx(expected)
    assert metrics.matthews(TRUTH, TRUTH, -7.0) == pytest.approx(1.0)
    assert np.isnan(metrics.matthews(TRUTH, PREDICTED, -20.0))


def test_summary_gives_every_figure_an_interval() -> None:
    generator = np.random.default_rng(5)
    truth = generator.normal(-7, 1, 400).round(1)
    predicted = truth + generator.normal(0, 0.7, 400)
    found = metrics.ranking_summary(truth, predicted, seed=1, best=0.05, kept=0.1, rounds=60)
    assert found == metrics.ranking_summary(truth, predicted, seed=1, best=0.05, kept=0.1, rounds=60)
    assert found["recall"].value == metrics.recall_at(truth, predicted, 0.1, 0.05)
    assert found["precision_at_top"].value == metrics.precision_at(truth, predicted, 0.05, 0.05)
    assert found["mcc"].value == metrics.matthews(truth, predicted, np.sort(truth)[19])
    for name, interval in found.items():
        assert interval.low < interval.high, name
    turned = metrics.ranking_summary(
        -truth, -predicted, 1, lower_is_better=False, best=0.05, kept=0.1, rounds=60
    )
    for name in found:
        assert turned[name].value == pytest.approx(found[name].value), name
