"""A docked pose and what surrounds it, as plain numbers for a viewer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from scipy.spatial import cKDTree

from ...data.errors import FormatError
from .receptor_atoms import ReceptorAtoms

POCKET = 8.0
"""Residues with an atom within so many Å of the ligand are drawn in full."""
TRACE = 24.0
"""Backbone within so many Å of the ligand is drawn as a line."""

_LINK = {"CA": 4.3, "P": 8.0}
"""Longest distance in Å between the trace atoms of neighbouring residues: proteins, nucleic acids."""
_HYDROGEN_BOND = 2.6
"""Longest distance in Å from hydrogen to acceptor."""
_HEAVY_BOND = 3.4
"""Longest distance in Å from donor to acceptor, where the receptor has no hydrogens."""
_LEAST_ANGLE = 120.0
"""Least angle in degrees at the hydrogen."""
_DONOR = Chem.MolFromSmarts("[#7,#8,#16;!H0]")
_ACCEPTOR = Chem.MolFromSmarts(
    "[$([#8;!$([#8]~[#7+])]),$([n;H0;+0;X2]),$([N;X1,X2;+0;H0]),$([N;X2;H1]),$([N;X3;+0;!$(N-[*]=[O,N,S]);!$(N-a)]),$([S;X1])]"
)


def pose_scene(molblock: str, receptor: ReceptorAtoms | None) -> dict[str, Any]:
    """Return a pose as JSON values.

    Parameters
    ----------
    molblock : str
        The pose with its hydrogens, in the receptor's frame.
    receptor : ReceptorAtoms or None

    Returns
    -------
    dict
        ``ligand``: ``atoms`` (element, x, y, z) and ``bonds`` (first, second, order). ``pocket``: ``atoms``
        (element, x, y, z, name, residue), ``bonds`` (first, second), ``residues`` (label, distance in Å to the
        ligand). ``trace``: lines of (x, y, z). ``contacts``: possible hydrogen bonds, each with both ends and
        the ``distance`` of the heavy atoms. Coordinates are in Å from the centre of the ligand.

    Raises
    ------
    FormatError
        If the mol block cannot be read, or has no coordinates in space.
    """
    with rdBase.BlockLogs():
        ligand = Chem.MolFromMolBlock(molblock, removeHs=False)
        if ligand is None:  # a valence that RDKit does not like can still be drawn
            ligand = Chem.MolFromMolBlock(molblock, removeHs=False, sanitize=False)
    if ligand is None or not ligand.GetNumConformers():
        raise FormatError("The pose cannot be read as a molecule.", "Its row in the poses file is damaged.")
    positions = np.asarray(ligand.GetConformer().GetPositions(), dtype=float)
    heavy = np.array([atom.GetAtomicNum() > 1 for atom in ligand.GetAtoms()])
    centre = positions[heavy].mean(axis=0) if heavy.any() else positions.mean(axis=0)
    scene: dict[str, Any] = {
        "ligand": _ligand(ligand, positions - centre),
        "pocket": {"atoms": [], "bonds": [], "residues": []},
        "trace": [],
        "contacts": [],
    }
    if receptor is not None:
        near = _distances(receptor, positions[heavy] if heavy.any() else positions)
        pocket = _pocket(receptor, near)
        scene["pocket"] = _pocket_values(receptor, pocket, near, centre)
        scene["trace"] = _trace(receptor, near, centre)
        scene["contacts"] = _contacts(ligand, positions, receptor, pocket, centre)
    return scene


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 3) for value in values]


def _ligand(ligand: Chem.Mol, at: NDArray[np.float64]) -> dict[str, Any]:
    bonds = [
        [bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), bond.GetBondTypeAsDouble()]
        for bond in ligand.GetBonds()
    ]
    atoms = [[atom.GetSymbol(), *_rounded(at[atom.GetIdx()])] for atom in ligand.GetAtoms()]
    return {"atoms": atoms, "bonds": bonds}


def _distances(receptor: ReceptorAtoms, ligand: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of every residue to the ligand, in Å."""
    nearest, _ = cKDTree(ligand).query(receptor.positions)
    distances = np.full(len(receptor.labels), np.inf)
    np.minimum.at(distances, receptor.residues, nearest)
    return distances


def _pocket(receptor: ReceptorAtoms, near: NDArray[np.float64]) -> list[int]:
    """Return the atoms of the residues around the ligand, without hydrogens on carbon."""
    chosen = np.flatnonzero(near[receptor.residues] <= POCKET)
    hydrogens = [index for index in chosen if receptor.elements[index] == "H"]
    heavy = [index for index in chosen if receptor.elements[index] != "H"]
    if not hydrogens:
        return [int(index) for index in heavy]
    at = receptor.positions
    _, owners = cKDTree(at[heavy]).query(at[hydrogens])
    polar = [h for h, own in zip(hydrogens, owners, strict=True) if receptor.elements[heavy[own]] != "C"]
    return sorted(int(index) for index in (*heavy, *polar))


def _pocket_values(
    receptor: ReceptorAtoms, pocket: list[int], near: NDArray[np.float64], centre: NDArray[np.float64]
) -> dict[str, Any]:
    shown = list(dict.fromkeys(int(receptor.residues[index]) for index in pocket))
    places = {residue: place for place, residue in enumerate(shown)}
    at = receptor.positions[pocket] - centre
    return {
        "atoms": [
            [receptor.elements[i], *_rounded(at[k]), receptor.names[i], places[int(receptor.residues[i])]]
            for k, i in enumerate(pocket)
        ],
        "bonds": _bonds([receptor.elements[index] for index in pocket], at),
        "residues": [[" ".join(filter(None, receptor.labels[r])), round(float(near[r]), 2)] for r in shown],
    }


