"""Which molecules docking is likely to give no score for, learnt from the dockings that gave none.

Limits that can be looked up beforehand need no model. What is left (a conformer that cannot be made, a search that
ends nowhere, a time limit) depends on the molecule in ways that only dockings show. A logistic regression on
descriptors and circular fingerprints is enough for a campaign's few failures; it is used where held-out dockings show
that it knows something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.molecules.features import graph_features
from .draws import row_bits

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FEWEST = 8
"""Fewer failures, or fewer scores, teach nothing."""
MOST = 20_000
"""Dockings that are learnt from at most; of more, a random part."""
FOLDS = 5
SURE = 2.0
"""Standard errors by which held-out dockings must be foretold better than by their mean rate."""
PRIOR = 0.5
"""Standard deviation that a coefficient is taken to have before any docking (of a feature of standard deviation 1)."""
BUCKETS = 256
SURROUNDINGS = 0.3
"""Weight of a fingerprint's bucket against a descriptor: there are twenty times as many."""
LEAST = 0.02
"""No molecule is taken to be sure of a score, or sure of none."""


@dataclass(frozen=True)
class FailureEvidence:
    """What dockings say about failures.

    Attributes
    ----------
    scored, failed : int
        Dockings with a score and without one.
    gain, error : float
        By how much held-out dockings were foretold better than by their mean rate, as mean difference of the
        logarithmic loss (nats per docking), and its standard error; NaN where there were too few to say.
    """

    scored: int
    failed: int
    gain: float = float("nan")
    error: float = float("nan")

    @property
    def used(self) -> bool:
        """Whether that is evidence enough to go by."""
        return bool(self.gain > SURE * self.error)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        values = {name: None if value != value else value for name, value in asdict(self).items()}
        return {**values, "used": self.used}


class FailureModel:
    """The probability that a docking gives a score (:func:`learn_failures`)."""

    def __init__(self, evidence: FailureEvidence, fitted: _Fitted | None) -> None:
        self.evidence = evidence
        self._fitted = fitted

    @property
    def used(self) -> bool:
        """Whether the model says more than the mean rate of failures."""
        return self._fitted is not None

    def chance(self, smiles: Sequence[str]) -> Array:
        """Return the probability of a score for each molecule, in (0, 1); 1 where there is no evidence to go by."""
        if self._fitted is None:
            return np.ones(len(smiles))
        return np.clip(1.0 - self._fitted.failing(_features(smiles)), LEAST, 1.0 - LEAST)


def learn_failures(smiles: Sequence[str], failed: Mask, seed: int) -> FailureModel:
    """Learn from dockings which molecules get no score.

    Parameters
    ----------
    smiles : sequence of str
        Molecules docked.
    failed : array of bool, shape (n,)
        Which of them got no score.
    seed : int
        Divides the dockings for cross-validation.

    Returns
    -------
    FailureModel
        Of no use (:attr:`FailureModel.used`) where failures are too few, or do not follow from the molecules.

    Examples
    --------
    >>> from docksieve.screening.acquisition.failing import learn_failures
    >>> model = learn_failures(["CCO", "CCN"], np.array([False, True]), seed=1)
    >>> model.used, model.chance(["CCC"])
    (False, array([1.]))
    """
    failed = np.asarray(failed, np.bool_)
    counts = int((~failed).sum()), int(failed.sum())
    if min(counts) < FEWEST:
        return FailureModel(FailureEvidence(*counts), None)
    order = np.argsort(row_bits(np.arange(len(failed)), seed, "failures"), kind="stable")[:MOST]
    features, outcome = _features([smiles[index] for index in order]), failed[order]
    # Failures are dealt out to the folds in turn: every fold has its share of them.
    fold = np.empty(len(order), np.int64)
    for kind in (True, False):
        mine = np.flatnonzero(outcome == kind)
        fold[mine] = np.arange(len(mine)) % FOLDS
    gains = np.empty(len(order))
    for number in range(FOLDS):
        apart = fold == number
        rate = _rate(outcome[~apart])
        told = np.clip(
            _fit(features[~apart], outcome[~apart]).failing(features[apart]), LEAST / 4, 1 - LEAST / 4
        )
        truth = outcome[apart]
        gains[apart] = np.log(np.where(truth, told / rate, (1 - told) / (1 - rate)))
    evidence = FailureEvidence(*counts, float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains))))
    return FailureModel(evidence, _fit(features, outcome) if evidence.used else None)


@dataclass(frozen=True)
class _Fitted:
    centre: Array
    width: Array
    weights: Array
    intercept: float

    def failing(self, features: Array) -> Array:
        inside = np.clip((features - self.centre) / self.width, -5.0, 5.0)
        return np.asarray(1.0 / (1.0 + np.exp(-(_scaled(inside) @ self.weights + self.intercept))))


def _scaled(features: Array) -> Array:
    """Return standardised features so that one prior fits descriptors and the many buckets of a fingerprint."""
    weights = np.full(features.shape[1], SURROUNDINGS)
    weights[: features.shape[1] - BUCKETS] = 1.0
    return features * weights


def _rate(outcome: Mask) -> float:
    """Return the share of failures, after half a failure and half a score more (Jeffreys)."""
    return float((outcome.sum() + 0.5) / (len(outcome) + 1.0))


def _fit(features: Array, outcome: Mask) -> _Fitted:
    from sklearn.linear_model import LogisticRegression  # takes a second to import

    centre, width = features.mean(0), features.std(0)
    width = np.where(width > 0, width, 1.0)
    inside = np.clip((features - centre) / width, -5.0, 5.0)
    # The mean of the posterior mode: ridge regression with a normal prior; the rate itself has none.
    model = LogisticRegression(C=PRIOR**2, max_iter=1_000, tol=1e-6).fit(_scaled(inside), outcome)
    return _Fitted(centre, width, model.coef_[0].astype(np.float64), float(model.intercept_[0]))


def _features(smiles: Sequence[str]) -> Array:
    rows, values, _ = graph_features(list(smiles), ("morgan1",), BUCKETS, True)
    offsets, buckets, counts = rows["morgan1"]
    prints = np.zeros((len(offsets) - 1, BUCKETS))
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    np.add.at(prints, (owner, buckets), np.minimum(counts, 3))
    return np.hstack([values.astype(np.float64), np.log1p(prints)])
