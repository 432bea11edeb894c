"""What receptor preparation is asked to do, and what it reports to have done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAR = 4.0
"""A residue this close to the box (angstrom) touches what is docked."""


@dataclass(frozen=True)
class PrepareSettings:
    """How a structure becomes a receptor.

    Attributes
    ----------
    ligand : str or None
        A file (.sdf, .mol, .mol2, .pdb, .pdbqt) in the structure's frame, for the box.
    residue : str or None
        ``NAME``, ``NAME:CHAIN`` or ``NAME:CHAIN:NUMBER``: a residue of the structure, for the box. It is
        taken out of the receptor.
    padding : float
        Angstrom added around the reference on every side.
    chains : tuple of str
        Only these; empty: all.
    keep_waters : bool
        Keep the waters that lie in the box.
    keep : tuple of str
        Names of residues to keep although they are not polymer, for example ``ZN``.
    drop_bad : bool
        Go on although residues near the box must be left out.
    """

    ligand: str | None = None
    residue: str | None = None
    padding: float = 5.0
    chains: tuple[str, ...] = ()
    keep_waters: bool = False
    keep: tuple[str, ...] = ()
    drop_bad: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.padding <= 30:
            raise ValueError("padding: between 0 and 30 angstrom")
        if self.ligand is not None and self.residue is not None:
            raise ValueError("ligand and residue: one of them, not both")


@dataclass
class PrepareReport:
    """What was done to the structure.

    Attributes
    ----------
    receptor, box : str
        The files that were written.
    reference : str
        What the box was made around.
    removed : dict of str to int
        Residues taken out, by name.
    alternatives : list of str
        Residues of which one of several positions was chosen.
    renamed, cut_back, dropped : list of str
        Residues changed to a standard one, side chains cut back to alanine or glycine because atoms are
        missing, and residues left out because they fit no template.
    warnings : list of str
        What somebody should look at before docking a million molecules.
    """

    receptor: str = ""
    box: str = ""
    reference: str = ""
    atoms: int = 0
    atoms_near_box: int = 0
    center: tuple[float, ...] = ()
    size: tuple[float, ...] = ()
    removed: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    alternatives: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    cut_back: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    source_sha256: str = ""


@dataclass
class Residue:
    """A residue of the cleaned structure."""

    chain: str
    seqid: Any
    name: str
    atoms: list[Any]
    hetero: bool = False

    @property
    def label(self) -> str:
        """Name and place, for messages."""
        return f"{self.name} {self.chain}:{self.seqid}"

    @property
    def points(self) -> NDArray[np.float64]:
        """Atom positions (n, 3), angstrom."""
        return np.array([atom.pos.tolist() for atom in self.atoms], dtype=np.float64)

    @property
    def is_water(self) -> bool:
        """Whether it is a water molecule."""
        return self.name in ("HOH", "DOD", "WAT")
