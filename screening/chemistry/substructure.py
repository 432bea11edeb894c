"""Which molecules contain a substructure, fast enough to ask a million of them while somebody waits.

A compiled matcher goes over graph arrays (some 200,000 molecules per core-second, no index, nothing kept on disk).
Where a pattern asks for nothing that these do not know, it decides; else it refuses what cannot match, and RDKit
decides about the rest, which is mostly what does match.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdSubstructLibrary

from ...data.jit import kernel
from ...data.molecules.graph import Graphs
from .smarts import ANY, ELEMENTS, Pattern

_STEPS = 20_000
"""Trials per molecule and pattern before the compiled matcher leaves the molecule to RDKit."""

_PLACE = np.full(256, -1, np.int64)
_PLACE[list(ELEMENTS)] = np.arange(len(ELEMENTS))


def found_in(
    smiles: Sequence[str], graphs: Graphs, pattern: Pattern, among: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which of the molecules ``among`` contain a pattern.

    Parameters
    ----------
    smiles : sequence of str
    graphs : Graphs
        Of the same molecules.
    pattern : Pattern
    among : array of bool, shape (n,)
    """
    found, unsure = _tried(graphs, pattern, among)
    if pattern.plain and pattern.relaxed is not None and pattern.relaxed.whole:
        asked = np.flatnonzero(found & (unsure | ~graphs.ok))
    else:
        asked = np.flatnonzero(found)
    found[asked] = matches(pattern, [smiles[index] for index in asked.tolist()])
    return found


def _tried(
    graphs: Graphs, pattern: Pattern, among: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which molecules the relaxed pattern matches, and for which of them it was given up."""
    relaxed = pattern.relaxed
    found, unsure = among.copy(), np.zeros(len(among), np.bool_)
    if relaxed is None:
        return found, ~unsure
    _match_all(
        graphs.ok, graphs.first_atom, graphs.element, graphs.hydrogens, graphs.aromatic, graphs.charge, graphs.degree,
        graphs.neighbour, graphs.order, graphs.in_ring, _PLACE, relaxed.atoms, relaxed.parent, relaxed.bonds,
        relaxed.first_bond, found, unsure,
    )  # fmt: skip
    return found, unsure


def matches(pattern: Pattern, smiles: Sequence[str]) -> NDArray[np.bool_]:
    """Return which molecules RDKit finds the pattern in."""
    found = np.zeros(len(smiles), np.bool_)
    if not len(smiles):
        return found
    if pattern.plain:
        # Standard SMILES were written by RDKit from sanitised molecules: reading them needs no second time.
        holder = rdSubstructLibrary.CachedTrustedSmilesMolHolder()
        for text in smiles:
            holder.AddSmiles(text)
        library = rdSubstructLibrary.SubstructLibrary(holder)
        found[list(library.GetMatches(pattern.query, maxResults=-1, numThreads=1))] = True
        return found
    with rdBase.BlockLogs():
        for index, text in enumerate(smiles):
            molecule = Chem.MolFromSmiles(text)
            found[index] = molecule is not None and molecule.HasSubstructMatch(
                pattern.query, useChirality=True
            )
    return found


@kernel
def _match_all(
    ok: Any, first_atom: Any, element: Any, hydrogens: Any, aromatic: Any, charge: Any, degree: Any, neighbour: Any,
    order: Any, in_ring: Any, type_of: Any, atoms: Any, parent: Any, bonds: Any, first_bond: Any, found: Any,
    unsure: Any,
) -> None:  # fmt: skip
    """Clear ``found`` where the relaxed pattern does not match; molecules that are not ``ok`` stay."""
    count = len(parent)
    mapped = np.empty(count, np.int64)
    tried = np.empty(count, np.int64)
    rings = False
    for k in range(count):
        rings = rings or atoms[k, 5] != ANY
    for molecule in range(len(found)):
        if not found[molecule] or not ok[molecule]:
            continue
        begin, end = first_atom[molecule], first_atom[molecule + 1]
        if end - begin < count:
            found[molecule] = False
            continue
        k, steps, success = 0, 0, False
        tried[0] = 0
        while k >= 0:
            steps += 1
            if steps > _STEPS:
                success = True
                unsure[molecule] = True
                break
            hangs_on = parent[k]
            place = tried[k]
            if hangs_on < 0:
                if begin + place >= end:
                    k -= 1
                    continue
                here = begin + place
            else:
                if place >= degree[mapped[hangs_on]]:
                    k -= 1
                    continue
                here = np.int64(neighbour[mapped[hangs_on], place])
            tried[k] = place + 1
            kind = 2 * type_of[element[here]] + np.int64(aromatic[here])
            if not (atoms[k, 0] >> kind) & 1:
                continue
            hs = np.int64(hydrogens[here])
            if (
                (atoms[k, 1] != ANY and atoms[k, 1] != hs)
                or (atoms[k, 2] != ANY and atoms[k, 2] != charge[here])
                or (atoms[k, 3] != ANY and atoms[k, 3] != degree[here])
                or (atoms[k, 4] != ANY and atoms[k, 4] != degree[here] + hs)
            ):
                continue
            if rings and atoms[k, 5] != ANY:
                ring = False
                for side in range(degree[here]):
                    ring = ring or in_ring[here, side]
                if ring != (atoms[k, 5] == 1):
                    continue
            fits = True
            for j in range(k):
                fits = fits and mapped[j] != here
            for b in range(first_bond[k], first_bond[k + 1]):
                if not fits:
                    break
                other = mapped[bonds[b, 1]]
                fits = False
                for side in range(degree[here]):
                    if neighbour[here, side] == other:
                        fits = (bonds[b, 2] >> np.int64(order[here, side])) & 1 == 1 and (
                            bonds[b, 3] == ANY or (bonds[b, 3] == 1) == in_ring[here, side]
                        )
                        break
            if not fits:
                continue
            mapped[k] = here
            k += 1
            if k == count:
                success = True
                break
            tried[k] = 0
        found[molecule] = success
