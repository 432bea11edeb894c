"""The chart of the winner's curse: errors of picked molecules by round, with intervals before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...html.svg import Frame, Scale, drawing, element, legend, legend_rows, line, padded, titled
from .scores import HEIGHT, WIDTH

Array = NDArray[np.float64]
_POINTS = 300
"""Of each round."""
MAX_ROUNDS = 12


@dataclass(frozen=True)
class Errors:
    """One round's picked molecules.

    Attributes
    ----------
    round : int
    ids : sequence of str
    predicted, docked, low, high : array of float64, shape (n,)
        ``low`` and ``high`` end the recalibrated 95 % intervals; None where there are none.
    promised, recalibrated : tuple of (float, float)
        Mean ends of the 95 % intervals, as differences from the prediction, before and after recalibration; None where
        nothing was there to recalibrate from.
    """

    round: int
    ids: Sequence[str]
    predicted: Array
    docked: Array
    low: Array | None
    high: Array | None
    promised: tuple[float, float]
    recalibrated: tuple[float, float] | None


def errors_by_round(rounds: Sequence[Errors], unit: str, lower_is_better: bool) -> str:
    """Return docked minus predicted of picked molecules, a column per round, over their mean intervals.

    Parameters
    ----------
    rounds : sequence of Errors
        At least one; of more than ``MAX_ROUNDS`` the last are drawn.
    unit : str
    lower_is_better : bool
        Says which side of the line is worse than predicted.
    """
    shown = list(rounds)[-MAX_ROUNDS:]
    ends = [end for item in shown for end in (*item.promised, *(item.recalibrated or ()))]
    values = [*ends, *(float(v) for item in shown for v in (item.docked - item.predicted))]
    names = ["95 % promised", "95 % recalibrated", "picked molecule"]
    top = 10 + 16 * legend_rows(names, WIDTH - 60)
    height = HEIGHT
    x = Scale(0.5, len(shown) + 0.5, 48, WIDTH - 12)
    frame = Frame(x, Scale(*padded(values), height - 42, top))
    body = legend(names, 48, 12, WIDTH - 60, ("s7", "s1", "s0"))
    body += frame.axes(
        f"round ({'above' if lower_is_better else 'below'} the line: worse than predicted)",
        f"docked − predicted ({unit})",
        x_ticks=list(range(1, len(shown) + 1)),
        x_text=lambda at: str(shown[round(at) - 1].round),
    )
    for place, item in enumerate(shown, start=1):
        for interval, class_, side in ((item.promised, "s7", -0.36), (item.recalibrated, "s1", 0.02)):
            if interval is None:
                continue
            low, high = interval
            left, right = frame.x(place + side), frame.x(place + side + 0.34)
            box = {
                "x": left,
                "y": frame.y(high),
                "width": right - left,
                "height": frame.y(low) - frame.y(high),
            }
            said = "promised" if class_ == "s7" else "recalibrated"
            title = f"round {item.round}, 95 % interval {said}: {low:+.2f} to {high:+.2f} {unit}"
            body.append(titled("rect", title, class_=f"fill {class_}", fill_opacity="0.3", **box))
    body.append(line(frame.x.start, frame.y(0), frame.x.end, frame.y(0), "ideal"))
    medians = []
    for place, item in enumerate(shown, start=1):
        error = item.docked - item.predicted
        body += _points(frame, place, item, error)
        middle = float(np.median(error))
        medians.append(f"round {item.round}: {middle:+.2f}")
        mark = element("title", f"median {middle:+.2f} {unit}")
        ends_of = {"x1": frame.x(place - 0.36), "x2": frame.x(place + 0.36)}
        body.append(element("line", mark, class_="median", y1=frame.y(middle), y2=frame.y(middle), **ends_of))
    few = f" The last {MAX_ROUNDS} rounds are drawn." if len(rounds) > len(shown) else ""
    label = f"Docked minus predicted of picked molecules ({unit}); medians: {', '.join(medians)}.{few}"
    return drawing(WIDTH, height, body, label)


def _points(frame: Frame, place: int, item: Errors, error: Array) -> list[str]:
    chosen = np.argsort(error, kind="stable")
    if len(chosen) > _POINTS:
        chosen = chosen[np.linspace(0, len(chosen) - 1, _POINTS).astype(int)]
    parts = []
    for turn, at in enumerate(chosen.tolist()):
        aside = 0.3 * (2 * ((turn * 0.618034) % 1) - 1)  # the golden ratio spreads neighbours apart
        title = f"{item.ids[at]}: predicted {item.predicted[at]:.2f}, docked {item.docked[at]:.2f}"
        if item.low is not None and item.high is not None:
            title += f"; recalibrated 95 % interval {item.low[at]:.2f} to {item.high[at]:.2f}"
        spot = {"cx": frame.x(place + aside), "cy": frame.y(float(error[at])), "r": 2.5}
        parts.append(titled("circle", title, class_="point s0", **spot))
    return parts
