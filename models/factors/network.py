"""The network behind a factor model: from a capped building block to what it adds to a product."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ..fingerprints import Features, fold

COMPONENTS = 384
"""Principal components of the blocks' fingerprints that the network reads: a dense product instead of a sparse sum."""
OVERSAMPLED = 32
PASSES = 2
SAMPLED = 32_768
"""Of more blocks, so many drawn ones tell the directions."""


def block_components(features: Features, buckets: int, seed: int) -> NDArray[np.float32]:
    """Return what the network reads of blocks: leading components of their fingerprints, and descriptors.

    A randomised range finder with power iterations (Halko, Martinsson, Tropp, SIAM Rev. 53, 217, 2011) on the weighted
    counts log(1 + count).

    Parameters
    ----------
    features : Features
        Of n capped blocks.
    buckets : int
        That fingerprints are folded into.
    seed : int

    Returns
    -------
    array of float32, shape (n, components + descriptors)
        Components in units of the first one's standard deviation, descriptors standardised.
    """
    folded = fold(features, buckets)
    weights = np.log1p(folded.counts).astype(np.float32)
    table = csr_matrix((weights, folded.buckets, folded.offsets), shape=(len(features), buckets))
    if len(features) > SAMPLED:  # directions need no more, and each pass holds dense arrays of all rows
        drawn = np.sort(np.random.default_rng(seed).choice(len(features), SAMPLED, replace=False))
        directions, mean = _directions(table[drawn], buckets, seed)
        scores = np.asarray(table @ directions - mean @ directions, np.float32)
    else:
        scores = _own_components(table, buckets, seed)
    scores /= max(float(scores[:, 0].std()), 1e-9)
    centre = features.descriptors.mean(axis=0, dtype=np.float64)
    spread = features.descriptors.std(axis=0, dtype=np.float64)
    scaled = (features.descriptors - centre) / np.where(spread > 0, spread, 1.0)
    return np.column_stack([scores, np.clip(scaled, -5, 5)]).astype(np.float32)


def _own_components(table: Any, buckets: int, seed: int) -> NDArray[np.float32]:
    """Return the components of the rows of which they are the components."""
    basis, left, values, _, _ = _decomposed(table, buckets, seed)
    wanted = _wanted(table)
    return np.asarray((basis @ left[:, :wanted]) * values[:wanted], np.float32)


def _directions(table: Any, buckets: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the directions of the components in the space of buckets, and the mean."""
    _, _, _, right, mean = _decomposed(table, buckets, seed)
    return np.ascontiguousarray(right[: _wanted(table)].T), mean


def _wanted(table: Any) -> int:
    return min(COMPONENTS, *table.shape)


def _decomposed(table: Any, buckets: int, seed: int) -> tuple[NDArray[Any], ...]:
    """Return basis, singular vectors and values of the centred rows, and their mean."""
    draws = np.random.default_rng(seed).standard_normal((buckets, min(_wanted(table) + OVERSAMPLED, buckets)))
    mean = np.asarray(table.mean(axis=0), np.float32)

    def centred(right: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(table @ right - mean @ right, np.float32)

    def back(left: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(table.T @ left - np.outer(mean[0], left.sum(axis=0)), np.float32)

    basis = np.linalg.qr(centred(draws.astype(np.float32)))[0]
    for _ in range(PASSES):
        basis = np.linalg.qr(centred(np.linalg.qr(back(basis))[0]))[0]
    left, values, right = np.linalg.svd(back(basis).T, full_matrices=False)
    return basis, left, values, right, mean


class FactorNetwork(torch.nn.Module):
    """One trunk for all blocks, a head for each role of each reaction.

    Parameters
    ----------
    roles : sequence of int
        Roles of each reaction.
    targets, rank, width : int
    inputs : int
        Numbers that describe a block.
    """

    def __init__(self, roles: Sequence[int], targets: int, rank: int, width: int, inputs: int) -> None:
        super().__init__()
        self.roles, self.targets, self.rank = tuple(roles), targets, rank
        total = sum(roles)
        self.inputs = torch.nn.Linear(inputs, width)
        self.role = torch.nn.Embedding(total, width)
        self.hidden = torch.nn.Linear(width, width)
        heads = [
            torch.nn.Linear(width, targets * (1 + rank * (count - 1)))
            for count in roles
            for _ in range(count)
        ]
        self.heads = torch.nn.ModuleList(heads)
        self.offset = torch.nn.Parameter(torch.zeros(len(self.roles), targets))
        torch.nn.init.zeros_(self.role.weight)
        for head in heads:  # vectors begin small: first what blocks add alone
            torch.nn.init.normal_(head.weight, std=0.3 / width**0.5)
            torch.nn.init.zeros_(head.bias)

    def blocks(self, slot: int, described: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what blocks of a role (its place among all roles) add.

        Returns
        -------
        single : tensor, shape (n, targets)
        vectors : tensor, shape (n, partners, targets, rank)
            For the pairs with each other role of the reaction, in their order.
        """
        first = torch.relu(self.inputs(described) + self.role.weight[slot])
        second = torch.relu(self.hidden(first)) + first
        out = self.heads[slot](second)
        single, vectors = out[:, : self.targets], out[:, self.targets :]
        return single, vectors.reshape(len(out), -1, self.targets, self.rank)


def partner(role: int, other: int) -> int:
    """Return the place of ``other`` among the partners of ``role``."""
    return other if other < role else other - 1


def pairs_of(roles: int) -> list[tuple[int, int]]:
    """Return the pairs of roles, each once."""
    return list(combinations(range(roles), 2))
