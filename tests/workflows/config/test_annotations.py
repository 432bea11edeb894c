"""Annotations in plain words: what a key may be, and whether a value has its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from docksieve.workflows.config.annotations import (
    any_of,
    bare,
    describe,
    engine_of,
    fields_of,
    fits,
    is_label,
    names_of,
)
from pydantic import BaseModel


@dataclass
class Box:
    size: float
    engine: Literal["vina"] = "vina"


class Section(BaseModel):
    box: Box


WORDS: list[tuple[Any, str]] = [
    (int, "a whole number"),
    (Annotated[float, "positive"], "a number"),
    (bool, "true or false"),
    (str | None, "text"),
    (Literal["a", "b", "c"], "a, b or c"),
    (int | Literal["auto"], "a whole number or auto"),
    (tuple[str, ...], "a list of texts"),
    (tuple[float, float, float], "a list of 3 numbers"),
    (tuple[Literal["x", "y"], ...], "a list of any of x, y"),
    (dict[str, int], "a section"),
    (Section, "a section"),
    (Box, "a table of settings"),
    (bytes, "something else"),
]


@pytest.mark.parametrize(("kind", "words"), WORDS)
def test_what_a_value_may_be(kind: Any, words: str) -> None:
    assert describe(kind) == words


@pytest.mark.parametrize(
    ("branch", "good", "bad"),
    [
        (int, 3, True),
        (float, 3, True),
        (bool, True, 1),
        (str | None, "x", 3),
        (Literal["a"], "b", 3),  # of the right form, if not the right word
        (tuple[int, ...], [1], 1),
        (Box, {"size": 1}, [1]),
        (dict[str, int], {}, "x"),
    ],
)
def test_forms(branch: Any, good: Any, bad: Any) -> None:
    assert fits(branch, good) and not fits(branch, bad)


def test_keys_engines_and_words() -> None:
    assert fields_of(Section) == {"box": Box} and list(fields_of(Box)) == ["size", "engine"]
    assert fields_of(int) == {}
    assert engine_of(Box) == "vina" and engine_of(Section) == ""
    assert names_of(int | Literal["auto", "all"] | None) == ["auto", "all"] and names_of(int) == []
    assert bare(Annotated[int | None, "x"]) is int
    assert any_of(["a"]) == "a" and any_of(["a", "b"]) == "a or b"


def test_labels_of_branches() -> None:
    assert is_label(Literal["a"], "literal['a']") and not is_label(int, "literal['a']")
    assert is_label(tuple[int, ...], "tuple[int,...]")
    assert (
        is_label(Box, "vina") and is_label(Box, "Box") and is_label(int, "int") and not is_label(int, "str")
    )
