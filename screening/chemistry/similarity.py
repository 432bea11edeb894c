"""How similar molecules are to given ones, fast enough to ask a million of them while somebody waits.

Similarity is Tanimoto's coefficient of the sets of circular environments of radius 2 (Morgan, ECFP4), unfolded: no two
environments share a bit. Whoever calls brings the function that finds the environments.

Where only molecules beyond a threshold are wanted, most are refused before their environments are found: one of radius
2 can be shared only if the one of radius 1 inside it is, and those are quickly made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...data.jit import kernel
from ...data.molecules.graph import Graphs, read_graphs

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_ATOMS = 3
"""With fewer, atoms share the bonds of their environments of radius 1, and of those one only is counted."""
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
        graphs = read_graphs(self.smiles)
        codes, first_code = _inner_codes(graphs)
        self._bounded = bool(graphs.ok.all()) and bool((np.diff(graphs.first_atom) >= _LEAST_ATOMS).all())
        pairs = np.unique(
            np.stack(
                [codes, np.repeat(np.arange(len(self.smiles)), np.diff(first_code)).astype(np.uint64)], 1
            ),
            axis=0,
        )
        self._inner, starts = np.unique(pairs[:, 0], return_index=True)
        self._inner_first = np.append(starts, len(pairs)).astype(np.int64)
        self._inner_owners = pairs[:, 1].astype(np.int64)
        inner_sizes = np.bincount(self._inner_owners, minlength=len(self.smiles))
        self._outer = np.maximum(self._sizes - inner_sizes, 0)

    def may_reach(self, graphs: Graphs, threshold: float, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which molecules may be as similar to a reference as ``threshold``; only False is certain.

        Parameters
        ----------
        graphs : Graphs
        threshold : float
        among : array of bool, shape (n,)
            All others are not looked at, and come out False.
        """
        found = among.copy()
        if self._bounded and threshold > 0:
            codes, first = _inner_codes(graphs)
            _bound(
                codes, first, graphs.first_atom, graphs.ok, self._inner, self._inner_first, self._inner_owners,
                self._sizes, self._outer, float(threshold), found,
            )  # fmt: skip
        return found

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


def _inner_codes(graphs: Graphs) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the environments of radius 0, then those of radius 1, of each molecule's atoms; and where each begins."""
    first = 2 * graphs.first_atom
    codes = np.empty(int(first[-1]), np.uint64)
    _fill_inner(
        graphs.first_atom, graphs.element, graphs.hydrogens, graphs.charge, graphs.degree, graphs.neighbour,
        graphs.order, graphs.in_ring, codes,
    )  # fmt: skip
    return codes, first


@kernel
def _fill_inner(
    first_atom: Any, element: Any, hydrogens: Any, charge: Any, degree: Any, neighbour: Any, order: Any, in_ring: Any,
    codes: Any,
) -> None:  # fmt: skip
    one, two, three = (
        np.uint64(0x9E3779B97F4A7C15),
        np.uint64(0xBF58476D1CE4E5B9),
        np.uint64(0x94D049BB133111EB),
    )
    for molecule in range(len(first_atom) - 1):
        begin, end = first_atom[molecule], first_atom[molecule + 1]
        shift = end - begin
        for atom in range(begin, end):
            ring = False
            for side in range(degree[atom]):
                ring = ring or in_ring[atom, side]
            value = np.uint64(element[atom]) * np.uint64(16) + np.uint64(degree[atom] + hydrogens[atom])
            value = (value * np.uint64(16) + np.uint64(hydrogens[atom])) * np.uint64(32)
            value = (value + np.uint64(np.int64(charge[atom]) + 16)) * np.uint64(2) + np.uint64(ring)
            value = (value + one) * two
            value ^= value >> np.uint64(31)
            value *= three
            codes[begin + atom] = value ^ (value >> np.uint64(29))
        for atom in range(begin, end):
            near = np.uint64(0)
            for side in range(degree[atom]):  # a sum: neighbours have no order
                value = codes[begin + neighbour[atom, side]] ^ (np.uint64(order[atom, side]) * one)
                value *= two
                value ^= value >> np.uint64(30)
                near += value * three
            value = (codes[begin + atom] ^ near) * one + two
            value ^= value >> np.uint64(31)
            codes[begin + shift + atom] = value * three


@kernel
def _bound(
    codes: Any, first: Any, first_atom: Any, ok: Any, inner: Any, inner_first: Any, owners: Any, sizes: Any, outer: Any,
    threshold: Any, found: Any,
) -> None:  # fmt: skip
    """Clear ``found`` where no reference can be as similar as the threshold."""
    shared = np.zeros(len(sizes), np.int64)
    centres = np.zeros(len(sizes), np.int64)
    touched = np.empty(len(sizes), np.int64)
    for molecule in range(len(found)):
        begin, end = first[molecule], first[molecule + 1]
        if not found[molecule] or not ok[molecule] or end - begin < 2 * _LEAST_ATOMS:
            continue
        middle = begin + (end - begin) // 2
        near, distinct = 0, 0
        for half in range(2):
            low, high = (begin, middle) if half == 0 else (middle, end)
            run = np.sort(codes[low:high])
            at = 0
            while at < len(run):
                times = 1
                while at + times < len(run) and run[at + times] == run[at]:
                    times += 1
                distinct += 1
                place = np.searchsorted(inner, run[at])
                if place < len(inner) and inner[place] == run[at]:
                    for entry in range(inner_first[place], inner_first[place + 1]):
                        owner = owners[entry]
                        if shared[owner] == 0:
                            touched[near] = owner
                            near += 1
                        shared[owner] += 1
                        if half == 1:
                            centres[owner] += times
                at += times
        reach = False
        for slot in range(near):
            owner = touched[slot]
            common = shared[owner] + min(outer[owner], centres[owner])
            union = sizes[owner] + distinct - shared[owner]
            reach = reach or common >= threshold * union - 1e-9
            shared[owner], centres[owner] = 0, 0
        found[molecule] = reach


_BITS = 1 << 31
"""Environments are hashed into so many buckets: two of one molecule never meet."""


def fingerprint(smiles: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the Morgan environments of molecules (:mod:`docksieve.screening.chemistry.similarity`)."""
    from ...data.molecules.features import graph_features

    offsets, features, _ = graph_features(smiles, ["morgan2"], _BITS, False)[0]["morgan2"]
    return offsets, features
