"""Similarity, alerts, drug-likeness and parents, each against RDKit's own plain way."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.data.libraries.enumerate import enumerate_library
from docksieve.data.molecules.graph import read_graphs
from docksieve.screening.chemistry.alerts import alerts, qed, qed_at_most
from docksieve.screening.chemistry.parents import OnePerParent, parent_smiles
from docksieve.screening.chemistry.similarity import References, fingerprint
from rdkit import Chem, DataStructs
from rdkit.Chem import QED, Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

SMILES = [
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "CC(=O)Nc1ccc(O)cc1",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21",
    "O=C1C=CC(=O)C=C1",
    "O=C1NC(=S)SC1=Cc1ccccc1",
    "CCCCCCCCCCCCCCCC(=O)OCCBr",
    "OB(O)c1ccncc1",
    "C[N+](C)(C)CC(=O)[O-]",
    "N#Cc1ccc(O)c(O)c1",
    "C1CCOC1",
    "CC(=O)Nc1ccc(OC)cc1",
]


@pytest.fixture(scope="module")
def molecules(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("library")
    library = enumerate_library(folder / "library", limit=1500, workers=1, progress=False)
    made = [text for batch in library.batches(["smiles"]) for text in batch.column(0).to_pylist()]
    small = ["C", "CC", "CO", "CCO", "C1CC1", "[2H]C", "O=C=O", "C#N", "CC(C)(C)C", "[Se]", "nonsense"]
    return [*made, *SMILES, *small]


def test_similarity_is_tanimoto_of_unfolded_morgan_environments() -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2)
    prints = [generator.GetSparseFingerprint(Chem.MolFromSmiles(text)) for text in SMILES]
    asked = [1, 2, 10]
    truth = np.array([[DataStructs.TanimotoSimilarity(one, prints[at]) for at in asked] for one in prints])
    similarity, place = References([SMILES[at] for at in asked], fingerprint).nearest([*SMILES, "nonsense"])
    np.testing.assert_allclose(similarity[:-1], truth.max(axis=1), atol=1e-6)
    np.testing.assert_array_equal(place[:-1][similarity[:-1] > 0], truth.argmax(axis=1)[similarity[:-1] > 0])
    assert similarity[-1] == 0
    assert similarity[1] == 1


@pytest.mark.parametrize("references", [[SMILES[0]], SMILES[1:4], ["CO"], ["C1CC1"], [*SMILES, "[2H]C"]])
@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.2, 0.35, 0.5, 0.8, 1.0])
def test_what_is_refused_beforehand_is_never_similar(
    references: list[str], threshold: float, molecules: list[str]
) -> None:
    near = References(references, fingerprint)
    may = near.may_reach(read_graphs(molecules), threshold, np.ones(len(molecules), np.bool_))
    similarity, _ = near.nearest(molecules)
    assert not (~may & (similarity >= np.float32(threshold))).any()
    if threshold == 0.5 and references == [SMILES[0]]:
        assert may.mean() < 0.05  # most are spared


@pytest.mark.parametrize("name", ["PAINS", "BRENK", "NIH"])
def test_alerts_are_those_of_the_catalogue(name: str) -> None:
    parameters = FilterCatalogParams()
    parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    catalogue = FilterCatalog(parameters)
    found = alerts([*SMILES, "nonsense"], name.lower())
    plain = [
        "; ".join(
            sorted({entry.GetDescription() for entry in catalogue.GetMatches(Chem.MolFromSmiles(text))})
        )
        for text in SMILES
    ]
    assert found == [*plain, ""]
    assert any(found)


def test_drug_likeness_is_rdkits_and_its_bound_holds() -> None:
    molecules = [Chem.MolFromSmiles(text) for text in SMILES]
    values = qed([*SMILES, "nonsense"])
    assert values == [*(pytest.approx(QED.qed(molecule)) for molecule in molecules), None]
    known = {
        "weight": [Descriptors.MolWt(molecule) for molecule in molecules],
        "logp": [Crippen.MolLogP(molecule) for molecule in molecules],
        "donors": [rdMolDescriptors.CalcNumHBD(molecule) for molecule in molecules],
        "tpsa": [rdMolDescriptors.CalcTPSA(molecule) for molecule in molecules],
        "rotatable_bonds": [rdMolDescriptors.CalcNumRotatableBonds(molecule) for molecule in molecules],
    }
    bound = qed_at_most({name: np.array(column, float) for name, column in known.items()})
    assert (bound >= np.array(values[:-1], float)).all()
    assert bound.min() < 0.5  # and it tells something


FORMS = [
    ("Oc1ccccn1", "O=c1cccc[nH]1"),
    ("CC(=O)CC(C)=O", "CC(O)=CC(C)=O"),
    ("Cc1ccc2[nH]cnc2c1", "Cc1ccc2nc[nH]c2c1"),
    ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"),
    ("CC(N)C(=O)O", "C[C@H]([NH3+])C(=O)[O-]"),
    ("NC(=N)Nc1ccccc1", "NC(N)=Nc1ccccc1"),
    ("c1nnn[nH]1", "c1nn[nH]n1"),
    ("C/C=C/C", "C/C=C\\C"),
    ("CCN.Cl", "CCN"),
]
OTHERS = [("CCO", "CCN"), ("Cc1ccncc1", "Cc1cccnc1"), ("CC(C)=O", "CCC=O"), ("C[N+](C)(C)C", "CN(C)C")]


@pytest.mark.parametrize(("one", "other"), FORMS)
def test_forms_of_one_compound_have_one_parent(one: str, other: str) -> None:
    assert len(set(parent_smiles([one, other]))) == 1
    assert OnePerParent().mask([one, other, one]).tolist() == [True, False, False]


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_compounds_keep_theirs(one: str, other: str) -> None:
    assert len(set(parent_smiles([one, other]))) == 2
    assert OnePerParent().mask([one, other]).tolist() == [True, True]


def test_the_first_form_passes_across_calls() -> None:
    once = OnePerParent()
    assert once.mask(["Oc1ccccn1", "CCO"]).tolist() == [True, True]
    assert once.mask(["O=c1cccc[nH]1", "nonsense", "CCO", "CCN"]).tolist() == [False, True, False, True]
    assert once.mask(["nonsense"]).tolist() == [False]
