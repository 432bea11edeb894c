"""How similar molecules are to given ones, fast enough to ask a million of them while somebody waits.

Similarity is Tanimoto's coefficient of the sets of circular environments of radius 2 (Morgan, ECFP4), unfolded: no two
environments share a bit. Whoever calls brings the function that finds the environments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.compiled import kernel

Fingerprint = Callable[[Sequence[str]], tuple[NDArray[np.int64], NDArray[np.int32]]]
"""SMILES to sparse sets: offsets, shape (n + 1,), and features, ascending within a molecule."""


class References:
    """Molecules that others are compared with.

    Parameters
    ----------
    smiles : sequence of str
        At least one.
    fingerprint : Fingerprint

    Attributes
    ----------
    smiles : list of str
    """

    def __init__(self, smiles: Sequence[str], fingerprint: Fingerprint) -> None:
        self.smiles = list(smiles)
        self._fingerprint = fingerprint
        offsets, features = fingerprint(self.smiles)
        owner = np.repeat(np.arange(len(self.smiles)), np.diff(offsets))
        order = np.argsort(features, kind="stable")
        self._vocabulary, first = np.unique(features[order], return_index=True)
        self._first = np.append(first, len(features)).astype(np.int64)
        self._owners = owner[order]
        self._sizes = np.diff(offsets)

    def nearest(self, smiles: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return each molecule's similarity to the most similar reference, and which that is.

        Parameters
        ----------
        smiles : sequence of str

        Returns
        -------
        similarity : array of float32, shape (n,)
            From 0 to 1; 0 for what cannot be read.
        place : array of int64, shape (n,)
            Index into :attr:`smiles`; of equally similar ones the first.
        """
        offsets, features = self._fingerprint(smiles)
        similarity, place = np.zeros(len(smiles), np.float32), np.zeros(len(smiles), np.int64)
        _nearest(
            offsets, features, self._vocabulary, self._first, self._owners, self._sizes, similarity, place
        )
        return similarity, place


@kernel
def _nearest(
    offsets: Any,
    features: Any,
    vocabulary: Any,
    first: Any,
    owners: Any,
    sizes: Any,
    similarity: Any,
    place: Any,
) -> None:
    shared = np.zeros(len(sizes), np.int64)
    touched = np.empty(len(sizes), np.int64)
    for molecule in range(len(similarity)):
        begin, end = offsets[molecule], offsets[molecule + 1]
        near = 0
        for slot in range(begin, end):
            low, high = 0, len(vocabulary)
            while low < high:
                middle = (low + high) // 2
                if vocabulary[middle] < features[slot]:
                    low = middle + 1
                else:
                    high = middle
            if low == len(vocabulary) or vocabulary[low] != features[slot]:
                continue
            for entry in range(first[low], first[low + 1]):
                owner = owners[entry]
                if shared[owner] == 0:
                    touched[near] = owner
                    near += 1
                shared[owner] += 1
        best, which = 0.0, 0
        for slot in range(near):
            owner = touched[slot]
            value = shared[owner] / (sizes[owner] + (end - begin) - shared[owner])
            if value > best or (value == best and owner < which):
                best, which = value, owner
            shared[owner] = 0
        similarity[molecule] = best
        place[molecule] = which
