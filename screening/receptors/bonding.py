"""Bonds and bond orders from the positions of heavy atoms alone, for molecules that no template describes.

What a crystal structure says of an unknown molecule is where its atoms are. Atoms closer than the sum of their
covalent radii are bonded; angles and planarity say which atoms are unsaturated; the double bonds are then the heaviest
matching among those atoms, short bonds first. An approximation: good enough for atom types, and said to be one.
"""

from __future__ import annotations

from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

SLACK = 0.4
_FLAT = 155.0
_TRIGONAL = 115.0
_IN_RING = 8.0
"""Largest mean deviation of a ring from its plane, in hundredths of an angstrom."""
_DOUBLE = {
    ("C", "C"): 1.43,
    ("C", "N"): 1.37,
    ("C", "O"): 1.30,
    ("N", "N"): 1.34,
    ("C", "S"): 1.70,
    ("N", "O"): 1.30,
}
"""Bonds longer than this (angstrom) are single outside of flat rings."""
_CARBONYL = 1.29


def connect(elements: list[str], points: NDArray[np.float64]) -> Any:
    """Return an RDKit molecule with single bonds between atoms that are close enough; metals have none.

    Parameters
    ----------
    elements : list of str
    points : array of float, shape (n, 3)
        Angstrom.
    """
    table = Chem.GetPeriodicTable()
    mol = Chem.RWMol()
    for element in elements:
        mol.AddAtom(Chem.Atom(element))
    radii = np.array([table.GetRcovalent(element) for element in elements])
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    close = (distances < radii[:, None] + radii[None] + SLACK) & (distances > 0.6)
    metals = np.array([gemmi.Element(element).is_metal for element in elements], dtype=np.bool_)
    close &= ~(metals[:, None] | metals[None])
    for i, j in zip(*np.nonzero(np.triu(close, 1)), strict=True):
        mol.AddBond(int(i), int(j), Chem.BondType.SINGLE)
    set_points(mol, points)
    return mol


def set_points(mol: Any, points: NDArray[np.float64]) -> None:
    """Give ``mol`` one conformer with ``points`` (n, 3)."""
    conformer = Chem.Conformer(len(points))
    conformer.SetPositions(np.ascontiguousarray(points, dtype=np.float64))
    mol.RemoveAllConformers()
    mol.AddConformer(conformer, assignId=True)


def perceive(elements: list[str], points: NDArray[np.float64]) -> Any:
    """Return an RDKit molecule with bond orders and charges guessed from geometry; not sanitized.

    Parameters
    ----------
    elements : list of str
        Heavy atoms only.
    points : array of float, shape (n, 3)
    """
    mol = connect(elements, points)
    Chem.GetSymmSSSR(mol)
    flat = _flat_ring_atoms(mol, points)
    open_atoms = {
        atom.GetIdx() for atom in mol.GetAtoms() if _unsaturated(atom, points, atom.GetIdx() in flat)
    }
    _double_bonds(mol, points, open_atoms, flat)
    for atom in mol.GetAtoms():
        _charge(atom)
    return mol


def _flat_ring_atoms(mol: Any, points: NDArray[np.float64]) -> set[int]:
    found: set[int] = set()
    for ring in mol.GetRingInfo().AtomRings():
        if len(ring) not in (5, 6):
            continue
        own = points[list(ring)] - points[list(ring)].mean(axis=0)
        off = float(np.abs(own @ np.linalg.svd(own)[2][2]).mean()) * 100
        if off < _IN_RING and all(mol.GetAtomWithIdx(i).GetDegree() <= 3 for i in ring):
            found |= set(ring)
    return found


def _unsaturated(atom: Any, points: NDArray[np.float64], in_flat_ring: bool) -> bool:
    """Tell whether an atom may take part in a double bond."""
    symbol, index = atom.GetSymbol(), atom.GetIdx()
    if symbol not in ("C", "N", "O", "S", "B"):
        return False
    neighbours = [other.GetIdx() for other in atom.GetNeighbors()]
    if len(neighbours) == 1:
        return _length(points, index, neighbours[0]) < _limit(symbol, atom.GetNeighbors()[0].GetSymbol())
    if symbol in ("O", "S") or len(neighbours) > 3 or not neighbours:
        return False
    if in_flat_ring and (symbol == "C" or len(neighbours) == 2):
        return True
    angles = [_angle(points, a, index, b) for n, a in enumerate(neighbours) for b in neighbours[n + 1 :]]
    if symbol == "N" and len(neighbours) == 3:
        # An amide's nitrogen is flat too; it joins only where an oxygen shows a nitro group.
        oxygens = [o for o in atom.GetNeighbors() if o.GetSymbol() == "O" and o.GetDegree() == 1]
        return len(oxygens) == 2
    return float(np.mean(angles)) > (_TRIGONAL if len(neighbours) == 3 else 112.0)


