"""Settings as JSON and back: nothing unknown, nothing missing, nothing of the wrong kind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from docksieve.data.errors import FormatError
from docksieve.models.bundles.bundle import BUNDLE_VERSION
from docksieve.models.bundles.settings_json import settings_from_json, settings_to_json
from docksieve.models.settings import StudentSettings, TeacherSettings


@pytest.mark.parametrize("settings", [TeacherSettings(), StudentSettings(width=32, spread=False)])
def test_settings_come_back_as_they_went(settings: Any) -> None:
    text = json.loads(json.dumps(settings_to_json(settings)))
    assert settings_from_json(type(settings), text, "card", BUNDLE_VERSION) == settings


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "card has the keys"),
        ({"width": None}, r"card\.width is None, expected <class 'int'>"),
        ({"width": True}, r"card\.width is True"),
        ({"width": 0}, "card is not usable"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], said: str) -> None:
    value = settings_to_json(StudentSettings()) | change
    with pytest.raises(FormatError, match=said):
        settings_from_json(StudentSettings, value, "card", BUNDLE_VERSION)


def test_a_missing_key_and_what_is_no_mapping_are_refused() -> None:
    value = settings_to_json(StudentSettings())
    del value["width"]
    with pytest.raises(FormatError, match=r"expected .*'width'"):
        settings_from_json(StudentSettings, value, "card", BUNDLE_VERSION)
    with pytest.raises(FormatError, match=r"card has the keys \[1\]"):
        settings_from_json(StudentSettings, [1], "card", BUNDLE_VERSION)


def test_an_inner_section_is_named() -> None:
    value = settings_to_json(TeacherSettings())
    name = next(key for key, inner in value.items() if isinstance(inner, dict))
    value[name] = {**value[name], "colour": "red"}
    with pytest.raises(FormatError, match=rf"card\.{name} has the keys"):
        settings_from_json(TeacherSettings, value, "card", BUNDLE_VERSION)
