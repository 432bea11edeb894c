"""Racemates and their like as rows of their own, from CXSMILES and V3000; handedness that SMILES drops."""

import pytest
from docksieve.data.molecules.batch import standard_forms
from docksieve.data.molecules.parse import mol_from_block, rdkit_messages
from docksieve.data.molecules.standardise import StandardSettings, standardise
from docksieve.data.molecules.stereo_groups import (
    canonical_groups,
    groups_of,
    loses_axial_chirality,
    mark,
    marked_again,
    read_extension,
)
from rdkit import Chem
from rdkit.Chem import AllChem


def form(cxsmiles: str) -> tuple[str, str]:
    smiles, _, extension = cxsmiles.partition(" ")
    found = standardise(smiles, extension=extension)
    return found.smiles, found.stereo_groups


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ("C[C@H](O)CF |&1:1|", "C[C@@H](O)CF |&1:1|"),
        ("C[C@H](O)CF |&1:1|", "FC[C@H](C)O |&7:2|"),
        ("C[C@H](O)[C@H](F)Cl |&1:1,3|", "C[C@@H](O)[C@@H](F)Cl |&1:1,3|"),
        ("C[C@@H](O)[C@@H](F)Cl |a:3,&1:1|", "C[C@H](O)[C@@H](F)Cl |&1:1|"),
        ("C[C@@H](O)[C@@H](F)Cl |o1:1,o2:3|", "C[C@H](O)[C@@H](F)Cl |o2:1,o1:3|"),
        ("C[C@H](O)CF |a:1|", "C[C@H](O)CF"),
        ("C[C@H](O)[C@@H](C)O |&1:1,3|", "C[C@H](O)[C@@H](C)O"),  # meso: its mirror image is itself
        ("C[C@H]1CC[C@@H](C)CC1 |&1:1,4|", "C[C@H]1CC[C@@H](C)CC1"),
        ("CC(O)CF |&1:1|", "CC(O)CF"),
        ("C[C@H](O)CF |junk,&1:99|", "C[C@H](O)CF"),
        # Through every step: salt, charge, sulfoxide.
        ("[Na+].[O-]C(=O)[C@H](N)C[S+](C)[O-] |&1:4|", "OC(=O)[C@@H](N)CS(C)=O |&1:3|"),
    ],
)
def test_one_racemate_has_one_form(given: str, same: str) -> None:
    assert form(given) == form(same)
    assert form(" ".join(form(given)).strip()) == form(given)


def test_a_racemate_is_not_its_isomer_and_not_one_of_the_two() -> None:
    forms = {form(f"C[C@H](O)CF{groups}") for groups in ("", " |&1:1|", " |o1:1|")}
    assert forms == {("C[C@H](O)CF", ""), ("C[C@H](O)CF", "|&1:1|"), ("C[C@H](O)CF", "|o1:1|")}


def test_groups_go_with_stereochemistry() -> None:
    found = standardise("C[C@H](O)CF", StandardSettings(keep_stereo=False), "|&1:1|")
    assert (found.smiles, found.stereo_groups) == ("CC(O)CF", "")


@pytest.mark.parametrize("kernel_rows", [0, 1_000_000])
def test_together_as_one_by_one_and_from_v3000(kernel_rows: int) -> None:
    given = ["C[C@H](O)CF", "C[C@H](O)CF", "C[C@@H](O)CF", "C[C@H](O)CF"]
    extensions = ["", "|&1:1|", "|&1:1|", "|(1.0,2.0,;3,4,;,,;,,;,,),&1:1,r|"]
    with rdkit_messages():
        forms = standard_forms(given, StandardSettings(), kernel_rows=kernel_rows, extensions=extensions)
    assert forms.smiles == ["C[C@H](O)CF"] * 4
    assert forms.stereo_groups == {1: "|&1:1|", 2: "|&1:1|", 3: "|&1:1|"}
    blocks = []
    for text in ("C[C@@H](O)CF |&1:1|", "C[C@H](O)CF |o1:1|", "C[C@H](O)CF"):
        mol = Chem.MolFromSmiles(text)
        AllChem.Compute2DCoords(mol)
        blocks.append(Chem.MolToV3KMolBlock(mol))
    assert "MDLV30/STERAC1" in blocks[0]
    with rdkit_messages():
        forms = standard_forms(blocks, StandardSettings(), True, kernel_rows)
    assert forms.smiles == ["C[C@H](O)CF"] * 3
    assert forms.stereo_groups == {0: "|&1:1|", 1: "|o1:1|"}


