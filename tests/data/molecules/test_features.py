"""Compiled fingerprints and descriptors against RDKit's, on real molecules and awkward ones."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from docksieve.data.molecules.circular_counts import graph_rows
from docksieve.data.molecules.features import GRAPH_DESCRIPTORS, graph_features, graph_of
from docksieve.data.molecules.graph import read_graphs
from docksieve.models.fingerprints import featurise
from docksieve.models.settings import FingerprintSettings
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData
from rdkit import Chem
from rdkit.Chem import Crippen, Descriptors, rdFingerprintGenerator, rdMolDescriptors

WIDE = 1 << 24
AWKWARD = [
    "O=S(=O)(c1ccccc1)N1CC1",  # a sulfone, a ring of three
    "C[Si](C)(C)c1ccccc1",  # an element that the parser leaves to RDKit
    "[Na+].CC(=O)[O-]",  # two parts
    "F[P-](F)(F)(F)(F)F",
    "[13CH3]C(=O)O",
    "C",
    "OB(O)c1ccc2[nH]ccc2c1",
    "[Fe]",
    "C[N+](C)(C)CC(=O)[O-]",
    "c1ccc2c(c1)Cc1ccccc1-2",
]


def standard(smiles: list[str]) -> list[str]:
    return [Chem.MolToSmiles(Chem.MolFromSmiles(text)) for text in smiles]


@pytest.fixture(scope="module")
def molecules(drugs: list[str], amides: list[str]) -> list[str]:
    return standard([*drugs, *amides[::7]])


GENERATORS = {
    "morgan1": rdFingerprintGenerator.GetMorganGenerator(radius=1),
    "morgan2": rdFingerprintGenerator.GetMorganGenerator(radius=2),
    "morgan3": rdFingerprintGenerator.GetMorganGenerator(radius=3),
    "pair": rdFingerprintGenerator.GetAtomPairGenerator(),
    "torsion": rdFingerprintGenerator.GetTopologicalTorsionGenerator(),
}


@pytest.mark.parametrize("kind", GENERATORS)
def test_features_are_rdkits_under_other_hashes(molecules: list[str], kind: str) -> None:
    offsets, features, counts = graph_rows(read_graphs(molecules), kind, WIDE)
    for index, text in enumerate(molecules):
        mol = Chem.MolFromSmiles(text)
        theirs = sorted(GENERATORS[kind].GetSparseCountFingerprint(mol).GetNonzeroElements().values())
        ours = counts[offsets[index] : offsets[index + 1]].tolist()
        if kind == "torsion" and mol.HasSubstructMatch(Chem.MolFromSmarts("*1**1")):
            assert 0 <= sum(theirs) - sum(ours) <= len(Chem.GetSymmSSSR(mol))
        else:
            assert sorted(ours) == theirs, text
        assert len(set(features[offsets[index] : offsets[index + 1]].tolist())) == len(ours)


@pytest.mark.parametrize("kind", ["morgan2", "pair", "torsion"])
def test_similarities_between_molecules_are_rdkits(molecules: list[str], kind: str) -> None:
    """Equal features must be equal across molecules, not just within them."""
    offsets, features, counts = graph_rows(read_graphs(molecules), kind, WIDE)
    chosen = [i for i, text in enumerate(molecules) if not Chem.MolFromSmiles(text).HasSubstructMatch(
        Chem.MolFromSmarts("*1**1"))][:60]  # fmt: skip
    ours, theirs = [], []
    for index in chosen:
        row = slice(offsets[index], offsets[index + 1])
        ours.append(Counter(dict(zip(features[row].tolist(), counts[row].tolist(), strict=True))))
        found = GENERATORS[kind].GetSparseCountFingerprint(Chem.MolFromSmiles(molecules[index]))
        theirs.append(Counter(found.GetNonzeroElements()))
    for i in range(len(chosen)):
        for j in range(i):
            shared = sum((ours[i] & ours[j]).values()), sum((theirs[i] & theirs[j]).values())
            if (
                kind == "morgan2"
            ):  # which of several environments with the same bonds stands for all is the hash's choice
                assert abs(shared[0] - shared[1]) <= 3
            else:
                assert shared[0] == shared[1]


def test_descriptors_are_rdkits(molecules: list[str]) -> None:
    _, values, valid = graph_features(molecules, ["morgan2"], 1024, True)
    assert valid.all()
    for text, row in zip(molecules, values, strict=True):
        mol = Chem.MolFromSmiles(text)
        ours = dict(zip(GRAPH_DESCRIPTORS, row.tolist(), strict=True))
        assert ours["weight"] == pytest.approx(Descriptors.MolWt(mol), abs=1e-3)
        assert ours["heavy_atoms"] == mol.GetNumHeavyAtoms()
        assert ours["hetero_atoms"] == rdMolDescriptors.CalcNumHeteroatoms(mol)
        assert ours["nitrogens_oxygens"] == rdMolDescriptors.CalcNumLipinskiHBA(mol)
        assert ours["polar_hydrogens"] == rdMolDescriptors.CalcNumLipinskiHBD(mol)
        assert ours["rotatable_bonds"] == rdMolDescriptors.CalcNumRotatableBonds(mol)
        assert ours["rings"] == rdMolDescriptors.CalcNumRings(mol)
        assert ours["aromatic_rings"] == rdMolDescriptors.CalcNumAromaticRings(mol)
        assert ours["fsp3"] == pytest.approx(rdMolDescriptors.CalcFractionCSP3(mol), abs=1e-6)
        assert ours["tpsa"] == pytest.approx(rdMolDescriptors.CalcTPSA(mol), abs=1e-3)
        assert ours["logp"] == pytest.approx(Crippen.MolLogP(mol), abs=1e-4)
        assert ours["polarisability"] > 0


def test_a_molecule_has_the_same_features_whichever_way_it_takes(molecules: list[str]) -> None:
    for kind in GENERATORS:
        offsets, features, counts = graph_rows(read_graphs(molecules), kind, 65_536)
        for index in range(0, len(molecules), 5):
            _, other, others = graph_rows(graph_of(Chem.MolFromSmiles(molecules[index])), kind, 65_536)
            row = slice(offsets[index], offsets[index + 1])
            assert features[row].tolist() == other.tolist() and counts[row].tolist() == others.tolist()


def test_what_the_parser_does_not_read_comes_by_rdkit(molecules: list[str]) -> None:
    awkward = standard(AWKWARD)
    mixed: list[str | None] = [molecules[0], *awkward, None, "", "no molecule", molecules[1]]
    rows, values, valid = graph_features(mixed, ["morgan2", "pair"], 65_536, True)
    assert valid.tolist() == [True] * (1 + len(awkward)) + [False] * 3 + [True]
    alone, alone_values, _ = graph_features([molecules[1]], ["morgan2", "pair"], 65_536, True)
    for kind, (offsets, features, counts) in rows.items():
        assert offsets[-1] == len(features) == len(counts)
        lengths = np.diff(offsets)
        assert lengths[-4:-1].tolist() == [0, 0, 0]
        assert features[offsets[-2] :].tolist() == alone[kind][1].tolist()
        for place, text in enumerate(awkward, start=1):
            atoms = Chem.MolFromSmiles(text).GetNumAtoms()
            assert counts[offsets[place] : offsets[place + 1]].sum() >= (atoms if kind == "morgan2" else 0)
    assert values[-1].tolist() == alone_values[0].tolist()
    assert np.isfinite(values).all() and (values[-4:-1] == 0).all()


def test_however_a_molecule_is_written_its_features_are_the_same(drugs: list[str]) -> None:
    randomised = [
        Chem.MolToSmiles(Chem.MolFromSmiles(text), doRandom=True, kekuleSmiles=True) for text in drugs
    ]
    first, second = featurise(standard(drugs), standard=True), featurise(randomised)
    for kind, table in first.counts.items():
        assert table.features.tolist() == second.counts[kind].features.tolist()
        assert table.counts.tolist() == second.counts[kind].counts.tolist()
    assert (first.descriptors == second.descriptors).all()


def test_chirality_is_rdkits() -> None:
    with pytest.raises(ValueError, match="chirality needs toolkit"):
        FingerprintSettings(chirality=True)
    pair = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"]
    seen = featurise(pair, FingerprintSettings(chirality=True, toolkit="rdkit")).counts["morgan2"]
    assert seen.take(np.array([0])).features.tolist() != seen.take(np.array([1])).features.tolist()


@pytest.mark.slow
def test_both_toolkits_make_teachers_that_agree(amides: list[str], logp: np.ndarray) -> None:
    from docksieve.models.settings import TeacherSettings

    train, test = standard(amides[:200]), standard(amides[200:260])
    means = []
    for toolkit in ("compiled", "rdkit"):
        settings = TeacherSettings(fingerprints=FingerprintSettings(toolkit=toolkit))  # type: ignore[arg-type]
        teacher = train_teacher(TrainingData(train, ["a"], logp[:200], [True]), settings, seed=1)
        means.append(teacher.predict(test).mean[:, 0])
        assert np.allclose(teacher.predict(test, standard=True).mean[:, 0], means[-1], atol=1e-5)
    spread = float(np.std(logp[200:260]))
    assert float(np.abs(means[0] - means[1]).mean()) < 0.15 * spread
