"""The seed sample decides: its test set where that can tell, all of it where it cannot; never the imported file."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.metrics.paired import PairedComparison, compare_predictions
from docksieve.workflows.retraining.agreement import Finding
from docksieve.workflows.retraining.promotion import Judged, decide, verdict

OFFSET = Finding("offset", "warn", "They differ.", "Check.")


def _compared(count: int, change: float, seed: int = 1) -> PairedComparison:
    """Two models whose errors are alike but for chance and ``change``."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(-8, 1, count)
    error, other = generator.normal(0, 0.5, (2, count))
    candidate = (0.9 * error + np.sqrt(1 - 0.81) * other) * (1 + change)
    return compare_predictions(truth, truth + error, truth + candidate, seed=1)


BETTER, WORSE, ALIKE = _compared(400, -0.3), _compared(400, 0.3), _compared(400, 0.0)
FEW = _compared(21, 0.1, seed=4)


def test_a_test_set_that_can_tell_decides_alone() -> None:
    assert verdict(Judged(WORSE, BETTER, BETTER)).word == "larger by more than chance"
    assert verdict(Judged(BETTER, WORSE, WORSE)).word == "smaller by more than chance"
    found = verdict(Judged(ALIKE, WORSE, WORSE))
    assert found.word == "no larger within the interval" and "test set" in found.basis
    assert decide({"A": Judged(ALIKE, None, WORSE)}, ["A"], False)[0]


def test_a_test_set_of_a_few_molecules_leaves_it_to_the_whole_seed_sample() -> None:
    assert FEW.difference.low < 0 < FEW.difference.high > 0.1 * FEW.rmse_present.value
    assert verdict(Judged(FEW, WORSE, BETTER)).word == "larger by more than chance"
    promoted, reason = decide({"A": Judged(FEW, ALIKE, None)}, ["A"], False)
    assert promoted and "no larger within the interval" in reason and "too small to tell" in reason


def test_a_point_estimate_is_no_reason() -> None:
    """Half of all harmless imports make the error on a few molecules a little larger."""
    assert FEW.difference.value > 0
    assert decide({"A": Judged(FEW)}, ["A"], False)[0]


def test_imported_scores_judge_only_where_there_is_no_seed_sample() -> None:
    assert not decide({"A": Judged(None, None, WORSE)}, ["A"], False)[0]
    assert decide({"A": Judged(None, ALIKE, WORSE)}, ["A"], False)[0]


@pytest.mark.parametrize("target", ["A", "B"])
def test_no_target_may_be_worse(target: str) -> None:
    judged = {"A": Judged(ALIKE), "B": Judged(ALIKE)} | {target: Judged(WORSE)}
    promoted, reason = decide(judged, ["A"], False)
    assert not promoted and reason.startswith(f"{target}: error larger by more than chance")
    promoted, reason = decide(judged, ["A"], True)
    assert promoted and reason.startswith("promoted by request, though ")


def test_suspicious_scores_must_be_shown_to_help() -> None:
    promoted, reason = decide({"A": Judged(ALIKE)}, ["A"], False, findings=[OFFSET])
    assert not promoted and "(offset; see above)" in reason
    assert decide({"A": Judged(BETTER)}, ["A"], False, findings=[OFFSET])[0]
    assert decide({"A": Judged(ALIKE)}, ["A"], True, findings=[OFFSET])[0]


def test_a_target_that_is_new_to_the_model() -> None:
    assert decide({"A": Judged(ALIKE)}, ["B"], False) == (True, "the present model does not know B")
    assert decide({}, ["B"], True, untaught=["B"]) == (False, "it has too few scores to learn B")
