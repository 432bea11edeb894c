"""Stretches of time in which something ran; pauses are not counted, overlaps once."""

from __future__ import annotations

from docksieve.workflows.progress.spans import Span, busy_seconds, runs


def span(start: float, end: float) -> Span:
    return Span("w", "dock", start, end)


def test_overlapping_spans_are_one_stretch() -> None:
    spans = [span(20, 30), span(0, 10), span(5, 8), span(10, 12), span(29, 40)]
    assert runs(spans) == [(0, 12), (20, 40)]
    assert busy_seconds(spans) == 32


def test_nothing_ran() -> None:
    assert runs([]) == [] and busy_seconds([]) == 0
    assert busy_seconds([span(3, 3)]) == 0
