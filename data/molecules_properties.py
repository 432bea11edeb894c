"""The properties of a molecule that filters and surrogates use."""

from __future__ import annotations

from typing import Any

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from .schema import PROPERTY_COLUMNS

PROPERTY_NAMES = tuple(PROPERTY_COLUMNS)


def properties(mol: Any) -> tuple[float, ...]:
    """Return the properties of ``mol`` in the order of :data:`docksieve.data.schema.PROPERTY_COLUMNS`.

    Average molecular weight (Da), Crippen logP, topological polar surface area (A^2), donors and
    acceptors, rotatable bonds (RDKit's strict definition) and rings are RDKit's; ``unassigned_stereocentres``
    counts tetrahedral centres without a given configuration.

    Parameters
    ----------
    mol : rdkit Mol
        Sanitised, with implicit hydrogens.
    """
    return (
        mol.GetNumHeavyAtoms(),
        rdMolDescriptors._CalcMolWt(mol),
        rdMolDescriptors.CalcCrippenDescriptors(mol)[0],
        rdMolDescriptors.CalcTPSA(mol),
        rdMolDescriptors.CalcNumHBD(mol),
        rdMolDescriptors.CalcNumHBA(mol),
        rdMolDescriptors.CalcNumRotatableBonds(mol),
        rdMolDescriptors.CalcNumRings(mol),
        rdMolDescriptors.CalcFractionCSP3(mol),
        Chem.GetFormalCharge(mol),
        rdMolDescriptors.CalcNumUnspecifiedAtomStereoCenters(mol),
    )
