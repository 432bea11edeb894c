from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.decisions.scoring import brier, chance_words, reliability_table, wilson
from scipy.stats import binomtest


def test_wilson_is_scipys() -> None:
    for hits, total in ((0, 5), (3, 10), (10, 10)):
        wanted = binomtest(hits, total).proportion_ci(0.95, "wilson")
        assert wilson(hits, total) == pytest.approx((wanted.low, wanted.high))
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError):
        wilson(3, 2)


def test_the_parts_add_up_and_vanish_for_forecasts_on_a_grid() -> None:
    generator = np.random.default_rng(1)
    chance = generator.random(5000)
    came = generator.random(5000) < chance
    found = brier(chance, came)
    assert found.score == pytest.approx(((chance - came) ** 2).mean())
    total = found.reliability - found.resolution + found.uncertainty + found.within
    assert total == pytest.approx(found.score)
    assert found.reliability < 0.002 and found.skill == pytest.approx(1 / 3, abs=0.05)
    coarse = np.floor(chance * 10) / 10 + 0.05
    assert brier(coarse, came).within == pytest.approx(0, abs=1e-12)


def test_reliability_table_shows_what_is_wrong() -> None:
    generator = np.random.default_rng(2)
    chance = generator.random(4000)
    honest = reliability_table(chance, generator.random(4000) < chance)
    assert sum(item.count for item in honest) == 4000 and sum(item.agrees for item in honest) >= 8
    hopeful = reliability_table(chance, generator.random(4000) < chance**3)
    assert sum(item.agrees for item in hopeful) <= 4
    assert len(reliability_table([1.0, 0.0], [True, False])) == 2
    assert np.isnan(brier([0.5], [True]).skill)
    for bad in (([], []), ([1.2], [True]), ([0.5], [True, False])):
        with pytest.raises(ValueError):
            brier(*bad)


def test_no_forecast_is_printed_as_certain() -> None:
    said = [chance_words(value) for value in (1.0, 0.995, 0.994, 0.5, 0.005, 0.0049, 0.0)]
    assert said == ["over 0.99", "over 0.99", "0.99", "0.50", "0.01", "under 0.01", "under 0.01"]
