"""One name for all forms of a compound: stereoisomers, tautomers, protonation states, salts.

The name is the SMILES of RDKit's canonical tautomer of the neutral parent without stereochemistry. It takes some
milliseconds; forms of one compound share skeleton and formula, so only molecules that share these need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors, rdMolHash
from rdkit.Chem.MolStandardize import rdMolStandardize


def parent_smiles(smiles: Sequence[str]) -> list[str]:
    """Return the same text for all forms of one compound; a molecule that cannot be read is its own."""
    with rdBase.BlockLogs():
        return [_name(text, _neutral(text)) for text in smiles]


class OnePerParent:
    """Lets the first form of every compound pass, and no other."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}

    def mask(self, smiles: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of the next molecules are the first of their compound.

        Parameters
        ----------
        smiles : sequence of str
            Best first; calls follow one another.
        """
        with rdBase.BlockLogs():
            return np.array([self._is_first(text) for text in smiles], np.bool_)

    def _is_first(self, text: str) -> bool:
        neutral = _neutral(text)
        skeleton = _skeleton(neutral) if neutral is not None else text
        earlier = self._first.setdefault(skeleton, text)
        if earlier == text:
            # A repeated text is found below; the very first one has no name yet.
            known = self._names.setdefault(skeleton, set())
            if not known:
                known.add("")
                return True
        names = self._names[skeleton]
        if "" in names:  # the first of this skeleton gets its name now that there is a second
            names.remove("")
            names.add(_name(earlier, _neutral(earlier)))
        name = _name(text, neutral)
        if name in names:
            return False
        names.add(name)
        return True


def _neutral(text: str) -> Any:
    molecule = Chem.MolFromSmiles(text)
    if molecule is None or not molecule.GetNumAtoms():
        return None
    if "." in text:
        molecule = rdMolStandardize.FragmentParent(molecule)
    Chem.RemoveStereochemistry(molecule)
    if any(atom.GetFormalCharge() for atom in molecule.GetAtoms()):
        molecule = _tools()[0].uncharge(molecule)
    return molecule


def _skeleton(molecule: Any) -> str:
    graph = rdMolHash.MolHash(Chem.Mol(molecule), rdMolHash.HashFunction.ElementGraph)
    return f"{rdMolDescriptors.CalcMolFormula(molecule)} {graph}"


def _name(text: str, molecule: Any) -> str:
    return text if molecule is None else str(Chem.MolToSmiles(_tools()[1].Canonicalize(molecule)))


@cache
def _tools() -> tuple[Any, Any]:
    return rdMolStandardize.Uncharger(True), rdMolStandardize.TautomerEnumerator()
