"""Which molecules of a structure are cofactors, and how those that stay in the receptor are typed and charged."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from rdkit import Chem, rdBase

from .components import finished, is_called_rightly, molecule
from .linkage import Linkage
from .names import COFACTORS, HELD, MEEKO_TYPES, TYPED_ELEMENTS
from .preparation import Residue

_TYPED = {name.upper(): name for name in TYPED_ELEMENTS}
_BY_ELEMENT = {
    "O": "OA",
    "S": "SA",
    "N": "NA",
    "SE": "S",
    "H": "HD",
    "D": "HD",
    "AS": "P",
    "B": "C",
    "TE": "S",
}
"""AutoDock types by element, where no bonding is known, and stand-ins for elements that have none."""
_STAND_IN = {34: 16, 52: 16, 33: 15, 5: 6}
METAL_LIKE = "Fe"
"""Type of metals that the scoring functions do not know: to Vina all metals are donors of one kind."""
_CHARGES = {
    "NA": 1.0,
    "K": 1.0,
    "LI": 1.0,
    "RB": 1.0,
    "CS": 1.0,
    "AG": 1.0,
    "CU1": 1.0,
    "CL": -1.0,
    "BR": -1.0,
    "F": -1.0,
}
_REACH = 1.7
_ACIDS = tuple(
    Chem.MolFromSmarts(pattern)
    for pattern in (
        "[CX3](=[OX1])[OX2H1:1]",
        "P(=[OX1])[OX2H1:1]",
        "S(=[OX1])(=[OX1])[OX2H1:1]",
        "P[OX2H1:1]",
    )
)
_AMINES = Chem.MolFromSmarts("[NX3;+0;!$(N~[!#6;!#1]);!$(N-[#6;!X4])]")


def holds_metal(group: Sequence[Residue]) -> bool:
    """Tell whether any atom of ``group`` is a metal."""
    return any(atom.element.is_metal for residue in group for atom in residue.atoms)


def is_ion(group: Sequence[Residue]) -> bool:
    """Tell whether ``group`` is a single atom, and a metal."""
    return sum(len(residue.heavy) for residue in group) == 1 and holds_metal(group)


def is_cofactor(group: Sequence[Residue]) -> bool:
    """Tell whether ``group`` is a cofactor or a cluster, not a mere ion.

    Metals decide by themselves; a name counts only if the atoms are those of the component that bears it.
    """
    if is_ion(group):
        return False
    return holds_metal(group) or all(r.name in COFACTORS and is_called_rightly(r) for r in group)


def is_held(group: Sequence[Residue]) -> bool:
    """Tell whether ``group`` is a cofactor that is not taken for the ligand of a structure unless named."""
    return is_cofactor(group) and (
        holds_metal(group) or any(r.name in HELD and is_called_rightly(r) for r in group)
    )


class Writer:
    """Collects PDBQT lines, numbered after those that are there."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.lines: list[str] = []

    def add(self, residue: Residue, name: str, point: Any, charge: float, kind: str) -> None:
        """Add one atom."""
        self.number += 1
        x, y, z = point
        padded = f" {name:<3s}" if len(name) < 4 else name[:4]
        self.lines.append(
            f"ATOM  {self.number % 100000:5d} {padded} {residue.name[:3]:>3s} {residue.chain}"
            f"{residue.seqid.num % 10000:4d}{residue.seqid.icode}   {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00    "
            f"{charge:6.3f} {kind}\n"
        )


def write_group(group: Sequence[Residue], linkage: Linkage, writer: Writer) -> tuple[str, list[str]]:
    """Add the atoms of ``group``, typed and charged, to ``writer``.

    Parameters
    ----------
    group : sequence of Residue
        A cofactor, an ion, a modified residue: all that is bonded together.
    linkage : Linkage
    writer : Writer

    Returns
    -------
    source : str
        How it was typed.
    notes : list of str
        Elements that were replaced by another.
    """
    atoms = [(residue, atom) for residue in group for atom in residue.heavy]
    notes: list[str] = []
    metals = [n for n, (_, atom) in enumerate(atoms) if atom.element.is_metal]
    for n in metals:
        residue, atom = atoms[n]
        writer.add(residue, atom.name, atom.pos.tolist(), _ion_charge(residue, atom), _type_of(atom, notes))
    if len(metals) == len(atoms):
        return "element", notes
    mol, source = molecule(group, linkage)
    pieces = _organic(mol, metals)
    partners = [atoms[n][1].pos.tolist() for n in metals] + [
        point for residue in group for point in _partners(residue, group, linkage)
    ]
    notes += [
        f"{atom.element.name.capitalize()} has no type and is taken for {_BY_ELEMENT[atom.element.name.upper()]}"
        for _, atom in atoms
        if atom.element.atomic_number in _STAND_IN
    ]
    for piece in pieces:
        if not _write_piece(piece, atoms, partners, writer):
            source = "element" if len(pieces) == 1 else source
            for one in piece.GetAtoms():
                residue, atom = atoms[one.GetIntProp("place")]
                writer.add(residue, atom.name, atom.pos.tolist(), 0.0, _type_of(atom, notes))
    return source, notes


