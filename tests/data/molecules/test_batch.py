"""The compiled way to standard forms and properties gives what RDKit gives, molecule by molecule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.data.molecules.batch import standard_forms
from docksieve.data.molecules.crippen import crippen_logp
from docksieve.data.molecules.descriptors import graph_counts
from docksieve.data.molecules.graph import read_graphs
from docksieve.data.molecules.neutral import neutral_texts
from docksieve.data.molecules.properties import PROPERTY_NAMES, properties
from docksieve.data.molecules.standardise import (
    MoleculeError,
    StandardSettings,
    rdkit_messages,
    standardise,
)
from docksieve.data.readers.streams import InputStream, text_chunks
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

ALWAYS = 0  # kernel_rows
NEVER = 1 << 60

ODD = [
    "[2H]C([2H])([2H])O",
    "C[Si](C)(C)C",
    "OB(O)c1ccccc1",
    "[CH3:1][OH:2]",
    "CC[N+](C)(C)CC([O-])=O",
    "[NH3+][C@@H](C)C(=O)[O-]",
    "C[N@@H+]1CC[C@H](O)C1",
    "O=c1n(O)c2ccccc2n1O",
    "CCOc1ccc(C(C)=O)cc1Cn1ccs/c1=N\\C(=O)c1ccc[n+]([O-])c1",
    "C[NH]C",  # a bracket that says nothing new
    "[NH+](C)C",  # a radical cation: no hydrogen to give
    "c1ccccc1c1ccccc1",  # a single bond between rings, unmarked
    "[O-][n+]1ccccc1C(=O)[O-]",
    "CC(=O)[O-].[Na+]",
    "[N-]=[N+]=NCC",
    "C[S+]([O-])C",
    "[nH+]1ccccc1C",
    "[n-]1nnnc1C",
    "CN(=O)=O",
    "C12C3C4C1C5C2C3C45",
    "F[P-](F)(F)(F)(F)F",
    "OO",
    "[OH2+]C",
    "C1CC",
    "c1cccc1",
    "C)(",
    "1CC1",
    "C11CC",
    "",
    "*CC",
    "CC\xe9",
    "C" * 300,
    "C%10CC%10",
    "N#[N+][N-]C",
    "CC#N",
    "C=[N+]=[N-]",
    "O=[N+]([O-])c1ccc2c(c1)nnn2O",
    "CC(C)(C)OC(=O)NC(C)(C)C(F)(F)F",
    "[O-]c1cccc[n+]1CC[NH3+]",
]


def expected(structure: str, settings: StandardSettings) -> tuple[str, tuple[float, ...]] | str:
    """Return standard SMILES and properties the long way, or the code of the error."""
    try:
        if not structure:
            raise MoleculeError("missing", "")
        standard = standardise(structure, settings)
        return standard.smiles, properties(standard.mol)
    except MoleculeError as error:
        return error.code


def check(structures: list[str], settings: StandardSettings) -> None:
    with rdkit_messages():
        forms = standard_forms(structures, settings, kernel_rows=ALWAYS)
        for index, structure in enumerate(structures):
            wanted = expected(structure, settings)
            if isinstance(wanted, str):
                assert forms.problems[index].code == wanted, structure
                assert forms.smiles[index] == ""
            else:
                assert forms.smiles[index] == wanted[0], structure
                assert forms.values[index].tolist() == list(wanted[1]), structure


def molecules(path: Path, column: int = 0, delimiter: str | None = None) -> list[str]:
    with InputStream(str(path)) as stream:
        lines = [line for chunk in text_chunks(stream, 1 << 20) for line in chunk.payload.splitlines()]
    fields = [line.decode().split(delimiter) for line in lines]
    return [each[column] for each in fields if len(each) > column]


@pytest.mark.parametrize(
    "settings",
    [
        StandardSettings(),
        StandardSettings(neutralise=False),
        StandardSettings(normalise=False),
        StandardSettings(keep_stereo=False),
        StandardSettings(clear_isotopes=True),
        StandardSettings(min_heavy_atoms=7, max_heavy_atoms=12),
        StandardSettings(max_characters=20),
    ],
)
def test_odd_molecules_fare_as_one_by_one(settings: StandardSettings) -> None:
    check([*ODD, *ODD[::-1]], settings)


def test_first_molecules_of_a_process_need_no_kernel() -> None:
    with rdkit_messages():
        slow = standard_forms(ODD, StandardSettings(), kernel_rows=NEVER)
        fast = standard_forms(ODD, StandardSettings(), kernel_rows=ALWAYS)
    assert slow.smiles == fast.smiles
    np.testing.assert_array_equal(slow.values, fast.values)
    assert {k: (e.code, e.message) for k, e in slow.problems.items()} == {
        k: (e.code, e.message) for k, e in fast.problems.items()
    }


def test_graphs_are_those_of_rdkit() -> None:
    smiles = [
        Chem.MolToSmiles(Chem.MolFromSmiles(s))
        for s in (
            "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
            "O=C1CN(/N=C/c2ccc([N+](=O)[O-])o2)C(=O)N1",
            "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
            "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O",
            "OS(=O)(=O)c1c[nH]c2cc(Br)c(-c3sccc3C#N)cc12",
            "CP(=O)(OC)SC1CC2CC1C2I",
        )
    ]
    graphs = read_graphs(smiles)
    assert graphs.ok.all()
    kinds = {
        Chem.BondType.SINGLE: 1,
        Chem.BondType.DOUBLE: 2,
        Chem.BondType.TRIPLE: 3,
        Chem.BondType.AROMATIC: 4,
    }
    for number, text in enumerate(smiles):
        first, mol = graphs.first_atom[number], Chem.MolFromSmiles(text)
        for atom in mol.GetAtoms():
            me = first + atom.GetIdx()
            assert graphs.element[me] == atom.GetAtomicNum()
            assert graphs.hydrogens[me] == atom.GetTotalNumHs()
            assert graphs.aromatic[me] == atom.GetIsAromatic()
            assert graphs.charge[me] == atom.GetFormalCharge()
            mine = {
                (graphs.neighbour[me, k] - first, graphs.order[me, k], bool(graphs.in_ring[me, k]))
                for k in range(graphs.degree[me])
            }
            assert mine == {
                (b.GetOtherAtomIdx(atom.GetIdx()), kinds[b.GetBondType()], b.IsInRing())
                for b in atom.GetBonds()
            }


@pytest.mark.parametrize(
    ("given", "neutral"),
    [
        ("C[NH2+]Cc1ccccc1", "CNCc1ccccc1"),
        ("[O-]C(=O)c1cc[nH+]cc1", "OC(=O)c1ccncc1"),
        ("CS(=O)(=O)[N-]c1ccccc1", "CS(=O)(=O)Nc1ccccc1"),
        ("Cc1nnn[n-]1", "Cc1nnn[nH]1"),
        ("C[N+](=O)[O-]", "C[N+](=O)[O-]"),
        ("C[N+](C)(C)CC[NH3+]", "C[N+](C)(C)CCN"),
        ("C[N+](C)(C)CC(=O)[O-]", None),  # which of its charges goes is for RDKit to say
        ("C[N@H+]1CC1C", None),  # what becomes of the centre, too
        ("[Na+].[O-]C", None),
        ("C[SH+]C", None),
        ("[NH+](C)C", None),
    ],
)
def test_charges_that_are_only_hydrogens_go_from_the_text(given: str, neutral: str | None) -> None:
    assert neutral_texts([given]) == [neutral]
    assert neutral_texts([given], neutralise=False) == [given if given == neutral else None]


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    ["zinc250k.smi.gz", "rdkit_znp_50k.smi.gz", "rdkit_chembl20_chiral_10k.smi.gz", "chembl_drugs.smi"],
)
def test_real_molecules_fare_as_one_by_one(shared_data: Path, name: str) -> None:
    """Standard SMILES and every property, to the last bit; charged, chiral and odd molecules among them."""
    found = molecules(shared_data / "libraries" / name)
    check(found[:: max(len(found) // 2500, 1)], StandardSettings())


@pytest.mark.slow
@pytest.mark.shared
def test_kernels_agree_with_rdkit_on_fifty_thousand_molecules(shared_data: Path) -> None:
    """The properties that cost most, on standard SMILES as a library holds them; what is left to RDKit is rare."""
    smiles = molecules(shared_data / "libraries" / "zinc250k.smi.gz")[:40_000]
    smiles += molecules(shared_data / "libraries" / "rdkit_znp_50k.smi.gz")[::3]
    with rdkit_messages():
        mols = [mol for mol in map(Chem.MolFromSmiles, smiles) if mol is not None]
        smiles = [Chem.MolToSmiles(mol) for mol in mols]
    assert len(smiles) > 50_000
    graphs = read_graphs(smiles)
    logp, known = crippen_logp(graphs)
    assert known.mean() > 0.99
    counts = graph_counts(graphs)
    peers = {
        "acceptors": rdMolDescriptors.CalcNumHBA,
        "donors": rdMolDescriptors.CalcNumHBD,
        "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds,
        "tpsa": rdMolDescriptors.CalcTPSA,
        "weight": rdMolDescriptors._CalcMolWt,
        "fsp3": rdMolDescriptors.CalcFractionCSP3,
        "heavy_atoms": lambda mol: mol.GetNumHeavyAtoms(),
        "charge": Chem.GetFormalCharge,
    }
    assert set(peers) | {"logp", "rings", "unassigned_stereocentres"} == set(PROPERTY_NAMES)
    for name, peer in peers.items():
        theirs = np.array([peer(mol) for mol in mols])
        np.testing.assert_array_equal(
            counts[name][known].astype(np.float32), theirs[known].astype(np.float32), err_msg=name
        )
    theirs = np.array([rdMolDescriptors.CalcCrippenDescriptors(mol)[0] for mol in mols])
    np.testing.assert_allclose(logp[known], theirs[known], rtol=0, atol=1e-9)
