"""The kernel of the Gaussian process: min-max kernels of count fingerprints and a smooth one of descriptors.

k(x, y) = sum_f w_f minmax_f(x, y) + w_d exp(-|d_x - d_y|^2 / (8 D)), with D standardised descriptors.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from .fingerprints import Features
from .minmax import References, similarity_matrix

DESCRIPTOR_CLIP = 5.0
"""Standardised descriptors beyond this are cut: one enormous molecule must not leave the kernel."""

NOVEL = 0.01
"""A molecule is novel if it is farther from all references than all but this share of the references are from
each other: leave-one-out similarities of nearest neighbours tell what is usual."""

BLOCK = 512
"""Molecules predicted at once."""


class MixedKernel:
    """The kernel between any molecules and the references.

    Parameters
    ----------
    features : Features
        Of the references.
    weights : mapping of str to float
        Of each fingerprint, and of ``descriptors``.
    size : int
        Buckets of the fingerprints.
    centre, scale : array of float32
        Moments that the descriptors are standardised with.
    """

    def __init__(self, features: Features, weights: Mapping[str, float], size: int, centre: NDArray[np.float32],
                 scale: NDArray[np.float32]) -> None:  # fmt: skip
        self.features = features
        self.weights = dict(weights)
        self.size = size
        self.centre, self.scale = centre, scale
        self.references = {kind: References.build(rows, size) for kind, rows in features.counts.items()}
        self.descriptors = self._standardised(features.descriptors)

    def _standardised(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        values = (descriptors - self.centre) / self.scale
        return np.clip(values, -DESCRIPTOR_CLIP, DESCRIPTOR_CLIP).astype(np.float32)

    def _smooth(self, features: Features) -> NDArray[np.float32]:
        queries = torch.from_numpy(self._standardised(features.descriptors)).double()
        references = torch.from_numpy(self.descriptors).double()
        squares = (queries**2).sum(1)[:, None] + (references**2).sum(1)[None] - 2 * queries @ references.T
        smooth: NDArray[np.float32] = (
            torch.exp(-squares.clamp(min=0) / (8 * queries.shape[1])).float().numpy()
        )
        return smooth

    def parts(self, features: Features, threads: int) -> dict[str, NDArray[np.float32]]:
        """Return each component of the kernel on its own, unweighted, shape (n, references)."""
        parts = {
            kind: similarity_matrix(features.counts, self.references, {kind: 1.0}, threads)
            for kind in self.references
        }
        parts["descriptors"] = self._smooth(features)
        return parts

    def __call__(self, features: Features, threads: int) -> NDArray[np.float32]:
        """Return the weighted kernel, shape (n, references)."""
        return self.compared(features, threads)[0]

    def _counts(self, features: Features, threads: int) -> NDArray[np.float32]:
        weights = {kind: self.weights[kind] for kind in self.references}
        return similarity_matrix(features.counts, self.references, weights, threads)

    def _share(self) -> np.float32:
        """Return what the fingerprints weigh together: their kernel of a molecule with itself."""
        return np.float32(sum(self.weights[kind] for kind in self.references))

    def compared(self, features: Features, threads: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the weighted kernel, shape (n, references), and the largest similarity by counts, shape (n,).

        The similarity is the fingerprints' part of the kernel, scaled to be 1 for equal counts.
        """
        total = self._counts(features, threads)
        nearest = np.minimum(total.max(axis=1, initial=0.0) / self._share(), np.float32(1.0))
        if self.weights["descriptors"]:
            total += np.float32(self.weights["descriptors"]) * self._smooth(features)
        return total, nearest

    def novelty(self, threads: int) -> float:
        """Return the ``NOVEL`` quantile of the references' similarities to their nearest neighbours."""
        nearest = np.empty(len(self.descriptors), np.float32)
        for start in range(0, len(nearest), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(nearest)))
            total = self._counts(self.features.take(rows), threads)
            total[np.arange(len(rows)), rows] = 0.0
            nearest[rows] = total.max(axis=1)
        return float(np.quantile(nearest / self._share(), NOVEL))
