"""What receptor preparation is asked to do, and what it reports to have done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAR = 4.0
"""A residue this close to the box (angstrom) touches what is docked."""
TOUCH = 4.5
"""Heavy atoms this close (angstrom) touch each other."""

_PLACE = re.compile(r"[^:+\s]+(:[^:+\s]*){0,2}")


@dataclass(frozen=True)
class PrepareSettings:
    """How a structure becomes a receptor.

    Attributes
    ----------
    ligand : str or None
        A file (.sdf, .mol, .mol2, .pdb, .pdbqt) in the structure's frame, for the box.
    residue : str or None
        ``NAME``, ``NAME:CHAIN`` or ``NAME:CHAIN:NUMBER``, several joined by ``+``: residues of the structure, for the
        box. A ligand is taken out of the receptor; residues of the protein and metals stay in it.
    center : tuple of 3 float or None
        Centre of the box, angstrom, for a structure without a ligand.
    size : tuple of 3 float or None
        Sides of the box, angstrom; None: 20 around ``center``, else what the reference needs.
    pocket : int or None
        Make the box around this pocket of the protein, the most buried being number 1.
    padding : float
        Angstrom added around the reference on every side.
    chains : tuple of str
        Only these; empty: all.
    keep_waters : bool
        Keep the waters that lie in the box.
    keep : tuple of str
        Residues to keep although they are not polymer, written as for ``residue``: ``ZN``, ``HEM:A``.
    drop : tuple of str
        Residues to leave out although they would be kept: cofactors, metals.
    smiles : str or None
        SMILES of the reference ligand, for the bond orders of ``NAME.ligand.sdf``.
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
    center: tuple[float, float, float] | None = None
    size: tuple[float, float, float] | None = None
    pocket: int | None = None
    drop: tuple[str, ...] = ()
    smiles: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.padding <= 30:
            raise ValueError("padding: between 0 and 30 angstrom")
        if self.ligand is not None and self.residue is not None:
            raise ValueError("ligand and residue: one of them, not both")
        if self.pocket is not None and (self.ligand or self.residue or self.center):
            raise ValueError("pocket: not together with ligand, residue or center")
        if self.pocket is not None and not 1 <= self.pocket <= 50:
            raise ValueError("pocket: its number, from 1 to 50")
        for word in (*self.keep, *self.drop, *(self.residue or "X").split("+")):
            if not _PLACE.fullmatch(word.strip()):
                raise ValueError(f"{word!r} does not name a residue: NAME, NAME:CHAIN or NAME:CHAIN:NUMBER")
        both = set(self.keep) & set(self.drop)
        if both:
            raise ValueError(f"keep and drop both name {', '.join(sorted(both))}")


@dataclass
class PrepareReport:
    """What was done to the structure.

    Attributes
    ----------
    receptor, box : str
        The files that were written.
    ligand : str
        The file of the reference ligand (SDF); empty if the box was not made around one.
    ligand_smiles : str
        The reference ligand as read, and ``ligand_bonds`` where its bond orders come from.
    reference : str
        What the box was made around.
    covalent : list of str
        Bonds between the reference ligand and the receptor.
    removed : dict of str to int
        Residues taken out, by name.
    cofactors : list of str
        Molecules and metals kept beside the polymer, and how each was typed.
    alternatives : list of str
        Residues of which one of several positions was chosen.
    renamed, cut_back, dropped : list of str
        Residues changed to a standard one, side chains cut back to alanine or glycine because atoms are
        missing, and residues left out because they fit no template.
    cut_back_near : list of str
        Those of ``cut_back`` that are near the box.
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
    ligand: str = ""
    ligand_smiles: str = ""
    ligand_bonds: str = ""
    covalent: list[str] = field(default_factory=list)
    cofactors: list[str] = field(default_factory=list)
    cut_back_near: list[str] = field(default_factory=list)
    pockets: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Residue:
    """A residue of the cleaned structure.

    Attributes
    ----------
    chain : str
        One letter, for programs that read PDB.
    seqid : gemmi.SeqId
    name : str
    atoms : list of gemmi.Atom
    hetero : bool
        Whether the file calls its atoms HETATM.
    file_chain : str
        The chain's name in the file; empty: the same as ``chain``.
    file_name : str
        The residue's name in the file, if ``name`` is another.
    """

    chain: str
    seqid: Any
    name: str
    atoms: list[Any]
    hetero: bool = False
    file_chain: str = ""
    file_name: str = ""

    @property
    def label(self) -> str:
        """Name and place, for messages."""
        return f"{self.file_name or self.name} {self.file_chain or self.chain}:{self.seqid}"

    @property
    def place(self) -> str:
        """Name and place as ``--residue`` takes them."""
        return f"{self.file_name or self.name}:{self.file_chain or self.chain}:{self.seqid}"

    @property
    def points(self) -> NDArray[np.float64]:
        """Atom positions (n, 3), angstrom."""
        return np.array([atom.pos.tolist() for atom in self.atoms], dtype=np.float64)

    @property
    def heavy(self) -> list[Any]:
        """Atoms other than hydrogen."""
        return [atom for atom in self.atoms if not atom.is_hydrogen()]

    @property
    def is_water(self) -> bool:
        """Whether it is a water molecule."""
        return self.name in ("HOH", "DOD", "WAT", "H2O", "TIP", "TIP3", "TIP4", "SOL", "SPC", "T3P")

    def is_named(self, words: str) -> bool:
        """Tell whether ``words`` (NAME, NAME:CHAIN or NAME:CHAIN:NUMBER) name this residue."""
        name, _, rest = words.strip().partition(":")
        chain, _, number = rest.partition(":")
        return (
            name in (self.name, self.file_name)
            and chain in ("", self.file_chain or self.chain)
            and number in ("", str(self.seqid))
        )


def heavy_points(residues: Sequence[Residue]) -> NDArray[np.float64]:
    """Return the positions (n, 3), angstrom, of the heavy atoms of ``residues``."""
    found = [atom.pos.tolist() for residue in residues for atom in residue.heavy]
    return np.array(found, dtype=np.float64).reshape(-1, 3)


def touches(points: NDArray[np.float64], others: NDArray[np.float64], limit: float = TOUCH) -> bool:
    """Tell whether any of ``points`` (n, 3) lies within ``limit`` angstrom of any of ``others`` (m, 3)."""
    if not len(points) or not len(others):
        return False
    return bool((np.linalg.norm(points[:, None] - others[None], axis=-1) <= limit).any())