def _ion_charge(residue: Residue, atom: Any) -> float:
    symbol = atom.element.name.upper()
    if len(residue.heavy) > 1:  # the ligands of a metal have taken most of its charge
        return float(atom.charge) if atom.charge else 0.0
    return _CHARGES.get(residue.name, _CHARGES.get(symbol, 3.0 if residue.name in ("FE", "AL") else 2.0))


def _type_of(atom: Any, notes: list[str]) -> str:
    """Return the AutoDock type of an atom by its element alone."""
    symbol = atom.element.name.upper()
    if symbol in _BY_ELEMENT:
        kind = _BY_ELEMENT[symbol]
    elif symbol in _TYPED:
        return _TYPED[symbol]
    else:
        kind = METAL_LIKE if atom.element.is_metal else "C"
    if symbol not in ("O", "S", "N", "H", "D"):
        notes.append(f"{symbol.capitalize()} has no type and is taken for {kind}")
    return kind


def _organic(mol: Any, metals: Sequence[int]) -> list[Any]:
    """Return the pieces that are left without the metals, each atom knowing its place in ``mol``."""
    left = Chem.RWMol(mol)
    with contextlib.suppress(Chem.KekulizeException), rdBase.BlockLogs():
        Chem.Kekulize(left, clearAromaticFlags=True)  # a ring may have been aromatic through the metal alone
    for atom in left.GetAtoms():
        atom.SetIntProp("place", atom.GetIdx())
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    for n in sorted(metals, reverse=True):
        for neighbour in left.GetAtomWithIdx(n).GetNeighbors():
            neighbour.SetNoImplicit(False)
        left.RemoveAtom(n)
    with rdBase.BlockLogs():
        return list(Chem.GetMolFrags(left, asMols=True, sanitizeFrags=False))


def _partners(residue: Residue, group: Sequence[Residue], linkage: Linkage) -> list[list[float]]:
    """Return where the atoms lie that ``residue`` is bonded to outside of ``group``."""
    found = []
    for bond in linkage.bonds(residue):
        _, other, name = bond.seen_from(residue)
        if not any(other is one for one in group):
            found += [atom.pos.tolist() for atom in other.atoms if atom.name == name]
    return found


def _write_piece(piece: Any, atoms: Sequence[Any], partners: Sequence[Any], writer: Writer) -> bool:
    """Write one organic piece with types and charges from meeko; tell whether that was possible."""
    if piece.GetNumAtoms() < 2:
        return False
    from meeko import MoleculePreparation

    logging.getLogger("meeko").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), rdBase.BlockLogs():
            warnings.simplefilter("ignore")
            full = _with_hydrogens(piece, partners)
            setup = MoleculePreparation(rigid_macrocycles=True).prepare(full)[0]
            typed = [
                (atom.index, atom.coord, float(atom.charge), str(atom.atom_type))
                for atom in setup.atoms
                if not atom.is_ignore and not atom.is_dummy
            ]
    except Exception:  # RDKit and meeko raise whatever their parts raise; the elements are known all the same
        return False
    if any(not np.isfinite(charge) or kind not in MEEKO_TYPES for _, _, charge, kind in typed):
        return False
    home = {a.GetIdx(): atoms[a.GetIntProp("place")] for a in full.GetAtoms() if a.HasProp("place")}
    for index, point, charge, kind in typed:
        if index in home:
            residue, name = home[index][0], home[index][1].name
        else:
            near = full.GetAtomWithIdx(index).GetNeighbors()[0].GetIdx()
            residue, name = home[near][0], "H"
        writer.add(residue, name, point, charge, kind)
    return True


def _with_hydrogens(piece: Any, partners: Sequence[Any]) -> Any:
    """Return ``piece`` at about pH 7 with hydrogens, but none where it is bonded to something else."""
    mol = Chem.RWMol(piece)
    for atom in mol.GetAtoms():
        atom.SetAtomicNum(_STAND_IN.get(atom.GetAtomicNum(), atom.GetAtomicNum()))
    mol.UpdatePropertyCache(strict=False)
    Chem.SanitizeMol(mol)
    for pattern in _ACIDS:
        for match in mol.GetSubstructMatches(pattern):
            mol.GetAtomWithIdx(match[-1]).SetFormalCharge(-1)
            mol.GetAtomWithIdx(match[-1]).SetNumExplicitHs(0)
            mol.UpdatePropertyCache()
    points = mol.GetConformer().GetPositions()
    away = np.array(partners, dtype=np.float64).reshape(-1, 3)
    for (n,) in mol.GetSubstructMatches(_AMINES):
        if not len(away) or np.linalg.norm(away - points[n], axis=1).min() > 2.6:
            mol.GetAtomWithIdx(n).SetFormalCharge(1)
    Chem.SanitizeMol(mol)
    full = Chem.RWMol(Chem.AddHs(mol, addCoords=True))
    points = full.GetConformer().GetPositions()
    for atom in reversed(list(full.GetAtoms())):
        if atom.GetAtomicNum() != 1 or not len(away):
            continue
        if np.linalg.norm(away - points[atom.GetIdx()], axis=1).min() < _REACH:
            parent = atom.GetNeighbors()[0]
            parent.SetNoImplicit(True)
            full.RemoveAtom(atom.GetIdx())
    return finished(full)
