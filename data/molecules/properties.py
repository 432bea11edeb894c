"""The properties of a molecule that filters and surrogates use."""

from __future__ import annotations

from typing import Any

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from ..schema import PROPERTY_COLUMNS

PROPERTY_NAMES = tuple(PROPERTY_COLUMNS)


def properties(mol: Any) -> tuple[float, ...]:
    """Return the properties of ``mol`` in the order of :data:`docksieve.data.schema.PROPERTY_COLUMNS`.

    Average molecular weight (Da), Crippen logP, topological polar surface area (A^2), donors and
    acceptors, rotatable bonds (RDKit's strict definition) and rings are RDKit's; ``unassigned_stereocentres``
    counts tetrahedral centres without a given configuration. Weight, logP and surface are sums of terms with
    few decimals; they are rounded to those, so that no value depends on the order of the atoms.

    Parameters
    ----------
    mol : rdkit Mol
        Sanitised, with implicit hydrogens.
    """
    return (
        mol.GetNumHeavyAtoms(),
        round(rdMolDescriptors._CalcMolWt(mol) * 1e6) / 1e6,
        round(rdMolDescriptors.CalcCrippenDescriptors(mol)[0] * 1e5) / 1e5,
        round(rdMolDescriptors.CalcTPSA(mol) * 1e2) / 1e2,
        rdMolDescriptors.CalcNumHBD(mol),
        rdMolDescriptors.CalcNumHBA(mol),
        rdMolDescriptors.CalcNumRotatableBonds(mol),
        rdMolDescriptors.CalcNumRings(mol),
        rdMolDescriptors.CalcFractionCSP3(mol),
        Chem.GetFormalCharge(mol),
        rdMolDescriptors.CalcNumUnspecifiedAtomStereoCenters(mol),
    )