def test_many_groups_take_no_time() -> None:
    """Twelve centres of a group each would be 4,096 isomers to compare."""
    smiles = "C[C@H](F)" + "[C@H](F)" * 11 + "CC"
    mol = Chem.MolFromSmiles(smiles)
    centres = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetChiralTag()]
    extension = "|" + ",".join(f"&{number}:{at}" for number, at in enumerate(centres, 1)) + "|"
    found = standardise(smiles, extension=extension)
    assert found.stereo_groups.count("&") == len(centres) == 12


def test_groups_are_noted_on_atoms_and_found_again() -> None:
    mol = read_extension("C[C@H](O)[C@H](F)Cl", "|&1:1,o1:3|")
    groups = groups_of(mol)
    marked = mark(mol, groups)
    assert not marked.GetStereoGroups()
    again = marked_again(marked, [kind for kind, _ in groups])
    assert groups_of(again) == groups
    assert canonical_groups(again) == form("C[C@H](O)[C@H](F)Cl |&1:1,o1:3|")
    assert read_extension("CCO", "|(1,2,;3,4,;5,6,)|") is None


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("CC=[C@]=CC", True),
        ("CC=[C@AL1]=CC", True),
        ("C(=[C@@]=CC)C", True),
        ("[C@](=CC)=CC", True),
        ("CC=C=CC", False),
        ("C[S@](=O)CC", False),
        ("C[C@H](F)C=C", False),
        ("C[C@@H]1CC=C1", False),
    ],
)
@pytest.mark.parametrize("kernel_rows", [0, 1_000_000])
def test_allenes_that_lose_their_handedness_are_told(text: str, lost: bool, kernel_rows: int) -> None:
    assert loses_axial_chirality(text) is lost
    with rdkit_messages():
        forms = standard_forms([text, text], StandardSettings(), kernel_rows=kernel_rows)
    assert forms.lost_axial == ({0, 1} if lost else set())


def test_allenes_and_hindered_axes_of_mol_blocks() -> None:
    solid = {}
    for smiles in ("CC=C=CC", "CC(C)=C=CC"):
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        AllChem.EmbedMolecule(mol, randomSeed=1)
        solid[smiles] = loses_axial_chirality("", mol_from_block(Chem.MolToMolBlock(mol)))
    assert solid == {"CC=C=CC": True, "CC(C)=C=CC": False}
    flat = Chem.MolFromSmiles("CC=C=CC")
    AllChem.Compute2DCoords(flat)
    assert not loses_axial_chirality("", mol_from_block(Chem.MolToMolBlock(flat)))
    flat.GetBondWithIdx(0).SetBondDir(Chem.BondDir.BEGINWEDGE)
    assert loses_axial_chirality("", mol_from_block(Chem.MolToMolBlock(flat)))


@pytest.mark.shared
def test_a_real_atropisomer(shared_data) -> None:
    path = shared_data / "messy" / "rdkit_AtropManyChiralsEnhanced.sdf.expected.cxsmi"
    smiles, _, extension = path.read_text().splitlines()[0].partition(" ")
    found = standardise(smiles, extension=extension)
    assert found.lost_axial
    assert "o1:" in found.stereo_groups and "&1:" in found.stereo_groups
