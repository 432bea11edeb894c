"""Which molecules docking would refuse by what a library says of them, before any is prepared.

The checks of :func:`docksieve.screening.docking.ligand.parse_ligand` that follow from columns of a library: what is
refused here would cost a place in a batch and come back without a score.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from rdkit import Chem

from .failures import FailureCode
from .ligand_settings import LigandSettings

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
    >>> from docksieve.screening.docking.limits import LigandLimits
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
