"""The compiled matcher refuses nothing that RDKit would find, and answers are RDKit's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from docksieve.data.errors import InputError
from docksieve.data.libraries.enumerate import enumerate_library
from docksieve.data.molecules.graph import Graphs, read_graphs
from docksieve.data.molecules.standardise import standard_smiles
from docksieve.screening.chemistry.smarts import Pattern, kekule_hint, read_pattern
from docksieve.screening.chemistry.substructure import _tried, found_in
from numpy.typing import NDArray
from rdkit import Chem

Mask = NDArray[np.bool_]
AWKWARD = [
    "C[C@H](N)C(=O)O",
    "C[C@@H](N)C(=O)O",
    "C/C=C/C(=O)O",
    "C/C=C\\C(=O)O",
    "[2H]C([2H])([2H])O",
    "C[N+](C)(C)CC(=O)[O-]",
    "O=[N+]([O-])c1ccccc1",
    "C[Si](C)(C)c1ccccc1",
    "OB(O)c1ccncc1",
    "c1ccc2c(c1)[nH]c1ccccc12",
    "C1CC2CCC1C2",
    "CS(=O)(=O)Nc1ccc(S(N)(=O)=O)cc1",
    "CP(=O)(O)O",
    "FC(F)(F)c1cc(Br)ccc1I",
    "CC#CC#N",
    "C1CC1C1CC1",
    "O=C1c2ccccc2C(=O)c2ccccc21",
    "[Se]1C=CC=C1",
    "CCO.CCN",
    "C" * 300,
]


def substructure_mask(smiles: Sequence[str], has: Sequence[Pattern], has_not: Sequence[Pattern] = ()) -> Mask:
    """Return which molecules match all of ``has`` and none of ``has_not``."""
    graphs = read_graphs(smiles)
    kept = np.ones(len(smiles), np.bool_)
    for pattern in has:
        kept = found_in(smiles, graphs, pattern, kept)
    for pattern in has_not:
        kept &= ~found_in(smiles, graphs, pattern, kept)
    return kept


def may_match(graphs: Graphs, pattern: Pattern, among: Mask) -> Mask:
    """Return which of the molecules ``among`` the compiled matcher lets through; only False is certain."""
    return _tried(graphs, pattern, among)[0]


PATTERNS = [
    "c1ccncc1",
    "[#6]1:[#6]:[#6]:[#7]:[#6]:[#6]:1",
    "C(=O)[NH2]",
    "[NX3;H2;!$(N-C=O)]",
    "c1ccc2ncccc2c1",
    "[r5]",
    "[R2]",
    "[!#6;!#7]",
    "S(=O)(=O)N",
    "[F,Cl,Br,I]",
    "C#N",
    "[$(C=O),$(S=O)]",
    "*1**1",
    "[CX4;!R]",
    "N.N",
    "C[C@H](N)C(=O)O",
    "C[C@@H](N)C(=O)O",
    "[N+]",
    "[O-]",
    "C-,=N",
    "C!@C",
    "c!@c",
    "[D3]",
    "[nH]",
    "[H]N[H]",
    "[x3]",
    "[a]~[!a]~[a]",
    "C/C=C/C",
    "[!R]~[!R]~[!R]",
    "B",
    "[Si]",
    "[2H]",
    "[C,N]=[O,S]",
    "c1ccccc1-c1ccccc1",
    "[^1]",
    "[R]@[R]",
    "[!$([#6,#7])]",
    "[C&!a;H2]",
    "[h2]",
    "[v6]",
    "[r{5-6}]",
    "[#6;!H0]",
    "[!H0;#7]",
    "[D{2-3}]",
    "C.N.O",
    "[*;+1,-1]",
    "*" * 70,
]


@pytest.fixture(scope="module")
def smiles(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("library")
    library = enumerate_library(folder / "library", limit=700, workers=1, progress=False)
    made = [text for batch in library.batches(["smiles"]) for text in batch.column(0).to_pylist()]
    awkward = [Chem.MolToSmiles(Chem.MolFromSmiles(text)) for text in AWKWARD]
    return [*made, *awkward, *map(standard_smiles, AWKWARD[:5])]


@pytest.mark.parametrize("smarts", PATTERNS)
def test_answers_are_those_of_rdkit(smiles: list[str], smarts: str) -> None:
    pattern = read_pattern(smarts)
    query = Chem.MergeQueryHs(Chem.MolFromSmarts(smarts))
    truth = np.array(
        [Chem.MolFromSmiles(text).HasSubstructMatch(query, useChirality=True) for text in smiles]
    )
    may = may_match(read_graphs(smiles), pattern, np.ones(len(smiles), np.bool_))
    assert not (truth & ~may).any()
    np.testing.assert_array_equal(substructure_mask(smiles, [pattern]), truth)
    np.testing.assert_array_equal(substructure_mask(smiles, [], [pattern]), ~truth)


def test_the_compiled_matcher_leaves_little_to_rdkit(smiles: list[str]) -> None:
    """Ordinary patterns are decided without it: a million molecules are asked in seconds."""
    everything = np.ones(len(smiles), np.bool_)
    for smarts in ("c1ccncc1", "C(=O)[NH2]", "S(=O)(=O)N", "c1ccc2ncccc2c1"):
        pattern = read_pattern(smarts)
        odd = int((~read_graphs(smiles).ok).sum())
        true = int(substructure_mask(smiles, [pattern]).sum())
        assert int(may_match(read_graphs(smiles), pattern, everything).sum()) <= true + odd


def test_what_cannot_be_read_matches_nothing_and_stops_nobody() -> None:
    pattern = read_pattern("C")
    np.testing.assert_array_equal(
        substructure_mask(["CC", "not a molecule", "C1CC"], [pattern]), [True, False, False]
    )
    assert len(substructure_mask([], [pattern])) == 0


@pytest.mark.parametrize(
    ("smarts", "said"),
    [
        ("c1ccnX", "character 6, 'X' after 'c1ccn'"),
        ("[Q]", "character 2"),
        ("c1ccc", "ring is not closed"),
        ("C(=O", "parentheses"),
        ("[NX3;H2;", "character 8"),
        ("", "empty"),
        ("CC>>C", "character 3"),
    ],
)
def test_a_bad_pattern_is_refused_with_the_place(smarts: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_pattern(smarts)
    assert said in str(caught.value)


def test_kekule_structures_are_noticed() -> None:
    assert kekule_hint("C1=CC=CN=C1") == "c1ccncc1"
    assert [kekule_hint(text) for text in ("c1ccncc1", "CCO", "[NX3;H2]", "ClC1CC1", "[#6]")] == [""] * 5


def test_molecules_are_answered_alike_in_any_company(smiles: list[str]) -> None:
    """Order and number of the molecules asked together do not matter."""
    pattern = read_pattern("C(=O)N")
    whole = substructure_mask(smiles, [pattern])
    pieces = [substructure_mask(smiles[at : at + 97], [pattern]) for at in range(0, len(smiles), 97)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
