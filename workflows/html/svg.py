"""Small SVG drawings for reports: elements, scales, axes and legends.

Drawings carry no colours of their own: shapes have classes (``s0`` to ``s7``, ``axis``, ``grid`` ...) that
the page gives colours, so that one drawing serves light, dark and print. Every text is escaped here.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

SERIES = 8
"""How many series colours the page knows (classes ``s0`` to ``s7``)."""

_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127], "�")


def escape(text: object) -> str:
    """Return ``text`` fit for HTML and SVG content and attributes; control characters are made visible."""
    return html.escape(str(text).translate(_CONTROL), quote=True)


def number(value: float) -> str:
    """Return a coordinate with one decimal at most."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def element(tag: str, content: str = "", /, **attributes: object) -> str:
    """Return an SVG element.

    Underscores in attribute names become hyphens and a trailing one goes away (``class_``); attributes that
    are None are left out, floats are rounded to a tenth. ``content`` is taken as it is.
    """
    parts = []
    for name, value in attributes.items():
        if value is not None:
            shown = number(value) if isinstance(value, float) else escape(value)
            parts.append(f' {name.rstrip("_").replace("_", "-")}="{shown}"')
    return f"<{tag}{''.join(parts)}>{content}</{tag}>" if content else f"<{tag}{''.join(parts)}/>"


def text(x: float, y: float, content: object, **attributes: object) -> str:
    """Return a text element at (``x``, ``y``)."""
    return element("text", escape(content), x=float(x), y=float(y), **attributes)


def drawing(width: int, height: int, body: Iterable[str], label: str, class_: str = "chart") -> str:
    """Return a whole SVG drawing; ``label`` says in words what it shows, for those who cannot see it."""
    content = f"<title>{escape(label)}</title>" + "".join(body)
    return element(
        "svg", content, class_=class_, viewBox=f"0 0 {width} {height}", role="img", aria_label=label
    )


@dataclass(frozen=True)
class Scale:
    """A linear map from values ``low`` to ``high`` onto coordinates ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the coordinate of ``value``."""
        span = self.high - self.low
        return self.start + (value - self.low) / (span or 1.0) * (self.end - self.start)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about ``count`` round values between ``low`` and ``high`` (steps of 1, 2 or 5 times a power of ten)."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= 0.75 * rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step + 0.0 for index in range(first, last + 1)]


def padded(values: Sequence[float], share: float = 0.05) -> tuple[float, float]:
    """Return the range of ``values`` with some room on both sides; (0, 1) if there is none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * share or max(abs(high), 1.0) * share
    return low - room, high + room


def tick_label(value: float) -> str:
    """Return a short label: thousands as ``10k``, no needless decimals."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:.6g}".replace("-", "−")


@dataclass(frozen=True)
class Frame:
    """The plotting area of a chart, with its scales."""

    x: Scale
    y: Scale

    def axes(
        self,
        x_label: str,
        y_label: str = "",
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[float] | None = None,
        label: Callable[[float], str] = tick_label,
        x_text: Callable[[float], str] | None = None,
    ) -> list[str]:
        """Return grid lines, tick labels and axis titles; ``x_text`` labels the x axis instead of ``label``."""
        left, right, bottom, top = self.x.start, self.x.end, self.y.start, self.y.end
        parts = []
        for value in ticks(self.x.low, self.x.high) if x_ticks is None else x_ticks:
            at = self.x(value)
            parts.append(line(at, bottom, at, top, "grid"))
            shown = (x_text or label)(value)
            parts.append(text(at, bottom + 15, shown, class_="tick", text_anchor="middle"))
        for value in ticks(self.y.low, self.y.high) if y_ticks is None else y_ticks:
            at = self.y(value)
            parts.append(line(left, at, right, at, "grid"))
            parts.append(text(left - 5, at + 3.5, label(value), class_="tick", text_anchor="end"))
        parts.append(line(left, bottom, right, bottom, "axis"))
        middle = (left + right) / 2
        parts.append(text(middle, bottom + 31, x_label, class_="label", text_anchor="middle"))
        if y_label:
            at = (bottom + top) / 2
            turned = f"rotate(-90 11 {number(at)})"
            parts.append(text(11, at, y_label, class_="label", text_anchor="middle", transform=turned))
        return parts


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """Return a straight line."""
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def path(points: Iterable[tuple[float, float]], class_: str, closed: bool = False) -> str:
    """Return a line (or closed area) through ``points``."""
    steps = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return element("path", d=f"M{steps}{'Z' if closed else ''}", class_=class_)


def titled(tag: str, title: str, /, **attributes: object) -> str:
    """Return an element that shows ``title`` when pointed at."""
    return element(tag, f"<title>{escape(title)}</title>", **attributes)


def legend(names: Sequence[str], x: float, y: float, width: float, classes: Sequence[str] = ()) -> list[str]:
    """Return a legend of coloured squares, wrapped to ``width``; series ``i`` has class ``s{i}`` by default."""
    parts, at = [], x
    for index, name in enumerate(names):
        room = 20 + 6.3 * len(name)
        if at > x and at + room > x + width:
            at, y = x, y + 16
        class_ = classes[index] if classes else f"s{index % SERIES}"
        parts.append(
            element("rect", x=float(at), y=float(y - 8), width=10, height=10, rx=2, class_=f"fill {class_}")
        )
        parts.append(text(at + 14, y + 1, name, class_="tick"))
        at += room
    return parts


def legend_rows(names: Sequence[str], width: float) -> int:
    """Return how many lines :func:`legend` needs."""
    rows, at = 1, 0.0
    for name in names:
        room = 20 + 6.3 * len(name)
        if at > 0 and at + room > width:
            rows, at = rows + 1, 0.0
        at += room
    return rows
