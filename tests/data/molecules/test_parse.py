"""Why a text is no molecule, in a code and in RDKit's words without its noise."""

from __future__ import annotations

import copy

import pytest
from docksieve.data.molecules.parse import MoleculeError, parse_smiles, tidy_message
from rdkit import Chem


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", "missing", "there is no SMILES"),
        ("C" * 10_001, "too_long", "has 10001 characters; the limit is 10000"),
        ("CC O", "characters", "holds the character ' '"),
        ("CCé", "characters", "'é'"),
        ("C1CC", "syntax", "unclosed ring"),
        ("C(", "syntax", ""),
        ("CC(C)(C)(C)C", "valence", "valence"),
        ("c1cccc1", "kekulise", "kekul"),
    ],
)
def test_what_is_wrong_with_a_text(text: str, code: str, said: str) -> None:
    with pytest.raises(MoleculeError) as caught:
        parse_smiles(text)
    assert caught.value.code == code and said in str(caught.value).replace("Kekul", "kekul")
    again = copy.copy(caught.value)  # as between processes
    assert (again.code, again.message) == (code, caught.value.message)


def test_a_molecule() -> None:
    assert Chem.MolToSmiles(parse_smiles("OCC")) == "CCO"


def test_messages_lose_time_stamps_and_drawings() -> None:
    noisy = "[12:34:56] SMILES Parse Error: unclosed ring for input: 'C1CC'\n  ~~^"
    assert tidy_message(["", noisy]) == "unclosed ring" and tidy_message([]) == ""
