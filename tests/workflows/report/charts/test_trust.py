"""Charts of trust: what they are drawn from is checked against the metrics, what they show against what is drawn."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from docksieve.models.teachers.calibration import coverage
from docksieve.screening.metrics.virtual_screening import recall_at
from docksieve.workflows.report.charts.trust import (
    calibration_chart,
    enriched,
    recall_chart,
    surface_chart,
)

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    predicted = generator.normal(-8, 1, 300)
    return np.round(predicted + generator.normal(0, 0.5, 300), 1), predicted


@pytest.mark.parametrize("lower", [True, False])
def test_curves_are_the_recall_of_the_metrics(pair: tuple[np.ndarray, np.ndarray], lower: bool) -> None:
    truth, predicted = pair if lower else (-pair[0], -pair[1])
    found = enriched(truth, predicted, lower, seed=1)
    assert found is not None and found.molecules == 300
    assert [curve.best for curve in found.curves] == [0.05, 0.1, 0.2]  # of the best 1 % there are too few
    for curve in found.curves:
        assert curve.recall[-1] == 1.0
        assert (curve.low <= curve.high).all() and (np.diff(curve.recall) >= 0).all()
        for at in (5, 20, 30):
            assert curve.recall[at] == recall_at(truth, predicted, float(curve.kept[at]), curve.best, lower)
    assert found.integral.low <= found.integral.value <= found.integral.high
    assert found.surface.surface[-1, -1] == 1.0


def test_few_molecules_say_nothing(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert enriched(pair[0][:19], pair[1][:19], True, seed=1) is None


def test_charts_are_whole_drawings_that_say_what_they_show(pair: tuple[np.ndarray, np.ndarray]) -> None:
    found = enriched(*pair, True, seed=1)
    assert found is not None
    table = coverage(pair[0] - pair[1], np.full(300, 0.5))
    drawings = {
        "recall": recall_chart(found, cut=0.1),
        "surface": surface_chart(found),
        "calibration": calibration_chart(table, 300),
    }
    roots = {
        name: ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
        for name, svg in drawings.items()
    }
    texts = {name: [item.text for item in root.iter(f"{SVG}text")] for name, root in roots.items()}
    assert {"1 %", "10 %", "100 %", "cut 10 %", "best 5 % (15)"} <= set(texts["recall"])
    cells = [item for item in roots["surface"].iter(f"{SVG}rect") if item.find(f"{SVG}title") is not None]
    assert len(cells) == 13 * 13
    values = [float(item.find(f"{SVG}title").text.rpartition(" ")[2]) for item in cells]  # type: ignore[union-attr]
    assert values == pytest.approx(found.surface.surface.ravel().tolist(), abs=0.0051)
    assert len(list(roots["calibration"].iter(f"{SVG}circle"))) == len(table)
    for svg in drawings.values():
        assert "nan" not in svg and 'role="img"' in svg
