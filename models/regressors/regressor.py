"""The contract of a learner: features and scores in, a mean and a variance out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..fingerprints import Features
from ..settings import TeacherSettings


@dataclass(frozen=True)
class FitContext:
    """Everything besides the data that decides the outcome of a fit.

    Attributes
    ----------
    settings : TeacherSettings
    seed : int
        The same data, settings and seed must give the same model.
    threads : int
    hyper : mapping or None
        Choices of an earlier fit (``Regressor.hyper``) to keep, as cross-validation does.

    Examples
    --------
    >>> context = docksieve.FitContext(docksieve.TeacherSettings(), seed=1, threads=1)
    >>> context.hyper is None  # nothing chosen yet: the fit is to choose
    True
    """

    settings: TeacherSettings
    seed: int
    threads: int
    hyper: Mapping[str, Any] | None = None


class Regressor(Protocol):
    """A fitted model of standardised scores.

    Attributes
    ----------
    hyper : mapping
        JSON values: what the fit chose by itself.

    Examples
    --------
    >>> class Mean:
    ...     hyper = {}
    ...     def __init__(self, mean):
    ...         self.mean = mean
    ...     def predict(self, features, threads):
    ...         shape = (len(features), len(self.mean))
    ...         return np.broadcast_to(self.mean, shape), np.ones(shape)
    ...     def tensors(self):
    ...         return {"mean": self.mean}
    ...     @classmethod
    ...     def fit(cls, features, scores, context):
    ...         return cls(np.nanmean(scores, axis=0))
    ...     @classmethod
    ...     def seconds(cls, rows, targets, settings):
    ...         return 0.001
    ...     @classmethod
    ...     def restore(cls, tensors, hyper, settings):
    ...         return cls(tensors["mean"])
    >>> docksieve.register_regressor("mean", lambda: Mean, optional=True)
    >>> smiles = ["CC(=O)Nc1ccc(O)cc1", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "COc1ccccc1", "Oc1ccccc1C(=O)O"]
    >>> data = docksieve.TrainingData(smiles, ["EGFR"], [-6.0, -7.5, -5.0, -5.5], [True])
    >>> settings = docksieve.TeacherSettings(kind="mean", folds=2, min_scores=4)
    >>> docksieve.train_teacher(data, settings).predict(["CCO"]).mean
    array([[-6.]], dtype=float32)
    """

    hyper: Mapping[str, Any]

    def predict(self, features: Features, threads: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance, each of shape (n, targets). Invalid rows hold anything finite."""
        ...

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all arrays that :meth:`restore` needs."""
        ...

    @classmethod
    def fit(cls, features: Features, scores: NDArray[np.float64], context: FitContext) -> Regressor:
        """Fit on valid ``features`` and standardised ``scores``, shape (n, targets), NaN where missing."""
        ...

    @classmethod
    def seconds(cls, rows: int, targets: int, settings: TeacherSettings) -> float:
        """Return roughly how many core-seconds one fit takes: the same on every machine."""
        ...

    @classmethod
    def restore(
        cls, tensors: Mapping[str, NDArray[Any]], hyper: Mapping[str, Any], settings: TeacherSettings
    ) -> Regressor:
        """Return the model that :meth:`tensors` and ``hyper`` describe."""
        ...


@runtime_checkable
class Comparing(Protocol):
    """A fitted model that compares molecules with those it learned from.

    Attributes
    ----------
    novelty : float or None
        Similarity below which a molecule is far from all training molecules; None if it is not known.
    """

    novelty: float | None

    def compare(
        self, features: Features, threads: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
        """Return mean and variance as ``predict`` does, and the largest similarity, shape (n,)."""
        ...


@runtime_checkable
class Reducible(Protocol):
    """A fitted model most of whose size and time goes into variances."""

    def means_only(self) -> Regressor:
        """Return a smaller model with the same means to the bit, whose variances are NaN."""
        ...
