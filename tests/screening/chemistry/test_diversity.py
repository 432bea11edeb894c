"""Spreading a batch over scaffolds and over fingerprint space."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.chemistry import diversity as diverse
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CC(=O)Oc1ccccc1C(=O)OC",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O",
    "CC(C)Cc1ccc(cc1)[C@H](C)C(=O)O",
    "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O",
    "CCCCCCCC",
    "CCCCCCCCC",
    "c1ccc2[nH]ccc2c1",
    "NCCc1c[nH]c2ccc(O)cc12",
]


def distances() -> np.ndarray:
    make = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    prints = [make.GetFingerprint(Chem.MolFromSmiles(text)) for text in MOLECULES]
    return np.array([[1 - DataStructs.TanimotoSimilarity(a, b) for b in prints] for a in prints])


@pytest.mark.parametrize("count", [1, 2, 5, 9, 10, 40])
def test_maxmin_is_the_farthest_each_time(count: int) -> None:
    matrix, taken = distances(), [0]
    while len(taken) < min(count, len(MOLECULES)):
        nearest = matrix[:, taken].min(1)
        nearest[taken] = -1
        taken.append(int(np.argmax(nearest)))  # the first, that is the better, of equals
    assert list(diverse.by_distance(MOLECULES, count)) == sorted(taken)


def test_what_cannot_be_read_only_fills_up() -> None:
    smiles = ["nonsense", "CCO", "c1ccccc1", "also nonsense"]
    assert list(diverse.by_distance(smiles, 2)) == [1, 2]
    assert list(diverse.by_distance(smiles, 3)) == [0, 1, 2]
    assert list(diverse.by_distance(smiles, 9)) == [0, 1, 2, 3]
    assert list(diverse.by_distance([], 3)) == []
    assert list(diverse.by_scaffold([], 3)) == []
    # Each unreadable molecule is a scaffold of its own.
    assert list(diverse.by_scaffold(["CC", *smiles], 4)) == [0, 1, 3, 4]


def test_scaffolds() -> None:
    assert diverse.murcko_scaffold("CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O") == "c1ccccc1"
    assert diverse.murcko_scaffold("C[C@H]1CC[C@@H](Cc2ccccc2)N1") == "c1ccc(CC2CCCN2)cc1"
    assert diverse.murcko_scaffold("CCCC") == ""
    assert diverse.murcko_scaffold("nonsense") is None


def test_the_cap_rises_only_as_far_as_it_must() -> None:
    smiles = ["c1ccccc1" + "C" * k for k in range(4)] + ["C1CCCC1" + "C" * k for k in range(3)]
    assert list(diverse.by_scaffold(smiles, 2)) == [0, 4]
    assert list(diverse.by_scaffold(smiles, 3)) == [0, 1, 4]
    assert list(diverse.by_scaffold(smiles, 4)) == [0, 1, 4, 5]
    assert list(diverse.by_scaffold(smiles, 4, cap=3)) == [0, 1, 2, 4]
    assert list(diverse.by_scaffold(smiles, 7)) == list(range(7))
    with pytest.raises(ValueError, match="cap"):
        diverse.by_scaffold(smiles, 2, cap=0)


def test_diverse_subset_begins_where_the_seed_says() -> None:
    picks = {seed: diverse.diverse_subset(MOLECULES, 4, seed) for seed in range(6)}
    assert len({int(pick[0]) for pick in picks.values()}) > 1
    assert all(len(set(pick)) == 4 for pick in picks.values())
    assert list(diverse.diverse_subset(["nonsense", "CC"], 4, 0)) == [1]
