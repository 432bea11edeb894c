"""Steps of standardisation that fail, and what RDKit's rules leave as it is."""

from typing import Any

import pytest
from docksieve.data.molecules import steps
from docksieve.data.molecules.batch import standard_forms
from docksieve.data.molecules.parse import rdkit_messages
from docksieve.data.molecules.rejections import STEPS, rejection_codes, rejection_meaning
from docksieve.data.molecules.standardise import (
    MoleculeError,
    StandardSettings,
    standard_smiles,
    standardise,
)
from docksieve.data.molecules.steps import _ACTIONS, settled
from rdkit import Chem

UNREADABLE = "CP1(=O)~OCCN1"


@pytest.mark.parametrize("kernel_rows", [0, 1_000_000])
def test_a_form_that_cannot_be_read_again_costs_one_molecule(kernel_rows: int) -> None:
    with rdkit_messages():
        forms = standard_forms(["CCO", UNREADABLE, "CCN"], StandardSettings(), kernel_rows=kernel_rows)
    assert forms.smiles == ["CCO", "", "CCN"]
    assert forms.problems[1].code == "failed_writing"
    assert "C[PH]1(=O)NCCO~1" in forms.problems[1].message
    assert forms.values[2, 0] == 3


@pytest.mark.parametrize("kernel_rows", [0, 1_000_000])
@pytest.mark.parametrize(
    "error", [AttributeError("odd"), TypeError(), KeyError("x"), MemoryError(), Exception("?")]
)
def test_no_exception_of_one_molecule_ends_the_others(
    monkeypatch: pytest.MonkeyPatch, kernel_rows: int, error: Exception
) -> None:
    """Whatever type it has, and wherever it is raised: in a step, or while properties are computed."""

    def fail(mol: Any) -> Any:
        raise error

    monkeypatch.setitem(_ACTIONS, "strip_salts", fail)
    with rdkit_messages():
        forms = standard_forms(["CCO", "CCN.Cl", "CCC"], StandardSettings(), kernel_rows=kernel_rows)
    assert forms.smiles == ["CCO", "", "CCC"]
    assert forms.problems[1].code == "failed_strip_salts"
    with pytest.raises(MoleculeError):
        standardise("CCN.Cl")
    monkeypatch.setattr("docksieve.data.molecules.batch.properties", fail)
    with rdkit_messages():
        forms = standard_forms(["[SiH3]C", "CCO"], StandardSettings(), kernel_rows=kernel_rows)
    assert forms.problems[0].code == "sanitise" and forms.smiles[0] == ""


def test_the_step_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    unreadable = Chem.MolFromSmiles(UNREADABLE)
    monkeypatch.setitem(_ACTIONS, "normalise", lambda mol: unreadable)
    with pytest.raises(MoleculeError) as caught:
        standard_smiles("C[S+](C)N(C)C")
    assert caught.value.code == "failed_normalise"
    assert "cannot be read again" in caught.value.message


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ("O=c1[cH-]c(=O)[n-]c(=O)[nH]1", "O=C1CC(=O)NC(=O)N1"),  # barbituric acid
        ("c1cc[cH-]c1", "C1=CCC=C1"),
        ("[Na+].[cH-]1c2ccccc2c2ccccc12", "c1ccc2c(c1)Cc1ccccc1-2"),
        ("C[n+]1cc[cH-]c1", "C[n+]1cc[cH-]c1"),
    ],
)
def test_charges_of_aromatic_rings_become_hydrogens_or_stay(given: str, form: str) -> None:
    assert standard_smiles(given) == form
    assert standard_smiles(form) == form


def test_charges_stay_where_nothing_neutral_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    unreadable = Chem.MolFromSmiles(UNREADABLE)
    monkeypatch.setitem(_ACTIONS, "neutralise", lambda mol: unreadable)
    monkeypatch.setattr(steps, "_neutralised_kekule", lambda mol: mol)
    assert standard_smiles("CC(=O)[O-]") == "CC(=O)[O-]"


@pytest.mark.parametrize(
    "ion",
    [
        "CN[P+](C)(C)CC(=O)O",
        "CN(C)[S+](C)C",
        "c1ccc2c(c1)nnn2O[P+](N1CCCC1)(N1CCCC1)N1CCCC1",
        "CN(C)[P+](On1nnc2ccccc21)(N(C)C)N(C)C",
        "CN(C)[P+](Cl)(N(C)C)N(C)C",
        "C[P+](C)(C)N",
        "C[S+](C)N",
        "C[S+](C)(=O)N(C)C",
    ],
)
def test_phosphonium_and_sulfonium_ions_keep_their_bonds(ion: str) -> None:
    assert standard_smiles(ion) == Chem.CanonSmiles(ion)


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ("C[S+]([O-])C", "CS(C)=O"),
        ("C[S@+]([O-])CC", "CC[S@](C)=O"),
        ("CN[S+]([O-])C", "CNS(C)=O"),
        ("C[S+2]([O-])([O-])C", "CS(C)(=O)=O"),
        ("CO[P+]([O-])([O-])C", "COP(C)(=O)O"),
    ],
)
def test_charge_separated_groups_have_one_form(given: str, form: str) -> None:
    assert standard_smiles(given) == Chem.CanonSmiles(form)


def test_the_settled_form_is_what_it_parses_to() -> None:
    smiles, mol = settled(Chem.MolFromSmiles("OC(=O)c1ccccc1"))
    assert smiles == "O=C(O)c1ccccc1" == Chem.MolToSmiles(mol)


def test_every_code_has_a_meaning() -> None:
    assert all(rejection_meaning(code).endswith(".") for code in rejection_codes())
    assert rejection_meaning("of another version") == ""
    assert set(STEPS) == set(_ACTIONS)
