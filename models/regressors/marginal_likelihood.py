"""Hyper-parameters of the kernel by marginal likelihood, with a prior that takes over where scores are few.

The evidence is that of Rasmussen and Williams (Gaussian Processes for Machine Learning, 2006, eq. 5.8), summed over
targets, for scores of unit variance. Its logarithm plus that of log-normal priors is maximised over the weight of
each component, the length of the smooth kernel and the noise (L-BFGS, exact gradients, eq. 5.9). A hundred scores
cannot tell half a dozen numbers: the priors keep what is not told where it usually is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..fingerprints import Features
from ..threads import torch_threads
from .kernels import LENGTH, MixedKernel, moments
from .regressor import FitContext

COUNTS, SMOOTH, LINEAR, NOISE = 0.5, 0.5, 0.1, 0.3
"""Medians of the priors: of the fingerprints together, the smooth and the linear kernel, and the noise variance."""
SPREAD, LENGTH_SPREAD = 1.0, 0.5
"""Standard deviations of the logarithms of weights and noise, and of the length."""
REACH = 6.0
"""Logarithms stay this near to their medians, so that the covariance stays positive definite."""
LEAST_NOISE = 1e-3
"""Noise variance over signal variance: single precision needs some."""
STEPS = 40


def _sample(scores: NDArray[np.float64], most: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and targets whose scores are complete, at most ``most`` rows."""
    known = ~np.isnan(scores)
    complete = known.all(axis=1)
    columns = np.arange(scores.shape[1])
    if complete.sum() < min(30, known.sum(axis=0).max()):
        columns = np.array([int(known.sum(axis=0).argmax())])
        complete = known[:, columns[0]]
    rows = np.flatnonzero(complete)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return rows, columns


class _Objective:
    """Minus the logarithm of evidence times priors, and its gradient, at logarithms of the parameters.

    Parameters
    ----------
    parts : dict of str to Tensor, each of shape (n, n)
        Of each component, in the order of the parameters; of ``descriptors``, the mean squared differences.
        Length (where there are ``descriptors``) and noise come after the weights.
    scores : Tensor, shape (n, targets)
    """

    def __init__(self, parts: dict[str, torch.Tensor], scores: torch.Tensor) -> None:
        self.parts, self.scores = parts, scores
        prior = {"descriptors": SMOOTH, "linear": LINEAR}
        kinds = max(1, len(parts.keys() - prior.keys()))
        medians = [prior.get(name, COUNTS / kinds) for name in parts]
        spreads = [SPREAD] * len(medians)
        if "descriptors" in parts:
            medians.append(LENGTH)
            spreads.append(LENGTH_SPREAD)
        self.centre = np.log([*medians, NOISE])
        self.spread = np.array([*spreads, SPREAD])

    def __call__(self, place: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        values = np.exp(place)
        noise, count, targets = float(values[-1]), *self.scores.shape
        matrix = noise * torch.eye(count, dtype=torch.float64)
        smooth = None
        for weight, (name, part) in zip(values, self.parts.items(), strict=False):
            if name == "descriptors":
                smooth = part = torch.exp(part * (-0.5 / float(values[-2]) ** 2))
            matrix += float(weight) * part
        factor, failed = torch.linalg.cholesky_ex(matrix)
        off = (place - self.centre) / self.spread
        if int(failed):
            return 1e12, off / self.spread
        inverse = torch.cholesky_inverse(factor)
        alpha = inverse @ self.scores
        value = 0.5 * float((self.scores * alpha).sum()) + targets * float(torch.diagonal(factor).log().sum())
        slope = targets * inverse - alpha @ alpha.T
        gradient = np.empty(len(place))
        for index, (name, part) in enumerate(self.parts.items()):
            weighted = slope * (smooth if name == "descriptors" and smooth is not None else part)
            gradient[index] = 0.5 * values[index] * float(weighted.sum())
            if name == "descriptors":
                gradient[-2] = 0.5 * values[index] * float((weighted * part).sum()) / values[-2] ** 2
        gradient[-1] = 0.5 * noise * float(torch.trace(slope))
        return value + 0.5 * float(off @ off), gradient + off / self.spread


def choose(
    kernel: MixedKernel,
    features: Features,
    scores: NDArray[np.float64],
    context: FitContext,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """Return weights, length and noise that suit ``scores``, found on a sample of the molecules.

    Parameters
    ----------
    kernel : MixedKernel
        Tells which fingerprints there are, their size, and the moments of the descriptors.
    features : Features
        n molecules.
    scores : array of float64, shape (n, targets)
        Of unit variance, NaN where missing.
    context : FitContext
        At most ``settings.kernel.selection_rows`` molecules are used.
    without : collection of str
        Components that get no weight.

    Returns
    -------
    dict
        ``weights`` (but for the linear one adding up to one), ``length``, ``noise`` (over the signal variance),
        ``selection_rows``, ``log_posterior``.
    """
    rows, columns = _sample(scores, context.settings.kernel.selection_rows, context.seed)
    sample = features.take(rows)
    local = MixedKernel(sample, kernel.weights, kernel.size, kernel.centre, kernel.scale)
    found = local.parts(sample, context.threads)
    parts = {name: torch.from_numpy(part).double() for name, part in found.items() if name not in without}
    objective = _Objective(parts, torch.from_numpy(scores[np.ix_(rows, columns)]))
    bounds = [(middle - REACH, middle + REACH) for middle in objective.centre]
    solved = minimize(
        objective, objective.centre, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}
    )
    values = np.exp(solved.x)
    weights = {**dict.fromkeys(found, 0.0), **dict(zip(parts, values.tolist(), strict=False))}
    total = sum(weight for name, weight in weights.items() if name != "linear")
    return {
        "weights": {name: weight / total for name, weight in weights.items()},
        "length": float(values[-2]) if "descriptors" in parts else LENGTH,
        "noise": max(float(values[-1]) / total, LEAST_NOISE),
        "selection_rows": len(rows),
        "log_posterior": -float(solved.fun),
    }


def log_marginal_likelihood(
    features: Features, scores: NDArray[np.float64], context: FitContext, most: int
) -> float:
    """Return the logarithm of the evidence of ``scores`` times the priors, at the likeliest parameters.

    Parameters
    ----------
    features : Features
        n molecules.
    scores : array of float64, shape (n, targets)
        Of unit variance, NaN where missing.
    context : FitContext
    most : int
        Molecules used at most; ``settings.kernel.selection_rows`` where that is fewer.
    """
    kernel_settings = context.settings.kernel
    fewer = replace(kernel_settings, selection_rows=min(most, kernel_settings.selection_rows))
    settings = replace(context.settings, kernel=fewer)
    equal = dict.fromkeys([*settings.fingerprints.kinds, "descriptors"], 1.0)
    centre, scale = moments(features)
    kernel = MixedKernel(features.take(np.arange(1)), equal, settings.fingerprints.size, centre, scale)
    with torch_threads(context.threads):
        found = choose(kernel, features, scores, replace(context, settings=settings))
    return float(found["log_posterior"])
