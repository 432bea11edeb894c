"""Count fingerprints and descriptors of molecules, in batches.

A molecule that RDKit cannot read gives an empty, marked row; the other rows stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from ..data.molecules.features import graph_features
from .settings import FingerprintSettings

DESCRIPTORS = (
    "exactmw",
    "NumHeavyAtoms",
    "NumHeteroatoms",
    "lipinskiHBA",
    "lipinskiHBD",
    "NumRotatableBonds",
    "NumRings",
    "NumAromaticRings",
    "FractionCSP3",
    "NumBridgeheadAtoms",
    "tpsa",
    "CrippenClogP",
    "CrippenMR",
)
"""Names that ``rdMolDescriptors.Properties`` computes in one call."""

BATCH = 2_000
"""Molecules held in memory at once as RDKit objects."""


@dataclass(frozen=True)
class CountRows:
    """Sparse rows of counts.

    Attributes
    ----------
    offsets : array of int64, shape (n + 1,)
    features : array of int32, shape (offsets[-1],)
        Bucket numbers, ascending within a row.
    counts : array of int32, shape (offsets[-1],)
        All positive.
    """

    offsets: NDArray[np.int64]
    features: NDArray[np.int32]
    counts: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def totals(self) -> NDArray[np.float32]:
        """Sum of the counts of each row, shape (n,)."""
        sums = np.concatenate([[0], np.cumsum(self.counts, dtype=np.int64)])
        return (sums[self.offsets[1:]] - sums[self.offsets[:-1]]).astype(np.float32)

    def take(self, rows: NDArray[np.int64]) -> CountRows:
        """Return ``rows``, in that order."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        index = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return CountRows(offsets, self.features[index], self.counts[index])


@dataclass(frozen=True)
class Features:
    """What teachers know of molecules.

    Attributes
    ----------
    counts : dict of str to CountRows
        One table per fingerprint kind.
    descriptors : array of float32, shape (n, len(DESCRIPTORS)) or (n, 0)
        Zero in invalid rows; no columns where they were not asked for.
    valid : array of bool, shape (n,)
    smiles : array of object, shape (n,), or None
        What the rows were made from, for models that read molecules themselves; None where only the
        fingerprints are known.

    Examples
    --------
    >>> features = docksieve.featurise(["CC(=O)Nc1ccc(O)cc1", "no molecule"])
    >>> len(features), features.valid
    (2, array([ True, False]))
    >>> sorted(features.counts)
    ['morgan1', 'morgan2', 'pair', 'torsion']
    """

    counts: dict[str, CountRows]
    descriptors: NDArray[np.float32]
    valid: NDArray[np.bool_]
    smiles: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.valid)

    def take(self, rows: NDArray[np.int64]) -> Features:
        """Return ``rows``, in that order."""
        counts = {kind: table.take(rows) for kind, table in self.counts.items()}
        smiles = None if self.smiles is None else self.smiles[rows]
        return Features(counts, self.descriptors[rows], self.valid[rows], smiles)


def _generator(kind: str, settings: FingerprintSettings) -> Any:
    chiral, size = settings.chirality, settings.size
    if kind.startswith("morgan"):
        return rdFingerprintGenerator.GetMorganGenerator(
            radius=int(kind[-1]), includeChirality=chiral, fpSize=size
        )
    if kind == "pair":
        return rdFingerprintGenerator.GetAtomPairGenerator(includeChirality=chiral, fpSize=size)
    return rdFingerprintGenerator.GetTopologicalTorsionGenerator(includeChirality=chiral, fpSize=size)


def _count_rows(generator: Any, molecules: list[Any], valid: NDArray[np.bool_], threads: int) -> CountRows:
    """Fingerprint the ``molecules`` (those of the valid rows only) and place them in all rows."""
    vectors = generator.GetCountFingerprints(molecules, numThreads=threads) if molecules else ()
    entries = [vector.GetNonzeroElements() for vector in vectors]
    lengths = np.zeros(len(valid), np.int64)
    lengths[valid] = [len(entry) for entry in entries]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offsets[-1])
    features = np.fromiter((key for entry in entries for key in entry), np.int32, total)
    counts = np.fromiter((value for entry in entries for value in entry.values()), np.int32, total)
    return CountRows(offsets, features, counts)


def read_molecules(smiles: Sequence[str | None]) -> list[Any]:
    """Return RDKit molecules, None for those that cannot be read or have no atom."""
    with rdBase.BlockLogs():
        found = [Chem.MolFromSmiles(text) if text else None for text in smiles]
    return [mol if mol is not None and mol.GetNumAtoms() else None for mol in found]


def _compiled_features(
    smiles: Sequence[str | None], settings: FingerprintSettings, descriptors: bool, standard: bool
) -> Features:
    """Return features by compiled kernels, which read what RDKit writes; other SMILES are rewritten first."""
    texts = list(smiles)
    if not standard:
        texts = [None if mol is None else Chem.MolToSmiles(mol) for mol in read_molecules(smiles)]
    rows, values, valid = graph_features(texts, settings.kinds, settings.size, descriptors)
    counts = {kind: CountRows(*found) for kind, found in rows.items()}
    return Features(counts, values, valid, np.array([*smiles, None], dtype=object)[:-1])


