"""What was docked before helps what is docked next: predictions of earlier teachers as further descriptors.

Much of what docks well docks well anywhere: size, shape, rings. A teacher that is given ``sources`` (teachers of
other receptors, or of other programs) sees for each molecule what these predict, one column per target of theirs,
beside its own descriptors, and need not learn from its first hundred scores what others know from thousands.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .agreement import spearman
from .fingerprints import BATCH, Features, featurise
from .settings import FingerprintSettings
from .training_data import CleanData

if TYPE_CHECKING:
    from .teacher import Teacher


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
