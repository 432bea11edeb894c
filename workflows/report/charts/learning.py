"""Charts of how a campaign went: what docking found, how fast it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...html.svg import (
    Frame,
    Scale,
    drawing,
    legend,
    legend_rows,
    line,
    padded,
    path,
    text,
    tick_label,
    ticks,
    titled,
)
from .scores import HEIGHT, WIDTH

Array = NDArray[np.float64]
_WIDE = 860
_STEPS = 400


def found_so_far(groups: Mapping[str, Array], lower_is_better: bool, unit: str) -> str:
    """Return the best docked scores found against the dockings done: the best, the tenth and the hundredth best.

    Parameters
    ----------
    groups : mapping of str to array of float64
        Docked scores of each group in the order of docking, groups in the order of the campaign.
    lower_is_better : bool
    unit : str
    """
    scores = np.concatenate([np.empty(0), *groups.values()])
    curves = {
        name: _running(scores, rank, lower_is_better)
        for name, rank in (("best", 1), ("10th best", 10), ("100th best", 100))
        if len(scores) >= 2 * rank
    }
    names = list(curves)
    top, height = 10 + 16 * legend_rows(names, WIDTH - 60), HEIGHT
    drawn = [float(value) for curve in curves.values() for value in curve[np.isfinite(curve)]]
    frame = Frame(Scale(0, max(len(scores), 1), 48, WIDTH - 12), Scale(*padded(drawn), height - 42, top))
    body = legend(names, 48, 12, WIDTH - 60)
    body += frame.axes("dockings with a score", f"docked score ({unit})")
    end = 0
    for name, values in list(groups.items())[:-1]:
        end += len(values)
        body.append(titled("line", f"end of {name}", class_="ideal", **_upright(frame, frame.x(end))))
    at = np.unique(np.linspace(1, len(scores), _STEPS).astype(int)) if len(scores) else np.empty(0, int)
    for index, curve in enumerate(curves.values()):
        points = [(frame.x(float(n)), frame.y(float(curve[n - 1]))) for n in at if np.isfinite(curve[n - 1])]
        body.append(path(_stepped(points), f"curve s{index}"))
    last = ", ".join(f"{name} {curve[-1]:.2f}" for name, curve in curves.items())
    return drawing(WIDTH, height, body, f"Docked scores found, by dockings done; at the end: {last} {unit}.")


def _upright(frame: Frame, at: float) -> dict[str, float]:
    return {"x1": at, "x2": at, "y1": float(frame.y.start), "y2": float(frame.y.end)}


def _running(scores: Array, rank: int, lower_is_better: bool) -> Array:
    """Return the ``rank``-th best of the first n scores, for every n; NaN while there are fewer."""
    signed = scores if lower_is_better else -scores
    curve = np.full(len(scores), np.nan)
    best = np.empty(0)
    for start in range(0, len(signed), 64):  # the few best are kept sorted; most scores never get among them
        for place in range(start, min(start + 64, len(signed))):
            if len(best) < rank or signed[place] < best[-1]:
                best = np.sort(np.append(best, signed[place]))[:rank]
            if len(best) == rank:
                curve[place] = best[-1]
    return curve if lower_is_better else -curve


def _stepped(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a line that goes across before it goes up or down."""
    steps: list[tuple[float, float]] = []
    for x, y in points:
        if steps:
            steps.append((x, steps[-1][1]))
        steps.append((x, y))
    return steps


def rate_chart(
    rates: Mapping[str, Array], words: Mapping[str, str], classes: Mapping[str, str], seconds: float
) -> str:
    """Return molecules per second over time, one band per kind of work, each on a scale of its own.

    Parameters
    ----------
    rates : mapping of str to array of float64, shape (bins,)
        Molecules per second in equal steps of time, by kind; at least one kind.
    words, classes : mapping of str to str
        What is done to the molecules, and the colour.
    seconds : float
        The whole time.
    """
    row, top, left = 92, 8, 60
    height = top + row * len(rates) + 36
    unit, size = (
        ("seconds", 1.0) if seconds < 300 else ("minutes", 60.0) if seconds < 10800 else ("hours", 3600.0)
    )
    x = Scale(0, seconds / size, left, _WIDE - 12)
    body: list[str] = []
    said = []
    for index, (kind, values) in enumerate(rates.items()):
        base = top + row * (index + 1)
        most = float(values.max(initial=0.0))
        factor, per = (1.0, "s") if most >= 1 else (60.0, "min") if most >= 1 / 60 else (3600.0, "h")
        y = Scale(0, most * factor or 1.0, base, base - row + 24)
        body.append(text(left, base - row + 17, f"{words[kind]}, molecules per {per}", class_="name"))
        for value in ticks(0, y.high, 2):
            body.append(line(left, y(value), _WIDE - 12, y(value), "grid"))
            body.append(text(left - 5, y(value) + 3.5, tick_label(value), class_="tick", text_anchor="end"))
        width = (x.end - x.start) / max(len(values), 1)
        edge = [
            (left + (place + side) * width, y(float(value) * factor))
            for place, value in enumerate(values.tolist())
            for side in (0, 1)
        ]
        body.append(path([(left, base), *edge, (x.end, base)], f"area {classes[kind]}", closed=True))
        body.append(line(left, base, _WIDE - 12, base, "axis"))
        said.append(f"{words[kind]}: at most {most * factor:,.3g} per {per}")
    bottom = top + row * len(rates)
    body += [
        text(x(value), bottom + 15, tick_label(value), class_="tick", text_anchor="middle")
        for value in ticks(0, x.high, 8)
    ]
    body.append(
        text((left + _WIDE - 12) / 2, bottom + 31, f"time ({unit})", class_="label", text_anchor="middle")
    )
    return drawing(_WIDE, height, body, f"Molecules per time. {'; '.join(said)}.", "chart wide")
