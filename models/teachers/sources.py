"""What was docked before helps what is docked next: predictions of earlier teachers as further descriptors.

Much of what docks well docks well anywhere: size, shape, rings. A teacher that is given ``sources`` (teachers of
other receptors, or of other programs) sees for each molecule what these predict, one column per target of theirs,
beside its own descriptors, and need not learn from its first hundred scores what others know from thousands.

A source remembers the molecules that it was trained on. If it were judged by those, its memory would pass for
knowledge, and so would the new teacher's that relies on it. So such molecules get the source's cross-validated
predictions where these are known (``Teacher.held_out``), and are left out of every judgement where they are not
(:func:`remembered`).
"""

from __future__ import annotations

import copy
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
    from ..prediction import HeldOut
    from .teacher import Teacher

ROWS = 500
"""Molecules that the evidence for a source rests on, at most."""
FEWEST_NEW = 20
"""A source is judged, and a teacher's figures are given, on so many molecules at least that no source remembers."""
SAME = 1 - 1e-6
"""Similarity from which on a molecule counts as one that a source learned from."""

Memory = tuple[NDArray[np.bool_] | None, NDArray[np.bool_]]
"""Of n molecules: which a source learned from (None: not known), and which of these it has no honest prediction for."""


def for_judging(teacher: Teacher, sources: Sequence[Teacher]) -> Teacher:
    """Return ``teacher`` with the memory of its sources: what it is asked with where its predictions are judged.

    Parameters
    ----------
    teacher : Teacher
    sources : sequence of Teacher
        With ``held_out`` where it is known; recognised by the ids of their bundles.

    Returns
    -------
    Teacher
        For molecules that a source learned from, it is given the source's cross-validated prediction. Those that are
        :func:`remembered` without one should not judge it (:func:`flattering`).
    """
    known = {source.origin.get("id"): source.held_out for source in sources if source.held_out is not None}
    judged = copy.copy(teacher)
    judged.sources = tuple(
        _with_held_out(source, known.get(source.origin.get("id"))) for source in teacher.sources
    )
    return judged


