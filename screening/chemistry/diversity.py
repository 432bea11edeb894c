"""Picking molecules that differ from each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold
from rdkit.DataStructs import ExplicitBitVect
from rdkit.SimDivFilters import rdSimDivPickers

from ...data.seeds import derive_seed


def spread_out(diversity: str, smiles: Sequence[str], count: int) -> NDArray[np.int64]:
    """Choose ``count`` molecules that differ from each other.

    Parameters
    ----------
    diversity : str
        ``scaffold`` (:func:`by_scaffold`) or ``maxmin`` (:func:`by_distance`).
    smiles : sequence of str
        Candidates, best first.
    count : int

    Returns
    -------
    array of int64, shape (min(count, n),)
        Indices into ``smiles``, ascending: best first.
    """
    return by_scaffold(smiles, count) if diversity == "scaffold" else by_distance(smiles, count)


def murcko_scaffold(smiles: str) -> str | None:
    """Return the SMILES of the Bemis-Murcko scaffold (1996): rings and what links them, without stereochemistry.

    Empty for molecules without rings, which thus share one; None if the SMILES cannot be parsed.
    """
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            return None
        Chem.RemoveStereochemistry(molecule)
        return str(Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(molecule)))


def by_scaffold(smiles: Sequence[str], count: int, cap: int = 1) -> NDArray[np.int64]:
    """Take the best molecules, but at most ``cap`` of any Murcko scaffold.

    If there are not enough scaffolds, the cap is raised by as much as is needed: the batch is filled in
    turns, each letting one more molecule of a scaffold in, the best first.

    Parameters
    ----------
    smiles : sequence of str
        Candidates, best first. One that cannot be parsed is a scaffold of its own.
    count : int
    cap : int
        At least 1.

    Returns
    -------
    array of int64, shape (min(count, n),)
        Indices into ``smiles``, ascending.
    """
    if cap < 1:
        raise ValueError(f"cap must be at least 1, not {cap}")
    seen: Counter[str | int] = Counter()
    turns = np.empty(len(smiles), np.int64)
    for index, text in enumerate(smiles):
        scaffold = murcko_scaffold(text)
        key = index if scaffold is None else scaffold
        turns[index] = max(0, seen[key] - cap + 1)
        seen[key] += 1
    chosen = np.lexsort((np.arange(len(smiles)), turns))[:count]
    return np.sort(chosen).astype(np.int64)


def by_distance(smiles: Sequence[str], count: int) -> NDArray[np.int64]:
    """Take the best molecule, then always the one farthest from all taken (MaxMin, Ashton et al. 2002).

    Distances are those of :func:`diverse_subset`; among equally far ones the better is taken.

    Parameters
    ----------
    smiles : sequence of str
        Candidates, best first. Those that cannot be parsed only fill a batch that would be too small.
    count : int

    Returns
    -------
    array of int64, shape (min(count, n),)
        Indices into ``smiles``, ascending.
    """
    usable, prints = _fingerprints(smiles)
    picks = [usable[index] for index in _maxmin(prints, min(count, len(prints)), 0)]
    others = np.setdiff1d(np.arange(len(smiles)), usable)[: count - len(picks)]
    return np.sort(np.concatenate([np.array(picks, np.int64), others.astype(np.int64)]))


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
    usable, prints = _fingerprints(smiles)
    if count >= len(usable):
        return np.array(usable, dtype=np.int64)
    picks = _maxmin(prints, count, derive_seed(seed, "diverse") % len(prints))
    return np.array([usable[index] for index in picks], dtype=np.int64)


def _fingerprints(smiles: Sequence[str]) -> tuple[list[int], list[ExplicitBitVect]]:
    """Return the indices of the molecules that can be parsed, and their fingerprints."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    usable, prints = [], []
    for index, text in enumerate(smiles):
        molecule = Chem.MolFromSmiles(text)
        if molecule is not None:
            usable.append(index)
            prints.append(generator.GetFingerprint(molecule))
    return usable, prints


def _maxmin(prints: Sequence[ExplicitBitVect], count: int, first: int) -> list[int]:
    if count <= 0 or not prints:
        return []
    if count >= len(prints):
        return list(range(len(prints)))
    return list(rdSimDivPickers.MaxMinPicker().LazyBitVectorPick(prints, len(prints), count, [first]))
