"""Molecules of a structure that are no polymer, with bond orders: by template where there is one, else by geometry.

Templates come from a SMILES that the user gives or from the chemical component dictionary of the PDB (as the
``biotite`` package carries it; nothing is downloaded). A component is believed only if the residue's atoms are its
own, name and element: a residue that borrows the name of another molecule is read by geometry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from rdkit import Chem, rdBase

from ...data.errors import DockingError
from .bonding import connect, perceive, set_points
from .linkage import Linkage
from .preparation import Residue

_ORDERS = {
    "SING": Chem.BondType.SINGLE,
    "DOUB": Chem.BondType.DOUBLE,
    "TRIP": Chem.BondType.TRIPLE,
}


@dataclass(frozen=True)
class Component:
    """Atoms and bonds of a chemical component.

    Attributes
    ----------
    atoms : dict of str to (str, int)
        Element and charge, by name.
    bonds : tuple of (str, str, str)
        Names of the ends, and the order.
    former : dict of str to str
        Names that atoms had in older files, and those of today.
    """

    atoms: dict[str, tuple[str, int]]
    bonds: tuple[tuple[str, str, str], ...]
    former: dict[str, str] = field(default_factory=dict)

    def name(self, name: str) -> str:
        """Return today's name of an atom."""
        return name if name in self.atoms else self.former.get(name, name)


@lru_cache(maxsize=256)
def component(name: str) -> Component | None:
    """Return a component of the PDB's dictionary, or None if it is not there, or biotite is not installed."""
    try:
        from biotite.structure.info import ccd
    except ImportError:
        return None
    atoms = ccd.get_from_ccd("chem_comp_atom", name)
    if atoms is None:
        return None
    columns = [atoms[key].as_array() for key in ("atom_id", "alt_atom_id", "type_symbol", "charge")]
    found = {
        str(a): (str(symbol).capitalize(), int(charge)) for a, _, symbol, charge in zip(*columns, strict=True)
    }
    former = {str(old): str(a) for a, old in zip(*columns[:2], strict=True)}
    bonds = ccd.get_from_ccd("chem_comp_bond", name)
    if bonds is None:
        return Component(found, (), former)
    ends = [bonds[key].as_array() for key in ("atom_id_1", "atom_id_2", "value_order")]
    return Component(
        found, tuple((str(a), str(b), str(o).upper()) for a, b, o in zip(*ends, strict=True)), former
    )


def is_component(residue: Residue) -> bool:
    """Tell whether ``residue`` is the component of its name, though atoms may be missing.

    Its heavy atoms must be the component's by name and element, and bonded as these are.
    """
    known = component(residue.name)
    atoms = residue.heavy
    if known is None or not atoms:
        return False
    names = [known.name(atom.name) for atom in atoms]
    if len(set(names)) < len(names) or any(
        known.atoms.get(name, ("", 0))[0] != atom.element.name.capitalize()
        for name, atom in zip(names, atoms, strict=True)
    ):
        return False
    return _bonded_alike(known, residue)


def is_called_rightly(residue: Residue) -> bool:
    """Tell whether the name of ``residue`` can be believed: it is that component, or has its formula.

    Without the dictionary every name is believed.
    """
    known = component(residue.name)
    if known is None:
        return component("ALA") is None
    own = Counter(atom.element.name.capitalize() for atom in residue.heavy)
    formula = Counter(symbol for symbol, _ in known.atoms.values() if symbol not in ("H", "D"))
    return own == formula or is_component(residue)


