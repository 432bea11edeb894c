"""Salts, metals, ions and radicals: which part of an entry is the molecule, and what is none."""

import pytest
from docksieve.data.molecules.counter_ions import ACIDS, BASES, counter_ion_class
from docksieve.data.molecules.fragments import disconnect_metals, without_salts
from docksieve.data.molecules.standardise import MoleculeError, StandardSettings, standard_smiles
from rdkit import Chem

TAFAMIDIS = "O=C(O)c1ccc2nc(-c3cc(Cl)cc(Cl)c3)oc2c1"


@pytest.mark.parametrize(
    ("salt", "drug"),
    [
        (f"CNC[C@@H]([C@H]([C@@H]([C@@H](CO)O)O)O)O.{TAFAMIDIS}", TAFAMIDIS),
        ("CNC[C@H](O)[C@@H](O)[C@H](O)[C@H](O)CO.CCCC(CCC)C(=O)O", "CCCC(CCC)C(=O)O"),
        ("NC(CO)(CO)CO.CC(C)Cc1ccc(C(C)C(=O)O)cc1", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"),
        ("C[N+](C)(C)CCO.[O-]C(=O)c1ccccc1O", "O=C(O)c1ccccc1O"),
        ("NCCCC[C@H](N)C(=O)O.CC(=O)Oc1ccccc1C(=O)O", "CC(=O)Oc1ccccc1C(=O)O"),
        ("NC(=[NH2+])NCCC[C@H](N)C(=O)[O-].CC(=O)[O-].NC1CC1", "NC1CC1"),
        ("C1CCCCC1NC1CCCCC1.CC(C)(C)OC(=O)N[C@@H](C)C(=O)O", "C[C@H](NC(=O)OC(C)(C)C)C(=O)O"),
        ("CCCC[N+](CCCC)(CCCC)CCCC.[O-]C(=O)CCc1ccccc1", "O=C(O)CCc1ccccc1"),
        ("OC(=O)C(F)(F)F.OC(=O)C(F)(F)F.NC1CC1", "NC1CC1"),
        ("OCC(O)C(OC1OC(CO)C(O)C(O)C1O)C(O)C(O)C(=O)O.CC(N)Cc1ccccc1", "CC(N)Cc1ccccc1"),
        ("[Cl-].[Cl-].[Zn+2].CN(C)c1ccc2nc3ccc(N(C)C)cc3[s+]c2c1", "CN(C)c1ccc2nc3ccc(N(C)C)cc3[s+]c2c1"),
        # A mixture of two that no list knows: more heavy atoms, though fewer atoms with hydrogens.
        ("CCCCCCCCCC.Clc1ccc2nc(Cl)c(Br)nc2c1", "Clc1ccc2nc(Cl)c(Br)nc2c1"),
    ],
)
def test_the_drug_of_a_salt_stays(salt: str, drug: str) -> None:
    assert standard_smiles(salt) == standard_smiles(drug)
    backwards = ".".join(reversed(salt.split(".")))
    assert standard_smiles(backwards) == standard_smiles(drug)


def test_a_counter_ion_alone_is_a_molecule() -> None:
    for text in ("CNCC(O)C(O)C(O)C(O)CO", "NC(CO)(CO)CO", "Cc1ccc(cc1)S(=O)(=O)O"):
        assert standard_smiles(text) == Chem.CanonSmiles(text)


def test_the_lists_of_counter_ions_are_readable_and_apart() -> None:
    mols = {text: Chem.MolFromSmiles(text) for text in (*BASES, *ACIDS)}
    assert all(mol is not None for mol in mols.values())
    assert [counter_ion_class(mols[text]) for text in BASES] == [2] * len(BASES)
    assert [counter_ion_class(mols[text]) for text in ACIDS] == [1] * len(ACIDS)
    assert counter_ion_class(Chem.MolFromSmiles("C[N+](C)(C)CC(=O)[O-]")) == 2
    assert counter_ion_class(Chem.MolFromSmiles(TAFAMIDIS)) == 0


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("[Na+].[Cl-]", "bare_ion", "Na, Cl"),
        ("[Mg]=O", "bare_ion", "Mg, O"),
        ("[Na]Cl", "bare_ion", "Na, Cl"),
        ("[Cl-]", "bare_ion", "Cl"),
        ("[NH4+].[Cl-].O", "bare_ion", "N, Cl"),
        ("[Fe]", "bare_ion", "Fe"),
        ("[Ti+4].[O-2].[O-2]", "bare_ion", "Ti, O"),
        ("N.N.Cl[Pt]Cl", "metal", "Pt"),
        ("Cl[Ru](Cl)Cl", "metal", "Ru"),
        ("[Ru+2].c1ccc(-c2ccccn2)nc1.[Cl-].[Cl-]", "metal", "Ru"),
        ("[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1", "metal", "Fe"),
        ("CC1=CC(=O)C=CC1=O.[Cu+2].[Cl-].[Cl-]", "metal", "Cu"),
        ("CC[Mg]Br", "metal", "Mg"),
        ("CCCC[Sn+](CCCC)CCCC.[Cl-]", "metal", "Sn"),
        ("c1ccc[nH]1->[Pt](Cl)Cl", "metal", "Pt"),
        ("[C][C][O]", "radical", "SELFIES"),
        ("CC1(C)CCCC(C)(C)N1[O]", "radical", "1 unpaired electron (O)"),
        ("C[N+](C)C", "radical", "(N)"),
    ],
)
def test_what_is_no_molecule_has_a_code_of_its_own(text: str, code: str, words: str) -> None:
    with pytest.raises(MoleculeError) as caught:
        standard_smiles(text)
    assert caught.value.code == code
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("CCCC[Sn](CCCC)(OC(C)=O)OC(C)=O", "CCCC[Sn](CCCC)(OC(C)=O)OC(C)=O"),
        ("C[Hg]Cl", "C[Hg]Cl"),
        ("Cl[Sn]Cl", "Cl[Sn]Cl"),
        ("[Na]OC(=O)c1ccccc1", "OC(=O)c1ccccc1"),
        ("CC(=O)O[Zn]OC(C)=O", "CC(=O)O"),
        ("[Fe+2].[O-]C(=O)/C=C/c1ccccc1.[O-]C(=O)/C=C/c1ccccc1", "OC(=O)/C=C/c1ccccc1"),
        ("[Ag]N(c1ncccn1)S(=O)(=O)c1ccc(N)cc1", "Nc1ccc(S(=O)(=O)Nc2ncccn2)cc1"),
    ],
)
def test_metals_in_bonds_like_carbon_stay_and_those_of_salts_go(text: str, whole: str) -> None:
    assert standard_smiles(text) == Chem.CanonSmiles(whole)


def test_complexes_can_be_kept_whole() -> None:
    settings = StandardSettings(disconnect_metals=False)
    assert standard_smiles("N.N.Cl[Pt]Cl", settings) == Chem.CanonSmiles("N.N.Cl[Pt]Cl")
    assert standard_smiles("c1ccccc1C(=O)O.Cl", settings) == "O=C(O)c1ccccc1"


def test_parts_of_rdkit_molecules() -> None:
    def smiles(mol: object) -> str:
        return str(Chem.MolToSmiles(mol))

    assert smiles(disconnect_metals(Chem.MolFromSmiles("CO[Ca]OC"))) == "C[O-].C[O-].[Ca+2]"
    assert smiles(without_salts(Chem.MolFromSmiles("NC(CO)(CO)CO.O.Clc1ccccc1C(=O)O"))) == "O=C(O)c1ccccc1Cl"
