"""The timeline of a campaign as SVG: what each worker did when, coloured by kind of task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from ...html.svg import Frame, Scale, drawing, element, escape, legend, legend_rows, line, path, ticks, titled
from ...progress.spans import Span, runs

WIDTH = 860
MAX_LANES = 24
"""Workers drawn as a lane each; with more, the number of busy workers is drawn instead."""

_IDLE_SHARE = 0.06
_IDLE_WIDTH = 0.02


class Clock:
    """Time on the page: long pauses, in which nothing ran, are cut short.

    Parameters
    ----------
    spans : sequence of Span

    Attributes
    ----------
    pauses : list of (float, float)
        The pauses cut short: start and end in seconds.
    busy : float
        Seconds in which at least one task ran.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        stretches = runs(spans)
        self.busy = sum(end - start for start, end in stretches)
        least = max(_IDLE_SHARE * self.busy, 10.0)
        gaps = [(before[1], after[0]) for before, after in pairwise(stretches)]
        self.pauses = [gap for gap in gaps if gap[1] - gap[0] > least]
        self.end = stretches[-1][1] if stretches else 0.0
        self._short = _IDLE_WIDTH * max(self.busy, 1.0)

    def __call__(self, seconds: float) -> float:
        """Return the seconds on the page that real ``seconds`` come to."""
        shown = seconds
        for start, end in self.pauses:
            if seconds >= end:
                shown -= (end - start) - self._short
            elif seconds > start:
                shown -= (seconds - start) * (1 - self._short / (end - start))
        return shown

    @property
    def length(self) -> float:
        """Length of the axis in seconds on the page."""
        return self(self.end)


def timeline(spans: Sequence[Span], kinds: Mapping[str, str], duration: Mapping[str, str]) -> str:
    """Return what ran when.

    Parameters
    ----------
    spans : sequence of Span
        At least one.
    kinds : mapping of str to str
        Class of each kind of task (``s0`` ...), in the order of the legend.
    duration : mapping of str to str
        ``total`` and ``busy`` in words, for the drawing's description.
    """
    clock = Clock(spans)
    workers = list(dict.fromkeys(span.worker for span in sorted(spans, key=lambda span: span.start)))
    present = [kind for kind in kinds if any(span.kind == kind for span in spans)]
    top = 14 + 16 * legend_rows(present, WIDTH - 90)
    by_lane = len(workers) <= MAX_LANES
    inner = 20 * len(workers) if by_lane else 200
    height = top + inner + 44
    unit, size = _unit(clock.length)
    x = Scale(0, max(clock.length, 1e-6) / size, 80, WIDTH - 12)
    y = Scale(0, 1 if by_lane else len(workers), top + inner, top)
    body = legend(present, 80, 12, WIDTH - 90, [kinds[kind] for kind in present])
    label = f"time ({unit}{', pauses cut short' if clock.pauses else ''})"
    body += Frame(x, y).axes(
        label, "" if by_lane else "busy workers", x_ticks=ticks(0, x.high, 8), y_ticks=[] if by_lane else None
    )
    at = Scale(0, max(clock.length, 1e-6), 80, WIDTH - 12)
    drawn = _lanes(spans, workers, kinds, clock, at, top) if by_lane else _areas(spans, kinds, clock, at, y)
    body += drawn
    for start, end in clock.pauses:
        left, right = at(clock(start)), at(clock(end))
        box = {"x": left, "y": float(top), "width": right - left, "height": float(inner)}
        body.append(titled("rect", f"nothing ran for {end - start:,.0f} s", class_="pause", **box))
    words = f"What {len(workers)} workers did over {duration['total']}, of which tasks ran for {duration['busy']}."
    return drawing(WIDTH, height, body, words, "chart wide")


def _unit(seconds: float) -> tuple[str, float]:
    if seconds < 300:
        return "seconds", 1.0
    return ("minutes", 60.0) if seconds < 3 * 3600 else ("hours", 3600.0)


def _lanes(
    spans: Sequence[Span], workers: list[str], kinds: Mapping[str, str], clock: Clock, at: Scale, top: float
) -> list[str]:
    parts = []
    for index, worker in enumerate(workers):
        y = top + 20 * index
        name = worker if len(worker) <= 12 else f"…{worker[-11:]}"
        parts.append(
            element(
                "text",
                f"<title>{escape(worker)}</title>{escape(name)}",
                x=74.0,
                y=float(y + 14),
                class_="tick",
                text_anchor="end",
            )
        )
        parts.append(line(80, y + 20, WIDTH - 12, y + 20, "grid"))
        for kind, start, end, count in _merged([s for s in spans if s.worker == worker], clock, at):
            width = max(end - start, 0.8)
            title = f"{kind}: {count} task{'s' if count > 1 else ''} on {worker}"
            box = {"x": start, "y": float(y + 3), "width": width, "height": 14}
            parts.append(titled("rect", title, class_=f"fill {kinds[kind]}", **box))
    return parts


def _merged(spans: Sequence[Span], clock: Clock, at: Scale) -> list[tuple[str, float, float, int]]:
    """Return (kind, left, right, tasks) with neighbours of one kind, less than a pixel apart, drawn as one."""
    merged: list[tuple[str, float, float, int]] = []
    for span in sorted(spans, key=lambda item: item.start):
        left, right = at(clock(span.start)), at(clock(span.end))
        if (
            merged
            and merged[-1][0] == span.kind
            and left - merged[-1][2] < 0.8
            and right - merged[-1][1] < 12
        ):
            kind, first, last, count = merged[-1]
            merged[-1] = (kind, first, max(last, right), count + 1)
        else:
            merged.append((span.kind, left, right, 1))
    return merged


def _areas(spans: Sequence[Span], kinds: Mapping[str, str], clock: Clock, at: Scale, y: Scale) -> list[str]:
    """Return stacked areas: busy workers by kind, averaged over bins of the time axis."""
    bins = 300
    width = clock.length / bins or 1.0
    busy = {kind: [0.0] * bins for kind in kinds}
    for span in spans:
        start, end = clock(span.start) / width, clock(span.end) / width
        for index in range(int(start), min(int(end), bins - 1) + 1):
            busy[span.kind][index] += max(0.0, min(end, index + 1) - max(start, index))
    parts = []
    floor = [0.0] * bins
    for kind, values in busy.items():
        if not any(values):
            continue
        ceiling = [low + value for low, value in zip(floor, values, strict=True)]
        edge = [(at((i + side) * width), y(ceiling[i])) for i in range(bins) for side in (0, 1)]
        back = [(at((i + side) * width), y(floor[i])) for i in reversed(range(bins)) for side in (1, 0)]
        parts.append(path([*edge, *back], f"fill {kinds[kind]}", closed=True))
        floor = ceiling
    return parts
