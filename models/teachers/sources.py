"""What was docked before helps what is docked next: predictions of earlier teachers as further descriptors.

Much of what docks well docks well anywhere: size, shape, rings. A teacher that is given ``sources`` (teachers of
other receptors, or of other programs) sees for each molecule what these predict, one column per target of theirs,
beside its own descriptors, and need not learn from its first hundred scores what others know from thousands.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..fingerprints import Features
from ..metrics import spearman
from ..regressors.marginal_likelihood import log_marginal_likelihood
from ..regressors.regressor import FitContext
from .training_data import CleanData

if TYPE_CHECKING:
    from .teacher import Teacher

ROWS = 500
"""Molecules that the evidence for a source rests on, at most."""


def select_sources(
    sources: Sequence[Teacher],
    features: Features,
    data: CleanData,
    scores: NDArray[np.float64],
    context: FitContext,
) -> tuple[Features, list[Teacher], list[dict[str, Any]]]:
    """Return features and sources of a new teacher: those that the evidence of its scores supports.

    Parameters
    ----------
    sources : sequence of Teacher
    features : Features
        Of the training molecules, :func:`informed`.
    data : CleanData
    scores : array of float64, shape (n, targets)
        Those of ``data``, of unit variance.
    context : FitContext

    Returns
    -------
    Features
        Without the columns of sources that are left out.
    list of Teacher
        Those that are not.
    list of dict
        :func:`source_report`, with ``log_marginal_likelihood`` (:func:`evidence_gains_by_source`) and ``kept``.
    """
    if not sources:
        return features, [], []
    report = source_report(sources, features, data)
    widths = [len(source.targets) for source in sources]
    gains = evidence_gains_by_source(features, widths, scores, context)
    kept = [gain > 0 for gain in gains]
    for entry, gain in zip(report, np.repeat(gains, widths).tolist(), strict=True):
        entry |= {"log_evidence": gain, "kept": gain > 0}
    return (
        keep_columns(features, widths, kept),
        [source for source, keep in zip(sources, kept, strict=True) if keep],
        report,
    )


def evidence_gains_by_source(
    features: Features, widths: Sequence[int], scores: NDArray[np.float64], context: FitContext
) -> list[float]:
    """Return by how much each source's predictions, added to all else, raise the evidence of the scores.

    The evidence is that of the kernel (:mod:`.evidence`), with the likeliest weights without and with the source, on at
    most ``ROWS`` molecules. A source that knows nothing of a target costs dockings: its columns blur what descriptors
    tell. The logarithm of the evidence falls then, and the source is better left out.

    Parameters
    ----------
    features : Features
        Of n molecules, :func:`informed`: the columns of the sources are the last descriptors, in their order.
    widths : sequence of int
        Columns of each source.
    scores : array of float64, shape (n, targets)
        Of unit variance, NaN where missing.
    context : FitContext

    Returns
    -------
    list of float
        Differences of the logarithm of evidence times priors.
    """
    ends = features.descriptors.shape[1] - sum(widths) + np.cumsum([0, *widths])
    own = list(range(ends[0]))

    def logarithm(columns: Sequence[int]) -> float:
        chosen = dataclasses.replace(features, descriptors=features.descriptors[:, columns])
        return log_marginal_likelihood(chosen, scores, context, ROWS)

    without = logarithm(own)
    return [logarithm([*own, *range(start, end)]) - without for start, end in itertools.pairwise(ends)]


def keep_columns(features: Features, widths: Sequence[int], kept: Sequence[bool]) -> Features:
    """Return ``features`` without the columns of the sources that are not ``kept``."""
    own = features.descriptors.shape[1] - sum(widths)
    mask = np.concatenate([np.ones(own, bool), np.repeat(np.asarray(kept, bool), widths)])
    return dataclasses.replace(features, descriptors=features.descriptors[:, mask])


def source_report(sources: Sequence[Teacher], features: Features, data: CleanData) -> list[dict[str, Any]]:
    """Return for each target of each source how its predictions rank the molecules that were docked now.

    Parameters
    ----------
    sources : sequence of Teacher
    features : Features
        Of the training molecules, :func:`informed`.
    data : CleanData

    Returns
    -------
    list of dict
        ``model`` (id), ``target`` (the source's) and ``spearman``: by target of the new teacher, the rank
        correlation of predictions with scores, best with best. Near zero: the source knows nothing of this target.
    """
    column = features.descriptors.shape[1] - sum(len(source.targets) for source in sources)
    result = []
    for source in sources:
        for name, lower in zip(source.targets, source.lower_is_better, strict=True):
            ranks: dict[str, float] = {}
            for index, target in enumerate(data.targets):
                known = ~np.isnan(data.scores[:, index])
                found = spearman(
                    data.scores[known, index], features.descriptors[known, column].astype(np.float64)
                )
                ranks[target] = found if lower == data.lower_is_better[index] else -found
            result.append({"model": source.origin.get("id", ""), "target": name, "spearman": ranks})
            column += 1
    return result
