"""How far a docked pose lies from a crystal pose."""

from __future__ import annotations

from typing import Any

from rdkit import Chem
from rdkit.Chem import rdMolAlign

from ...data.errors import InputError


def pose_rmsd(pose: str, reference: str) -> float:
    """Return the symmetry-aware heavy-atom RMSD (angstrom) of two poses of one molecule, without aligning them.

    Parameters
    ----------
    pose, reference : str
        Mol blocks in one frame, with bond orders. Hydrogens are ignored; charges must agree, because a
        molecule in another state is matched to other atoms.

    Raises
    ------
    InputError
        If a block cannot be read, or they are not of the same molecule in the same state.
    """
    mols = []
    for what, block in (("pose", pose), ("reference", reference)):
        mol = Chem.MolFromMolBlock(block)
        if mol is None:
            raise InputError(f"The {what} is not a readable mol block.")
        mols.append(_heavy(mol))
    flat = [Chem.MolToSmiles(mol, isomericSmiles=False) for mol in mols]
    if flat[0] != flat[1]:
        raise InputError(
            f"The pose is of {flat[0]}, the reference of {flat[1]}.",
            "Dock the molecule in the charge state of the reference.",
        )
    return float(rdMolAlign.CalcRMS(mols[0], mols[1]))


def _heavy(mol: Any) -> Any:
    """Return ``mol`` without hydrogens, those included that hold the configuration of a C=NH."""
    parameters: Any = Chem.RemoveHsParameters()
    parameters.removeDefiningBondStereo = True
    return Chem.RemoveHs(mol, parameters)
