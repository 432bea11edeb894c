"""Charts of how far predictions can be trusted: recall curves, enrichment surface, calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....screening.metrics.virtual_screening import EnrichmentSurface, bootstrap, enrichment_surface
from ....screening.metrics.virtual_screening import Interval as Estimate
from ...html.svg import Frame, Scale, drawing, element, legend, legend_rows, line, path, text, titled
from .scores import HEIGHT, WIDTH

Array = NDArray[np.float64]
BEST = (0.01, 0.05, 0.1, 0.2)
"""Shares of the best that recall curves are drawn for, as far as enough molecules are among them."""

FEWEST_BEST = 5
FEWEST = 20
POINTS = 13
"""Of each axis of a drawn surface."""

RESAMPLES = 400


@dataclass(frozen=True)
class RecallCurve:
    """Recall of the best ``best`` of the molecules when a share of them is kept by prediction.

    Attributes
    ----------
    best : float
    members : int
        Molecules among the best.
    kept, recall, low, high : array of float, shape (k,)
        Shares kept, and the recall there with its 95 % bootstrap interval over molecules.
    """

    best: float
    members: int
    kept: Array
    recall: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Enriched:
    """What held-out predictions say of the ranking.

    Attributes
    ----------
    molecules : int
    surface : EnrichmentSurface
    integral : Estimate
        Of the surface, with its 95 % bootstrap interval.
    curves : tuple of RecallCurve
    """

    molecules: int
    surface: EnrichmentSurface
    integral: Estimate
    curves: tuple[RecallCurve, ...]


def enriched(truth: Array, predicted: Array, lower_is_better: bool, seed: int) -> Enriched | None:
    """Return surface and recall curves of predictions for a random sample; None below 20 molecules.

    Parameters
    ----------
    truth, predicted : array of float, shape (n,)
        Docked scores and predictions of molecules that the model had not seen. Ties in either are settled by the
        order of the rows.
    lower_is_better : bool
    seed : int
    """
    count = len(truth)
    if count < FEWEST:
        return None
    least = 1 / count

    def integral(a: Array, b: Array) -> float:
        return enrichment_surface(a, b, lower_is_better, least=least, points=POINTS).integral

    surface = enrichment_surface(truth, predicted, lower_is_better, least=least, points=POINTS)
    sign = 1.0 if lower_is_better else -1.0
    curves = [
        _curve(sign * truth, sign * predicted, best, seed)
        for best in BEST
        if round(best * count) >= FEWEST_BEST
    ]
    return Enriched(count, surface, bootstrap(integral, truth, predicted, seed, RESAMPLES), tuple(curves[:3]))


def _recall(truth: Array, predicted: Array, best: int, kept: NDArray[np.int64]) -> Array:
    wanted = np.zeros(len(truth), bool)
    wanted[np.argsort(truth, kind="stable")[:best]] = True
    found = np.cumsum(wanted[np.argsort(predicted, kind="stable")])
    return np.asarray(found[kept - 1] / best, dtype=float)


def _curve(truth: Array, predicted: Array, best: float, seed: int) -> RecallCurve:
    count = len(truth)
    members = round(best * count)
    sizes = np.unique(np.rint(np.geomspace(1, count, 40)).astype(np.int64))
    generator = np.random.default_rng(seed)
    draws = [
        _recall(truth[rows], predicted[rows], members, sizes)
        for rows in (generator.integers(0, count, count) for _ in range(RESAMPLES))
    ]
    low, high = np.percentile(np.array(draws), [2.5, 97.5], axis=0)
    return RecallCurve(best, members, sizes / count, _recall(truth, predicted, members, sizes), low, high)


def _share(value: float) -> str:
    return f"{100 * value:.2g} %" if value < 0.995 else "100 %"


def recall_chart(found: Enriched, cut: float | None = None) -> str:
    """Return recall against the share kept (logarithmic), one curve with its 95 % band per share of the best.

    Parameters
    ----------
    found : Enriched
    cut : float, optional
        A share to mark.
    """
    names = [f"best {_share(curve.best)} ({curve.members})" for curve in found.curves]
    top = 10 + 16 * legend_rows(names, WIDTH - 60)
    height = HEIGHT
    least = 1 / found.molecules
    frame, marks = _log_frame(least, top, height)
    body = legend(names, 48, 12, WIDTH - 60)
    body += frame.axes(
        "share kept by prediction (logarithmic)",
        "recall",
        x_ticks=[math.log10(value) for value in marks],
        y_ticks=[0, 0.25, 0.5, 0.75, 1],
        x_text=lambda value: _share(10**value),
    )
    for index, curve in enumerate(found.curves):
        x = [frame.x(math.log10(value)) for value in curve.kept.tolist()]
        upper = [(at, frame.y(value)) for at, value in zip(x, curve.high.tolist(), strict=True)]
        lower = [(at, frame.y(value)) for at, value in zip(x, curve.low.tolist(), strict=True)]
        body.append(path([*upper, *reversed(lower)], f"band s{index}", closed=True))
    for index, curve in enumerate(found.curves):
        points = [
            (frame.x(math.log10(share)), frame.y(value))
            for share, value in zip(curve.kept.tolist(), curve.recall.tolist(), strict=True)
        ]
        body.append(path(points, f"curve s{index}"))
        for (px, py), share, value in zip(points, curve.kept, curve.recall, strict=True):
            title = f"{_share(float(share))} kept: {100 * value:.0f} % of the best {_share(curve.best)}"
            body.append(titled("circle", title, cx=px, cy=py, r=2, class_=f"dot s{index}"))
    if cut is not None and least < cut < 1:
        at = frame.x(math.log10(cut))
        body.append(line(at, frame.y(0), at, frame.y(1), "median"))
        body.append(text(at - 4, frame.y(0) - 6, f"cut {_share(cut)}", class_="name", text_anchor="end"))
    said = "; ".join(
        f"best {_share(curve.best)}: {100 * float(np.interp(0.1, curve.kept, curve.recall)):.0f} % at 10 % kept"
        for curve in found.curves
    )
    return drawing(
        WIDTH, height, body, f"Recall against the share kept, {found.molecules:,} molecules. {said}."
    )


def _log_frame(least: float, top: int, height: int) -> tuple[Frame, list[float]]:
    x = Scale(math.log10(least), 0.0, 48, WIDTH - 22)
    marks = [value for value in (1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0) if value >= least]
    return Frame(x, Scale(0, 1, height - 42, top)), marks


def surface_chart(found: Enriched) -> str:
    """Return the regression enrichment surface as a map, both axes logarithmic."""
    shares, surface = found.surface.shares, found.surface.surface
    left, top, height = 62, 12, HEIGHT
    size = height - top - 44
    cell = size / len(shares)
    body: list[str] = []
    for i, kept in enumerate(shares.tolist()):
        for j, best in enumerate(shares.tolist()):
            value = float(surface[i, j])
            box = {
                "x": left + i * cell,
                "y": top + size - (j + 1) * cell,
                "width": cell + 0.3,
                "height": cell + 0.3,
            }
            title = f"best {_share(kept)} by prediction, true best {_share(best)}: {value:.2f}"
            shade = {"fill_opacity": f"{0.04 + 0.96 * value:.3f}"}
            body.append(titled("rect", title, class_="fill s0", **box, **shade))
    every = max(1, (len(shares) - 1) // 4)
    for index in range(0, len(shares), every):
        at = (index + 0.5) * cell
        label = _share(float(shares[index]))
        body.append(text(left + at, top + size + 15, label, class_="tick", text_anchor="middle"))
        body.append(text(left - 5, top + size - at + 3.5, label, class_="tick", text_anchor="end"))
    body.append(text(left + size / 2, height - 8, "kept by prediction", class_="label", text_anchor="middle"))
    middle = top + size / 2
    turned = f"rotate(-90 11 {middle:.1f})"
    body.append(text(11, middle, "truly best", class_="label", text_anchor="middle", transform=turned))
    for step in range(6):
        value, y = step / 5, top + size - (step + 1) * 24
        box = {"x": float(left + size + 10), "y": float(y), "width": 12.0, "height": 24.0}
        body.append(element("rect", class_="fill s0", fill_opacity=f"{0.04 + 0.96 * value:.3f}", **box))
        body.append(text(left + size + 26, y + 16, f"{value:.1f}", class_="tick"))
    integral = found.integral
    label = (
        f"Regression enrichment surface of {found.molecules:,} molecules; volume {integral.value:.2f} "
        f"(95 % interval {integral.low:.2f} to {integral.high:.2f})."
    )
    return drawing(WIDTH, height, body, label)


def calibration_chart(table: Sequence[Mapping[str, Any]], molecules: int) -> str:
    """Return the observed share of molecules within the predicted interval against the expected one.

    Parameters
    ----------
    table : sequence of mapping
        ``expected``, ``observed``, ``low``, ``high`` (:func:`docksieve.models.teachers.calibration.coverage`).
    molecules : int
    """
    height, top = HEIGHT, 12
    frame = Frame(Scale(0, 1, 48, WIDTH - 14), Scale(0, 1, height - 42, top))
    marks = [0, 0.25, 0.5, 0.75, 1]
    body = frame.axes("share that the spread promises", "share observed", x_ticks=marks, y_ticks=marks)
    body.append(line(frame.x(0), frame.y(0), frame.x(1), frame.y(1), "ideal"))
    for row in table:
        at = frame.x(float(row["expected"]))
        body.append(line(at, frame.y(float(row["low"])), at, frame.y(float(row["high"])), "whisker s0"))
        title = (
            f"{100 * row['expected']:g} % promised: {100 * row['observed']:.0f} % observed "
            f"({100 * row['low']:.0f} to {100 * row['high']:.0f} %)"
        )
        body.append(titled("circle", title, cx=at, cy=frame.y(float(row["observed"])), r=4, class_="dot s0"))
    worst = max((abs(row["observed"] - row["expected"]) for row in table), default=0.0)
    label = f"Calibration on {molecules:,} held-out molecules; observed shares are off by {100 * worst:.0f} % at most."
    return drawing(WIDTH, height, body, label)
