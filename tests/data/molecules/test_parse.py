"""Why a text is no molecule, in a code and in RDKit's words without its noise."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.molecules.parse import MoleculeError, mol_from_block, parse_smiles, tidy_message
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


ACETIC = Chem.MolToMolBlock(Chem.MolFromSmiles("CC(=O)O"))
ACETIC_V3000 = Chem.MolToV3KMolBlock(Chem.MolFromSmiles("CC(=O)O"))


@pytest.mark.parametrize("block", [ACETIC, ACETIC_V3000], ids=["V2000", "V3000"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.replace("M  END", "\nM  END"),
        lambda text: text.replace("M  END", "  \n\nM  END"),
        lambda text: text.replace("M  END\n", ""),
        lambda text: text.replace("M  END\n", "> <ID>\nA1\n\n"),
        lambda text: text.replace("M  END\n", "\n"),
    ],
    ids=["as it is", "blank line", "two blank lines", "no end", "no end, data", "blank line for an end"],
)
def test_mol_blocks_with_a_careless_end_are_read(block: str, change: Callable[[str], str]) -> None:
    assert Chem.MolToSmiles(mol_from_block(change(block))) == "CC(=O)O"


@pytest.mark.parametrize(
    ("block", "code", "words"),
    [
        (ACETIC[:150], "syntax", "EOF"),
        (ACETIC.replace("  4  3", "  9  3", 1), "syntax", "line"),
        (ACETIC.replace(" O  ", " Qq ", 1), "syntax", "Qq"),
        (Chem.MolToMolBlock(Chem.MolFromSmiles("CC(C)(C)(C)C", sanitize=False)), "valence", "5"),
        ("nothing of the kind", "syntax", ""),
        ("", "syntax", ""),
    ],
)
def test_mol_blocks_that_cannot_be_read_are_refused_in_rdkits_words(
    block: str, code: str, words: str
) -> None:
    with pytest.raises(MoleculeError) as caught:
        mol_from_block(block)
    assert caught.value.code == code
    assert words in caught.value.message and caught.value.message


def test_a_flat_phosphate_is_no_trigonal_bipyramid() -> None:
    """Methyl phosphate with its oxygens almost in a plane, as docking programs draw them; a setting stays set."""
    mol = Chem.MolFromSmiles("COP(=O)(O)O")
    flat = Chem.RWMol(mol)
    conformer = Chem.Conformer(6)
    places = [
        (-2.6, 0.3, 0.2),
        (-1.5, -0.5, 0.1),
        (0, 0, 0),
        (0.1, 1.5, 0.2),
        (0.8, -1.2, 0.3),
        (1.4, 0.5, -0.2),
    ]
    for at, place in enumerate(places):
        conformer.SetAtomPosition(at, place)
    conformer.Set3D(True)
    flat.AddConformer(conformer)
    before = Chem.GetAllowNontetrahedralChirality()
    read = mol_from_block(Chem.MolToMolBlock(flat))
    assert Chem.MolToSmiles(read) == Chem.MolToSmiles(mol)
    assert Chem.GetAllowNontetrahedralChirality() is before


@pytest.mark.shared
def test_poses_have_the_smiles_of_their_molecules(shared_data: Path) -> None:
    """Whatever geometry a docking program gave their phosphates, none has a mark that its SMILES has not."""
    text = (shared_data / "outputs" / "smina_1X1R_vs_out.sdf").read_text()
    forms = {Chem.MolToSmiles(mol_from_block(record)) for record in text.split("$$$$\n") if record.strip()}
    assert "Nc1ncnc2c1ncn2[C@@H]1O[C@H](COP(=O)(O)O)[C@@H](O)[C@H]1O" in forms
    assert not any("@T" in form or "@S" in form or "@O" in form for form in forms)