def _batch_features(
    smiles: Sequence[str | None],
    settings: FingerprintSettings,
    descriptors: bool,
    threads: int,
    standard: bool,
) -> Features:
    if settings.toolkit == "compiled":
        return _compiled_features(smiles, settings, descriptors, standard)
    molecules = read_molecules(smiles)
    valid = np.array([mol is not None for mol in molecules], bool)
    present = [mol for mol in molecules if mol is not None]
    counts = {
        str(kind): _count_rows(_generator(kind, settings), present, valid, threads) for kind in settings.kinds
    }
    values = np.zeros((len(valid), len(DESCRIPTORS) if descriptors else 0), np.float32)
    if descriptors and present:
        properties = rdMolDescriptors.Properties(list(DESCRIPTORS))
        values[valid] = [list(properties.ComputeProperties(mol)) for mol in present]
        finite = np.isfinite(values).all(axis=1)
        values[~finite] = 0.0
        valid &= finite
    return Features(counts, values, valid, np.array([*smiles, None], dtype=object)[:-1])


def _joined(parts: list[Features]) -> Features:
    if len(parts) == 1:
        return parts[0]
    counts = {}
    for kind in parts[0].counts:
        tables = [part.counts[kind] for part in parts]
        starts = np.cumsum([0] + [table.offsets[-1] for table in tables])
        offsets = [table.offsets[:-1] + start for table, start in zip(tables, starts[:-1], strict=True)]
        counts[kind] = CountRows(
            np.concatenate([*offsets, starts[-1:]]).astype(np.int64),
            np.concatenate([table.features for table in tables]),
            np.concatenate([table.counts for table in tables]),
        )
    return Features(
        counts,
        np.concatenate([part.descriptors for part in parts]),
        np.concatenate([part.valid for part in parts]),
        np.concatenate([part.smiles for part in parts if part.smiles is not None]),
    )


def iter_features(
    smiles: Sequence[str | None],
    settings: FingerprintSettings,
    descriptors: bool = True,
    threads: int = 1,
    batch: int = BATCH,
    standard: bool = False,
) -> Iterator[Features]:
    """Yield the features of ``smiles`` in batches, in order (an empty input yields one empty batch)."""
    for start in range(0, max(len(smiles), 1), batch):
        yield _batch_features(smiles[start : start + batch], settings, descriptors, threads, standard)


def featurise(
    smiles: Sequence[str | None],
    settings: FingerprintSettings | None = None,
    descriptors: bool = True,
    threads: int = 1,
    standard: bool = False,
) -> Features:
    """Return the features of all ``smiles``.

    Parameters
    ----------
    smiles : sequence of str or None
    settings : FingerprintSettings, optional
    descriptors : bool
        Whether to compute the descriptors too (about a third of the time).
    threads : int
        For RDKit's fingerprints; reading SMILES stays on one.
    standard : bool
        Whether ``smiles`` are as RDKit writes them (those of a library are): they are then read by compiled
        kernels at once.

    Returns
    -------
    Features
        One row per SMILES, in order; ``valid`` is False where RDKit could not read it.

    Examples
    --------
    >>> features = docksieve.featurise(["CC(=O)Nc1ccc(O)cc1", "no molecule"], descriptors=False)
    >>> features.valid
    array([ True, False])
    >>> features.descriptors.shape
    (2, 0)
    """
    settings = settings or FingerprintSettings()
    return _joined(list(iter_features(smiles, settings, descriptors, threads, standard=standard)))


_MIX = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4)."""


@dataclass(frozen=True)
class Folded:
    """Bags of hashed features; a bucket may occur more than once in a row.

    Attributes
    ----------
    offsets : array of int64, shape (n + 1,)
    buckets : array of int64, shape (offsets[-1],)
    counts : array of int32, shape (offsets[-1],)
    """

    offsets: NDArray[np.int64]
    buckets: NDArray[np.int64]
    counts: NDArray[np.int32]

    def dense(self, size: int) -> NDArray[np.float64]:
        """Return the summed counts, shape (n, size)."""
        matrix = np.zeros((len(self.offsets) - 1, size))
        rows = np.repeat(np.arange(len(matrix)), np.diff(self.offsets))
        np.add.at(matrix, (rows, self.buckets), self.counts)
        return matrix


def fold(features: Features, size: int) -> Folded:
    """Hash all fingerprints of ``features`` into ``size`` buckets (a power of two); kinds are kept apart."""
    tables = list(features.counts.values())
    lengths = np.stack([np.diff(table.offsets) for table in tables])
    offsets = np.concatenate([[0], np.cumsum(lengths.sum(axis=0))]).astype(np.int64)
    buckets = np.empty(offsets[-1], np.int64)
    counts = np.empty(offsets[-1], np.int32)
    starts = offsets[:-1].copy()
    shift = np.uint64(64 - (size.bit_length() - 1))
    for index, table in enumerate(tables):
        keys = table.features.astype(np.uint64) | np.uint64((index + 1) << 40)
        place = np.repeat(starts - table.offsets[:-1], lengths[index]) + np.arange(len(keys))
        buckets[place] = ((keys * _MIX) >> shift).astype(np.int64)
        counts[place] = table.counts
        starts += lengths[index]
    return Folded(offsets, buckets, counts)
