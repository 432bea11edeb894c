"""How good predictions were: every figure against one worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.receipts import Receipt
from docksieve.workflows.report.quality import (
    enrichment,
    estimate_of,
    honest_test,
    metrics_of,
    model_reports,
    quality_series,
    wilson,
)
from scipy import stats


def test_shares_have_wilsons_interval() -> None:
    half = wilson(5, 10)
    assert (half.value, half.low, half.high) == pytest.approx((0.5, 0.2366, 0.7634), abs=1e-4)
    none = wilson(0, 10)
    assert (none.value, none.low, none.high) == pytest.approx((0, 0, 0.2775), abs=1e-4)
    known = stats.binomtest(37, 210).proportion_ci(0.95, method="wilson")
    assert (wilson(37, 210).low, wilson(37, 210).high) == pytest.approx((known.low, known.high), rel=1e-5)


def acquired(docked: list[float], predicted: list[float], spread: float = 0.5) -> pa.Table:
    return pa.table(
        {
            "learnt": pa.array(docked, pa.float64()),
            "predicted": pa.array(predicted, pa.float64()),
            "spread": pa.array([spread] * len(docked), pa.float32()),
        }
    )


def test_predictions_against_docking() -> None:
    found = honest_test(acquired([-8, -7, -6, -5, -4], [-8.5, -7, -7, -5, -4.5]), seed=3)
    assert found is not None and found.molecules == 5
    assert found.bias.value == pytest.approx(0.4)  # docked minus predicted: 0.5, 0, 1, 0, 0.5
    assert found.rmse.value == pytest.approx(0.3**0.5)
    assert found.spearman.value == pytest.approx(9.5 / 95**0.5)  # one tie
    assert (found.within_one, found.within_two) == (0.8, 1.0)
    assert 0 <= found.bias.low <= 0.4 <= found.bias.high <= 1
    assert honest_test(acquired([-8, -7, -6, -5, -4], [-8.5, -7, -7, -5, -4.5]), seed=3) == found


def test_four_molecules_test_nothing() -> None:
    assert honest_test(acquired([-1] * 4, [-1] * 4), seed=3) is None


class Docked:
    """Facts of a campaign of which only scores matter."""

    def __init__(self, lower: bool, failed: int = 0, **scores: list[float]) -> None:
        self._failed = failed
        self.campaign = SimpleNamespace(targets={"A": {"lower_is_better": lower}})
        self.rounds = len(scores) - 1
        self._scores = {name.replace("_", "-"): np.array(values) for name, values in scores.items()}

    def docked(self, group: str, target: str) -> Any:
        scores = self._scores[group]
        return SimpleNamespace(
            scores=scores, tried=len(scores) + (self._failed if group == "round-01" else 0)
        )


@pytest.mark.parametrize("sign", [1, -1])
def test_acquired_molecules_against_the_best_tenth_of_the_seed_sample(sign: int) -> None:
    seed = [-float(score) * sign for score in range(1, 21)]  # the best two are -20 and -19
    facts = Docked(
        sign == 1, round_00=seed, round_01=[-25.0 * sign, -5.0 * sign], round_02=[-19.0 * sign, 0.0]
    )
    found = enrichment(facts, "A")  # type: ignore[arg-type]
    assert found is not None
    assert found.threshold == -19.0 * sign
    assert (found.seed, found.acquired) == ((2, 20), (2, 4))
    assert (found.seed_share.value, found.acquired_share.value) == (0.1, 0.5)
    # Katz: 5 times exp(-+1.96 sqrt(1/2 - 1/4 + 1/2 - 1/20))
    assert (found.ratio.value, found.ratio.low, found.ratio.high) == pytest.approx(
        (5, 0.9701, 25.77), rel=1e-3
    )


def test_a_pick_that_failed_to_dock_is_no_hit() -> None:
    """Two of four scores are good, and six more picks failed: 20 % per pick, 50 % per score."""
    seed = [-float(score) for score in range(1, 21)]
    facts = Docked(True, failed=6, round_00=seed, round_01=[-25.0, -5.0, -19.0, 0.0])
    found = enrichment(facts, "A")  # type: ignore[arg-type]
    assert found is not None
    assert found.acquired == (2, 10) and (found.acquired_scored, found.seed_scored) == (4, 20)
    assert (found.acquired_share.value, found.acquired_share_per_score.value) == (0.2, 0.5)
    assert (found.ratio.value, found.ratio_per_score.value) == pytest.approx((2, 5))


def test_enrichment_needs_a_seed_sample_and_a_round() -> None:
    assert enrichment(Docked(True, round_00=[-1.0] * 9, round_01=[-2.0]), "A") is None  # type: ignore[arg-type]
    assert enrichment(Docked(True, round_00=[-1.0] * 10), "A") is None  # type: ignore[arg-type]


def test_nothing_better_counts_as_half_a_molecule() -> None:
    found = enrichment(Docked(True, round_00=[-1.0] * 10, round_01=[0.0] * 5), "A")  # type: ignore[arg-type]
    assert found is not None and found.acquired == (0, 5)
    assert found.ratio.value == pytest.approx((0.5 / 5) / (10 / 10))


def test_metrics_are_found_in_reports_of_teachers_and_students() -> None:
    assert metrics_of({"targets": {"A": {"spearman": 0.5}}}, "A") == {"spearman": 0.5}
    assert metrics_of({"fidelity": {"A": {"spearman": 0.9}}}, "A") == {"spearman": 0.9}
    assert metrics_of({"targets": {"A": {}}, "fidelity": 3}, "B") == {}
    known = estimate_of({"value": 0.5, "low": 0.4, "high": 0.6})
    assert known is not None and (known.value, known.low, known.high) == (0.5, 0.4, 0.6)
    plain = estimate_of(0.25)
    assert plain is not None and plain.value == 0.25 and plain.low != plain.low
    assert estimate_of(True) is None and estimate_of(None) is None and estimate_of({}) is None


def test_rank_correlations_by_round() -> None:
    def made(report: dict[str, Any]) -> list[Receipt]:
        return [Receipt(task="t", kind="train", fingerprint="", facts={"report": report})]

    stages = {
        "round-01/train": made({"targets": {"A": {"spearman": {"value": 0.5, "low": 0.4, "high": 0.6}}}}),
        "round-02/train": made({"targets": {"B": {"spearman": 0.1}}}),
        "round-02/distil": made({"fidelity": {"A": {"spearman": 0.9}}}),
    }
    facts: Any = SimpleNamespace(rounds=2, finished=lambda stage: stages.get(stage, []), fast_model="student")
    assert [number for number, _ in model_reports(facts, "train")] == [1, 2]
    series = quality_series(facts, "A")
    assert {name: [(item.round, item.value) for item in items] for name, items in series.items()} == {
        "teacher with docking": [(1, 0.5)],
        "student with teacher": [(2, 0.9)],
    }
