"""Standard forms and properties."""

import pytest
from docksieve.data.molecules.properties import properties
from docksieve.data.molecules.standardise import MoleculeError, StandardSettings, standard_smiles, standardise
from docksieve.data.schema import PROPERTY_COLUMNS
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, Lipinski, rdMolDescriptors

DRUGS = {
    "imatinib": "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "atorvastatin": "CC(C)c1c(C(=O)Nc2ccccc2)c(-c2ccccc2)c(-c2ccc(F)cc2)n1CC[C@@H](O)C[C@@H](O)CC(=O)O",
    "metformin": "CN(C)C(=N)NC(=N)N",
    "nitrofurantoin": "O=C1CN(/N=C/c2ccc([N+](=O)[O-])o2)C(=O)N1",
    "omeprazole": "COc1ccc2[nH]c(S(=O)Cc3ncc(C)c(OC)c3C)nc2c1",
    "fluoxetine": "CNCCC(Oc1ccc(C(F)(F)F)cc1)c1ccccc1",
    "penicillin G": "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
    "testosterone": "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O",
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("CCN.Cl", "CCN"),
        ("CC(=O)[O-].[Na+]", "CC(=O)O"),
        ("C[NH3+].[Cl-]", "CN"),
        ("[O-]C(=O)C(F)(F)F.C[NH2+]Cc1ccccc1", "CNCc1ccccc1"),
        ("[Na]OC(=O)c1ccccc1", "O=C(O)c1ccccc1"),
        ("CCO.CCCCN", "CCCCN"),
        ("C[N+](C)(C)CCO.[Cl-]", "C[N+](C)(C)CCO"),
        ("CN(=O)=O", "C[N+](=O)[O-]"),
        ("C[S+]([O-])C", "CS(C)=O"),
        ("[13CH3]O", "[13CH3]O"),
        ("[CH3:1][OH:2]", "CO"),
        ("N[C@@H](C)C(=O)O", "C[C@H](N)C(=O)O"),
        ("F/C=C/F", "F/C=C/F"),
        ("C[N+](C)(C)CC([O-])=O", "C[N+](C)(C)CC(=O)[O-]"),
    ],
)
def test_standard_form(given, expected):
    assert standard_smiles(given) == expected


@pytest.mark.parametrize("name", DRUGS)
def test_the_standard_form_of_a_standard_form_is_itself(name):
    once = standard_smiles(DRUGS[name])
    assert standard_smiles(once) == once
    randomised = Chem.MolToSmiles(Chem.MolFromSmiles(DRUGS[name]), doRandom=True)
    assert standard_smiles(randomised) == once


@pytest.mark.parametrize(
    ("step", "given", "without"),
    [
        ("largest_fragment", "N#Cc1ccccc1.CCCCN", "CCCCN.N#Cc1ccccc1"),
        ("neutralise", "CC(=O)[O-]", "CC(=O)[O-]"),
        ("keep_stereo", "N[C@@H](C)C(=O)O", "CC(N)C(=O)O"),
        ("clear_atom_maps", "[CH3:1][OH:2]", "[CH3:1][OH:2]"),
        ("normalise", "C[S+]([O-])C", "C[S+](C)[O-]"),
        ("disconnect_metals", "[Na]OC(C)=O", "CC(=O)[O][Na]"),
    ],
)
def test_a_step_can_be_switched_off(step, given, without):
    assert standard_smiles(given) != without
    assert standard_smiles(given, StandardSettings(**{step: False})) == without


def test_salts_go_before_the_largest_fragment_is_chosen():
    """A small drug with a large counter-ion (here: tosylate) survives its salt."""
    tosylate = "Cc1ccc(cc1)S(=O)(=O)O"
    assert standard_smiles(f"{tosylate}.NCC(C)C") == "CC(C)CN"
    assert standard_smiles(f"{tosylate}.NCC(C)C", StandardSettings(strip_salts=False)) != "CC(C)CN"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "missing", "no SMILES"),
        ("C1CC", "syntax", "unclosed ring"),
        ("c1cccc1", "kekulise", "kekulize"),
        ("C(C)(C)(C)(C)C", "valence", "greater than permitted"),
        ("*CCO", "wildcard", "undefined atom"),
        ("CC\x00C", "characters", "x00"),
        ("CC\xe9", "characters", "\xe9"),
        ("C" * 10_001, "too_long", "10001 characters"),
        ("C" * 5000, "too_large", "5000 heavy atoms"),
    ],
)
def test_what_is_no_molecule_is_refused_with_a_reason(text, code, words):
    with pytest.raises(MoleculeError) as caught:
        standard_smiles(text)
    assert caught.value.code == code
    assert words in caught.value.message


def test_rdkit_prints_nothing(capfd):
    with pytest.raises(MoleculeError):
        standard_smiles("c1cccc1C(C)(C)(C)C")
    out, err = capfd.readouterr()
    assert out == "" and err == ""


def test_settings_that_contradict_are_refused():
    with pytest.raises(ValueError, match="min_heavy_atoms"):
        StandardSettings(min_heavy_atoms=10, max_heavy_atoms=5)


@pytest.mark.parametrize("name", DRUGS)
def test_properties_are_those_of_rdkit(name):
    mol = standardise(DRUGS[name]).mol
    row = dict(zip(PROPERTY_COLUMNS, properties(mol), strict=True))
    fresh = Chem.MolFromSmiles(DRUGS[name])
    assert row["heavy_atoms"] == fresh.GetNumHeavyAtoms()
    assert row["weight"] == pytest.approx(Descriptors.MolWt(fresh), abs=1e-3)
    assert row["logp"] == pytest.approx(Crippen.MolLogP(fresh), abs=1e-4)
    assert row["tpsa"] == pytest.approx(rdMolDescriptors.CalcTPSA(fresh), abs=1e-3)
    assert row["donors"] == Lipinski.NumHDonors(fresh)
    assert row["acceptors"] == Lipinski.NumHAcceptors(fresh)
    assert row["rotatable_bonds"] == Lipinski.NumRotatableBonds(fresh)
    assert row["rings"] == fresh.GetRingInfo().NumRings()
    assert row["fsp3"] == pytest.approx(Lipinski.FractionCSP3(fresh), abs=1e-6)
    assert row["charge"] == 0


def test_unassigned_stereocentres():
    def unassigned(smiles):
        return dict(zip(PROPERTY_COLUMNS, properties(standardise(smiles).mol), strict=True))[
            "unassigned_stereocentres"
        ]

    assert unassigned(DRUGS["fluoxetine"]) == 1
    assert unassigned(DRUGS["testosterone"]) == 0
    assert unassigned("CC(N)C(=O)N[C@@H](C)C(=O)O") == 1
