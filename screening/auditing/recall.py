"""The share of the truly best that was found, bounded from below by an audit.

**Beyond a score fixed beforehand.** ``found`` picked molecules are at or beyond the score, which is known; of the
others, with the stated confidence, no more than U are (:mod:`docksieve.screening.auditing.bounds`). So the recall
found / (found + missed) is at least found / (found + U).

**Of the best K of the library.** Which score bounds them is unknown. Recall counts scores, as in
:func:`docksieve.screening.metrics.virtual_screening.top_k_found`: a molecule with the K-th best score will do for any
other. For a score t let F be the picked and M the missed molecules at or beyond it.

1. If F + M <= K, all F are among the best K, and the recall is at least F / K.
2. If F + M >= K, what lacks from the best K is made up of missed molecules at or beyond t: the recall is at least
   1 - M / K.

So for every t the recall is at least min(F(t), K - M(t)) / K. F is known before the audit. For each R of a grid,
from below, take the strictest score t_R with F(t_R) >= R K, and claim "recall >= R" if the bound U(t_R) is at most
(1 - R) K; stop at the first claim that fails. *Proof.* A wrong claim is made only if the smallest wrong R of the
grid is claimed; that R is fixed, and so is t_R. R being wrong, min(F, K - M) < R K, so M(t_R) > (1 - R) K >=
U(t_R): the bound failed, which has a probability of at most the risk. Looking at many scores therefore costs
nothing (fixed-sequence testing; Maurer, Hothorn, Lehmacher 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...data.words import plural
from .bounds import StratumCount, upper_missed

STEPS = 200
"""Steps of the grid of recalls that can be claimed for the best of the library."""


@dataclass(frozen=True)
class AuditedRecall:
    """What an audit says about the share of the best that was found.

    Attributes
    ----------
    lower : float
        Lower confidence bound of the recall, failed dockings of the audit counted as missed hits.
    lower_if_failures_are_none : float
        The same where a molecule that fails is no hit.
    estimate : float
        Unbiased for the missed (Horvitz, Thompson 1952), hence the plain estimate of the recall; failures are no
        hits. NaN if nothing was found or missed.
    found : int
        Picked molecules at or beyond ``score``.
    missed_upper : int
        Upper confidence bound of the others, failures counted as missed.
    score : float
        The threshold; for the best of the library the one behind the last claim, NaN if there is none.
    confidence : float
    dockings, failed, hits : int
        Of the audit.
    notes : tuple of str
        What a reader must know.
    """

    lower: float
    lower_if_failures_are_none: float
    estimate: float
    found: int
    missed_upper: int
    score: float
    confidence: float
    dockings: int
    failed: int
    hits: int
    notes: tuple[str, ...] = ()


def count_strata(
    sizes: Sequence[int], sampled: Sequence[ArrayLike], score: float, lower_is_better: bool = True
) -> list[StratumCount]:
    """Return what the draws from the strata show at a threshold.

    Parameters
    ----------
    sizes : sequence of int
        Molecules of each stratum.
    sampled : sequence of array of float
        Docking scores of what was drawn from each; NaN where docking failed.
    score : float
        A hit is at or beyond it.
    lower_is_better : bool

    Raises
    ------
    ValueError
        If the lengths differ or more was drawn than there is.
    """
    if len(sizes) != len(sampled):
        raise ValueError(f"{len(sizes)} sizes but {len(sampled)} samples")
    counts = []
    for size, values in zip(sizes, sampled, strict=True):
        scores = np.asarray(values, np.float64).ravel()
        failed = int(np.isnan(scores).sum())
        hits = int((scores <= score if lower_is_better else scores >= score).sum())
        counts.append(StratumCount(int(size), len(scores), hits, failed))
    return counts


def recall_above(
    found: int, strata: Sequence[StratumCount], confidence: float = 0.95, *, score: float = float("nan")
) -> AuditedRecall:
    """Return the recall of all molecules at or beyond a score that was fixed before the audit.

    Parameters
    ----------
    found : int
        Picked molecules at or beyond it.
    strata : sequence of StratumCount
        All molecules that were not picked; or, for a claim about part of the library, the strata of that part
        (``found`` being unchanged: what was picked belongs to every part).
    confidence : float
    score : float
        Only handed on.

    Raises
    ------
    ValueError
        If ``found`` is negative or the confidence is out of range.
    """
    if found < 0:
        raise ValueError(f"found must not be negative, but is {found}")
    careful = upper_missed(strata, confidence)
    plain = upper_missed(strata, confidence, failures_missed=False)
    return AuditedRecall(
        lower=_share(found, careful.upper),
        lower_if_failures_are_none=_share(found, plain.upper),
        estimate=found / (found + plain.estimate) if found + plain.estimate else float("nan"),
        found=found,
        missed_upper=careful.upper,
        score=score,
        confidence=confidence,
        **_totals(strata),
        notes=_notes(strata, found),
    )


def recall_of_best(
    best: int,
    picked: ArrayLike,
    sizes: Sequence[int],
    sampled: Sequence[ArrayLike],
    confidence: float = 0.95,
    *,
    lower_is_better: bool = True,
) -> AuditedRecall:
    """Return the recall of the best ``best`` molecules of the library, their threshold being unknown.

    Parameters
    ----------
    best : int
        K, at least 1 and at most all molecules.
    picked : array of float, shape (n,)
        Docking scores of what the campaign picked; NaN (failed) counts as not found.
    sizes : sequence of int
        Molecules of each stratum of the others.
    sampled : sequence of array of float
        Docking scores of what was drawn from each stratum; NaN where docking failed.
    confidence : float
    lower_is_better : bool

    Returns
    -------
    AuditedRecall
        ``found`` and ``missed_upper`` are those at ``score``.

    Raises
    ------
    ValueError
        If ``best`` is out of range or the samples do not fit the sizes.
    """
    sign = 1.0 if lower_is_better else -1.0
    scores = np.sort(sign * np.asarray(picked, np.float64).ravel())
    everything = len(scores) + int(sum(sizes))
    if not 1 <= best <= everything:
        raise ValueError(f"best must be from 1 to {everything} (all molecules), not {best}")
    scores = scores[~np.isnan(scores)]
    turned = [sign * np.asarray(values, np.float64).ravel() for values in sampled]
    lower, missed_upper, score = _claimed(best, scores, sizes, turned, confidence, True)
    plain, _, _ = _claimed(best, scores, sizes, turned, confidence, False)
    strata = count_strata(sizes, turned, score if np.isfinite(score) else -np.inf)
    found = int(np.searchsorted(scores, score, side="right")) if np.isfinite(score) else 0
    return AuditedRecall(
        lower=lower,
        lower_if_failures_are_none=plain,
        estimate=_estimated(best, scores, sizes, turned),
        found=found,
        missed_upper=missed_upper,
        score=sign * score,
        confidence=confidence,
        **_totals(strata),
        notes=_notes(strata, len(scores)),
    )


def _claimed(
    best: int,
    scores: NDArray[np.float64],
    sizes: Sequence[int],
    sampled: Sequence[NDArray[np.float64]],
    confidence: float,
    failures_missed: bool,
) -> tuple[float, int, float]:
    """Return the last claim that holds, its bound of the missed and its score (lower is better)."""
    bounds: dict[tuple[StratumCount, ...], int] = {}
    claim: tuple[float, int, float] = (0.0, int(sum(sizes)), float("nan"))
    for step in range(1, STEPS + 1):
        recall = step / STEPS
        needed = int(np.ceil(recall * best - 1e-9))
        if needed > len(scores):
            break
        score = float(scores[needed - 1])
        counts = tuple(count_strata(sizes, sampled, score))
        if counts not in bounds:
            bounds[counts] = upper_missed(counts, confidence, failures_missed=failures_missed).upper
        if bounds[counts] > (1 - recall) * best + 1e-9:
            break
        claim = (recall, bounds[counts], score)
    return claim


def _estimated(
    best: int, scores: NDArray[np.float64], sizes: Sequence[int], sampled: Sequence[NDArray[np.float64]]
) -> float:
    """Return the recall where every drawn molecule stands for as many as its stratum has for each."""
    values, weights, ours = [scores], [np.ones(len(scores))], [np.ones(len(scores), bool)]
    for size, part in zip(sizes, sampled, strict=True):
        if len(part):
            known = part[~np.isnan(part)]
            values.append(known)
            weights.append(np.full(len(known), size / len(part)))
            ours.append(np.zeros(len(known), bool))
    joined, heavy, mine = np.concatenate(values), np.concatenate(weights), np.concatenate(ours)
    # among equal scores what was picked comes first, as recall by scores has it
    order = np.lexsort((~mine, joined))
    before = np.cumsum(heavy[order]) - heavy[order]
    inside = np.clip(best - before, 0.0, heavy[order])
    return float(inside[mine[order]].sum() / best)


def _share(found: int, missed: int) -> float:
    """Return found / (found + missed); 0 where there is nothing, since nothing can then be claimed."""
    return found / (found + missed) if found else 0.0


def _totals(strata: Sequence[StratumCount]) -> dict[str, int]:
    return {
        "dockings": sum(item.drawn for item in strata),
        "failed": sum(item.failed for item in strata),
        "hits": sum(item.missed for item in strata),
    }


def _notes(strata: Sequence[StratumCount], found: int) -> tuple[str, ...]:
    notes = []
    blind = sum(item.size for item in strata if item.size and not item.drawn)
    if blind:
        notes.append(f"Nothing was drawn from {plural(blind, 'molecule')}: any of them may be a missed hit.")
    failed = sum(item.failed for item in strata)
    if failed:
        notes.append(f"{failed} dockings of the audit failed: counted as missed hits in the lower bound.")
    if not found:
        notes.append("Nothing was found that good, so no share of it can be claimed.")
    return tuple(notes)
