"""Synthons: building blocks with numbered attachment points, joined where two blocks have the same number.

Vendors write the points as dummy atoms with an isotope (``[1*]``), an atom map (``[*:1]``) or, in some spaces, as the
heavy elements ``[U]``, ``[Np]``, ``[Pu]``, ``[Am]``, which no building block contains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rdkit import Chem

_ELEMENTS = {92: 1, 93: 2, 94: 3, 95: 4}


def points(mol: Any) -> dict[int, int]:
    """Return the attachment points of a synthon: number to atom index.

    Raises
    ------
    ValueError
        If a point has no number, or two have the same.
    """
    found: dict[int, int] = {}
    for atom in mol.GetAtoms():
        element = atom.GetAtomicNum()
        if element and element not in _ELEMENTS:
            continue
        number = _ELEMENTS.get(element) or atom.GetIsotope() or atom.GetAtomMapNum()
        if not number:
            raise ValueError(f"an attachment point of {Chem.MolToSmiles(mol)} has no number")
        if number in found:
            raise ValueError(f"{Chem.MolToSmiles(mol)} has two attachment points {number}")
        if atom.GetDegree() != 1:
            raise ValueError(f"attachment point {number} of {Chem.MolToSmiles(mol)} has not one neighbour")
        found[number] = atom.GetIdx()
    return found


def join(molecules: Sequence[Any]) -> Any:
    """Return the molecule that synthons make.

    Two points of the same number, of two synthons, become a bond between their neighbours, of the points' bond type.

    Raises
    ------
    ValueError
        If a point is left over, or a number occurs three times.
    """
    where: dict[int, list[int]] = {}
    whole: Any = None
    offset = 0
    for mol in molecules:
        for number, index in points(mol).items():
            where.setdefault(number, []).append(index + offset)
        whole = mol if whole is None else Chem.CombineMols(whole, mol)
        offset += mol.GetNumAtoms()
    edited: Any = Chem.RWMol(whole)
    for number, places in where.items():
        if len(places) != 2:
            raise ValueError(f"attachment point {number} occurs {len(places)} times; it must occur twice")
        (first,) = edited.GetAtomWithIdx(places[0]).GetBonds()
        (second,) = edited.GetAtomWithIdx(places[1]).GetBonds()
        ends = [first.GetOtherAtomIdx(places[0]), second.GetOtherAtomIdx(places[1])]
        if first.GetBondType() != second.GetBondType():
            raise ValueError(f"the two attachment points {number} have different bonds")
        edited.AddBond(ends[0], ends[1], first.GetBondType())
    for index in sorted((place for places in where.values() for place in places), reverse=True):
        edited.RemoveAtom(index)
    joined = edited.GetMol()
    Chem.SanitizeMol(joined)
    return joined