def flattering(teacher: Teacher, sources: Sequence[Teacher], smiles: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which of n molecules would flatter ``teacher``: a source it kept remembers them, and no more is known."""
    found = np.zeros(len(smiles), bool)
    kept = {source.origin.get("id") for source in teacher.sources}
    for source in sources:
        if source.origin.get("id") in kept and len(smiles):
            found |= remembered(source, smiles)[1]
    return found


def _with_held_out(source: Teacher, held_out: HeldOut | None) -> Teacher:
    changed = copy.copy(source)
    changed.held_out = held_out
    return changed


def reduced(sources: Sequence[Teacher]) -> tuple[list[Teacher], list[Teacher]]:
    """Return what a new teacher keeps of its sources, and the same with their memory, to be trained and judged with."""
    kept = [source.means_only() for source in sources]
    return kept, [_with_held_out(less, source.held_out) for less, source in zip(kept, sources, strict=True)]


def remembered(source: Teacher, smiles: Sequence[str], threads: int = 1) -> Memory:
    """Tell which molecules a source learned from, and which of them it has no honest prediction for.

    Parameters
    ----------
    source : Teacher
    smiles : sequence of str, length n
        As RDKit writes them.
    threads : int

    Returns
    -------
    learned : array of bool, shape (n,), or None
        From ``held_out``; else molecules that equal one that its kernel compares with. None where neither tells.
    flattered : array of bool, shape (n,)
        Those of them without a cross-validated prediction.
    """
    if source.held_out is not None:
        honest = {
            text: bool(np.isfinite(row).any())
            for text, row in zip(source.held_out.smiles, source.held_out.mean, strict=True)
        }
        learned = np.array([text in honest for text in smiles], bool)
        return learned, np.array([not honest.get(text, True) for text in smiles], bool)
    nearest = source.predict(smiles, threads, standard=True).similarity
    if nearest is None:
        return None, np.zeros(len(smiles), bool)
    same = np.asarray(nearest >= SAME)
    return same, same


def select_sources(
    sources: Sequence[Teacher],
    features: Features,
    data: CleanData,
    scores: NDArray[np.float64],
    context: FitContext,
    memory: Sequence[Memory] = (),
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
    memory : sequence of Memory, optional
        :func:`remembered`, by source; not given: nobody remembers anything.

    Returns
    -------
    Features
        Without the columns of sources that are left out.
    list of Teacher
        Those that are not.
    list of dict
        :func:`source_report`, with ``log_evidence`` (:func:`evidence_gains_by_source`; null where too few molecules
        are new to the source), ``kept``, ``learned`` (how many of the molecules the source learned from; null: not
        known), ``docked`` (how many there are) and ``judged`` (on how many of them it was judged).
    """
    if not sources:
        return features, [], []
    nothing = np.zeros(len(data.scores), bool)
    memory = list(memory) or [(nothing, nothing)] * len(sources)
    fair = [np.flatnonzero(~flattered) for _, flattered in memory]
    report = source_report(sources, features, data, fair)
    widths = [len(source.targets) for source in sources]
    gains = _gains(features, widths, scores, context, fair)
    kept = [gain is not None and gain > 0 for gain in gains]
    places = np.repeat(np.arange(len(sources)), widths).tolist()
    for entry, place in zip(report, places, strict=True):
        learned = memory[place][0]
        entry |= {
            "log_evidence": gains[place],
            "kept": kept[place],
            "learned": None if learned is None else int(learned.sum()),
            "docked": len(nothing),
            "judged": len(fair[place]),
        }
    return (
        keep_columns(features, widths, kept),
        [source for source, keep in zip(sources, kept, strict=True) if keep],
        report,
    )


def _gains(
    features: Features,
    widths: Sequence[int],
    scores: NDArray[np.float64],
    context: FitContext,
    fair: Sequence[NDArray[np.int64]],
) -> list[float | None]:
    """Return :func:`evidence_gains_by_source`, each on the molecules that it may be judged by; None: too few."""
    if all(len(rows) == len(features) for rows in fair):
        return list(evidence_gains_by_source(features, widths, scores, context))
    gains: list[float | None] = []
    for place, rows in enumerate(fair):
        if len(rows) < min(FEWEST_NEW, len(features)):
            gains.append(None)
            continue
        only = keep_columns(features, widths, [index == place for index in range(len(widths))]).take(rows)
        gains += evidence_gains_by_source(only, [widths[place]], scores[rows], context)
    return gains


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


def source_report(
    sources: Sequence[Teacher],
    features: Features,
    data: CleanData,
    fair: Sequence[NDArray[np.int64]] | None = None,
) -> list[dict[str, Any]]:
    """Return for each target of each source how its predictions rank the molecules that were docked now.

    Parameters
    ----------
    sources : sequence of Teacher
    features : Features
        Of the training molecules, :func:`informed`.
    data : CleanData
    fair : sequence of array of int, optional
        Rows that each source may be judged by; all if not given.

    Returns
    -------
    list of dict
        ``model`` (id), ``target`` (the source's) and ``spearman``: by target of the new teacher, the rank
        correlation of predictions with scores, best with best. Near zero: the source knows nothing of this target.
    """
    column = features.descriptors.shape[1] - sum(len(source.targets) for source in sources)
    result = []
    for place, source in enumerate(sources):
        new = np.ones(len(data.scores), bool)
        if fair is not None:
            new[:] = False
            new[fair[place]] = True
        for name, lower in zip(source.targets, source.lower_is_better, strict=True):
            ranks: dict[str, float] = {}
            for index, target in enumerate(data.targets):
                known = ~np.isnan(data.scores[:, index]) & new
                if known.sum() < 2:
                    ranks[target] = 0.0
                    continue
                found = spearman(
                    data.scores[known, index], features.descriptors[known, column].astype(np.float64)
                )
                ranks[target] = found if lower == data.lower_is_better[index] else -found
            result.append({"model": source.origin.get("id", ""), "target": name, "spearman": ranks})
            column += 1
    return result
