"""Windows of values and preferences for a target are read as they are written."""

from __future__ import annotations

import pytest
from docksieve.data.errors import InputError
from docksieve.screening.queries.terms import Selective, Window


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("250:450", Window(250, 450)),
        (":4", Window(None, 4)),
        ("-1:", Window(-1, None)),
        ("0", Window(0, 0)),
        ("-0.5:1e2", Window(-0.5, 100)),
    ],
)
def test_windows_are_read_as_written(text: str, window: Window) -> None:
    assert Window.parse(text, "logp") == window
    assert Window.parse(str(window), "logp") == window


@pytest.mark.parametrize("text", ["", ":", "a:b", "1:2:3", "nan:", ":inf", "4:1"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="logp"):
        Window.parse(text, "logp")


def test_a_window_the_wrong_way_round_is_offered_the_other_way() -> None:
    with pytest.raises(InputError, match="Did you mean 250:450"):
        Window(450, 250).checked("weight")


@pytest.mark.parametrize("text", ["A", "A:", ":B", "A:A", "A:B:C"])
def test_what_names_no_two_targets_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="two targets"):
        Selective.parse(text)


def test_a_preference_has_its_margin_and_floor() -> None:
    assert Selective.parse("EGFR:JAK2") == Selective("EGFR", "JAK2", None, "seed")
    assert Selective.parse("EGFR:JAK2", 1.5, -8.0) == Selective("EGFR", "JAK2", 1.5, -8.0)
