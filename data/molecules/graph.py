"""Molecular graphs as arrays, read from standard SMILES by a compiled parser.

Only what RDKit itself has written is read, and only common chemistry: everything else is marked, and left to
RDKit by whoever asked. That is what makes agreement with RDKit provable by test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..jit import kernel

SINGLE, DOUBLE, TRIPLE, AROMATIC = 1, 2, 3, 4
_DIRECTED = 5
MAX_ATOMS = 256
"""Larger molecules are left to RDKit."""
MAX_DEGREE = 6
_RINGS = 100


@dataclass(frozen=True)
class Graphs:
    """Heavy-atom graphs of n molecules, one after the other.

    Attributes
    ----------
    ok : array of bool, shape (n,)
        False: the molecule is left out (it has no atoms here).
    first_atom : array of int64, shape (n + 1,)
        Where each molecule's atoms begin.
    element, hydrogens : array of uint8, shape (atoms,)
        Atomic number; all hydrogens on the atom.
    aromatic : array of bool, shape (atoms,)
    charge : array of int8, shape (atoms,)
    degree : array of uint8, shape (atoms,)
        Heavy neighbours.
    neighbour : array of int32, shape (atoms, 6)
        Their indices in these arrays; beyond ``degree``: undefined.
    order : array of uint8, shape (atoms, 6)
        Bond to each: :data:`SINGLE`, :data:`DOUBLE`, :data:`TRIPLE` or :data:`AROMATIC`.
    in_ring : array of bool, shape (atoms, 6)
        Whether that bond is part of a ring.
    begin, end : array of int64, shape (atoms,)
        Where the atom's symbol lies in the SMILES joined to one text.
    """

    ok: NDArray[np.bool_]
    first_atom: NDArray[np.int64]
    element: NDArray[np.uint8]
    hydrogens: NDArray[np.uint8]
    aromatic: NDArray[np.bool_]
    charge: NDArray[np.int8]
    degree: NDArray[np.uint8]
    neighbour: NDArray[np.int32]
    order: NDArray[np.uint8]
    in_ring: NDArray[np.bool_]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]


def read_graphs(smiles: Sequence[str]) -> Graphs:
    """Return the graphs of standard SMILES (:func:`docksieve.data.molecules.standardise.standardise`).

    Read are molecules of one part and up to 256 atoms of C, N, O, F, P, S, Cl, Br and I without isotopes,
    atom maps or dative bonds. Any other text may be given, too, and is not ``ok``, or is a molecule as it was
    written: aromatic where written so, and possibly one that RDKit would refuse.
    """
    text = "".join(smiles).encode("ascii", "replace")  # one byte per character
    ends = np.cumsum(np.fromiter(map(len, smiles), np.int64, len(smiles)))
    count = len(text)  # no molecule has more atoms than characters
    ok, first_atom = np.zeros(len(smiles), np.bool_), np.zeros(len(smiles) + 1, np.int64)
    element, hydrogens = np.empty(count, np.uint8), np.empty(count, np.uint8)
    aromatic, charge = np.empty(count, np.bool_), np.empty(count, np.int8)
    degree, neighbour = np.empty(count, np.uint8), np.empty((count, MAX_DEGREE), np.int32)
    order, in_ring = np.empty((count, MAX_DEGREE), np.uint8), np.empty((count, MAX_DEGREE), np.bool_)
    begin, end = np.empty(count, np.int64), np.empty(count, np.int64)
    atoms = _read_all(
        np.frombuffer(text, np.uint8), ends, ok, first_atom,
        element, hydrogens, aromatic, charge, degree, neighbour, order, in_ring, begin, end,
    )  # fmt: skip
    return Graphs(
        ok, first_atom, element[:atoms], hydrogens[:atoms], aromatic[:atoms], charge[:atoms],
        degree[:atoms], neighbour[:atoms], order[:atoms], in_ring[:atoms], begin[:atoms], end[:atoms],
    )  # fmt: skip


@kernel
def _read_all(
    text: Any, ends: Any, ok: Any, first_atom: Any, element: Any, hydrogens: Any, aromatic: Any,
    charge: Any, degree: Any, neighbour: Any, order: Any, in_ring: Any, begin: Any, end: Any,
) -> int:  # fmt: skip
    """Parse every SMILES of ``text`` into the arrays; return the number of atoms."""
    bracket = np.zeros(MAX_ATOMS, np.bool_)
    parent = np.zeros(MAX_ATOMS, np.int64)
    ring_bond = np.zeros(MAX_ATOMS, np.bool_)  # of the bond to the parent
    branches = np.zeros(MAX_ATOMS, np.int64)
    open_atom = np.full(_RINGS, -1, np.int64)
    open_order = np.zeros(_RINGS, np.int64)
    closed = np.zeros((_RINGS, 2), np.int64)
    base, start = 0, 0
    for molecule in range(len(ends)):
        stop = ends[molecule]
        first_atom[molecule] = base
        count = _read_one(
            text, start, stop, base, element, hydrogens, aromatic, charge, degree, neighbour, order, in_ring,
            begin, end, bracket, parent, ring_bond, branches, open_atom, open_order, closed,
        )  # fmt: skip
        ok[molecule] = count > 0
        base += count
        start = stop
    first_atom[len(ends)] = base
    return base


@kernel
def _element(
    first: Any, second: Any, inside: Any,
) -> tuple[int, bool, int]:  # fmt: skip
    """Return atomic number, aromaticity and characters of the symbol that begins with ``first``; 0: unknown."""
    if first == 67 and second == 108:  # Cl
        return 17, False, 2
    if first == 66 and second == 114:  # Br
        return 35, False, 2
    if inside and 97 <= second <= 122:
        return 0, False, 0  # Si, Se, Na ...: outside brackets only Cl and Br have two letters
    if first == 67:
        return 6, False, 1
    if first == 99:
        return 6, True, 1
    if first == 78:
        return 7, False, 1
    if first == 110:
        return 7, True, 1
    if first == 79:
        return 8, False, 1
    if first == 111:
        return 8, True, 1
    if first == 83:
        return 16, False, 1
    if first == 115:
        return 16, True, 1
    if first == 70:
        return 9, False, 1
    if first == 80:
        return 15, False, 1
    if first == 73:
        return 53, False, 1
    return 0, False, 0


@kernel
def _read_one(
    text: Any, start: Any, stop: Any, base: Any, element: Any, hydrogens: Any, aromatic: Any, charge: Any,
    degree: Any, neighbour: Any, order: Any, in_ring: Any, begin: Any, end: Any, bracket: Any, parent: Any,
    ring_bond: Any, branches: Any, open_atom: Any, open_order: Any, closed: Any,
) -> int:  # fmt: skip
    """Parse one SMILES; return the number of its atoms, 0 if it is not for us."""
    open_atom[:] = -1
    count, depth, rings = 0, 0, 0
    last, bond = -1, 0
    at = start
    while at < stop:
        sign = text[at]
        if sign == 40:  # (
            if depth == MAX_ATOMS or last < 0:
                return 0
            branches[depth] = last
            depth += 1
            at += 1
        elif sign == 41:  # )
            depth -= 1
            if depth < 0:
                return 0
            last = branches[depth]
            at += 1
        elif sign == 45:
            if at + 1 < stop and text[at + 1] == 62:  # ->
                return 0
            bond = SINGLE
            at += 1
        elif sign == 47 or sign == 92:  # / \
            bond = _DIRECTED
            at += 1
        elif sign == 61:
            bond = DOUBLE
            at += 1
        elif sign == 35:
            bond = TRIPLE
            at += 1
        elif sign == 58:
            bond = AROMATIC
            at += 1
        elif (48 <= sign <= 57) or sign == 37:  # a ring closure
            label = sign - 48
            if sign == 37:
                if at + 2 >= stop or not (48 <= text[at + 1] <= 57) or not (48 <= text[at + 2] <= 57):
                    return 0
                label = (text[at + 1] - 48) * 10 + text[at + 2] - 48
                at += 2
            at += 1
            if last < 0:
                return 0
            other = open_atom[label]
            if other == last:
                return 0
            if other < 0:
                open_atom[label], open_order[label] = last, bond
            else:
                kind = bond if bond else open_order[label]
                if not kind:
                    kind = AROMATIC if aromatic[base + last] and aromatic[base + other] else SINGLE
                if kind == _DIRECTED:
                    if aromatic[base + last] and aromatic[base + other]:
                        return 0  # aromatic or single, which only perception can tell
                    kind = SINGLE
                here, there = degree[base + last], degree[base + other]
                if here == MAX_DEGREE or there == MAX_DEGREE or rings == _RINGS:
                    return 0
                neighbour[base + last, here], neighbour[base + other, there] = base + other, base + last
                order[base + last, here], order[base + other, there] = kind, kind
                degree[base + last], degree[base + other] = here + 1, there + 1
                closed[rings, 0], closed[rings, 1] = last, other
                rings += 1
                open_atom[label] = -1
            bond = 0
        else:  # an atom
            if count == MAX_ATOMS:
                return 0
            me = base + count
            bracket[count] = sign == 91
            hydrogens[me], charge[me] = 0, 0
            begin[me] = at
            if sign == 91:
                at += 1
            if at >= stop:
                return 0
            number, is_aromatic, size = _element(text[at], text[at + 1] if at + 1 < stop else 0, sign == 91)
            if number == 0:
                return 0
            at += size
            if sign == 91:
                while at < stop and text[at] == 64:  # @
                    at += 1
                if at < stop and text[at] == 72:  # H
                    hydrogens[me] = 1
                    at += 1
                    if at < stop and 48 <= text[at] <= 57:
                        hydrogens[me] = text[at] - 48
                        at += 1
                if at < stop and (text[at] == 43 or text[at] == 45):
                    step = 1 if text[at] == 43 else -1
                    at += 1
                    size = 1
                    if at < stop and 49 <= text[at] <= 57:
                        size = text[at] - 48
                        at += 1
                    if size > 2:
                        return 0
                    charge[me] = step * size
                if at >= stop or text[at] != 93:
                    return 0
                at += 1
            end[me] = at
            element[me], aromatic[me], degree[me] = number, is_aromatic, 0
            parent[count], ring_bond[count] = last, False
            if last >= 0:
                if not bond:
                    bond = AROMATIC if is_aromatic and aromatic[base + last] else SINGLE
                if bond == _DIRECTED:
                    if is_aromatic and aromatic[base + last]:
                        return 0
                    bond = SINGLE
                there = degree[base + last]
                if there == MAX_DEGREE:
                    return 0
                neighbour[me, 0], neighbour[base + last, there] = base + last, me
                order[me, 0], order[base + last, there] = bond, bond
                degree[me], degree[base + last] = 1, there + 1
            elif count:
                return 0
            bond = 0
            last = count
            count += 1
    if depth or (open_atom >= 0).any():
        return 0
    # A bond is in a ring if it is on the way between the two ends of a ring closure.
    for ring in range(rings):
        one, two = closed[ring, 0], closed[ring, 1]
        while one != two:
            if one > two:
                ring_bond[one] = True
                one = parent[one]
            else:
                ring_bond[two] = True
                two = parent[two]
    for atom in range(count):
        me = base + atom
        total = 0
        for place in range(degree[me]):
            other = neighbour[me, place] - base
            if parent[atom] == other:
                in_ring[me, place] = ring_bond[atom]
            elif parent[other] == atom:
                in_ring[me, place] = ring_bond[other]
            else:
                in_ring[me, place] = True
            total += order[me, place]
        if bracket[atom]:
            continue
        number = element[me]
        if aromatic[me]:
            if number == 6:
                if degree[me] > 3:
                    return 0
                hydrogens[me] = 3 - degree[me]
            elif degree[me] > (3 if number == 7 else 2):
                return 0
            continue
        valence = 1
        if number == 6:
            valence = 4
        elif number == 7:
            valence = 3
        elif number == 8:
            valence = 2
        elif number == 15:
            valence = 3 if total <= 3 else 5
        elif number == 16:
            valence = 2 if total <= 2 else 4 if total <= 4 else 6
        if total > valence:
            return 0
        hydrogens[me] = valence - total
    return count
