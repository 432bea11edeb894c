"""Receptors as atoms to be drawn: PDBQT, PDB or mmCIF, as a campaign has frozen them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from ...data.errors import DockingError

READ = (".pdbqt", ".pdb", ".ent", ".cif", ".mmcif")
"""File names that :func:`read_atoms` knows."""

_TYPES = {
    "A": "C",
    "Z": "C",
    "G": "C",
    "GA": "C",
    "J": "C",
    "Q": "C",
    "HD": "H",
    "HS": "H",
    "NA": "N",
    "NS": "N",
}
_TYPES |= {"OA": "O", "OS": "O", "SA": "S"}
"""Elements of AutoDock's atom types, where the type is not the element."""


@dataclass(frozen=True)
class ReceptorAtoms:
    """Atoms of a receptor, n of them, in the order of the file.

    Attributes
    ----------
    positions : array of float64, shape (n, 3)
        In Å.
    elements : tuple of str
        Symbols, such as ``C`` and ``Zn``.
    names : tuple of str
        Atom names, such as ``CA``.
    residues : array of int64, shape (n,)
        Place of each atom's residue in ``labels``.
    labels : tuple of (str, str, str)
        Residue name, number (with insertion code) and chain (may be empty) of every residue.
    """

    positions: NDArray[np.float64]
    elements: tuple[str, ...]
    names: tuple[str, ...]
    residues: NDArray[np.int64]
    labels: tuple[tuple[str, str, str], ...]


def read_atoms(path: Path) -> ReceptorAtoms:
    """Return the atoms of a receptor file; of alternative positions the first, of models the first.

    Raises
    ------
    DockingError
        If the file is missing, holds no atoms, or is of a kind that is not read (:data:`READ`).
    """
    if path.suffix.lower() not in READ:
        raise DockingError(
            f"The receptor {path.name} is not drawn.", f"The viewer reads {', '.join(READ)} files."
        )
    try:
        if path.suffix.lower() == ".pdbqt":
            rows = _pdbqt(path.read_text(encoding="utf-8", errors="replace"))
        else:
            rows = _structure(path)
    except (OSError, RuntimeError, ValueError) as error:
        raise DockingError(f"The receptor {path.name} cannot be read: {error}.") from None
    if not rows:
        raise DockingError(f"The receptor {path.name} holds no atoms.")
    places: dict[tuple[str, str, str], int] = {}
    residues = [places.setdefault(row[3], len(places)) for row in rows]
    return ReceptorAtoms(
        positions=np.array([row[2] for row in rows], dtype=np.float64),
        elements=tuple(row[0] for row in rows),
        names=tuple(row[1] for row in rows),
        residues=np.array(residues, dtype=np.int64),
        labels=tuple(places),
    )


_Row = tuple[str, str, tuple[float, float, float], tuple[str, str, str]]


def _pdbqt(text: str) -> list[_Row]:
    rows: list[_Row] = []
    for line in text.splitlines():
        if line.startswith("ENDMDL"):
            break
        if line.startswith(("ATOM  ", "HETATM")) and line[16:17] in " A1":
            kind = line[77:].strip()
            label = (line[17:20].strip(), line[22:27].strip(), line[21:22].strip())
            at = (float(line[30:38]), float(line[38:46]), float(line[46:54]))
            rows.append((_TYPES.get(kind, kind.capitalize()), line[12:16].strip(), at, label))
    return rows


def _structure(path: Path) -> list[_Row]:
    structure: Any = gemmi.read_structure(str(path))
    if not len(structure):
        return []
    return [
        (
            atom.element.name,
            atom.name,
            (atom.pos.x, atom.pos.y, atom.pos.z),
            (residue.name, str(residue.seqid), chain.name),
        )
        for chain in structure[0]
        for residue in chain
        if not residue.is_water()
        for atom in residue
        if atom.altloc in ("\0", "A", "1")
    ]
