"""Outcomes of docking: a score or a failure, and what a batch notes beside them."""

from __future__ import annotations

import pytest
from docksieve.screening.docking.engine import BatchNotes, DockingOutcome
from docksieve.screening.docking.failures import FailureCode


def test_an_outcome_has_either_a_score_or_a_failure() -> None:
    assert DockingOutcome(score=-7.0).failure is None
    assert DockingOutcome(failure=FailureCode.PARSE).score is None
    for score, failure in ((None, None), (-7.0, FailureCode.PARSE)):
        with pytest.raises(ValueError, match="either a score or a failure"):
            DockingOutcome(score=score, failure=failure)


def test_notes_add_up() -> None:
    notes = BatchNotes()
    notes.add_seconds("search", 1.5)
    notes.add_seconds("search", 2.0)
    notes.count("restarts")
    notes.count("restarts", 3)
    assert (notes.seconds, notes.counts) == ({"search": 3.5}, {"restarts": 4})
