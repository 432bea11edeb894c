"""The timeline: pauses cut short, a lane per worker, small however many tasks."""

from __future__ import annotations

import pytest
from docksieve.workflows.progress.spans import Span
from docksieve.workflows.report.charts.timeline import MAX_LANES, Clock, timeline

from .drawn import tree

KINDS = {"dock": "s0", "screen": "s1", "choosing": "s7"}


WORDS = {"total": "1 min", "busy": "30 s"}


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
