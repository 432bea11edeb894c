"""Drawn molecules: inside their boxes, colours left to the page, and nothing drawn that is no molecule."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from docksieve.screening.chemistry.depict import depict


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)Nc1ccc(O)cc1",
        "C[C@@H]1CC[C@H]2[C@@H](C)C(=O)O[C@@H]3O[C@@]4(C)CC[C@@H]1[C@@]23OO4",
        "Clc1ccc(Br)c(I)c1S(=O)(=O)C(F)(F)P",
        "[2H]C([2H])([2H])OB1OC(C)(C)C(C)(C)O1",
        "CC(C)C[C@H]1C(=O)N(C)[C@@H](CC(C)C)C(=O)N(C)CC(=O)N1C",
    ],
)
def test_a_molecule_is_drawn_inside_its_box_in_the_page_s_colours(smiles: str) -> None:
    svg = depict(smiles, 260, 190)
    assert svg is not None
    drawn = ElementTree.fromstring(svg)
    classes = {name for item in drawn.iter("path") for name in item.get("class", "").split()}
    assert classes <= {
        "b",
        "f",
        "thin",
        *(f"a-{e}" for e in ("c", "n", "o", "f", "p", "s", "cl", "br", "i", "b")),
    }
    assert "style" not in svg and len(svg) < 60_000
    steps = " ".join(item.get("d", "") for item in drawn.iter("path"))
    numbers = [float(value) for value in re.findall(r"-?\d+\.?\d*", steps)]
    assert min(numbers[::2]) >= -2 and max(numbers[::2]) <= 262
    assert min(numbers[1::2]) >= -2 and max(numbers[1::2]) <= 192


def test_elements_have_their_own_colours() -> None:
    svg = depict("CC(=O)NCCl") or ""
    assert {"a-n", "a-o", "a-cl", "a-c"} <= set(re.findall(r"a-\w+", svg))


@pytest.mark.parametrize("text", ["", "not a molecule", "C1CC", "<svg onload=x>"])
def test_what_is_no_molecule_is_not_drawn(text: str) -> None:
    assert depict(text) is None
