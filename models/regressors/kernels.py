"""The kernel of the Gaussian process: of count fingerprints, and a smooth and a linear one of descriptors.

k(x, y) = sum_f w_f minmax_f(x, y) + w_d exp(-|d_x - d_y|^2 / (2 D l^2)) + w_l d_x . d_y / D, with D standardised
descriptors. The linear part lets a trend go on beyond the molecules that were docked, where the others fade.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from ..fingerprints import Features
from .minmax import References, similarity_matrix

DESCRIPTOR_CLIP = 5.0
"""Standardised descriptors beyond this are cut: one enormous molecule must not leave the kernel."""

LENGTH = 2.0
"""Length of the smooth kernel where none was chosen, as in bundles of versions 1 and 2."""

NOVEL = 0.01
"""A molecule is novel if it is farther from all references than all but this share of the references are from
each other: leave-one-out similarities of nearest neighbours tell what is usual."""

BLOCK = 512
"""Molecules predicted at once."""


def moments(features: Features) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return centre and scale (one where all are equal) of the descriptors of ``features``."""
    centre = features.descriptors.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = features.descriptors.std(axis=0, dtype=np.float64).astype(np.float32)
    return centre, np.where(spread > 0, spread, np.float32(1.0))


class MixedKernel:
    """The kernel between any molecules and the references.

    Parameters
    ----------
    features : Features
        Of the references.
    weights : mapping of str to float
        Of each fingerprint, of ``descriptors`` (the smooth kernel) and, if it has any, of ``linear``.
    size : int
        Buckets of the fingerprints.
    centre, scale : array of float32
        Moments that the descriptors are standardised with.
    length : float
        Of the smooth kernel, in root mean squared standard deviations of the descriptors.
    """

    def __init__(self, features: Features, weights: Mapping[str, float], size: int, centre: NDArray[np.float32],
                 scale: NDArray[np.float32], length: float = LENGTH) -> None:  # fmt: skip
        self.features = features
        self.weights = dict(weights)
        self.size = size
        self.length = length
        self.centre, self.scale = centre, scale
        self.references = {kind: References.build(rows, size) for kind, rows in features.counts.items()}
        self.descriptors = self._standardised(features.descriptors)

    def _standardised(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        values = (descriptors - self.centre) / self.scale
        return np.clip(values, -DESCRIPTOR_CLIP, DESCRIPTOR_CLIP).astype(np.float32)

    def _squares(self, descriptors: torch.Tensor) -> torch.Tensor:
        """Return the mean squared difference of standardised descriptors, shape (n, references)."""
        references = torch.from_numpy(self.descriptors).double()
        squares = (descriptors**2).sum(1)[:, None] + (references**2).sum(1)[None]
        return (squares - 2 * descriptors @ references.T).clamp(min=0) / descriptors.shape[1]

    def _linear(self, descriptors: torch.Tensor) -> torch.Tensor:
        return descriptors @ torch.from_numpy(self.descriptors).double().T / descriptors.shape[1]

    def parts(self, features: Features, threads: int) -> dict[str, NDArray[np.float32]]:
        """Return each component on its own, unweighted, shape (n, references).

        Of ``descriptors``, it is the mean squared difference, of which the smooth kernel is made.
        """
        parts = {
            kind: similarity_matrix(features.counts, self.references, {kind: 1.0}, threads)
            for kind in self.references
        }
        descriptors = torch.from_numpy(self._standardised(features.descriptors)).double()
        parts["descriptors"] = self._squares(descriptors).float().numpy()
        parts["linear"] = self._linear(descriptors).float().numpy()
        return parts

    def variance(self, features: Features) -> NDArray[np.float64]:
        """Return the kernel of each molecule with itself, shape (n,)."""
        flat = sum(weight for name, weight in self.weights.items() if name != "linear")
        own = (self._standardised(features.descriptors).astype(np.float64) ** 2).mean(axis=1)
        result: NDArray[np.float64] = flat + self.weights.get("linear", 0.0) * own
        return result

    def __call__(self, features: Features, threads: int) -> NDArray[np.float32]:
        """Return the weighted kernel, shape (n, references)."""
        return self.compared(features, threads)[0]

    def _counts(self, features: Features, threads: int) -> NDArray[np.float32]:
        weights = {kind: self.weights[kind] for kind in self.references}
        return similarity_matrix(features.counts, self.references, weights, threads)

    def _share(self) -> np.float32:
        """Return what the fingerprints weigh together: their kernel of a molecule with itself."""
        return np.float32(max(sum(self.weights[kind] for kind in self.references), 1e-9))

    def compared(self, features: Features, threads: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the weighted kernel, shape (n, references), and the largest similarity by counts, shape (n,).

        The similarity is the fingerprints' part of the kernel, scaled to be 1 for equal counts.
        """
        total = self._counts(features, threads)
        nearest = np.minimum(total.max(axis=1, initial=0.0) / self._share(), np.float32(1.0))
        descriptors = torch.from_numpy(self._standardised(features.descriptors)).double()
        if self.weights["descriptors"]:
            smooth = torch.exp(self._squares(descriptors) * (-0.5 / self.length**2)).float().numpy()
            total += np.float32(self.weights["descriptors"]) * smooth
        if self.weights.get("linear"):
            total += np.float32(self.weights["linear"]) * self._linear(descriptors).float().numpy()
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
