"""Count fingerprints from graph arrays, compiled: circular environments, atom pairs, topological torsions.

The definitions are those of RDKit's generators without chirality, the hashes our own:

- *circular* (Rogers and Hahn, J. Chem. Inf. Model. 50, 742, 2010): an atom begins as element, heavy neighbours and
  hydrogens, hydrogens, charge and whether it is in a ring, and takes in its neighbours at every step. Of
  environments with the same bonds one is kept, the earliest, and of a step's the one of the smallest hash.
- *pair* (Carhart, Smith, Venkataraghavan, J. Chem. Inf. Comput. Sci. 25, 64, 1985): two atoms, by element, heavy
  neighbours and pi electrons, and the bonds between them, up to 30.
- *torsion* (Nilakantan et al., J. Chem. Inf. Comput. Sci. 27, 82, 1987): four different atoms in a row, in the
  same terms (RDKit counts one more in every ring of three).

Kernels call no kernel of another file (:mod:`docksieve.data.jit`), and work on one molecule after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..jit import kernel
from .graph import Graphs

FARTHEST = 30
"""Bonds between the two atoms of a pair, at most."""

MORGAN, PAIR, TORSION = 0, 1, 2
_KINDS = {
    "morgan1": (MORGAN, 1),
    "morgan2": (MORGAN, 2),
    "morgan3": (MORGAN, 3),
    "pair": (PAIR, 0),
    "torsion": (TORSION, 0),
}


def graph_rows(
    graphs: Graphs, kind: str, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Return the count fingerprints of all molecules as sparse rows.

    Parameters
    ----------
    graphs : Graphs
        Rows that are not ``ok`` come out empty.
    kind : str
        ``morgan1``, ``morgan2``, ``morgan3``, ``pair`` or ``torsion``.
    size : int
        Buckets that features are hashed into; a power of two.

    Returns
    -------
    offsets : array of int64, shape (n + 1,)
    features : array of int32
        Buckets, ascending within a row.
    counts : array of int32
    """
    number, radius = _KINDS[kind]
    bits = size.bit_length() - 1
    shift = np.uint64(64 - bits)
    rows = len(graphs.ok)
    offsets = np.zeros(rows + 1, np.int64)
    arrays = (
        graphs.first_atom, graphs.element, graphs.hydrogens, graphs.aromatic, graphs.charge, graphs.degree,
        graphs.neighbour, graphs.order, graphs.in_ring,
    )  # fmt: skip
    room = _room(*arrays, number, radius)
    features, counts = np.empty(room, np.int32), np.empty(room, np.int32)
    used = _fill(*arrays, number, radius, shift, offsets, features, counts)
    return offsets, features[:used].copy(), counts[:used].copy()


@kernel
def _room(
    first_atom: Any, element: Any, hydrogens: Any, aromatic: Any, charge: Any, degree: Any, neighbour: Any,
    order: Any, in_ring: Any, kind: Any, radius: Any,
) -> int:  # fmt: skip
    """Return an upper bound of the features of all molecules."""
    total = 0
    for molecule in range(len(first_atom) - 1):
        atoms = first_atom[molecule + 1] - first_atom[molecule]
        if kind == MORGAN:
            total += atoms * (radius + 1)
        elif kind == PAIR:
            total += atoms * (atoms - 1) // 2
        else:
            for atom in range(first_atom[molecule], first_atom[molecule + 1]):
                for place in range(degree[atom]):
                    other = neighbour[atom, place]
                    if other > atom:
                        total += int(degree[atom]) * int(degree[other])
    return total


