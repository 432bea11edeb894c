"""Charts and depictions: right positions, escaped texts, colours left to the page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from docksieve.screening.chemistry.depict import depict
from docksieve.workflows.html.svg import Scale, element, escape, tick_label, ticks
from docksieve.workflows.progress.spans import Span
from docksieve.workflows.report.charts import scores as charts
from docksieve.workflows.report.charts.timeline import MAX_LANES, Clock, timeline

KINDS = {"dock": "s0", "screen": "s1", "choosing": "s7"}
WORDS = {"total": "1 min", "busy": "30 s"}


def tree(svg: str) -> ElementTree.Element:
    """Parse a drawing; it has no namespace, being part of an HTML page."""
    assert "http" not in svg and "#" not in svg
    return ElementTree.fromstring(svg)


@pytest.mark.parametrize(
    ("low", "high", "count", "wanted"),
    [
        (-10.3, -4.2, 5, [-10, -9, -8, -7, -6, -5]),
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 86_400, 5, [0, 20_000, 40_000, 60_000, 80_000]),
        (3, 3, 5, [3]),
        (float("nan"), 1, 5, []),
    ],
)
def test_ticks_are_round(low: float, high: float, count: int, wanted: list[float]) -> None:
    assert ticks(low, high, count) == pytest.approx(wanted)


def test_tick_labels_are_short() -> None:
    values = (0.0, -9.5, 12_000, 5_000, 2e6, 1e9)
    assert [tick_label(value) for value in values] == ["0", "−9.5", "12k", "5000", "2M", "1G"]


def test_text_is_escaped_and_control_characters_made_visible() -> None:
    assert escape("<a href='x'>&\x00\x1b") == "&lt;a href=&#x27;x&#x27;&gt;&amp;\ufffd\ufffd"
    assert element("text", title='"<>') == '<text title="&quot;&lt;&gt;"/>'


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
    assert x[0] < x[1] < x[2] and x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2)
    assert y[1] < y[0] < y[2]  # a higher score lies higher on the page
    assert points[1].findtext("title") == "<b>: predicted -8.00 ± 0.50, docked -8.00"
    assert [item.get("class") for item in points] == ["point s0", "point s0", "point s1"]


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


def test_a_long_pause_is_cut_short_and_not_counted() -> None:
    spans = [Span("w", "dock", 0, 50), Span("w", "screen", 49, 100), Span("w", "dock", 86_500, 86_600)]
    clock = Clock(spans)
    assert clock.busy == 200 and clock.pauses == [(100, 86_500)]
    assert clock(100) == 100 and clock.length == pytest.approx(204)
    order = [clock(value) for value in (0, 50, 100, 40_000, 86_500, 86_600)]
    assert order == sorted(order)
    assert "nothing ran for 86,400 s" in timeline(spans, KINDS, WORDS)


def test_each_worker_has_a_lane_and_each_task_its_place() -> None:
    spans = [
        Span("host 0", "dock", 0, 30),
        Span("host <1>", "screen", 0, 10),
        Span("host <1>", "dock", 10, 40),
    ]
    drawn = tree(timeline(spans, KINDS, WORDS))
    tasks = [item for item in drawn.iter("rect") if item.find("title") is not None]
    assert [item.get("class") for item in tasks] == ["fill s0", "fill s1", "fill s0"]
    left = [float(item.get("x", 0)) for item in tasks]
    width = [float(item.get("width", 0)) for item in tasks]
    assert left[2] == pytest.approx(left[1] + width[1], abs=0.2)
    assert width[0] == pytest.approx(3 * width[1], rel=0.01)
    assert tasks[0].get("y") != tasks[1].get("y") == tasks[2].get("y")


def test_thousands_of_tasks_on_many_workers_stay_a_small_drawing() -> None:
    spans = [
        Span(f"w{i % 200}", "dock" if i % 3 else "screen", i // 200 * 10.0, i // 200 * 10.0 + 9)
        for i in range(20_000)
    ]
    svg = timeline(spans, KINDS, WORDS)
    assert len(svg) < 40_000 and "busy workers" in svg
    few = [
        Span(f"w{i % MAX_LANES}", "dock", i // MAX_LANES * 0.1, i // MAX_LANES * 0.1 + 0.09)
        for i in range(24_000)
    ]
    assert len(timeline(few, KINDS, WORDS)) < 600_000


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)Nc1ccc(O)cc1",
        "C[C@@H]1CC[C@H]2[C@@H](C)C(=O)O[C@@H]3O[C@@]4(C)CC[C@@H]1[C@@]23OO4",
        "Clc1ccc(Br)c(I)c1S(=O)(=O)C(F)(F)P",
        "[2H]C([2H])([2H])OB1OC(C)(C)C(C)(C)O1",
        "CC(C)C[C@H]1C(=O)N(C)[C@@H](CC(C)C)C(=O)N(C)CC(=O)N1C",
    ],
)
def test_a_molecule_is_drawn_inside_its_box_in_the_page_s_colours(smiles: str) -> None:
    svg = depict(smiles, 260, 190)
    assert svg is not None
    drawn = tree(svg)
    classes = {name for item in drawn.iter("path") for name in item.get("class", "").split()}
    assert classes <= {
        "b",
        "f",
        "thin",
        *(f"a-{e}" for e in ("c", "n", "o", "f", "p", "s", "cl", "br", "i", "b")),
    }
    assert "style" not in svg and len(svg) < 60_000
    steps = " ".join(item.get("d", "") for item in drawn.iter("path"))
    numbers = [float(value) for value in re.findall(r"-?\d+\.?\d*", steps)]
    assert min(numbers[::2]) >= -2 and max(numbers[::2]) <= 262
    assert min(numbers[1::2]) >= -2 and max(numbers[1::2]) <= 192


def test_elements_have_their_own_colours() -> None:
    svg = depict("CC(=O)NCCl") or ""
    assert {"a-n", "a-o", "a-cl", "a-c"} <= set(re.findall(r"a-\w+", svg))


@pytest.mark.parametrize("text", ["", "not a molecule", "C1CC", "<svg onload=x>"])
def test_what_is_no_molecule_is_not_drawn(text: str) -> None:
    assert depict(text) is None


def test_a_scale_maps_its_ends() -> None:
    scale = Scale(-10, 0, 50, 250)
    assert (scale(-10), scale(-5), scale(0)) == (50, 150, 250)
    assert Scale(3, 3, 50, 250)(3) == 50