def _bonded_alike(known: Component, residue: Residue) -> bool:
    """Tell whether nearly all bonds of the component are as long as bonds, and nearly all close atoms are bonded."""
    names = [known.name(atom.name) for atom in residue.heavy]
    elements = [atom.element.name.capitalize() for atom in residue.heavy]
    points = np.array([atom.pos.tolist() for atom in residue.heavy])
    metal = {known.name(atom.name) for atom in residue.heavy if atom.element.is_metal}
    found = {
        frozenset((names[bond.GetBeginAtomIdx()], names[bond.GetEndAtomIdx()]))
        for bond in connect(elements, points).GetBonds()
    }
    wanted = {
        frozenset((a, b)) for a, b, _ in known.bonds if a in names and b in names and not {a, b} & metal
    }
    return len(found ^ wanted) <= max(1, len(wanted) // 8)


def molecule(
    group: Sequence[Residue], linkage: Linkage | None = None, smiles: str | None = None
) -> tuple[Any, str]:
    """Return the heavy atoms of ``group`` as an RDKit molecule with bond orders, and where these come from.

    Parameters
    ----------
    group : sequence of Residue
        One, or several that are bonded.
    linkage : Linkage, optional
        The bonds between them.
    smiles : str, optional
        What the molecule is; it must have the same atoms.

    Returns
    -------
    mol : rdkit Mol
        Sanitized where possible, in the order of the atoms, stereo as in the structure.
    source : str
        ``the SMILES given``, ``the chemical component dictionary`` or ``geometry``.

    Raises
    ------
    DockingError
        If the SMILES given cannot be read or is of another molecule.
    """
    atoms = [atom for residue in group for atom in residue.heavy]
    elements = [atom.element.name.capitalize() for atom in atoms]
    points = np.array([atom.pos.tolist() for atom in atoms], dtype=np.float64)
    with rdBase.BlockLogs():
        if smiles is not None:
            return finished(_from_smiles(elements, points, smiles, group)), "the SMILES given"
        if all(is_component(residue) for residue in group):
            mol = _from_dictionary(group, linkage)
            set_points(mol, points)
            if _sane(mol):
                return finished(mol), "the chemical component dictionary"
        return finished(perceive(elements, points)), "geometry"


def _sane(mol: Any) -> bool:
    return not Chem.SanitizeMol(Chem.Mol(mol), catchErrors=True)


def finished(mol: Any) -> Any:
    """Return ``mol`` sanitized as far as it can be, with the stereo of its positions."""
    mol = Chem.Mol(mol)
    mol.UpdatePropertyCache(strict=False)
    if Chem.SanitizeMol(mol, catchErrors=True):
        Chem.FastFindRings(mol)
    else:
        Chem.AssignStereochemistryFrom3D(mol)
    return mol


def _from_dictionary(group: Sequence[Residue], linkage: Linkage | None) -> Any:
    mol = Chem.RWMol()
    places: dict[tuple[int, str], int] = {}
    for residue in group:
        known = component(residue.name)
        assert known is not None
        for atom in residue.heavy:
            symbol, charge = known.atoms[known.name(atom.name)]
            one = Chem.Atom(symbol)
            one.SetFormalCharge(charge)
            places[id(residue), atom.name] = mol.AddAtom(one)
        today = {known.name(atom.name): places[id(residue), atom.name] for atom in residue.heavy}
        for a, b, order in known.bonds:
            if a in today and b in today:
                mol.AddBond(today[a], today[b], _ORDERS[order])
    for residue in group:
        for bond in linkage.bonds(residue) if linkage else ():
            ends = [(id(bond.first), bond.atoms[0]), (id(bond.second), bond.atoms[1])]
            if all(end in places for end in ends):
                i, j = (places[end] for end in ends)
                if mol.GetBondBetweenAtoms(i, j) is None:
                    mol.AddBond(i, j, Chem.BondType.SINGLE)
    return mol


def _from_smiles(elements: list[str], points: Any, smiles: str, group: Sequence[Residue]) -> Any:
    """Return the atoms with the bonds of ``smiles``, which must be of the same heavy atoms."""
    label = ", ".join(residue.label for residue in group)
    template = Chem.MolFromSmiles(smiles)
    if template is None:
        raise DockingError(f"The SMILES {smiles[:200]!r} given for {label} cannot be read.")
    template = Chem.RemoveHs(template)
    bare = connect(elements, points)
    plain = Chem.RWMol(template)
    for atom in plain.GetAtoms():
        atom.SetFormalCharge(0)
        atom.SetIsAromatic(False)
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(0)
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    for bond in plain.GetBonds():
        bond.SetBondType(Chem.BondType.SINGLE)
        bond.SetIsAromatic(False)
    match = bare.GetSubstructMatch(plain)
    if len(match) != len(elements) or len(match) != template.GetNumAtoms():
        raise DockingError(
            f"The SMILES {smiles[:200]!r} has {template.GetNumAtoms()} heavy atoms, {label} has {len(elements)}, and "
            "the bonds do not agree.",
            "Give the molecule as it is in the structure, all atoms that it shows and no others.",
        )
    renumbered = Chem.RWMol(Chem.RenumberAtoms(template, [list(match).index(i) for i in range(len(match))]))
    set_points(renumbered, points)
    return renumbered
