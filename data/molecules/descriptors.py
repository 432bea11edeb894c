"""Weight, polar surface, donors, acceptors and rotatable bonds from graph arrays, as RDKit defines them.

Contributions with decimals are added as integers, so that no sum depends on the order of the atoms.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from ..jit import kernel
from .graph import Graphs

_WEIGHT_UNIT = 1_000_000
# Rows of what the kernel counts; weight in _WEIGHT_UNIT, tpsa in hundredths.
_COUNTED = (
    "heavy_atoms",
    "weight",
    "tpsa",
    "donors",
    "acceptors",
    "rotatable_bonds",
    "sp3",
    "carbons",
    "charge",
)


def graph_counts(graphs: Graphs) -> dict[str, NDArray[np.float64]]:
    """Return properties of each molecule, in float64; those of molecules that are not ``ok`` mean nothing.

    Returns
    -------
    dict of str to array of float64, shape (n,)
        ``heavy_atoms``, ``weight`` (Da), ``tpsa`` (square angstrom; Ertl, of N and O), ``donors``,
        ``acceptors``, ``rotatable_bonds`` (RDKit's strict definition), ``fsp3`` and ``charge``.
    """
    out = np.zeros((len(_COUNTED), len(graphs.ok)), np.int64)
    _count(
        graphs.first_atom, graphs.element, graphs.hydrogens, graphs.aromatic, graphs.charge, graphs.degree,
        graphs.neighbour, graphs.order, graphs.in_ring, _weights(), out,
    )  # fmt: skip
    found = {name: values.astype(np.float64) for name, values in zip(_COUNTED, out, strict=True)}
    found["weight"] /= _WEIGHT_UNIT
    found["tpsa"] /= 100.0
    found["fsp3"] = found.pop("sp3") / np.maximum(found.pop("carbons"), 1.0)
    return found


@cache
def _weights() -> NDArray[np.int64]:
    """Return RDKit's average atomic weights by atomic number, in millionths of a Da."""
    table = Chem.GetPeriodicTable()
    return np.array(
        [0, *(round(table.GetAtomicWeight(number) * _WEIGHT_UNIT) for number in range(1, 54))], np.int64
    )


@kernel
def _count(
    first_atom: Any, element: Any, hydrogens: Any, aromatic: Any, charge: Any, degree: Any, neighbour: Any,
    order: Any, in_ring: Any, weights: Any, out: Any,
) -> None:  # fmt: skip
    atoms = len(element)
    no_end = np.zeros(atoms, np.bool_)  # cannot be an end of a rotatable bond
    amide_carbon = np.zeros(atoms, np.bool_)  # three neighbours, one of them =N, =O or =S
    for molecule in range(out.shape[1]):
        begin, end = first_atom[molecule], first_atom[molecule + 1]
        out[0, molecule] = end - begin
        for atom in range(begin, end):
            number, hs, ion, arom = element[atom], np.int64(hydrogens[atom]), charge[atom], aromatic[atom]
            neighbours = degree[atom]
            out[1, molecule] += weights[number] + hs * weights[1]
            out[8, molecule] += ion
            single, double, triple, bonds_arom = 0, 0, 0, 0
            fluorines, chlorines, bromines, methyls = 0, 0, 0, 0
            hetero_double = False
            for place in range(neighbours):
                other, kind = neighbour[atom, place], order[atom, place]
                far = element[other]
                if kind == 1:
                    single += 1
                    if far == 9:
                        fluorines += 1
                    elif far == 17:
                        chlorines += 1
                    elif far == 35:
                        bromines += 1
                    elif far == 6 and hydrogens[other] == 3 and not aromatic[other]:
                        methyls += 1
                elif kind == 2:
                    double += 1
                    if (far == 7 or far == 8 or far == 16) and not aromatic[other]:
                        hetero_double = True
                elif kind == 3:
                    triple += 1
                else:
                    bonds_arom += 1
            if number == 6:
                out[7, molecule] += 1
                if neighbours + hs == 4:
                    out[6, molecule] += 1
            plain_carbon = number == 6 and not arom
            crowded = fluorines >= 3 or chlorines >= 3 or bromines >= 3 or methyls >= 3
            no_end[atom] = triple > 0 or neighbours == 1 or (plain_carbon and crowded)
            amide_carbon[atom] = plain_carbon and neighbours == 3 and hetero_double

            valence = single + 2 * double + 3 * triple + hs  # of an atom without aromatic bonds
            if number == 7:
                if arom:
                    if hs == 1 and ion == 0:
                        out[3, molecule] += 1
                elif hs > 0 and (valence == 3 or (ion == 1 and valence == 4)):
                    out[3, molecule] += 1
            elif (number == 8 or number == 16) and not arom and hs == 1 and ion == 0:
                out[3, molecule] += 1

            if number == 7 and arom:
                if hs == 0 and ion == 0 and neighbours == 2:
                    out[4, molecule] += 1
            elif number == 7:
                if valence == 3:
                    # Not the nitrogen of an amide and its like: N-*=O, N, P or S, that bond outside rings.
                    free = True
                    for place in range(neighbours):
                        if order[atom, place] != 1:
                            continue
                        other = neighbour[atom, place]
                        for step in range(degree[other]):
                            beyond = neighbour[other, step]
                            if order[other, step] == 2 and not in_ring[other, step] and beyond != atom:
                                far = element[beyond]
                                hetero = far == 7 or far == 8 or far == 15 or far == 16
                                free = free and not (hetero and not aromatic[beyond])
                    if free:
                        out[4, molecule] += 1
            elif number == 8 or number == 16:
                if arom:
                    if ion == 0:
                        out[4, molecule] += 1
                elif ion == -1 or (hs == 0 and valence == 2):
                    out[4, molecule] += 1
                elif hs == 1 and valence == 2:
                    # The hydroxyl of an acid is none: its neighbour must hold no =O, =N, =P, =S.
                    for place in range(neighbours):
                        other = neighbour[atom, place]
                        free = order[atom, place] == 1
                        for step in range(degree[other]):
                            beyond = neighbour[other, step]
                            far = element[beyond]
                            if order[other, step] == 2 and not aromatic[beyond]:
                                free = free and not (far == 7 or far == 8 or far == 15 or far == 16)
                        if free:
                            out[4, molecule] += 1
                            break

            if number != 7 and number != 8:
                continue
            three_ring = False
            for one in range(neighbours):
                for place in range(degree[neighbour[atom, one]]):
                    for two in range(neighbours):
                        if neighbour[neighbour[atom, one], place] == neighbour[atom, two]:
                            three_ring = True
            # Contributions in hundredths; -1: no type fits, and a formula takes its place.
            area = -1
            if number == 7:
                if neighbours == 1:
                    if hs == 0 and triple == 1 and ion == 0:
                        area = 2379
                    elif hs == 1 and double == 1 and ion == 0:
                        area = 2385
                    elif hs == 2 and single == 1 and ion == 0:
                        area = 2602
                    elif hs == 2 and double == 1 and ion == 1:
                        area = 2559
                    elif hs == 3 and single == 1 and ion == 1:
                        area = 2764
                elif neighbours == 2:
                    if hs == 0 and single == 1 and double == 1 and ion == 0:
                        area = 1236
                    elif hs == 0 and triple == 1 and double == 1 and ion == 0:
                        area = 1360
                    elif hs == 1 and single == 2 and ion == 0:
                        area = 2194 if three_ring else 1203
                    elif hs == 0 and triple == 1 and single == 1 and ion == 1:
                        area = 436
                    elif hs == 1 and double == 1 and single == 1 and ion == 1:
                        area = 1397
                    elif hs == 2 and single == 2 and ion == 1:
                        area = 1661
                    elif hs == 0 and bonds_arom == 2 and ion == 0:
                        area = 1289
                    elif hs == 1 and bonds_arom == 2 and ion == 0:
                        area = 1579
                    elif hs == 1 and bonds_arom == 2 and ion == 1:
                        area = 1414
                elif neighbours == 3:
                    if hs == 0 and single == 3 and ion == 0:
                        area = 301 if three_ring else 324
                    elif hs == 0 and single == 1 and double == 2 and ion == 0:
                        area = 1168
                    elif hs == 0 and single == 2 and double == 1 and ion == 1:
                        area = 301
                    elif hs == 1 and single == 3 and ion == 1:
                        area = 444
                    elif hs == 0 and bonds_arom == 3 and ion == 0:
                        area = 441
                    elif hs == 0 and single == 1 and bonds_arom == 2 and ion == 0:
                        area = 493
                    elif hs == 0 and double == 1 and bonds_arom == 2 and ion == 0:
                        area = 839
                    elif hs == 0 and bonds_arom == 3 and ion == 1:
                        area = 410
                    elif hs == 0 and single == 1 and bonds_arom == 2 and ion == 1:
                        area = 388
                elif neighbours == 4 and hs == 0 and single == 4 and ion == 1:
                    area = 0
                if area < 0:
                    area = max(3050 - 820 * neighbours + 150 * hs, 0)
            else:
                if neighbours == 1:
                    if hs == 0 and double == 1 and ion == 0:
                        area = 1707
                    elif hs == 1 and single == 1 and ion == 0:
                        area = 2023
                    elif hs == 0 and single == 1 and ion == -1:
                        area = 2306
                elif neighbours == 2:
                    if hs == 0 and single == 2 and ion == 0:
                        area = 1253 if three_ring else 923
                    elif hs == 0 and bonds_arom == 2 and ion == 0:
                        area = 1314
                if area < 0:
                    area = max(2850 - 860 * neighbours + 150 * hs, 0)
            out[2, molecule] += area

        for atom in range(begin, end):
            for place in range(degree[atom]):
                other = neighbour[atom, place]
                if other < atom or order[atom, place] != 1 or in_ring[atom, place]:
                    continue
                if no_end[atom] or no_end[other]:
                    continue
                # One of the two must not be a half of an amide bond, this one or another.
                rotates = False
                for side in range(2):
                    half = atom if side == 0 else other
                    free = True
                    for step in range(degree[half]):
                        if order[half, step] != 1 or in_ring[half, step]:
                            continue
                        beyond = neighbour[half, step]
                        if amide_carbon[half]:
                            far = element[beyond]
                            plain = not aromatic[beyond]
                            if far == 7 or (plain and (far == 8 or (far == 16 and degree[beyond] != 1))):
                                free = False
                        if amide_carbon[beyond]:
                            far = element[half]
                            plain = not aromatic[half]
                            if far == 7 or (plain and (far == 8 or (far == 16 and degree[half] != 1))):
                                free = False
                    rotates = rotates or free
                if rotates:
                    out[5, molecule] += 1