def _bonds(elements: list[str], at: NDArray[np.float64]) -> list[list[int]]:
    """Return the pairs of atoms that are close enough to be bonded."""
    if len(at) < 2:
        return []
    table = Chem.GetPeriodicTable()
    radii = np.array([_radius(table, element) for element in elements])
    pairs = cKDTree(at).query_pairs(2.6, output_type="ndarray")
    first, second = pairs[:, 0], pairs[:, 1]
    lengths = np.linalg.norm(at[first] - at[second], axis=1)
    bonded = (lengths < radii[first] + radii[second] + 0.4) & (lengths > 0.4)
    hydrogens = np.array([element == "H" for element in elements])
    bonded &= ~(hydrogens[first] & hydrogens[second])
    return [[int(a), int(b)] for a, b in pairs[bonded]]


def _radius(table: Any, element: str) -> float:
    try:
        return float(table.GetRcovalent(element))
    except RuntimeError:  # an atom type that is no element
        return 0.77


def _trace(
    receptor: ReceptorAtoms, near: NDArray[np.float64], centre: NDArray[np.float64]
) -> list[list[list[float]]]:
    """Return the backbone near the ligand as lines, broken where residues are missing."""
    lines: list[list[list[float]]] = []
    last: tuple[str, str, NDArray[np.float64]] | None = None
    for index, name in enumerate(receptor.names):
        residue = int(receptor.residues[index])
        if name not in _LINK or receptor.elements[index] not in ("C", "P") or near[residue] > TRACE:
            continue
        chain, at = receptor.labels[residue][2], receptor.positions[index]
        joined = last is not None and last[:2] == (chain, name)
        joined = joined and last is not None and float(np.linalg.norm(at - last[2])) <= _LINK[name]
        if not joined:
            lines.append([])
        lines[-1].append(_rounded(at - centre))
        last = (chain, name, at)
    return [line for line in lines if len(line) > 1]


def _contacts(
    ligand: Chem.Mol,
    positions: NDArray[np.float64],
    receptor: ReceptorAtoms,
    pocket: list[int],
    centre: NDArray[np.float64],
) -> list[dict[str, Any]]:
    """Return possible hydrogen bonds: by distance, and by angle where the hydrogen is there."""
    try:
        donors = {match[0] for match in ligand.GetSubstructMatches(_DONOR)}
        acceptors = {match[0] for match in ligand.GetSubstructMatches(_ACCEPTOR)}
    except RuntimeError:  # not sanitised
        return []
    polar = [i for i in pocket if receptor.elements[i] in ("N", "O")]
    hydrogens = [i for i in pocket if receptor.elements[i] == "H"]
    protons: dict[int, list[NDArray[np.float64]]] = {}
    for h in hydrogens:
        for i in polar:
            if float(np.linalg.norm(receptor.positions[h] - receptor.positions[i])) < 1.25:
                protons.setdefault(i, []).append(receptor.positions[h])
    own = {
        a: [positions[n.GetIdx()] for n in ligand.GetAtomWithIdx(a).GetNeighbors() if n.GetAtomicNum() == 1]
        for a in donors
    }
    found = []
    for a in sorted(donors | acceptors):
        for i in polar:
            there, here = receptor.positions[i], positions[a]
            length = float(np.linalg.norm(there - here))
            if length > 3.6:
                continue
            given = a in donors and _accepts(receptor, i, protons) and _bridged(own[a], here, there)
            if hydrogens:
                taken = a in acceptors and _bridged(protons.get(i, []), there, here)
            else:
                taken = a in acceptors and length <= _HEAVY_BOND and _may_give(receptor, i)
            if given or taken:
                ends = {"ligand": _rounded(here - centre), "receptor": _rounded(there - centre)}
                label = " ".join(filter(None, receptor.labels[int(receptor.residues[i])]))
                found.append({**ends, "distance": round(length, 2), "to": f"{label} {receptor.names[i]}"})
    return found


def _accepts(receptor: ReceptorAtoms, index: int, protons: dict[int, list[NDArray[np.float64]]]) -> bool:
    """Tell whether a polar atom of the receptor can take a hydrogen bond: oxygens, histidine's bare nitrogen."""
    if receptor.elements[index] == "O":
        return True
    residue = receptor.labels[int(receptor.residues[index])][0]
    return residue.startswith("HI") and receptor.names[index] in ("ND1", "NE2") and not protons.get(index)


def _may_give(receptor: ReceptorAtoms, index: int) -> bool:
    """Tell by its name whether a polar atom has a hydrogen that the file leaves out."""
    return receptor.elements[index] == "N" or receptor.names[index][:2] in ("OG", "OH")


def _bridged(
    protons: list[NDArray[np.float64]], donor: NDArray[np.float64], acceptor: NDArray[np.float64]
) -> bool:
    """Tell whether one of the donor's hydrogens points at the acceptor."""
    for proton in protons:
        back, on = donor - proton, acceptor - proton
        lengths = float(np.linalg.norm(back)), float(np.linalg.norm(on))
        if min(lengths) > 0 and lengths[1] <= _HYDROGEN_BOND:
            angle = np.degrees(np.arccos(np.clip(back @ on / (lengths[0] * lengths[1]), -1, 1)))
            if angle >= _LEAST_ANGLE:
                return True
    return False
