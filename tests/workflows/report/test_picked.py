"""Intervals of picked molecules: each round is judged by what the batches before it taught, and drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from docksieve.screening.calibration.history import PickedHistory
from docksieve.screening.calibration.picked import LEAST, Batch
from docksieve.workflows.calibration.history import CampaignIntervals, Picked, Scale
from docksieve.workflows.report import picked as report
from docksieve.workflows.report.charts.picked import MAX_ROUNDS
from docksieve.workflows.report.picked import (
    coverage_of,
    picked_charts,
    picked_details,
    picked_rounds,
    picked_words,
)


@dataclass
class Made:
    """Stands for a campaign whose picked molecules miss their predictions by twice the spread."""

    rounds: int = 3
    size: float = 2.0
    each: int = 120
    campaign: Any = field(
        default_factory=lambda: SimpleNamespace(targets={"A": {"unit": "kcal/mol", "lower_is_better": True}})
    )

    def __post_init__(self) -> None:
        self.campaign.made = self

    def intervals(self) -> CampaignIntervals:
        picked, relearnt = {}, {}
        for number in range(1, self.rounds + 1):
            rng = np.random.default_rng(number)
            mean, spread = rng.normal(-9, 0.5, self.each), np.full(self.each, 0.5)
            score = mean + spread * self.size * rng.standard_normal(self.each)
            score[0] = np.nan  # failed
            if picked:  # the next model's errors for them, unseen
                scored = (number - 1) * (self.each - 1)
                again = rng.normal(-9, 0.5, scored)
                errors = self.size * rng.standard_normal(scored)
                relearnt[number] = Batch(again, np.full(scored, 0.5), again + 0.5 * errors)
            ids = [f"M{number}-{at}" for at in range(self.each)]
            picked[number] = Picked(np.arange(self.each), ids, score, Batch(mean, spread, score))
        history = PickedHistory({number: item.batch for number, item in picked.items()}, relearnt)
        return CampaignIntervals("A", picked, history, dict.fromkeys(picked, Scale()))


def facts(**given: Any) -> Any:
    return Made(**given)


@pytest.fixture(autouse=True)
def _read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals come from what is made, not from files."""
    monkeypatch.setattr(report, "CampaignReceipts", lambda campaign: campaign)
    monkeypatch.setattr(report, "read_intervals", lambda campaign, target: campaign.made.intervals())


def test_the_first_round_has_no_interval_and_later_ones_learn() -> None:
    first, second, third = picked_rounds(facts(), "A")
    assert first.interval(0.95) is None and first.after(0.95) is None
    assert first.known.basis(1, docked=True).startswith(f"not recalibrated: fewer than {LEAST} picked")
    assert len(first.ids) == 119  # the failed one has no error
    for item in (first, second, third):
        assert item.before(0.95) < 0.78
    for item in (second, third):
        after = item.after(0.95)
        assert after is not None and after > 0.85 and item.after(0.68) == pytest.approx(0.68, abs=0.15)
        found = item.known.calibration(item.round, docked=True)
        assert found is not None and found.inflation == pytest.approx(2.0, abs=0.3)
    assert third.known.basis(3, docked=True) == "recalibrated on 238 molecules picked before round 3"
    assert third.known.basis(3, docked=False) == "recalibrated on 119 molecules that round 3 picked"


def test_too_few_picked_molecules_are_no_evidence() -> None:
    few = facts(rounds=2, each=LEAST // 2)
    assert [item.interval(0.68) is None for item in picked_rounds(few, "A")] == [True, True]
    assert list(picked_words(few, "A")) == []
    (drawn,) = picked_charts(few, "A")
    assert "95 % interval promised" in drawn and "95 % interval recalibrated" not in drawn


def test_words_chart_and_table_say_the_same() -> None:
    made = facts()
    rounds = picked_rounds(made, "A")
    before, after = coverage_of(rounds[1:], 0.95)
    (said,) = picked_words(made, "A")
    assert f"of {2 * 119} scores" in said
    assert f"{100 * after:.0f} % within the 95 % interval ({100 * before:.0f} % before)" in said
    (drawn,) = picked_charts(made, "A")
    assert "winner's curse" in drawn.replace("&#x27;", "'")
    assert drawn.count("<circle") == 3 * 119 and drawn.count("fill-opacity") == 5
    assert "M2-5: predicted" in drawn and "recalibrated 95 % interval" in drawn
    (table,) = picked_details(made, "A")
    last = rounds[2].after(0.95)
    assert last is not None and f"{100 * last:.0f} %" in table and "not recalibrated" in table


def test_many_rounds_are_drawn_in_part_and_none_not_at_all() -> None:
    (drawn,) = picked_charts(facts(rounds=MAX_ROUNDS + 2, each=10), "A")
    assert f"The last {MAX_ROUNDS} rounds are drawn." in drawn
    assert picked_charts(facts(rounds=0), "A") == [] and list(picked_words(facts(rounds=0), "A")) == []
