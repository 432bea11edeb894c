"""Gaussian process on min-max kernels of count fingerprints and kernels of descriptors (``kernels.py``).

Weights, length and noise are chosen by ``evidence.py``. Up to ``max_exact`` molecules the posterior is exact
(Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, algorithm 2.1); beyond, it is the projected
process on inducing molecules (section 8.3.4). The amplitude of each target is the likeliest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...data.errors import ModelError
from ...data.words import plural
from ..fingerprints import CountRows, Features
from ..settings import TeacherSettings
from ..threads import torch_threads
from .kernels import BLOCK, LENGTH, MixedKernel, moments
from .marginal_likelihood import choose
from .regressor import FitContext


@dataclass(frozen=True)
class _Posterior:
    """Posterior of the targets whose scores cover the same molecules.

    Attributes
    ----------
    targets : array of int64
    columns : array of int64
        References that it uses.
    alpha : array of float64, shape (columns, targets)
        Mean = kernel @ alpha.
    factor : array of float32, shape (columns, columns)
        Lower triangular; the variance explained is the squared norm of its solution. Empty where only
        means are wanted.
    second : array of float32, shape (columns, columns) or (0, 0)
        What the projected process adds back; empty for an exact posterior.
    amplitude : array of float64, shape (targets,)
        Signal variance.
    noise : float
        Noise variance over signal variance.
    """

    targets: NDArray[np.int64]
    columns: NDArray[np.int64]
    alpha: NDArray[np.float64]
    factor: NDArray[np.float32]
    second: NDArray[np.float32]
    amplitude: NDArray[np.float64]
    noise: float


def _cholesky(matrix: torch.Tensor, what: str) -> torch.Tensor:
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if int(failed):
        raise ModelError(
            f"The {what} of the kernel teacher is not positive definite.",
            "This points to damaged fingerprints or scores; check the training data for odd values.",
        )
    return factor


def _exact(kernel: MixedKernel, features: Features, scores: NDArray[np.float64], targets: NDArray[np.int64],
           rows: NDArray[np.int64], context: FitContext, noise: float, tune: bool) -> _Posterior:  # fmt: skip
    sample = features.take(rows)
    local = MixedKernel(sample, kernel.weights, kernel.size, kernel.centre, kernel.scale, kernel.length)
    matrix = torch.from_numpy(local(sample, context.threads)).double()
    wanted = torch.from_numpy(scores[np.ix_(rows, targets)])
    diagonal = torch.eye(len(rows), dtype=torch.float64)
    best = None
    for candidate in (noise / 10**0.5, noise, noise * 10**0.5) if tune else (noise,):
        factor = _cholesky(matrix + candidate * diagonal, "covariance")
        alpha = torch.cholesky_solve(wanted, factor)
        amplitude = (wanted * alpha).mean(dim=0).clamp(min=1e-12)
        determinant = 2 * torch.log(torch.diagonal(factor)).sum()
        likelihood = float(-0.5 * (len(rows) * torch.log(amplitude) + determinant).sum())
        if best is None or likelihood > best[0]:
            best = (likelihood, candidate, factor.float().contiguous(), alpha.contiguous(), amplitude)
    assert best is not None
    return _Posterior(
        targets,
        rows,
        best[3].numpy(),
        best[2].numpy(),
        np.zeros((0, 0), np.float32),
        best[4].numpy(),
        best[1],
    )


def _projected(kernel: MixedKernel, features: Features, scores: NDArray[np.float64], targets: NDArray[np.int64],
               rows: NDArray[np.int64], context: FitContext, noise: float) -> _Posterior:  # fmt: skip
    """Return the projected process whose inducing molecules are all references of ``kernel``."""
    references = len(kernel.descriptors)
    own = kernel(kernel.features, context.threads)
    lower = _cholesky(torch.from_numpy(own).double() + 1e-5 * torch.eye(references), "inducing covariance")
    gram = torch.zeros((references, references), dtype=torch.float64)
    moment = torch.zeros((references, len(targets)), dtype=torch.float64)
    squares = torch.zeros(len(targets), dtype=torch.float64)
    for start in range(0, len(rows), 4 * BLOCK):
        part = rows[start : start + 4 * BLOCK]
        cross = torch.from_numpy(kernel(features.take(part), context.threads)).double()
        white = torch.linalg.solve_triangular(lower, cross.T, upper=False)
        wanted = torch.from_numpy(scores[np.ix_(part, targets)])
        gram += white @ white.T
        moment += white @ wanted
        squares += (wanted**2).sum(dim=0)
    inner = _cholesky(torch.eye(references, dtype=torch.float64) + gram / noise, "projected covariance")
    solved = torch.cholesky_solve(moment, inner) / noise
    alpha = torch.linalg.solve_triangular(lower.T, solved, upper=True)
    amplitude = ((squares - (moment * solved).sum(dim=0)) / noise / len(rows)).clamp(min=1e-12)
    return _Posterior(
        targets, np.arange(references), alpha.contiguous().numpy(), lower.float().contiguous().numpy(),
        (lower @ inner).float().contiguous().numpy(),
        amplitude.numpy(), noise,
    )  # fmt: skip


class KernelRegressor:
    """A fitted Gaussian process; see the module."""

    def __init__(
        self, kernel: MixedKernel, posteriors: list[_Posterior], targets: int, hyper: Mapping[str, Any]
    ) -> None:
        self._kernel = kernel
        self._posteriors = posteriors
        self._targets = targets
        self.hyper = hyper
        self.novelty: float | None = hyper.get("novelty")  # bundles of version 1 do not have it

    @classmethod
    def fit(cls, features: Features, scores: NDArray[np.float64], context: FitContext) -> KernelRegressor:
        """Fit; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        with torch_threads(context.threads):
            return cls._fit(features, scores, context)

    @classmethod
    def _fit(cls, features: Features, scores: NDArray[np.float64], context: FitContext) -> KernelRegressor:
        settings = context.settings
        centre, scale = moments(features)
        exact = len(features) <= settings.kernel.max_exact
        chosen = np.arange(len(features))
        if not exact:
            generator = np.random.default_rng(context.seed)
            chosen = np.sort(
                generator.choice(chosen, min(settings.kernel.inducing, len(chosen)), replace=False)
            )
        equal = dict.fromkeys([*settings.fingerprints.kinds, "descriptors"], 1.0)
        size = settings.fingerprints.size
        kernel = MixedKernel(features.take(chosen), equal, size, centre, scale)
        tune = context.hyper is None
        hyper = dict(context.hyper or choose(kernel, features, scores, context))
        kernel.weights, kernel.length = dict(hyper["weights"]), hyper.get("length", LENGTH)
        if tune:
            hyper["novelty"] = kernel.novelty(context.threads)
        posteriors = []
        known = ~np.isnan(scores)
        patterns, group = np.unique(known, axis=1, return_inverse=True)
        noises = dict(hyper.get("noises", {}))
        for index in range(patterns.shape[1]):
            targets = np.flatnonzero(group.ravel() == index)
            rows = np.flatnonzero(patterns[:, index])
            noise = float(noises.get(str(targets[0]), hyper["noise"]))
            if exact:
                # The noise was chosen on a sample, or on the molecules that all targets have.
                other = tune and len(rows) != hyper["selection_rows"]
                posterior = _exact(kernel, features, scores, targets, rows, context, noise, other)
            else:
                posterior = _projected(kernel, features, scores, targets, rows, context, noise)
            posteriors.append(posterior)
            noises.update({str(target): posterior.noise for target in targets})
        hyper |= {
            "noises": noises,
            "posterior": "exact" if exact else f"projected on {plural(len(chosen), 'molecule')}",
        }
        return cls(kernel, posteriors, scores.shape[1], hyper)

    def predict(self, features: Features, threads: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance (noise included); see :class:`docksieve.models.regressors.regressor.Regressor`."""
        mean, variance, _ = self.compare(features, threads)
        return mean, variance

    def compare(
        self, features: Features, threads: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
        """Return mean, variance and largest similarity (:class:`~.regressor.Comparing`)."""
        nearest = np.zeros(len(features), np.float32)
        mean = np.zeros((len(features), self._targets))
        variance = np.zeros((len(features), self._targets))
        with torch_threads(threads):
            for start in range(0, len(features), BLOCK):
                rows = np.arange(start, min(start + BLOCK, len(features)))
                matrix, nearest[rows] = self._kernel.compared(features.take(rows), threads)
                cross = torch.from_numpy(matrix)
                prior = torch.from_numpy(self._kernel.variance(features.take(rows)))
                for posterior in self._posteriors:
                    block = cross[:, torch.from_numpy(posterior.columns)]
                    values = block.double() @ torch.from_numpy(posterior.alpha)
                    place = np.ix_(rows, posterior.targets)
                    mean[place] = values.numpy()
                    if not posterior.factor.size:  # of a model that was reduced to its means
                        variance[place] = np.nan
                        continue
                    left = prior + posterior.noise - _explained(posterior.factor, block)
                    if posterior.second.size:
                        left += _explained(posterior.second, block)
                    left = left.clamp(min=posterior.noise)
                    variance[place] = left.numpy()[:, None] * posterior.amplitude
        return mean, variance, nearest

    def means_only(self) -> KernelRegressor:
        """Return the same model without what its variances need; see :class:`~.registry.Reducible`."""
        nothing = np.zeros((0, 0), np.float32)
        reduced = [replace(posterior, factor=nothing, second=nothing) for posterior in self._posteriors]
        return KernelRegressor(self._kernel, reduced, self._targets, self.hyper)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all arrays; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        result: dict[str, NDArray[Any]] = {
            "descriptors": self._kernel.descriptors,
            "descriptor_centre": self._kernel.centre,
            "descriptor_scale": self._kernel.scale,
        }
        for kind, rows in self._kernel.features.counts.items():
            result |= {
                f"{kind}.offsets": rows.offsets,
                f"{kind}.features": rows.features,
                f"{kind}.counts": rows.counts,
            }
        for index, posterior in enumerate(self._posteriors):
            for name in ("targets", "columns", "alpha", "factor", "second", "amplitude"):
                result[f"posterior.{index}.{name}"] = getattr(posterior, name)
            result[f"posterior.{index}.noise"] = np.array([posterior.noise])
        return result

    @classmethod
    def seconds(cls, rows: int, targets: int, settings: TeacherSettings) -> float:
        """Return the cost of one fit; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        kernel = settings.kernel
        references = rows if rows <= kernel.max_exact else min(kernel.inducing, rows)
        choice = 4.0 * (min(rows, kernel.selection_rows) / 1_000) ** 3
        return choice + 1e-7 * rows * references + 2e-11 * references**2 * (rows + references) * targets

    @classmethod
    def restore(
        cls, tensors: Mapping[str, NDArray[Any]], hyper: Mapping[str, Any], settings: TeacherSettings
    ) -> KernelRegressor:
        """Return the saved model; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        counts = {
            str(kind): CountRows(
                tensors[f"{kind}.offsets"], tensors[f"{kind}.features"], tensors[f"{kind}.counts"]
            )
            for kind in settings.fingerprints.kinds
        }
        centre, scale = tensors["descriptor_centre"], tensors["descriptor_scale"]
        features = Features(counts, tensors["descriptors"], np.ones(len(tensors["descriptors"]), bool))
        length = hyper.get("length", LENGTH)
        kernel = MixedKernel(features, hyper["weights"], settings.fingerprints.size, centre, scale, length)
        kernel.descriptors = tensors["descriptors"]  # already standardised
        posteriors: list[_Posterior] = []
        while f"posterior.{len(posteriors)}.targets" in tensors:
            prefix = f"posterior.{len(posteriors)}."
            fields = {
                name: tensors[prefix + name]
                for name in ("targets", "columns", "alpha", "factor", "second", "amplitude")
            }
            posteriors.append(_Posterior(**fields, noise=float(tensors[prefix + "noise"][0])))
        return cls(kernel, posteriors, sum(len(item.targets) for item in posteriors), hyper)


def _explained(factor: NDArray[np.float32], cross: torch.Tensor) -> torch.Tensor:
    """Return |factor^-1 k|^2 for every row k of ``cross``."""
    solved = torch.linalg.solve_triangular(torch.from_numpy(factor), cross.T.contiguous(), upper=False)
    return (solved.double() ** 2).sum(dim=0)
