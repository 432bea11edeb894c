"""Picking molecules that differ from each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from rdkit.SimDivFilters import rdSimDivPickers

from ..data.seeds import derive_seed


def diverse_subset(smiles: Sequence[str], count: int, seed: int) -> NDArray[np.int64]:
    """Return the indices of ``count`` molecules picked by MaxMin (Ashton et al. 2002).

    Distance is 1 - Tanimoto on 1,024-bit Morgan fingerprints of radius 2, which RDKit's lazy picker
    computes only where it must. The first molecule depends on ``seed``.

    Parameters
    ----------
    smiles : sequence of str
        Molecules that cannot be parsed are never picked.
    count : int
    seed : int

    Returns
    -------
    array of int64, shape (m,)
        In the order picked; shorter than ``count`` if there are fewer molecules.
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    usable, prints = [], []
    for index, text in enumerate(smiles):
        molecule = Chem.MolFromSmiles(text)
        if molecule is not None:
            usable.append(index)
            prints.append(generator.GetFingerprint(molecule))
    if count >= len(usable):
        return np.array(usable, dtype=np.int64)
    first = derive_seed(seed, "diverse") % len(prints)
    picker = rdSimDivPickers.MaxMinPicker()
    picks = picker.LazyBitVectorPick(prints, len(prints), count, [first])
    return np.array([usable[index] for index in picks], dtype=np.int64)
