"""When a worker did what: spans of time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """One task: who ran it, what kind it was, and when (seconds since the campaign's first task)."""

    worker: str
    kind: str
    start: float
    end: float
