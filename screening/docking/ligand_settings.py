"""Settings of ligand preparation, and what they refuse beforehand (apart from the code that prepares).

The checks of ``screening.docking.ligand.parse_ligand`` that follow from columns of a library are made here,
before any molecule is prepared: what is refused would cost a place in a batch and come back without a score.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .failures import FailureCode

DOCKABLE_ELEMENTS = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")


@dataclass(frozen=True)
class LigandSettings:
    """How a SMILES becomes a molecule in 3-D.

    Attributes
    ----------
    strip_salts : bool
        Keep the parent of an entry of several fragments. Off: such an entry fails with ``fragments``.
    elements : tuple of str
        Others fail with ``unsupported_element``. Vina *scores* silicon or zinc, but with parameters that
        nobody fitted for ligands, so they are not in the default.
    min_heavy_atoms, max_heavy_atoms : int
    max_torsions : int
        Above about 20, a search explores too little for its score to mean anything.
    protonate : bool
        Choose a protonation state with dimorphite-dl; between pH 7 and 8.5 its decisions for lactams of
        aromatic rings, neighbouring amines and 4-aminopyridines are corrected. Off: the state that the SMILES
        shows is docked.
    ph : float
        Where ``protonate`` is on.
    tautomer : "given" or "canonical"
    stereoisomers : int
        1: embedding picks every open stereocentre, and the record says which. More: up to that many
        isomers are docked and the best score is kept.
    rigid_macrocycles : bool
        Keep rings of 7 atoms and more as embedded instead of letting the search close them.
    embed_attempts : int
        Iterations of distance geometry before random coordinates are tried.
    time_limit : float
        Seconds for the preparation of one molecule; past them its process is killed (``embed_timeout``).
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    strip_salts: bool = True
    elements: tuple[str, ...] = DOCKABLE_ELEMENTS
    min_heavy_atoms: int = 6
    max_heavy_atoms: int = 100
    max_torsions: int = 20
    protonate: bool = False
    ph: float = 7.4
    tautomer: Literal["given", "canonical"] = "given"
    stereoisomers: int = 1
    rigid_macrocycles: bool = False
    embed_attempts: int = 30
    time_limit: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.min_heavy_atoms <= self.max_heavy_atoms:
            raise ValueError("min_heavy_atoms: must be at least 1 and no more than max_heavy_atoms")
        if not 0 <= self.max_torsions <= 32:
            raise ValueError("max_torsions: between 0 and 32 (the engine's own limit)")
        if not 1 <= self.stereoisomers <= 64:
            raise ValueError("stereoisomers: between 1 and 64")
        if not 0 <= self.ph <= 14:
            raise ValueError("ph: between 0 and 14")
        if self.embed_attempts < 1:
            raise ValueError("embed_attempts: at least 1")
        if self.time_limit <= 0:
            raise ValueError("time_limit: seconds above 0")
        if not self.elements:
            raise ValueError("elements: at least one")


Mask = NDArray[np.bool_]

_UNDECIDED = r"\.|\[[23]H"
"""Entries of several molecules, of which docking chooses one, and explicit hydrogens, which it removes: their columns
speak of something else than what is docked."""

_PLAIN = ("B", "C", "N", "O", "P", "S", "F", "Cl", "Br", "I")
"""Elements that a SMILES writes without brackets."""


