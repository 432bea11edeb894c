"""Products are the standard forms of what the reaction gives, whichever way they take; problems have codes."""

from __future__ import annotations

from docksieve.data.enumeration.product_space import Reaction
from docksieve.data.molecules.standardise import StandardSettings, standard_smiles
from docksieve.data.spaces.products import cap_blocks, make_products, misfit

AMIDE = Reaction("amide", "", "[C:1](=[O:2])-[OX2H1].[NX3;H1,H2:3]>>[C:1](=[O:2])-[N:3]", ("acids", "amines"))


def test_plain_charged_and_chiral_products_are_standard_forms() -> None:
    blocks = [("CC(=O)O", "CN"), ("CC(=O)O", "C[C@H](N)c1ccccc1"), ("O=C(O)c1ccc([N+](=O)[O-])cc1", "CN")]
    made = make_products(AMIDE, blocks, StandardSettings())
    expected = ["CNC(C)=O", "CC(=O)N[C@@H](C)c1ccccc1", "CNC(=O)c1ccc([N+](=O)[O-])cc1"]
    assert made.smiles == [standard_smiles(text) for text in expected] and not made.problems


def test_problems_have_codes() -> None:
    made = make_products(AMIDE, [("CC(=O)O", "NCCNC"), ("CC", "CN")], StandardSettings())
    assert {at: code for at, (code, _) in made.problems.items()} == {0: "several_products", 1: "no_product"}
    assert made.smiles == ["", ""]


def test_capping_checks_the_place_of_a_block() -> None:
    job = {
        "reaction": {**vars(AMIDE)},
        "role": 1,
        "partners": ["CC(=O)O", "CN"],
        "smiles": ["CN", "CO", "NCCN"],
        "standard": {},
    }
    found = cap_blocks(job)
    assert found["capped"] == ["CNC(C)=O", "", ""]
    assert {at: code for at, (code, _) in found["problems"].items()} == {1: "no_match", 2: "several_matches"}
    assert misfit(AMIDE, 0, "CC(=O)O") is None
