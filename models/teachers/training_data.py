"""Docking scores as teachers take them: checked, brought into one order, duplicates merged."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rdkit import Chem

from ...data.errors import ModelError
from ...data.failed_scores import failures_written_as_scores
from ...data.words import plural
from ..fingerprints import read_molecules

OUTLIER_RANGES = 5.0
"""Scores on the bad side of the quartile by more than this many interquartile ranges are moved there."""


@dataclass(frozen=True)
class TrainingData:
    """Scores to learn from.

    Attributes
    ----------
    smiles : sequence of str
    targets : sequence of str
    scores : array of float64, shape (n, targets)
        NaN where a molecule has no score for a target. A vector is taken as one column.
    lower_is_better : sequence of bool, shape (targets,)

    Examples
    --------
    >>> data = docksieve.TrainingData(
    ...     smiles=["CC(=O)Nc1ccc(O)cc1", "CC(C)Cc1ccc(cc1)C(C)C(=O)O"],
    ...     targets=["EGFR", "JAK2"],
    ...     scores=[[-6.1, -5.8], [-7.4, float("nan")]],
    ...     lower_is_better=[True, True],
    ... )
    >>> np.shape(data.scores)
    (2, 2)
    """

    smiles: Sequence[str]
    targets: Sequence[str]
    scores: ArrayLike
    lower_is_better: Sequence[bool]


@dataclass(frozen=True)
class CleanData:
    """What is left after :func:`clean`.

    Attributes
    ----------
    smiles : list of str
        Canonical, distinct, sorted.
    scores : array of float64, shape (n, targets)
    targets : tuple of str
    lower_is_better : tuple of bool
    sha256 : str
        Hash of molecules and scores: the card's training data hash.
    facts : dict
        What was dropped, merged and moved, and why.
    """

    smiles: list[str]
    scores: NDArray[np.float64]
    targets: tuple[str, ...]
    lower_is_better: tuple[bool, ...]
    sha256: str
    facts: dict[str, Any] = field(default_factory=dict)


def _checked(data: TrainingData) -> NDArray[np.float64]:
    scores = np.array(data.scores, dtype=np.float64)
    if scores.ndim == 1:
        scores = scores[:, None]
    expected = (len(data.smiles), len(data.targets))
    if scores.shape != expected:
        raise ModelError(
            f"The training scores have shape {scores.shape}, expected {expected} (molecules, targets)."
        )
    if len(data.lower_is_better) != len(data.targets):
        raise ModelError(
            f"lower_is_better has {len(data.lower_is_better)} entries for {len(data.targets)} targets."
        )
    if not data.targets or len(set(data.targets)) != len(data.targets):
        raise ModelError(f"The targets {list(data.targets)} must be distinct, and at least one.")
    return scores


def _merged(
    smiles: list[str], scores: NDArray[np.float64]
) -> tuple[list[str], NDArray[np.float64], int, float]:
    """Average the scores of equal molecules; return also how many disagreed and by how much at most."""
    names, inverse = np.unique(np.array(smiles, dtype=object), return_inverse=True)
    order = np.lexsort((*scores.T[::-1], inverse))  # sums must not depend on the order of the rows
    inverse, scores = inverse[order], scores[order]
    known = ~np.isnan(scores)
    totals = np.zeros((len(names), scores.shape[1]))
    counts = np.zeros_like(totals)
    np.add.at(totals, inverse, np.where(known, scores, 0.0))
    np.add.at(counts, inverse, known)
    low = np.full_like(totals, np.inf)
    high = np.full_like(totals, -np.inf)
    np.minimum.at(low, inverse, np.where(known, scores, np.inf))
    np.maximum.at(high, inverse, np.where(known, scores, -np.inf))
    gap = np.where(counts > 0, high - np.where(counts > 0, low, 0), 0)
    mean = np.divide(totals, counts, out=np.full_like(totals, np.nan), where=counts > 0)
    # Equal scores keep their exact value, which a sum divided by a count may not.
    mean = np.where((gap == 0) & (counts > 0), low, mean)
    return names.tolist(), mean, int((gap > 0).any(axis=1).sum()), float(gap.max(initial=0.0))


def _tamed(scores: NDArray[np.float64], lower_is_better: Sequence[bool]) -> int:
    """Move absurdly bad scores (clashing poses) to a fence, in place; return how many."""
    moved = 0
    for column, lower in enumerate(lower_is_better):
        values = scores[:, column]
        first, third = np.nanpercentile(values, [25, 75])
        reach = OUTLIER_RANGES * max(third - first, 1e-9)
        beyond = values > third + reach if lower else values < first - reach
        if third > first:
            values[beyond] = third + reach if lower else first - reach
            moved += int(beyond.sum())
    return moved


def unteachable(data: TrainingData, min_scores: int) -> dict[str, str]:
    """Return the targets that no teacher can learn from ``data``, and why, in words.

    Parameters
    ----------
    data : TrainingData
    min_scores : int
        Fewest scored molecules.

    Raises
    ------
    ModelError
        If shapes disagree.
    """
    scores = _checked(data)
    reasons = {}
    for column, target in enumerate(data.targets):
        finite = np.isfinite(scores[:, column])
        molecules = len({text for text, known in zip(data.smiles, finite, strict=True) if known})
        values = scores[finite, column]
        if molecules < min_scores:
            reasons[target] = (
                f"{plural(molecules, 'molecule')} with a score, and a teacher needs {min_scores}"
            )
        elif values.min() == values.max():
            reasons[target] = f"{plural(len(values), 'score')}, all of them {values[0]:g}"
    return reasons


def _without_failures(scores: NDArray[np.float64], data: TrainingData) -> dict[str, str]:
    """Make missing, in place, what stands for a failed docking; return what was found by target, in words."""
    said = {}
    for column, (target, lower) in enumerate(zip(data.targets, data.lower_is_better, strict=True)):
        found = failures_written_as_scores(scores[:, column], lower)
        if found.values:
            scores[found.mask, column] = np.nan
            said[target] = found.explanation
    return said


def clean(data: TrainingData, min_scores: int, drop_failures: bool = True) -> CleanData:
    """Return what a teacher can learn from, in an order that does not depend on that of the rows.

    Molecules that RDKit cannot read are dropped; infinite scores count as missing, and so do numbers that stand for
    failed dockings if ``drop_failures`` (:mod:`docksieve.data.failed_scores`); molecules without any
    score are dropped; equal molecules are merged, their scores averaged; scores on the bad side by more than
    ``OUTLIER_RANGES`` interquartile ranges are moved to that fence. Each is counted in ``facts``.

    Raises
    ------
    ModelError
        If shapes disagree, or a target has fewer than ``min_scores`` scored molecules or only equal scores.
    """
    scores = _checked(data)
    molecules = read_molecules(data.smiles)
    infinite = np.isinf(scores)
    scores[infinite] = np.nan
    failed = _without_failures(scores, data) if drop_failures else {}
    readable = np.array([mol is not None for mol in molecules], bool)
    scored = ~np.isnan(scores).all(axis=1)
    unreadable = [text for text, fine in zip(data.smiles, readable, strict=True) if not fine]
    kept = np.flatnonzero(readable & scored)
    smiles, merged, conflicts, gap = _merged([Chem.MolToSmiles(molecules[row]) for row in kept], scores[kept])
    for column, target in enumerate(data.targets):
        values = merged[:, column]
        values = values[~np.isnan(values)]
        if len(values) < min_scores:
            raise ModelError(
                f"Target {target!r} has {len(values)} scored molecules; a teacher needs at least {min_scores}.",
                "Dock more molecules for it, or begin a campaign without it.",
            )
        if values.min() == values.max():
            raise ModelError(
                f"All {len(values)} scores of target {target!r} are {values[0]:g}: there is nothing to learn.",
                "Check its receptor, its box and the column of scores.",
            )
    moved = _tamed(merged, data.lower_is_better)
    facts = {
        "rows": len(data.smiles),
        "molecules": len(smiles),
        "scores": {target: int((~np.isnan(merged[:, k])).sum()) for k, target in enumerate(data.targets)},
        "dropped": {
            "unreadable SMILES": len(unreadable),
            "without any score": int((readable & ~scored).sum()),
            "merged with an equal molecule (scores averaged)": len(kept) - len(smiles),
        },
        "unreadable": [str(text)[:200] for text in unreadable[:5]],
        "infinite scores taken as missing": int(infinite.sum()),
        **({"failed dockings written as scores, left out": failed} if failed else {}),
        "equal molecules with different scores": conflicts,
        "largest difference": gap,
        f"scores beyond {OUTLIER_RANGES:g} interquartile ranges moved to that fence": moved,
    }
    digest = hashlib.sha256("\n".join([*data.targets, "", *smiles]).encode())
    digest.update(np.ascontiguousarray(merged, dtype="<f8").tobytes())
    lower = tuple(bool(value) for value in data.lower_is_better)
    return CleanData(smiles, merged, tuple(data.targets), lower, digest.hexdigest(), facts)
