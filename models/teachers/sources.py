"""What was docked before helps what is docked next: predictions of earlier teachers as further descriptors.

Much of what docks well docks well anywhere: size, shape, rings. A teacher that is given ``sources`` (teachers of
other receptors, or of other programs) sees for each molecule what these predict, one column per target of theirs,
beside its own descriptors, and need not learn from its first hundred scores what others know from thousands.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..fingerprints import BATCH, Features, featurise
from ..metrics import spearman
from ..regressors.marginal_likelihood import log_evidence
from ..regressors.registry import FitContext
from ..settings import FingerprintSettings
from .training_data import CleanData

if TYPE_CHECKING:
    from .teacher import Teacher

ROWS = 500
"""Molecules that the evidence for a source rests on, at most."""


def informed(
    features: Features,
    sources: Sequence[Teacher],
    settings: FingerprintSettings,
    threads: int = 1,
    standard: bool = False,
) -> Features:
    """Return ``features`` with what the sources predict as further descriptors.

    Parameters
    ----------
    features : Features
        n molecules, made by ``settings``, with their SMILES.
    sources : sequence of Teacher
    settings : FingerprintSettings
        A source that has the same ones is asked about ``features`` as they are; others make their own.
    threads : int
    standard : bool
        Whether the SMILES of ``features`` are as RDKit writes them.

    Returns
    -------
    Features
        With one more descriptor per target of each source, in their order; zero in rows that are not valid.
        ``features`` itself if there is no source.
    """
    if not sources:
        return features
    columns = [features.descriptors]
    for source in sources:
        theirs = features
        if source.settings.fingerprints != settings:
            assert features.smiles is not None
            theirs = featurise(
                features.smiles.tolist(), source.settings.fingerprints, threads=threads, standard=standard
            )
        columns.append(_asked(source, theirs, threads, standard))
    descriptors = np.hstack(columns)
    descriptors[~features.valid] = 0.0
    return dataclasses.replace(features, descriptors=descriptors)


def _asked(source: Teacher, features: Features, threads: int, standard: bool) -> NDArray[np.float32]:
    """Return the means of a source in units of its own scores' spread, shape (n, its targets)."""
    means = np.zeros((len(features), len(source.targets)), np.float32)
    for start in range(0, len(features), BATCH):
        rows = np.arange(start, min(start + BATCH, len(features)))
        means[rows] = source.moments(features.take(rows), threads, standard)[0]
    means[~features.valid] = 0.0
    return means


def weigh_sources(
    sources: Sequence[Teacher],
    features: Features,
    data: CleanData,
    scores: NDArray[np.float64],
    context: FitContext,
) -> tuple[Features, list[Teacher], list[dict[str, Any]]]:
    """Return features and sources of a new teacher: those that the evidence of its scores speaks for.

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
        :func:`source_report`, with ``log_evidence`` (:func:`evidence_gains`) and ``kept``.
    """
    if not sources:
        return features, [], []
    report = source_report(sources, features, data)
    widths = [len(source.targets) for source in sources]
    gains = evidence_gains(features, widths, scores, context)
    kept = [gain > 0 for gain in gains]
    for entry, gain in zip(report, np.repeat(gains, widths).tolist(), strict=True):
        entry |= {"log_evidence": gain, "kept": gain > 0}
    return (
        keep_columns(features, widths, kept),
        [source for source, keep in zip(sources, kept, strict=True) if keep],
        report,
    )


def evidence_gains(
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
        return log_evidence(chosen, scores, context, ROWS)

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


Origin = Mapping[str, str]
"""``id`` and ``weights_sha256`` of the bundle that a teacher was loaded from; empty for one that was not."""