@dataclass(frozen=True)
class LigandLimits:
    """What docking into a target refuses.

    Attributes
    ----------
    min_heavy_atoms, max_heavy_atoms, max_torsions : int
        As in :class:`docksieve.LigandSettings`.
    elements : tuple of str
        Those that are docked.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from docksieve.screening.docking.ligand_settings import LigandLimits
    >>> limits = LigandLimits(6, 100, 20, ("C", "O"))
    >>> molecules = pa.table({"smiles": ["CCCCCCCO", "CCO", "CCCCCCCS"], "heavy_atoms": [8, 3, 8],
    ...     "rotatable_bonds": [6, 0, 6]})
    >>> {str(code): found.tolist() for code, found in limits.refused(molecules).items() if found.any()}
    {'unsupported_element': [False, False, True], 'too_small': [False, True, False]}
    """

    COLUMNS = ("smiles", "heavy_atoms", "rotatable_bonds")
    """Columns of a library that say whether a molecule is refused."""

    min_heavy_atoms: int
    max_heavy_atoms: int
    max_torsions: int
    elements: tuple[str, ...]

    @classmethod
    def of_target(cls, spec: Mapping[str, Any]) -> LigandLimits | None:
        """Return the limits of a frozen target; None if it refuses nothing (a table, a program given SMILES)."""
        given = spec.get("ligand")
        if not given or spec.get("ligand_format") == "smi":
            return None
        default = LigandSettings()
        return cls(
            int(given.get("min_heavy_atoms", default.min_heavy_atoms)),
            int(given.get("max_heavy_atoms", default.max_heavy_atoms)),
            int(given.get("max_torsions", default.max_torsions)),
            tuple(given.get("elements", default.elements)),
        )

    def words(self, code: str) -> str:
        """Return which limit a code of :meth:`refused` stands for."""
        return {
            FailureCode.UNSUPPORTED_ELEMENT: f"an element other than {', '.join(self.elements)}",
            FailureCode.TOO_SMALL: f"fewer than {self.min_heavy_atoms} heavy atoms",
            FailureCode.TOO_LARGE: f"more than {self.max_heavy_atoms} heavy atoms",
            FailureCode.TOO_FLEXIBLE: f"more than {self.max_torsions} rotatable bonds",
        }[FailureCode(code)]

    def refused(self, molecules: pa.RecordBatch | pa.Table) -> dict[FailureCode, Mask]:
        """Return which molecules docking would refuse, by the code that it would give; each has one at most.

        Parameters
        ----------
        molecules : pyarrow RecordBatch or Table
            With :attr:`COLUMNS`. What is not known (null) is not refused.
        """
        smiles = molecules.column("smiles")
        heavy, torsions = (
            pc.fill_null(molecules.column(name).cast(pa.int32()), fill).to_numpy(zero_copy_only=False)
            for name, fill in (("heavy_atoms", self.min_heavy_atoms), ("rotatable_bonds", 0))
        )
        tests = {
            FailureCode.UNSUPPORTED_ELEMENT: _matches(smiles, _foreign(self.elements)),
            FailureCode.TOO_SMALL: heavy < self.min_heavy_atoms,
            FailureCode.TOO_LARGE: heavy > self.max_heavy_atoms,
            FailureCode.TOO_FLEXIBLE: torsions > self.max_torsions,
        }
        open_ones = np.ones(len(heavy), np.bool_)
        beyond = np.flatnonzero(np.logical_or.reduce(list(tests.values())))
        if len(beyond):  # few: only these have to be looked at again
            open_ones[beyond] = ~_matches(smiles.take(pa.array(beyond)), _UNDECIDED)
        found = {}
        for code, refused in tests.items():
            found[code] = np.asarray(refused & open_ones)
            open_ones &= ~refused
        return found


def _matches(smiles: pa.Array | pa.ChunkedArray, pattern: str) -> Mask:
    found = pc.fill_null(pc.match_substring_regex(smiles, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)


def _foreign(elements: tuple[str, ...]) -> str:
    """Return a regular expression that matches a SMILES with an atom of another element than these."""
    from rdkit import Chem  # only here: reading a campaign needs no chemistry

    table = Chem.GetPeriodicTable()
    every = [table.GetElementSymbol(number) for number in range(1, 119)]
    others = [symbol for symbol in every if symbol not in elements]
    aromatic = [symbol.lower() for symbol in ("B", "C", "N", "O", "P", "S") if symbol not in elements]
    two = [symbol for symbol in others if len(symbol) == 2]
    two += [symbol.lower() for symbol in ("Si", "As", "Se", "Te") if symbol not in elements]
    one = [symbol for symbol in others if len(symbol) == 1 and symbol != "H"]
    inside = [*(f"{re.escape(symbol)}" for symbol in two)]
    # A symbol of one letter ends where no small letter follows: B, but not Br.
    inside += [f"{symbol}[^a-z]" for symbol in (*one, *aromatic)]
    parts = [rf"\[[0-9]*(?:{'|'.join(inside)})"] if inside else []
    # Outside brackets: after no digits that follow a bracket, which would be an isotope's.
    following = {"B": "(?:[^r]|$)", "C": "(?:[^l]|$)"}
    plain = [s + following.get(s, "") for s in _PLAIN if s not in elements]
    parts += [rf"(?:^|[^\[0-9][0-9]*){symbol}" for symbol in plain]
    parts += [rf"(?:^|[^\[0-9A-Z][0-9]*){symbol}" for symbol in aromatic]
    return "|".join(parts) or r"[^\s\S]"
