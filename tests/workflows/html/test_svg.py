"""Parts of drawings: round ticks, short labels, escaped texts, scales."""

from __future__ import annotations

import pytest
from docksieve.workflows.html.svg import Scale, element, escape, tick_label, ticks


@pytest.mark.parametrize(
    ("low", "high", "count", "wanted"),
    [
        (-10.3, -4.2, 5, [-10, -9, -8, -7, -6, -5]),
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 86_400, 5, [0, 20_000, 40_000, 60_000, 80_000]),
        (3, 3, 5, [3]),
        (float("nan"), 1, 5, []),
    ],
)
def test_ticks_are_round(low: float, high: float, count: int, wanted: list[float]) -> None:
    assert ticks(low, high, count) == pytest.approx(wanted)


def test_tick_labels_are_short() -> None:
    values = (0.0, -9.5, 12_000, 5_000, 2e6, 1e9)
    assert [tick_label(value) for value in values] == ["0", "−9.5", "12k", "5000", "2M", "1G"]


def test_text_is_escaped_and_control_characters_made_visible() -> None:
    assert escape("<a href='x'>&\x00\x1b") == "&lt;a href=&#x27;x&#x27;&gt;&amp;\ufffd\ufffd"
    assert element("text", title='"<>') == '<text title="&quot;&lt;&gt;"/>'


def test_a_scale_maps_its_ends() -> None:
    scale = Scale(-10, 0, 50, 250)
    assert (scale(-10), scale(-5), scale(0)) == (50, 150, 250)
    assert Scale(3, 3, 50, 250)(3) == 50
