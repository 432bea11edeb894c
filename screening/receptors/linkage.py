"""Which residues are bonded to each other: what belongs to a chain, to a ligand of several residues, to neither.

Names of residues and atoms say little (a ligand may have atoms called N, CA, C and O, and bear the name of a modified
nucleotide), so the bonds decide, which are found by distance and completed by the file's own records of links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gemmi
import numpy as np
from scipy.spatial import cKDTree

from .names import AMINO_ACIDS, NUCLEOTIDES
from .preparation import Residue

SLACK = 0.35
"""Atoms are bonded up to so many angstrom beyond the sum of their covalent radii."""
_SHORTEST = 0.9


@dataclass(frozen=True)
class Bond:
    """A covalent bond between two residues."""

    first: Residue
    second: Residue
    atoms: tuple[str, str]
    length: float

    def seen_from(self, residue: Residue) -> tuple[str, Residue, str]:
        """Return the own atom, the other residue, and its atom."""
        if residue is self.first:
            return self.atoms[0], self.second, self.atoms[1]
        return self.atoms[1], self.first, self.atoms[0]

    @property
    def is_backbone(self) -> bool:
        """Whether it joins residues of a chain: C to N, or O3' to P."""
        return set(self.atoms) in ({"C", "N"}, {"O3'", "P"}, {"O3*", "P"})


class Linkage:
    """The covalent bonds between residues, coordination of metals left out.

    Parameters
    ----------
    residues : sequence of Residue
    links : sequence of ((chain, number, atom), (chain, number, atom))
        Covalent links that the file records; chains as the file calls them.
    """

    def __init__(self, residues: Sequence[Residue], links: Sequence[Any] = ()) -> None:
        self.residues = list(residues)
        self._bonds: dict[int, list[Bond]] = {}
        known: set[frozenset[tuple[int, str]]] = set()
        atoms = [
            (residue, atom)
            for residue in residues
            if not residue.is_water
            for atom in residue.heavy
            if not atom.element.is_metal
        ]
        for (r1, a1), (r2, a2), length in _close(atoms):
            self._add(r1, a1, r2, a2, length, known)
        places = {
            (r.file_chain or r.chain, str(r.seqid), a.name): (r, a)
            for r in residues
            for a in r.atoms
            if not a.element.is_metal
        }
        for one, two in links:
            if one in places and two in places:
                (r1, a1), (r2, a2) = places[one], places[two]
                if r1 is not r2 and a1.pos.dist(a2.pos) < 3.0:
                    self._add(r1, a1, r2, a2, a1.pos.dist(a2.pos), known)

    def _add(self, r1: Residue, a1: Any, r2: Residue, a2: Any, length: float, known: set[Any]) -> None:
        key = frozenset({(id(r1), a1.name), (id(r2), a2.name)})
        if key in known:
            return
        known.add(key)
        bond = Bond(r1, r2, (a1.name, a2.name), length)
        for residue in (r1, r2):
            self._bonds.setdefault(id(residue), []).append(bond)

    def bonds(self, residue: Residue) -> list[Bond]:
        """Return the bonds of ``residue`` to others."""
        return self._bonds.get(id(residue), [])

    def is_polymer(self, residue: Residue) -> bool:
        """Tell whether ``residue`` is a link of a chain, even one with atoms missing or of an unknown kind.

        A free nucleotide or amino acid is a ligand, not a link; so is an inhibitor that is bonded to a side chain.
        """
        if residue.is_water or len(residue.heavy) == 0:
            return False
        standard = residue.name in AMINO_ACIDS or residue.name in NUCLEOTIDES
        if standard and not residue.hetero and len(residue.heavy) > 1:
            return True
        for bond in self.bonds(residue):
            own, other, _ = bond.seen_from(residue)
            if not bond.is_backbone:
                continue
            if other.name in AMINO_ACIDS | NUCLEOTIDES or self._in_a_row(residue, other, own):
                return True
        return False

    def _in_a_row(self, residue: Residue, other: Residue, own: str) -> bool:
        """Tell whether a chain of unknown residues goes on beyond ``other``."""
        seen = {id(residue)}
        for _ in range(20):
            seen.add(id(other))
            if other.name in AMINO_ACIDS | NUCLEOTIDES:
                return True
            following = [
                bond.seen_from(other)[1]
                for bond in self.bonds(other)
                if bond.is_backbone and id(bond.seen_from(other)[1]) not in seen
            ]
            if not following:
                return False
            other = following[0]
        return True

    def group(self, residue: Residue) -> list[Residue]:
        """Return ``residue`` and all that is bonded to it and no part of a chain, in the order of the file."""
        found, waiting = {id(residue)}, [residue]
        while waiting:
            now = waiting.pop()
            for bond in self.bonds(now):
                other = bond.seen_from(now)[1]
                if id(other) not in found and not self.is_polymer(other):
                    found.add(id(other))
                    waiting.append(other)
        return [one for one in self.residues if id(one) in found]

    def to_chain(self, group: Sequence[Residue]) -> list[Bond]:
        """Return the bonds between a group and the chains."""
        return [
            bond
            for residue in group
            for bond in self.bonds(residue)
            if self.is_polymer(bond.seen_from(residue)[1])
        ]


def _close(
    atoms: Sequence[tuple[Residue, Any]],
) -> list[tuple[tuple[Residue, Any], tuple[Residue, Any], float]]:
    """Return the pairs of atoms of different residues that are as close as bonded ones."""
    if len(atoms) < 2:
        return []
    points = np.array([atom.pos.tolist() for _, atom in atoms])
    found = []
    for i, j in sorted(cKDTree(points).query_pairs(2.8)):
        (r1, a1), (r2, a2) = atoms[i], atoms[j]
        length = float(np.linalg.norm(points[i] - points[j]))
        if r1 is not r2 and _SHORTEST < length < a1.element.covalent_r + a2.element.covalent_r + SLACK:
            found.append((atoms[i], atoms[j], length))
    return found


def recorded_links(structure: Any) -> list[Any]:
    """Return the covalent links that a structure records, as pairs of (chain, number, atom)."""
    return [
        tuple(
            (end.chain_name, str(end.res_id.seqid), end.atom_name) for end in (link.partner1, link.partner2)
        )
        for link in structure.connections
        if link.type in (gemmi.ConnectionType.Covale, gemmi.ConnectionType.Disulf)
    ]
