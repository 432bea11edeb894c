"""How faithful a student is to its teacher, whether that is enough, and how wide its cut must be.

All of it on molecules that neither training nor early stopping saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.seeds import derive_seed
from ..metrics import best_recall, r2, spearman, with_interval
from ..settings import StudentSettings

RECALL_SHARES = (0.001, 0.01, 0.05)
FEWEST = 5
"""Fewer molecules say nothing about a recall."""
GATE_SHARE = 0.05
BEST_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""The cut is judged by the first of these of which enough molecules were held out."""
HELD = 0.95
"""Share of the teacher's best that the cut must hold."""


def fidelity(
    truth: NDArray[np.float64],
    predicted: NDArray[np.float64],
    targets: Sequence[str],
    lower_is_better: Sequence[bool],
    seed: int,
) -> dict[str, Any]:
    """Compare student and teacher, per target.

    Parameters
    ----------
    truth, predicted : array of float64, shape (n, outputs)
        Of teacher and student: means, then spreads if these were distilled (NaN where unknown).
    targets : sequence of str
    lower_is_better : sequence of bool
    seed : int
    """
    result: dict[str, Any] = {}
    for column, target in enumerate(targets):
        sign = 1.0 if lower_is_better[column] else -1.0
        pair = (sign * truth[:, column], sign * predicted[:, column])
        draws = derive_seed(seed, "fidelity", target)
        metrics: dict[str, Any] = {
            "r2": with_interval(r2, *pair, draws),
            "spearman": with_interval(spearman, *pair, draws),
        }
        for share in RECALL_SHARES:
            enough = share * len(pair[0]) >= FEWEST
            metrics[f"recall_best_{share:g}"] = best_recall(*pair, share) if enough else None
        if predicted.shape[1] > len(targets):
            other = column + len(targets)
            known = np.isfinite(truth[:, other])
            metrics["spread_spearman"] = spearman(truth[known, other], predicted[known, other])
        result[target] = metrics
    return result


def share_to_keep(truth: NDArray[np.float64], predicted: NDArray[np.float64], best: float) -> float:
    """Return the least share of the molecules, best predictions first, that holds ``HELD`` of the best.

    Both are lower-is-better, shape (n,); the best are the lowest ``best`` of ``truth``.
    """
    count = max(1, round(best * len(truth)))
    places = np.empty(len(truth), np.int64)
    places[np.argsort(predicted, kind="stable")] = np.arange(len(truth))
    wanted = np.sort(places[np.argsort(truth, kind="stable")[:count]])
    needed = int(np.ceil(HELD * count - 1e-9))
    return float((wanted[needed - 1] + 1) / len(truth))


def _cut(truth: NDArray[np.float64], predicted: NDArray[np.float64], seed: int) -> dict[str, Any]:
    best = next((share for share in BEST_SHARES if share * len(truth) >= FEWEST), BEST_SHARES[-1])
    keep = with_interval(lambda t, p: share_to_keep(t, p, best), truth, predicted, seed)
    return {
        "of_best": best,
        "held": HELD,
        "keep": keep,
        # The upper end of the interval: a cut that is too wide costs time, one too narrow costs hits.
        "factor": max(keep["high"], keep["value"]) / best,
    }


def passed_gate(
    truth: NDArray[np.float64],
    predicted: NDArray[np.float64],
    targets: Sequence[str],
    lower_is_better: Sequence[bool],
    settings: StudentSettings,
    agreed: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Return, per target, whether the student is faithful enough and how wide its cut should be.

    Returns
    -------
    dict
        ``passed``; ``spearman``, ``recall_best_0.05`` (None where too few were held out) and what they had to
        be: ``min_fidelity``, ``min_recall``; ``cut``: ``keep`` is the share of the library that must be kept
        to hold ``held`` of the teacher's best ``of_best``, with its bootstrap interval, and ``factor`` the
        upper end of it over ``of_best``; ``advice`` in words.
    """
    result: dict[str, Any] = {}
    for column, target in enumerate(targets):
        sign = 1.0 if lower_is_better[column] else -1.0
        cut = _cut(sign * truth[:, column], sign * predicted[:, column], derive_seed(seed, "cut", target))
        correlation = agreed[target]["spearman"]["value"]
        recall = agreed[target][f"recall_best_{GATE_SHARE:g}"]
        passed = correlation >= settings.min_fidelity and (recall is None or recall >= settings.min_recall)
        result[target] = {
            "passed": bool(passed),
            "spearman": correlation,
            f"recall_best_{GATE_SHARE:g}": recall,
            "min_fidelity": settings.min_fidelity,
            "min_recall": settings.min_recall,
            "cut": cut,
            "advice": _advice(bool(passed), cut),
        }
    return result


def _advice(passed: bool, cut: Mapping[str, Any]) -> str:
    keep = f"the best {100 * cut['factor'] * cut['of_best']:.2g} %"
    goal = f"{100 * cut['held']:g} % of the teacher's best {100 * cut['of_best']:g} %"
    if passed:
        return f"Faithful enough; to hold {goal}, keep {keep} by the student."
    return (
        f"Below the gate: keep at least {keep} by the student to hold {goal} "
        f"({cut['factor']:.2g} times as many molecules as are wanted), or distil a wider student on more labels."
    )
