"""Intervals of picked molecules: each round is judged by what the batches before it taught, and drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
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
    """Stands for the facts of a campaign whose picked molecules dock worse than predicted by 2 spreads."""

    rounds: int = 3
    bias: float = 2.0
    each: int = 120
    campaign: Any = field(
        default_factory=lambda: SimpleNamespace(targets={"A": {"unit": "kcal/mol", "lower_is_better": True}})
    )

    def chosen(self, group: str, target: str) -> pa.Table:
        number = int(group[-2:])
        rng = np.random.default_rng(number)
        mean, spread = rng.normal(-9, 0.5, self.each), np.full(self.each, 0.5)
        score = mean + self.bias * spread + spread * rng.standard_normal(self.each)
        score[0] = np.nan  # failed
        ids = [f"M{number}-{at}" for at in range(self.each)]
        columns = {"row": range(self.each), "id": ids, "mean": mean.astype(np.float32)}
        return pa.table(
            {**columns, "spread": spread.astype(np.float32), "score": pa.array(score, from_pandas=True)}
        )

    def held_out(self, group: str, target: str) -> pa.Table | None:
        rng = np.random.default_rng(99)
        mean, spread = rng.normal(-7, 1, 100), np.full(100, 0.5)
        return pa.table({"mean": mean, "spread": spread, "truth": mean + spread * rng.standard_normal(100)})


def facts(**given: Any) -> Any:
    return Made(**given)


def test_the_first_round_knows_only_the_held_out_sample_and_later_ones_learn() -> None:
    first, second, third = picked_rounds(facts(), "A")
    assert not first.calibration.learnt and second.calibration.learnt and third.calibration.learnt
    assert len(first.ids) == 119  # the failed one has no error
    for item in (first, second, third):
        assert item.before(0.95) < 0.65
    assert first.after(0.95) < 0.7  # nothing told it
    for item in (second, third):
        assert item.after(0.95) > 0.9 and item.after(0.68) == pytest.approx(0.68, abs=0.15)
        assert item.calibration.shift == pytest.approx(2.0, abs=0.6)


def test_a_round_is_judged_by_earlier_batches_alone() -> None:
    assert picked_rounds(facts(rounds=2), "A")[1].calibration == picked_rounds(facts(), "A")[1].calibration


def test_words_chart_and_table_say_the_same() -> None:
    made = facts()
    rounds = picked_rounds(made, "A")
    before, after = coverage_of(rounds, 0.95)
    (said,) = picked_words(made, "A")
    assert f"{100 * after:.0f} % within the 95 % interval ({100 * before:.0f} % before)" in said
    (drawn,) = picked_charts(made, "A")
    assert "winner's curse" in drawn.replace("&#x27;", "'")
    assert drawn.count("<circle") == 3 * 119 and drawn.count("fill-opacity") == 6
    assert "M1-5: predicted" in drawn and "recalibrated 95 % interval" in drawn
    (table,) = picked_details(made, "A")
    assert f"{100 * rounds[2].after(0.95):.0f} %" in table and "held-out sample" in table


def test_many_rounds_are_drawn_in_part_and_none_not_at_all() -> None:
    (drawn,) = picked_charts(facts(rounds=MAX_ROUNDS + 2, each=10), "A")
    assert f"The last {MAX_ROUNDS} rounds are drawn." in drawn
    assert picked_charts(facts(rounds=0), "A") == [] and list(picked_words(facts(rounds=0), "A")) == []


def test_molecules_drawn_at_random_have_no_prediction_and_are_left_out() -> None:
    made = facts(rounds=1)
    table = made.chosen("round-01", "A")
    nothing = table.set_column(2, "mean", pa.nulls(table.num_rows, pa.float32()))
    made.chosen = lambda group, target: nothing
    assert picked_rounds(made, "A") == []