def _length(points: NDArray[np.float64], i: int, j: int) -> float:
    return float(np.linalg.norm(points[i] - points[j]))


def _angle(points: NDArray[np.float64], i: int, j: int, k: int) -> float:
    a, b = points[i] - points[j], points[k] - points[j]
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _limit(one: str, two: str) -> float:
    return _DOUBLE.get((one, two), _DOUBLE.get((two, one), 0.0))


def _double_bonds(mol: Any, points: NDArray[np.float64], open_atoms: set[int], flat: set[int]) -> None:
    """Set the double and triple bonds: a heaviest matching, as many as there can be in flat rings."""
    import networkx

    graph = networkx.Graph()
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if i not in open_atoms or j not in open_atoms:
            continue
        limit = _limit(*(atom.GetSymbol() for atom in _ends(mol, i, j)))
        length = _length(points, i, j)
        in_ring = i in flat and j in flat
        if not limit or length > limit + (0.08 if in_ring else 0.03):
            continue
        # A bond to a ring is in doubt, but for a short one to an oxygen: lactams, not lactims. One within a ring
        # closes a system of alternating bonds.
        carbonyl = any(a.GetSymbol() == "O" and a.GetDegree() == 1 for a in _ends(mol, i, j))
        extra = 0.5 if in_ring else 1.2 if carbonyl and length < _CARBONYL else 0.0
        graph.add_edge(i, j, weight=2.0 + 4.0 * (limit - length) + extra)
    for i, j in sorted(map(sorted, networkx.max_weight_matching(graph, maxcardinality=True))):
        bond = mol.GetBondBetweenAtoms(int(i), int(j))
        ends = _ends(mol, int(i), int(j))
        linear = all(_linear(atom, points) for atom in ends)
        short = _length(points, int(i), int(j)) < 1.26
        bond.SetBondType(Chem.BondType.TRIPLE if linear and short else Chem.BondType.DOUBLE)
    for atom in mol.GetAtoms():
        if atom.GetSymbol() in ("P", "S"):
            _oxides(mol, atom, points)


def _ends(mol: Any, i: int, j: int) -> list[Any]:
    return [mol.GetAtomWithIdx(i), mol.GetAtomWithIdx(j)]


def _linear(atom: Any, points: NDArray[np.float64]) -> bool:
    if atom.GetSymbol() not in ("C", "N"):
        return False
    neighbours = [other.GetIdx() for other in atom.GetNeighbors()]
    return len(neighbours) == 1 or (
        len(neighbours) == 2 and _angle(points, neighbours[0], atom.GetIdx(), neighbours[1]) > _FLAT
    )


def _oxides(mol: Any, atom: Any, points: NDArray[np.float64]) -> None:
    """Give phosphates one double bond to oxygen, sulfones two, sulfoxides one."""
    oxygens = [o for o in atom.GetNeighbors() if o.GetSymbol() == "O" and o.GetDegree() == 1]
    degree = atom.GetDegree()
    wanted = 1 if atom.GetSymbol() == "P" and degree == 4 else 0
    if atom.GetSymbol() == "S" and degree >= 3:
        wanted = degree - 2
    oxygens.sort(key=lambda o: _length(points, atom.GetIdx(), o.GetIdx()))
    for oxygen in oxygens[:wanted]:
        mol.GetBondBetweenAtoms(atom.GetIdx(), oxygen.GetIdx()).SetBondType(Chem.BondType.DOUBLE)


def _charge(atom: Any) -> None:
    """Set the charge that the bonds of an atom call for."""
    order = sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds())
    if atom.GetSymbol() == "N" and order > 3:
        atom.SetFormalCharge(1)
        oxygens = [o for o in atom.GetNeighbors() if o.GetSymbol() == "O" and o.GetDegree() == 1]
        for oxygen in oxygens:
            if sum(bond.GetBondTypeAsDouble() for bond in oxygen.GetBonds()) == 1:
                oxygen.SetFormalCharge(-1)
                break
    elif atom.GetSymbol() == "B" and order > 3:
        atom.SetFormalCharge(-1)
    elif atom.GetSymbol() == "S" and order == 3:
        atom.SetFormalCharge(1)
