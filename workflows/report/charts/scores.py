"""Charts of a campaign's report, as SVG: distributions, predicted against docked, quality by round."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...html.svg import (
    Frame,
    Scale,
    drawing,
    element,
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

Array = NDArray[np.float64]
WIDTH = 420
"""View-box width of a chart that stands in a column; text stays readable on a phone."""

MOST_NAMED = 14
"""Rounds that a legend in a column has room for."""

MAX_ROWS = 10
"""Distributions drawn under each other; of more, some in the middle are left out, in words."""

HEIGHT = 300
"""View-box height of the same: charts beside each other end on one line."""

_POINTS = 2_000


@dataclass(frozen=True)
class Measured:
    """A figure with its interval at one round; ``low`` and ``high`` may be NaN."""

    round: int
    value: float
    low: float
    high: float


def distributions(groups: Mapping[str, Array], axis: str, lower_is_better: bool) -> str:
    """Return histograms of several groups of scores under each other, on one axis, with medians.

    Parameters
    ----------
    groups : mapping of str to array of float
        Scores by name, in the order to draw them; empty groups are named and left blank.
    axis : str
        What the horizontal axis means.
    lower_is_better : bool
        Said in the axis title.
    """
    names = list(groups)
    shown = names if len(names) <= MAX_ROWS else [*names[:2], *names[2 - MAX_ROWS :]]
    everything = np.concatenate([groups[name] for name in names]) if names else np.empty(0)
    low, high = padded(everything.tolist())
    top, left, height = 10, 104, HEIGHT
    row = (height - 42 - top) / max(len(shown), 1)
    scale = Scale(low, high, left, WIDTH - 12)
    edges = np.linspace(low, high, 41)
    frame = Frame(scale, Scale(0, 1, height - 42, top))
    better = "lower is better" if lower_is_better else "higher is better"
    body = frame.axes(f"{axis} ({better})", y_ticks=[])
    for index, name in enumerate(shown):
        body += _ridge(groups[name], name, index, edges, scale, top + row * (index + 1), row)
    left_out = (
        f"; {len(names) - len(shown)} rounds in between are not drawn" if len(shown) < len(names) else ""
    )
    medians = ", ".join(f"{n}: {np.median(groups[n]):.2f}" for n in shown if len(groups[n]))
    return drawing(WIDTH, height, body, f"{axis} by round. Medians: {medians}{left_out}.")


def _ridge(
    values: Array, name: str, index: int, edges: Array, scale: Scale, base: float, row: float
) -> list[str]:
    parts = [
        text(98, base - 14, name, class_="name", text_anchor="end"),
        text(98, base - 2, f"n = {len(values):,}", class_="tick", text_anchor="end"),
        line(scale.start, base, scale.end, base, "grid"),
    ]
    if not len(values):
        return parts
    counts, _ = np.histogram(values, bins=edges)
    heights = counts / counts.max() * (min(row, 60) - 8)
    points = [(scale(edges[0]), base)]
    for count, left, right in zip(heights.tolist(), edges[:-1], edges[1:], strict=True):
        points += [(scale(left), base - count), (scale(right), base - count)]
    points.append((scale(edges[-1]), base))
    parts.append(path(points, f"area {'s7' if index == 0 else 's0'}", closed=True))
    median = float(np.median(values))
    mark = element("title", f"median {median:.2f}")
    at = {"x1": scale(median), "x2": scale(median), "y1": float(base), "y2": float(base - min(row, 60) + 6)}
    parts.append(element("line", mark, class_="median", **at))
    return parts


def predicted_against_docked(
    predicted: Array, spread: Array, docked: Array, rounds: NDArray[np.int64], ids: Sequence[str], unit: str
) -> str:
    """Return a scatter plot of predictions made before docking against the docked scores, both over the same range.

    Parameters
    ----------
    predicted, spread, docked : array of float, shape (n,)
    rounds : array of int, shape (n,)
        Colours the points.
    ids : sequence of str
        Shown when a point is pointed at.
    unit : str
    """
    low, high = padded([*predicted.tolist(), *docked.tolist()])
    numbers = sorted(set(rounds.tolist()))
    names = [f"round {value}" for value in numbers]
    top, side = 12, HEIGHT - 42 - 12
    frame = Frame(Scale(low, high, 48, 48 + side), Scale(low, high, HEIGHT - 42, top))
    marks = ticks(low, high)
    body = legend(_few(names), 62 + side, top + 10, 90, [f"s{index % 8}" for index in range(len(names))])
    body += frame.axes(f"predicted before docking ({unit})", f"docked ({unit})", x_ticks=marks, y_ticks=marks)
    body.append(line(frame.x(low), frame.y(low), frame.x(high), frame.y(high), "ideal"))
    chosen = range(len(ids))
    if len(ids) > _POINTS:  # every k-th by docked score keeps both ends
        chosen = np.argsort(docked)[np.linspace(0, len(ids) - 1, _POINTS).astype(int)].tolist()
    for at in chosen:
        title = f"{ids[at]}: predicted {predicted[at]:.2f} ± {spread[at]:.2f}, docked {docked[at]:.2f}"
        series = numbers.index(int(rounds[at])) % 8
        body.append(
            titled(
                "circle",
                title,
                cx=frame.x(float(predicted[at])),
                cy=frame.y(float(docked[at])),
                r=3,
                class_=f"point s{series}",
            )
        )
    few = f" {_POINTS:,} of {len(ids):,} points are drawn." if len(ids) > _POINTS else ""
    label = f"Predicted before docking against docked, {len(ids):,} molecules; exact on the dashed line.{few}"
    return drawing(WIDTH, HEIGHT, body, label)


def _few(names: Sequence[str]) -> list[str]:
    """Return the first names of a legend that stands in a column; what comes after them in a word."""
    return list(names) if len(names) <= MOST_NAMED else [*names[: MOST_NAMED - 1], f"to {names[-1]}"]


def quality_by_round(
    series: Mapping[str, Sequence[Measured]], axis: str, learnt: Mapping[int, int] | None = None
) -> str:
    """Return figures with their intervals, round by round, one colour per series.

    Parameters
    ----------
    series : mapping of str to sequence of Measured
    axis : str
        What the figures are.
    learnt : mapping of int to int, optional
        By round, the docked scores that the model of the first series had learnt from; written under the rounds.
    """
    values = [
        v for items in series.values() for m in items for v in (m.value, m.low, m.high) if math.isfinite(v)
    ]
    low, high = min([0.0, *values]), max([1.0, *values])
    rounds = sorted({item.round for items in series.values() for item in items})
    names = list(series)
    top, height = 10 + 16 * legend_rows(names, WIDTH - 60), HEIGHT
    x = Scale((rounds[0] if rounds else 0) - 0.5, (rounds[-1] if rounds else 1) + 0.5, 48, WIDTH - 12)
    frame = Frame(x, Scale(low, high, height - 42, top))
    known = learnt or {}
    every = math.ceil(len(rounds) / (6 if known else 12)) or 1
    body = legend(names, 48, 12, WIDTH - 60)
    body += frame.axes(
        "round (docked scores that its teacher learnt from)" if known else "round",
        axis,
        x_ticks=rounds[::every],
        x_text=lambda at: f"{at:g} ({known[round(at)]:,})" if round(at) in known else f"{at:g}",
    )
    for index, (name, items) in enumerate(series.items()):
        shift = (index - (len(names) - 1) / 2) * 9
        points = [(frame.x(item.round) + shift, frame.y(item.value)) for item in items]
        if len(points) > 1:
            body.append(path(points, f"link s{index % 8}"))
        for item, (px, py) in zip(items, points, strict=True):
            if math.isfinite(item.low) and math.isfinite(item.high):
                body.append(line(px, frame.y(item.low), px, frame.y(item.high), f"whisker s{index % 8}"))
            title = f"{name}, round {item.round}: {item.value:.3f} ({item.low:.3f} to {item.high:.3f})"
            body.append(titled("circle", title, cx=px, cy=py, r=4, class_=f"dot s{index % 8}"))
    said = "; ".join(
        f"{name}: {items[-1].value:.2f} in the last round" for name, items in series.items() if items
    )
    return drawing(WIDTH, height, body, f"{axis} by round. {said}.")


def library_histogram(scores: Array, counts: NDArray[np.int64], cut: float | None, axis: str) -> str:
    """Return the predicted scores of a whole library on a logarithmic count axis, with the shortlist's cut.

    Parameters
    ----------
    scores : array of float, shape (k,)
        Distinct predicted scores.
    counts : array of int, shape (k,)
        Molecules with each.
    cut : float or None
        The worst predicted score on the shortlist.
    axis : str
    """
    low, high = padded(scores.tolist(), 0.02)
    edges = np.linspace(low, high, 61)
    filled, _ = np.histogram(scores, bins=edges, weights=counts)
    decades = max(1, math.ceil(math.log10(max(filled.max(initial=1.0), 1.0) + 1e-9)))
    height, top = HEIGHT, 14
    frame = Frame(Scale(low, high, 48, WIDTH - 12), Scale(0, decades, height - 42, top))
    step = max(1, decades // 5)
    body = frame.axes(axis, "molecules", y_ticks=[])
    for power in range(0, decades + 1, step):
        body.append(line(48, frame.y(power), WIDTH - 12, frame.y(power), "grid"))
        label = tick_label(10.0**power)
        body.append(text(43, frame.y(power) + 3.5, label, class_="tick", text_anchor="end"))
    for count, left, right in zip(filled.tolist(), edges[:-1], edges[1:], strict=True):
        if count >= 1:
            tall = max(frame.y(0) - frame.y(math.log10(count)), 1.5)
            width = max(frame.x(right) - frame.x(left) - 0.6, 0.5)
            box = {"x": frame.x(left), "y": frame.y(0) - tall, "width": width, "height": tall}
            body.append(titled("rect", f"{left:.2f} to {right:.2f}: {count:,.0f}", class_="fill s0", **box))
    if cut is not None:
        at = frame.x(cut)
        end = "start" if at < WIDTH / 2 else "end"
        body.append(line(at, frame.y(0), at, top, "median"))
        body.append(
            text(
                at + (5 if end == "start" else -5),
                top + 9,
                f"cut {cut:.2f}".replace("-", "−"),
                class_="name",
                text_anchor=end,
            )
        )
    total = int(counts.sum())
    return drawing(
        WIDTH, height, body, f"Predicted scores of {total:,} molecules, counts on a logarithmic axis."
    )


def bars(values: Mapping[str, float], classes: Sequence[str], label: str, shown: Mapping[str, str]) -> str:
    """Return horizontal bars, one per name, with ``shown`` beside each; ``label`` says what they are."""
    row, left = 24, 104
    greatest = max([*values.values(), 1e-9])
    scale = Scale(0, greatest, left, WIDTH - 120)
    body: list[str] = []
    for index, (name, value) in enumerate(values.items()):
        y = 6 + row * index
        width = max(scale(value) - left, 1.0)
        body.append(text(left - 6, y + 12, name, class_="name", text_anchor="end"))
        box = {"x": float(left), "y": float(y), "width": width, "height": 16}
        body.append(element("rect", rx=2, class_=f"fill {classes[index]}", **box))
        body.append(text(left + width + 6, y + 12, shown[name], class_="tick"))
    return drawing(WIDTH, 10 + row * len(values), body, label)
