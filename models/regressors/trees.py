"""Gradient-boosted trees on folded count fingerprints and descriptors.

Several boosters per target, each on its own random share of the molecules (stochastic gradient boosting,
Friedman, Comput. Stat. Data Anal. 38, 367, 2002). scikit-learn grows the histogram trees; what is kept of them
is plain arrays, which the kernel below walks, adding the leaves up in the order that scikit-learn does, so
that the predictions are the same to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.jit import kernel
from ...data.seeds import derive_seed
from ..fingerprints import DESCRIPTORS, Features, fold
from ..settings import TeacherSettings, TreesSettings
from .regressor import FitContext

BLOCK = 1_024
BINS = 32
"""Thresholds tried per feature: counts take few values, and descriptors need no more."""
MIN_LEAF = 10
"""Fewest molecules of a leaf; fewer where there are under a hundred in all."""
L2 = 5.0
"""Shrinks the values of leaves with few molecules."""

NODE_TYPES = {"feature": np.int32, "threshold": np.float64, "left": np.int32, "value": np.float64}


def _inputs(features: Features, buckets: int) -> NDArray[np.float64]:
    """Return counts and descriptors, shape (n, buckets + descriptors)."""
    return np.hstack([fold(features, buckets).dense(buckets), features.descriptors.astype(np.float64)])


@kernel
def _walk(inputs, roots, feature, threshold, left, right, value, output):  # type: ignore[no-untyped-def]
    """Add the leaves that each row falls into to ``output``, tree after tree."""
    for row in range(len(inputs)):
        molecule = inputs[row]
        total = output[row]
        for root in roots:
            node = root
            while feature[node] >= 0:
                node = left[node] if molecule[feature[node]] <= threshold[node] else right[node]
            total += value[node]
        output[row] = total


def _flat(booster: Any, start: int) -> dict[str, NDArray[Any]]:
    """Return the nodes of a fitted booster of scikit-learn; the first has the number ``start``."""
    tables = [iteration[0].nodes for iteration in booster._predictors]
    starts = start + np.concatenate([[0], np.cumsum([len(table) for table in tables])])[:-1]
    nodes = np.concatenate(tables)
    shift = np.repeat(starts, [len(table) for table in tables])
    leaf = nodes["is_leaf"].astype(bool)
    number = start + np.arange(len(nodes))
    return {
        "roots": starts.astype(np.int64),
        "feature": np.where(leaf, -1, nodes["feature_idx"]).astype(np.int32),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]),
        "left": np.where(leaf, number, nodes["left"] + shift).astype(np.int32),
        "right": np.where(leaf, number, nodes["right"] + shift).astype(np.int32),
        "value": nodes["value"].astype(np.float64),
    }


def grow(inputs: NDArray[np.float64], scores: NDArray[np.float64], settings: TreesSettings, seed: int) -> Any:
    """Return scikit-learn's booster, fitted to ``inputs`` of shape (n, features) and ``scores`` of shape (n,)."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    booster = HistGradientBoostingRegressor(
        max_iter=settings.iterations, learning_rate=settings.learning_rate, max_leaf_nodes=settings.leaves,
        max_features=settings.features, min_samples_leaf=int(np.clip(len(scores) // 10, 1, MIN_LEAF)),
        l2_regularization=L2, max_bins=BINS, early_stopping=False, random_state=seed % 2**32,
    )  # fmt: skip
    return booster.fit(inputs, scores)


class TreesRegressor:
    """Fitted boosters; see the module."""

    def __init__(
        self, tensors: Mapping[str, NDArray[Any]], settings: TreesSettings, hyper: Mapping[str, Any]
    ) -> None:
        self._tensors = dict(tensors)
        self._settings = settings
        self.hyper = hyper

    @classmethod
    def fit(cls, features: Features, scores: NDArray[np.float64], context: FitContext) -> TreesRegressor:
        """Fit; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        from threadpoolctl import threadpool_limits

        settings = context.settings.trees
        inputs = _inputs(features, settings.buckets)
        parts: list[dict[str, NDArray[Any]]] = []
        baselines = np.zeros((settings.members, scores.shape[1]))
        start = 0
        with threadpool_limits(max(1, context.threads)):
            for member, target in np.ndindex(baselines.shape):
                seed = derive_seed(context.seed, "trees", member, target)
                rows = np.flatnonzero(~np.isnan(scores[:, target]))
                share = max(2, round(settings.subsample * len(rows)))
                drawn = np.sort(
                    np.random.default_rng(seed).choice(rows, min(share, len(rows)), replace=False)
                )
                booster = grow(inputs[drawn], scores[drawn, target], settings, seed)
                baselines[member, target] = float(np.ravel(booster._baseline_prediction)[0])
                parts.append(_flat(booster, start))
                start += len(parts[-1]["value"])
        tensors = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        tensors["ends"] = np.cumsum([len(part["roots"]) for part in parts]).astype(np.int64)
        tensors["baselines"] = baselines
        hyper = {"targets": scores.shape[1], "nodes": start}
        if features.descriptors.shape[1] != len(DESCRIPTORS):  # said only where it is not as usual
            hyper["descriptors"] = features.descriptors.shape[1]
        return cls(tensors, settings, hyper)

    def each(self, features: Features) -> NDArray[np.float64]:
        """Return the prediction of each booster, shape (n, members, targets)."""
        arrays = self._tensors
        baselines = arrays["baselines"]
        result = np.empty((len(features), *baselines.shape))
        result[:] = baselines
        nodes = [arrays[name] for name in ("feature", "threshold", "left", "right", "value")]
        bounds = np.concatenate([[0], arrays["ends"]])
        for start in range(0, len(features), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(features)))
            inputs = _inputs(features.take(rows), self._settings.buckets)
            for index, place in enumerate(np.ndindex(baselines.shape)):
                roots = arrays["roots"][bounds[index] : bounds[index + 1]]
                total = np.full(len(rows), baselines[place])
                _walk(inputs, roots, *nodes, total)
                result[(rows, *place)] = total
        return result

    def predict(self, features: Features, threads: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance over boosters; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        found = self.each(features)
        return found.mean(axis=1), found.var(axis=1)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all arrays; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        return dict(self._tensors)

    @classmethod
    def seconds(cls, rows: int, targets: int, settings: TeacherSettings) -> float:
        """Return the cost of one fit; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        trees = settings.trees
        width = trees.buckets * (0.1 + trees.features)
        return trees.members * targets * trees.iterations * width * (5e-6 + 3.2e-8 * rows)

    @classmethod
    def restore(
        cls, tensors: Mapping[str, NDArray[Any]], hyper: Mapping[str, Any], settings: TeacherSettings
    ) -> TreesRegressor:
        """Return the saved model; see :class:`docksieve.models.regressors.regressor.Regressor`.

        Every number that the kernel follows is checked: it reads memory without looking.
        """
        types = {
            **NODE_TYPES,
            "right": np.int32,
            "roots": np.int64,
            "ends": np.int64,
            "baselines": np.float64,
        }
        if {name: value.dtype for name, value in tensors.items()} != types:
            raise ValueError("the tensors of the trees are not those expected")
        count = len(tensors["value"])
        leaf = tensors["feature"] == -1
        number = np.arange(count)
        if any(tensors[name].shape != (count,) for name in (*NODE_TYPES, "right")):
            raise ValueError("the nodes of the trees have different lengths")
        for name in ("left", "right"):
            # A child comes after its parent: every walk ends.
            if (~leaf & ((tensors[name] <= number) | (tensors[name] >= count))).any():
                raise ValueError(f"a {name} child of the trees is out of place")
        width = settings.trees.buckets + int(hyper.get("descriptors", len(DESCRIPTORS)))
        roots, ends = tensors["roots"], tensors["ends"]
        shape = (settings.trees.members, int(hyper["targets"]))
        if (
            (tensors["feature"] < -1).any() or (tensors["feature"] >= width).any()
            or (roots < 0).any() or (roots >= count).any()
            or tensors["baselines"].shape != shape or ends.shape != (shape[0] * shape[1],)
            or (np.diff(ends, prepend=0) < 0).any() or ends[-1] != len(roots)
        ):  # fmt: skip
            raise ValueError("the trees point outside of themselves")
        return cls(tensors, settings.trees, hyper)
