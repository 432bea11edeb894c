"""Pockets of a protein, by shape alone: places outside the atoms from which most directions lead into the protein.

After LIGSITE (Hendlich, Rippmann, Barnickel, J. Mol. Graph. Model. 15, 359, 1997): a grid is laid over the structure;
from each free point, rays go out along the axes and the diagonals of a cube; a point is buried if the protein is met
in most of these directions. Buried points that touch each other are a pocket; the pockets are ordered by the sum of
how buried their points are. What binds there is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

SPACING = 1.0
"""Angstrom between points of the grid."""
_CONTACT = 2.8
"""Points closer to an atom than this are inside the protein."""
_REACH = 10
"""Steps that a ray goes."""
_BURIED = 10
"""Of the 14 directions (axes and diagonals of the cube, both ways), how many must meet the protein."""
_FEWEST = 30
_LARGEST = 400
"""Points of a pocket that give the box: the most buried ones, for a groove may run over half the surface."""
_MOST_CELLS = 60_000_000
MOST_POCKETS = 20


@dataclass(frozen=True)
class Pocket:
    """A pocket of a protein.

    Attributes
    ----------
    points : array of float, shape (n, 3)
        Grid points in it, angstrom.
    depth : float
        Sum over all its points of the share of directions that meet the protein.
    volume : float
        Cubic angstrom.
    """

    points: NDArray[np.float64]
    depth: float
    volume: float

    def describe(self, number: int) -> str:
        """Return a line for a report."""
        x, y, z = self.points.mean(axis=0)
        return f"{number}: center {x:.1f}, {y:.1f}, {z:.1f}, {self.volume:.0f} cubic angstrom"


def find_pockets(atoms: NDArray[np.float64]) -> list[Pocket]:
    """Return the pockets of a protein, the most buried first; at most :data:`MOST_POCKETS`.

    Parameters
    ----------
    atoms : array of float, shape (n, 3)
        Heavy atoms, angstrom. None give no pocket.
    """
    from scipy import ndimage

    if not len(atoms):
        return []
    origin = atoms.min(axis=0) - 2 * SPACING
    shape = np.ceil((atoms.max(axis=0) - origin) / SPACING).astype(int) + 3
    if np.prod(shape.astype(float)) > _MOST_CELLS:
        raise ValueError("the structure is too large for a search of pockets; choose chains")
    filled = np.zeros(shape, dtype=np.bool_)
    cells = np.rint((atoms - origin) / SPACING).astype(int)
    filled[tuple(cells.T)] = True
    inside = ndimage.distance_transform_edt(~filled, sampling=SPACING) < _CONTACT
    met = _directions_met(inside)
    buried = ~inside & (met >= _BURIED)
    # A thread of single points that joins two pockets does not make them one.
    core = ndimage.binary_opening(buried, ndimage.generate_binary_structure(3, 1))
    labels, _ = ndimage.label(core)
    found = []
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        own = labels[place] == number
        if own.sum() < _FEWEST:
            continue
        corner = np.array([part.start for part in place])
        where = np.argwhere(own)
        depth = met[place][own]
        best = np.argsort(-depth, kind="stable")[:_LARGEST]
        points = origin + SPACING * (where[best] + corner)
        found.append(Pocket(points, float(depth.sum()) / 14, float(own.sum()) * SPACING**3))
    found.sort(key=lambda pocket: -pocket.depth)
    return found[:MOST_POCKETS]


def _directions_met(inside: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return for every cell in how many of 14 directions the protein is met within reach."""
    met = np.zeros(inside.shape, dtype=np.int8)
    axes = [tuple(sign if axis == k else 0 for k in range(3)) for axis in range(3) for sign in (1, -1)]
    for step in [*axes, *product((1, -1), repeat=3)]:
        reach = _REACH if 0 in step else round(_REACH / 3**0.5)
        seen = np.zeros_like(inside)
        for length in range(1, reach + 1):
            here = tuple(
                slice(max(0, -d * length), max(0, n - max(0, d * length)))
                for d, n in zip(step, inside.shape, strict=True)
            )
            there = tuple(
                slice(max(0, d * length), max(0, n - max(0, -d * length)))
                for d, n in zip(step, inside.shape, strict=True)
            )
            seen[here] |= inside[there]
        met += seen
    return met
