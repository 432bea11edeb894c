"""Figures with intervals, and what chance gives."""

from __future__ import annotations

import numpy as np
from docksieve.screening.metrics.virtual_screening import ranking_metrics, ranking_summary
from docksieve.workflows.modelling.figures import (
    Figure,
    beyond_chance,
    chance_figures,
    repeated_figures,
    to_json,
)


def scores(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.normal(-7.0, 1.0, 300)
    return truth, truth + random.normal(0.0, 0.5, (3, 300))


def test_values_are_means_over_repeats() -> None:
    truth, predicted = scores()
    found = repeated_figures(ranking_metrics(-8.5, kept=0.2, best=0.1), truth, predicted, 1, 50)
    each = [ranking_summary(truth, one, 1, best=0.1, kept=0.2, cut=-8.5, rounds=1) for one in predicted]
    for name, figure in found.items():
        values = [one[name].value for one in each]
        assert np.isclose(figure.value, np.mean(values)) and np.isclose(
            figure.between_repeats, np.std(values, ddof=1)
        )
        assert figure.low < figure.value < figure.high


def test_molecules_that_are_alike_widen_the_interval() -> None:
    truth, predicted = scores()
    groups = np.arange(300) // 30
    shift = np.random.default_rng(2).normal(0.0, 0.5, 10)[groups]
    alone = repeated_figures(ranking_metrics(-8.5), truth, predicted + shift, 1, 200)["rmse"]
    together = repeated_figures(ranking_metrics(-8.5), truth, predicted + shift, 1, 200, groups)["rmse"]
    assert together.high - together.low > 1.3 * (alone.high - alone.low)


def test_chance_is_what_formulas_say() -> None:
    truth, _ = scores()
    found = chance_figures(ranking_metrics(-8.5, kept=0.2, best=0.1), truth, 1, 300)
    assert abs(found["spearman"].value) < 0.02 and found["spearman"].low < -0.08
    assert abs(found["recall"].value - 0.2) < 0.02 and abs(found["enrichment"].value - 1) < 0.1
    assert found["r2"].value == 0 and np.isclose(found["rmse"].value, truth.std())


def test_beyond_chance_knows_which_end_is_good() -> None:
    nan = float("nan")
    assert beyond_chance(Figure(0.8, 0.7, 0.9), Figure(0, -0.1, 0.1))
    assert not beyond_chance(Figure(0.1, 0.05, 0.2), Figure(0, -0.1, 0.1))
    assert beyond_chance(Figure(0.5, 0.4, 0.6), Figure(0.8, nan, nan), smaller=True)
    assert not beyond_chance(Figure(0.9, 0.7, 1.0), Figure(0.8, nan, nan), smaller=True)
    assert beyond_chance(Figure(nan, nan, nan), Figure(0, 0, 0)) is None
    assert to_json({"mcc": Figure(nan, nan, nan)})["mcc"]["value"] is None
