"""When a worker did what: spans of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """One task: who ran it, what kind it was, and when (seconds since the campaign's first task)."""

    worker: str
    kind: str
    start: float
    end: float


def runs(spans: Iterable[Span]) -> list[tuple[float, float]]:
    """Return the stretches of time in which at least one task ran: start and end in seconds, in order, apart."""
    found: list[tuple[float, float]] = []
    for span in sorted(spans, key=lambda item: item.start):
        if found and span.start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], span.end)
        else:
            found.append((span.start, span.end))
    return found


def busy_seconds(spans: Iterable[Span]) -> float:
    """Return the seconds in which at least one task ran; pauses do not count."""
    return sum(end - start for start, end in runs(spans))