@kernel
def _fill(
    first_atom: Any, element: Any, hydrogens: Any, aromatic: Any, charge: Any, degree: Any, neighbour: Any,
    order: Any, in_ring: Any, kind: Any, radius: Any, shift: Any, offsets: Any, features: Any, counts: Any,
) -> int:  # fmt: skip
    one, two, three = (
        np.uint64(0x9E3779B97F4A7C15),
        np.uint64(0xBF58476D1CE4E5B9),
        np.uint64(0x94D049BB133111EB),
    )
    largest = 0
    for molecule in range(len(first_atom) - 1):
        largest = max(largest, first_atom[molecule + 1] - first_atom[molecule])
    code = np.empty(largest + 1, np.uint64)
    before = np.empty(largest + 1, np.uint64)
    now = np.empty(largest + 1, np.uint64)
    distance = np.empty(largest + 1, np.int32)
    queue = np.empty(largest + 1, np.int64)
    around = np.empty(64, np.uint64)
    used = 0
    for molecule in range(len(first_atom) - 1):
        begin, end = first_atom[molecule], first_atom[molecule + 1]
        atoms = end - begin
        start = used
        if kind == MORGAN:
            # Bonds are numbered, and the bonds of an environment are a set of bits.
            bonds = 0
            for atom in range(begin, end):
                for place in range(degree[atom]):
                    bonds += neighbour[atom, place] > atom
            words = bonds // 64 + 1
            number = np.zeros((atoms, order.shape[1]), np.int64)
            bond = 0
            for atom in range(begin, end):
                for place in range(degree[atom]):
                    other = neighbour[atom, place]
                    if other > atom:
                        number[atom - begin, place] = bond
                        for back in range(degree[other]):
                            if neighbour[other, back] == atom:
                                number[other - begin, back] = bond
                        bond += 1
            sets = np.zeros((atoms, words), np.uint64)
            grown = np.zeros((atoms, words), np.uint64)
            seen = np.zeros((atoms * radius + 1, words), np.uint64)
            found = 0
            dead = np.zeros(atoms, np.bool_)
            for atom in range(atoms):
                at = begin + atom
                rings = False
                for place in range(degree[at]):
                    rings = rings or in_ring[at, place]
                value = np.uint64(element[at])
                value = value * np.uint64(16) + np.uint64(degree[at] + hydrogens[at])
                value = value * np.uint64(16) + np.uint64(hydrogens[at])
                value = value * np.uint64(32) + np.uint64(np.int64(charge[at]) + 16)
                value = value * np.uint64(2) + np.uint64(rings)
                value = (value + one) * two
                value ^= value >> np.uint64(31)
                value *= three
                value ^= value >> np.uint64(29)
                before[atom] = value
                features[used] = np.int64(value >> shift)
                used += 1
            for step in range(radius):
                for atom in range(atoms):
                    if dead[atom]:
                        continue
                    at = begin + atom
                    for word in range(words):
                        grown[atom, word] = sets[atom, word]
                    near = np.int64(degree[at])
                    for place in range(near):
                        other = neighbour[at, place] - begin
                        for word in range(words):
                            grown[atom, word] |= sets[other, word]
                        one_bond = number[atom, place]
                        grown[atom, one_bond // 64] |= np.uint64(1) << np.uint64(one_bond % 64)
                        value = before[other] ^ (np.uint64(order[at, place]) * one)
                        value *= two
                        value ^= value >> np.uint64(30)
                        around[place] = value
                    for place in range(1, near):  # sorted: neighbours have no order
                        value = around[place]
                        slot = place
                        while slot > 0 and around[slot - 1] > value:
                            around[slot] = around[slot - 1]
                            slot -= 1
                        around[slot] = value
                    value = (before[atom] + np.uint64(step + 1)) * three
                    for place in range(near):
                        value ^= value >> np.uint64(32)
                        value = (value + around[place]) * one
                    value ^= value >> np.uint64(31)
                    value *= two
                    value ^= value >> np.uint64(29)
                    now[atom] = value
                first_of_step = found
                for atom in range(atoms):
                    if dead[atom]:
                        continue
                    known = False
                    for earlier in range(first_of_step):
                        same = True
                        for word in range(words):
                            if seen[earlier, word] != grown[atom, word]:
                                same = False
                                break
                        if same:
                            known = True
                            break
                    # Of the environments of this step with the same bonds, the smallest hash stands for all.
                    if not known:
                        for rival in range(atoms):
                            if rival == atom or dead[rival]:
                                continue
                            if now[rival] > now[atom] or (now[rival] == now[atom] and rival > atom):
                                continue
                            same = True
                            for word in range(words):
                                if grown[rival, word] != grown[atom, word]:
                                    same = False
                                    break
                            if same:
                                known = True
                                break
                    queue[atom] = known
                for atom in range(atoms):
                    if dead[atom]:
                        continue
                    if queue[atom] == 0 and degree[begin + atom] > 0:
                        for word in range(words):
                            seen[found, word] = grown[atom, word]
                        found += 1
                        features[used] = np.int64(now[atom] >> shift)
                        used += 1
                    else:
                        dead[atom] = True
                for atom in range(atoms):
                    for word in range(words):
                        sets[atom, word] = grown[atom, word]
                    if not dead[atom]:
                        before[atom] = now[atom]
        else:
            for atom in range(atoms):
                at = begin + atom
                pi = 0
                if aromatic[at]:
                    pi = 1
                else:
                    crowded = (element[at] == 16 and degree[at] >= 3) or (
                        element[at] == 15 and degree[at] >= 4
                    )
                    if not crowded:  # the double bonds of a sulfone are no pi bonds
                        for place in range(degree[at]):
                            if order[at, place] < 4:
                                pi += order[at, place] - 1
                code[atom] = (np.uint64(element[at]) * np.uint64(16) + np.uint64(degree[at])) * np.uint64(
                    8
                ) + np.uint64(pi)
            if kind == PAIR:
                for source in range(atoms):
                    for atom in range(atoms):
                        distance[atom] = -1
                    distance[source] = 0
                    queue[0] = source
                    head, tail = 0, 1
                    while head < tail:
                        atom = queue[head]
                        head += 1
                        if distance[atom] == FARTHEST:
                            continue
                        for place in range(degree[begin + atom]):
                            other = neighbour[begin + atom, place] - begin
                            if distance[other] < 0:
                                distance[other] = distance[atom] + 1
                                queue[tail] = other
                                tail += 1
                    for atom in range(source):
                        if distance[atom] > 0:
                            low, high = min(code[atom], code[source]), max(code[atom], code[source])
                            value = (low * np.uint64(65536) + high) * np.uint64(32) + np.uint64(
                                distance[atom]
                            )
                            value = (value + one) * two
                            value ^= value >> np.uint64(31)
                            value *= three
                            value ^= value >> np.uint64(29)
                            features[used] = np.int64(value >> shift)
                            used += 1
            else:
                for left in range(atoms):
                    for place in range(degree[begin + left]):
                        right = neighbour[begin + left, place] - begin
                        if right < left:
                            continue
                        for out in range(degree[begin + left]):
                            first = neighbour[begin + left, out] - begin
                            if first == right:
                                continue
                            for beyond in range(degree[begin + right]):
                                last = neighbour[begin + right, beyond] - begin
                                if last in (left, first):
                                    continue
                                a, b, c, d = code[first], code[left], code[right], code[last]
                                if a > d or (a == d and b > c):
                                    a, b, c, d = d, c, b, a
                                value = (a * np.uint64(65536) + b) * one
                                value ^= value >> np.uint64(32)
                                value = (value + c * np.uint64(65536) + d) * two
                                value ^= value >> np.uint64(31)
                                value *= three
                                value ^= value >> np.uint64(29)
                                features[used] = np.int64(value >> shift)
                                used += 1
        # Equal buckets of the molecule become one with a count.
        features[start:used] = np.sort(features[start:used])
        kept = start
        for place in range(start, used):
            if kept > start and features[kept - 1] == features[place]:
                counts[kept - 1] += 1
            else:
                features[kept] = features[place]
                counts[kept] = 1
                kept += 1
        used = kept
        offsets[molecule + 1] = used
    return used
