"""Redocking: a crystal ligand, given as SMILES only, must find its place again."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import InputError
from docksieve.screening.docking.dock import Ligand, VinaTarget, dock_batch, freeze_target
from docksieve.screening.poses.rmsd import pose_rmsd
from rdkit import Chem


def block(smiles: str, shift: float = 0.0) -> str:
    from rdkit.Chem import AllChem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    conformer = mol.GetConformer()
    for n, position in enumerate(conformer.GetPositions()):
        conformer.SetAtomPosition(n, (position[0] + shift, position[1], position[2]))
    return Chem.MolToMolBlock(mol)


def test_rmsd_is_not_aligned_and_knows_symmetry() -> None:
    smiles = "Cc1ccc(C(=O)O)cc1"
    assert pose_rmsd(block(smiles), block(smiles)) == pytest.approx(0.0)
    assert pose_rmsd(block(smiles, 3.0), block(smiles)) == pytest.approx(3.0, abs=0.01)
    mol = Chem.MolFromMolBlock(block(smiles))
    order = list(mol.GetSubstructMatches(mol, uniquify=False))[-1]
    assert list(order) != sorted(order)
    turned = Chem.MolToMolBlock(Chem.RenumberAtoms(mol, list(order)))
    assert pose_rmsd(turned, block(smiles)) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("smiles", ["N=C(N)c1ccccc1", r"CC(=N)N", r"CC(=N)c1ccccc1"])
def test_the_hydrogen_of_an_imine_is_no_other_molecule(smiles: str) -> None:
    with_hydrogens = Chem.AddHs(Chem.MolFromMolBlock(block(smiles)), addCoords=True)
    assert pose_rmsd(Chem.MolToMolBlock(with_hydrogens), block(smiles)) == pytest.approx(0.0, abs=1e-3)


def test_another_charge_state_is_refused() -> None:
    with pytest.raises(InputError, match="charge state"):
        pose_rmsd(block("CCN"), block("CC[NH3+]"))


@pytest.mark.slow
@pytest.mark.shared
def test_imatinib_finds_its_place_in_1iep(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "redock" / "vina_examples"
    crystal = Chem.MolFromMolFile(str(folder / "1iep_ligand.sdf"))
    smiles = Chem.MolToSmiles(crystal)  # no coordinates: a fresh conformer is made
    target = VinaTarget(receptor=str(folder / "1iep_receptor.pdbqt"), search="balanced", poses=3)
    spec = freeze_target("ABL", target, tmp_path, Path())
    batch = dock_batch(spec, tmp_path, "ABL", [Ligand(None, "imatinib", smiles)], 1, "p")
    row = batch.scores.to_pylist()[0]
    assert row["state"] == smiles  # the crystal's charge and stereo state
    best = batch.poses.to_pylist()[0]
    assert pose_rmsd(best["molblock"], Chem.MolToMolBlock(crystal)) < 2.0
    assert row["score"] < -11.5
