r"""One molecule in the canonical SMILES of two versions of RDKit.

Between RDKit 2025.3 and 2026.9 such texts differ in one way only: where the slashes of a double bond stand
(``C(=C/c1ccccc1)\c1ccccc1`` became ``C(=C\c1ccccc1)/c1ccccc1``). So what is not found by its text is looked for
without slashes, and what that finds is compared as molecules, in the spelling of the RDKit that is installed: E and Z
stay two molecules.
"""

from __future__ import annotations

import rdkit
from rdkit import Chem

PATTERN = r"[/\\]"
"""What differs, as a regular expression."""


def without_slashes(smiles: str) -> str:
    r"""Return ``smiles`` without the ``/`` and ``\`` that place the groups of double bonds."""
    return smiles.replace("/", "").replace("\\", "")


def spelled_now(smiles: str) -> str | None:
    """Return the canonical SMILES of the RDKit that is installed; None where it cannot be read."""
    mol = Chem.MolFromSmiles(smiles)
    return None if mol is None else Chem.MolToSmiles(mol)


def rdkit_version() -> str:
    """Return the version of the RDKit that is installed."""
    return str(rdkit.__version__)
