"""Charts of scores: right positions and counts, however many points or rounds."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np
import pytest
from docksieve.workflows.report.charts import scores as charts

from .drawn import tree


def test_a_distribution_has_a_median_where_it_is() -> None:
    groups = {
        "seed sample": np.array([-8.0, -7.0, -6.0]),
        "round 1": np.array([-10.0, -9.0, -9.0, -8.0]),
        "round 2": np.empty(0),
    }
    drawn = tree(charts.distributions(groups, "docked score (kcal/mol)", True))
    medians = [item for item in drawn.iter("line") if item.get("class") == "median"]
    assert [item.findtext("title") for item in medians] == ["median -7.00", "median -9.00"]
    assert float(medians[1].get("x1", 0)) < float(medians[0].get("x1", 0))
    texts = [item.text for item in drawn.iter("text")]
    assert "n = 0" in texts and "docked score (kcal/mol) (lower is better)" in texts


def test_many_rounds_keep_first_and_last_and_say_so() -> None:
    groups = {f"round {index}": np.arange(5.0) + index for index in range(40)}
    svg = charts.distributions(groups, "score", False)
    assert len(list(tree(svg).iter("path"))) == charts.MAX_ROWS
    assert "30 rounds in between are not drawn" in svg
    assert ">round 0<" in svg and ">round 39<" in svg and ">round 20<" not in svg


def test_points_lie_where_their_numbers_say_and_name_the_molecule() -> None:
    predicted, docked = np.array([-9.0, -8.0, -7.0]), np.array([-8.5, -8.0, -9.5])
    ids = ["a", "<b>", "c"]
    svg = charts.predicted_against_docked(
        predicted, np.ones(3) / 2, docked, np.array([1, 1, 3]), ids, "kcal/mol"
    )
    points = list(tree(svg).iter("circle"))
    x = [float(item.get("cx", 0)) for item in points]
    y = [float(item.get("cy", 0)) for item in points]
    root = tree(svg)
    across, up = root_ticks(root)
    assert across == up != []  # both axes cover the same range
    assert x[0] < x[1] < x[2] and x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2)
    assert y[1] < y[0] < y[2]  # a higher score lies higher on the page
    assert points[1].findtext("title") == "<b>: predicted -8.00 ± 0.50, docked -8.00"
    assert [item.get("class") for item in points] == ["point s0", "point s0", "point s1"]


def root_ticks(root: Element) -> tuple[list[str | None], list[str | None]]:
    """The labels of the horizontal and of the vertical axis, each from low to high."""
    texts = [item for item in root.iter("text") if item.get("class") == "tick"]
    across = [item.text for item in texts if item.get("text-anchor") == "middle"]
    return across, [item.text for item in texts if item.get("text-anchor") == "end"]


def test_the_axes_of_predicted_and_docked_are_one_range_and_the_line_a_diagonal() -> None:
    svg = charts.predicted_against_docked(
        np.array([-9.0, -8.8]), np.ones(2), np.array([-11.0, -4.0]), np.array([1, 2]), ["a", "b"], "kcal/mol"
    )
    (exact,) = [item for item in tree(svg).iter("line") if item.get("class") == "ideal"]
    x1, y1, x2, y2 = (float(exact.get(name, 0)) for name in ("x1", "y1", "x2", "y2"))
    assert x2 - x1 == y1 - y2 > 200


def test_the_scores_that_a_teacher_learnt_from_stand_under_its_round() -> None:
    items = [charts.Measured(1, 0.7, 0.6, 0.8), charts.Measured(2, 0.9, 0.8, 0.95)]
    svg = charts.quality_by_round({"teacher": items}, "Spearman", {1: 97, 2: 1570})
    texts = [item.text for item in tree(svg).iter("text")]
    assert "1 (97)" in texts and "2 (1,570)" in texts


def test_charts_of_a_column_are_equally_high() -> None:
    values = np.linspace(-9, -5, 30)
    drawn = [
        charts.distributions({"seed sample": values, "round 1": values}, "score", True),
        charts.distributions({f"round {index}": values for index in range(12)}, "score", True),
        charts.predicted_against_docked(values, values, values, np.ones(30, int), ["m"] * 30, "x"),
        charts.quality_by_round({"teacher": [charts.Measured(1, 0.7, 0.6, 0.8)]}, "Spearman"),
        charts.library_histogram(values, np.full(30, 5), -8.0, "score"),
    ]
    assert {tree(svg).get("viewBox") for svg in drawn} == {f"0 0 {charts.WIDTH} {charts.HEIGHT}"}


def test_a_cloud_of_points_is_thinned_and_keeps_its_extremes() -> None:
    docked = np.random.default_rng(1).normal(size=9_000)
    ids = [f"m{index}" for index in range(len(docked))]
    svg = charts.predicted_against_docked(docked, docked, docked, np.ones(len(docked), int), ids, "x")
    titles = {item.findtext("title", "").split(":")[0] for item in tree(svg).iter("circle")}
    assert len(titles) == 2_000 and "2,000 of 9,000 points are drawn" in svg
    assert {f"m{docked.argmin()}", f"m{docked.argmax()}"} <= titles


def test_whiskers_span_their_interval() -> None:
    items = [charts.Measured(1, 0.7, 0.6, 0.8), charts.Measured(2, 0.9, float("nan"), float("nan"))]
    drawn = tree(charts.quality_by_round({"teacher": items}, "Spearman"))
    (whisker,) = [item for item in drawn.iter("line") if "whisker" in item.get("class", "")]
    dots = [float(item.get("cy", 0)) for item in drawn.iter("circle")]
    assert float(whisker.get("y2", 0)) < dots[0] < float(whisker.get("y1", 0))
    assert dots[1] < dots[0]


def test_a_library_histogram_counts_everything_and_marks_the_cut() -> None:
    svg = charts.library_histogram(np.linspace(-10, -5, 50), np.full(50, 20_000_000), -9.0, "predicted score")
    drawn = tree(svg)
    counts = [item.findtext("title", "").split(": ")[1].replace(",", "") for item in drawn.iter("rect")]
    assert sum(map(int, counts)) == 1_000_000_000
    assert "cut −9.00" in [item.text for item in drawn.iter("text")]


def test_charts_of_nothing_are_drawn_all_the_same() -> None:
    nothing = np.empty(0)
    assert charts.distributions({}, "score", True)
    assert charts.predicted_against_docked(nothing, nothing, nothing, np.empty(0, int), [], "x")
    assert charts.quality_by_round({"teacher": []}, "Spearman")
    assert charts.bars({}, [], "nothing", {})
