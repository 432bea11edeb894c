"""Learning curves: nested sizes, a law where one fits and its reason where none does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import ConfigError
from docksieve.workflows.cli.model_exchange import learning_curve as command
from docksieve.workflows.modelling.learning_curve import _curve, _sizes, learning_curve
from docksieve.workflows.terminal.model_evaluation import law_words, print_curve
from docksieve.workflows.terminal.tables import console

SIZES = [50, 100, 200, 400, 800, 1600, 3200]


def test_a_power_law_is_found_and_carried_on() -> None:
    law = 0.3 + 2.0 * np.array(SIZES) ** -0.5
    noise = np.random.default_rng(1).normal(0, 0.001, (3, len(SIZES)))
    found = _curve(SIZES, law + noise, 4000)
    assert found["law"]["status"] == "fits"
    twice, five = found["ahead"]
    assert twice["molecules"] == 8000 and five["molecules"] == 20_000
    assert five["low"] < 0.3 + 2.0 * 20_000**-0.5 < five["high"]
    assert abs(five["value"] - (0.3 + 2.0 * 20_000**-0.5)) < 0.01
    assert "to be expected" in law_words(found)
    rising = _curve(SIZES, 1.02 - (law - 0.3) + noise, 4000, largest=1.0)["ahead"]
    assert all(each["high"] <= 1 and each["value"] <= 1 for each in rising)


def test_what_is_no_law_gives_no_forecast() -> None:
    flat = _curve(SIZES, 0.5 + np.random.default_rng(1).normal(0, 0.01, (3, len(SIZES))), 4000)
    assert flat["law"]["status"] == "no trend" and flat["ahead"] == []
    assert law_words(flat).endswith("No forecast.")
    step = _curve(SIZES, np.array([[0.9, 0.9, 0.9, 0.2, 0.2, 0.2, 0.2]]), 4000)
    assert step["law"]["status"] != "cannot say"


def test_sizes_are_spread_and_checked() -> None:
    assert _sizes(None, 640, 1) == [40, 63, 101, 160, 254, 403, 640]
    assert _sizes([60, 20, 60], 100, 1) == [20, 60]
    with pytest.raises(ConfigError, match="from 10 to 100"):
        _sizes([60, 200], 100, 1)


@pytest.mark.slow
def test_more_molecules_teach_more(table: Path) -> None:
    found = learning_curve(table, lower_is_better=True, sizes=[20, 40, 60, 75, 96], repeats=2, threads=1)
    points = found.targets["scores"]["spearman"]["points"]
    assert [point["molecules"] for point in points] == [20, 40, 60, 75, 96]
    assert points[-1]["value"] > points[0]["value"]
    screen = console()
    with screen.capture() as said:
        print_curve(screen, found)
    assert "learnt from" in said.get() and callable(command)
