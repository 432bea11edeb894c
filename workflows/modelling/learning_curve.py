"""What more scores would buy: a model trained on more and more of a table, and the power law through its figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...data.environment import usable_cores
from ...data.errors import ConfigError, InputError
from ...data.seeds import derive_seed
from ...data.version import __version__
from ...screening.decisions.learning import fit_learning_curve
from ...screening.metrics.surface import best_first
from ...screening.metrics.virtual_screening import ranking_metrics
from .folded import predict_folds
from .score_files import read_scored_molecules
from .splits import Fold
from .train import paths_of, teacher_settings
from .watch import silent

if TYPE_CHECKING:
    from ...models.settings import TeacherSettings

SMALLEST, POINTS, TESTED = 40, 7, 0.2
"""Fewest molecules of the first point, how many points, and the share of all molecules that is tested."""
FIGURES = ("spearman", "rmse", "recall")
LARGEST = {"spearman": 1.0, "recall": 1.0}
AHEAD = (2.0, 5.0)
"""Forecasts are given for so many times all the molecules."""
BEST, KEPT = 0.05, 0.1


@dataclass(frozen=True)
class ModelLearning:
    """A learning curve of models of some scores.

    Attributes
    ----------
    targets : dict
        By target and figure (``spearman``, ``rmse``, ``recall`` of the best 5 % in the best 10 % by prediction):
        ``points`` (``molecules``, ``value``, ``between_repeats``), ``law`` (``status``: ``fits``, ``does not fit``,
        ``no trend`` or ``cannot say``; ``reason``, ``floor``, ``gain``, ``exponent`` with intervals) and, only where it
        fits, ``ahead``: the value to expect with more molecules, and its 90 % interval.
    setup : dict

    Examples
    --------
    >>> found = docksieve.learning_curve("egfr.csv", sizes=[40, 55, 75, 100, 135], repeats=1)
    >>> [point["molecules"] for point in found.targets["egfr"]["rmse"]["points"]]
    [40, 55, 75, 100, 135]
    """

    targets: Mapping[str, Mapping[str, Any]]
    setup: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**self.setup, "targets": self.targets}


def learning_curve(
    scores: str | Path | Sequence[str | Path],
    targets: Mapping[str, str | int | None] | Sequence[str] | None = None,
    lower_is_better: bool | Mapping[str, bool] | None = None,
    settings: TeacherSettings | Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    sizes: Sequence[int] | None = None,
    repeats: int = 3,
    seed: int = 0,
    threads: int | None = None,
    watcher: Callable[[str, int, int, str], None] | None = None,
) -> ModelLearning:
    """Train teachers on more and more of a table of scores, and fit a power law with a floor to how good they are.

    In each repeat a fifth of the molecules is tested, by all sizes; larger training sets hold the smaller ones.

    Parameters
    ----------
    scores, targets, lower_is_better, settings, columns
        As for :func:`train_model`.
    sizes : sequence of int, optional
        Training molecules, five sizes or more for a law. By default seven, evenly on a logarithmic scale.
    repeats : int
        With other molecules.
    seed : int
    threads : int, optional
        All cores by default.
    watcher : callable, optional
        Told what is done (text), how much of it, out of how much (0: not known), and a remark.

    Returns
    -------
    ModelLearning

    Raises
    ------
    InputError
        If a table cannot be read, or has too few molecules.
    ConfigError
        If a size is impossible.

    Examples
    --------
    >>> found = docksieve.learning_curve("egfr.csv", sizes=[40, 60, 80, 110, 135], repeats=1)
    >>> found.targets["egfr"]["spearman"]["law"]["status"] in ("fits", "does not fit", "no trend", "cannot say")
    True
    """
    from ...models.teachers.training_data import clean

    tell = watcher or silent
    started = time.perf_counter()
    wanted = teacher_settings(settings)
    tell("Reading scores", 0, 0, "")
    read = read_scored_molecules(paths_of(scores), targets, lower_is_better, None, columns)
    data = clean(read.data, wanted.min_scores, wanted.drop_failures)
    count = len(data.smiles)
    tested = round(TESTED * count)
    steps = _sizes(sizes, count - tested, repeats)
    values = np.full((repeats, len(steps), len(data.targets), len(FIGURES)), np.nan)
    total = repeats * len(steps)
    for repeat in range(repeats):
        order = np.random.default_rng(derive_seed(seed, "curve", repeat)).permutation(count)
        test = np.sort(order[:tested])
        for step, size in enumerate(steps):
            fold: Fold = (np.sort(order[tested : tested + size]), test)
            found = predict_folds(
                data, [fold], wanted, derive_seed(seed, "curve", repeat, size), threads or usable_cores(), (), tell,
                repeat * len(steps) + step, total,
            )  # fmt: skip
            for column in range(len(data.targets)):
                values[repeat, step, column] = _figures(
                    data.scores[test, column], found.mean[test, column], data.lower_is_better[column]
                )
    tell("Cross-validating", total, total, "done")
    setup = {
        "sizes": steps,
        "repeats": repeats,
        "tested": tested,
        "molecules": count,
        "seed": seed,
        "lines": read.report.to_json(),
        "notes": list(read.notes),
        "version": __version__,
        "seconds": time.perf_counter() - started,
    }
    curves = {
        target: {
            name: _curve(steps, values[:, :, column, place], count, LARGEST.get(name, float("inf")))
            for place, name in enumerate(FIGURES)
        }
        for column, target in enumerate(data.targets)
    }
    return ModelLearning(curves, setup)


def _sizes(given: Sequence[int] | None, most: int, repeats: int) -> list[int]:
    """Return the numbers of training molecules, ascending."""
    if repeats < 1:
        raise ConfigError(f"At least one repeat is needed, not {repeats}.")
    if given is not None:
        steps = sorted({int(size) for size in given})
        if not steps or steps[0] < 10 or steps[-1] > most:
            raise ConfigError(f"Sizes must be from 10 to {most} (four fifths of the molecules), not {steps}.")
        return steps
    if most < 2 * SMALLEST:
        raise InputError(
            f"A curve needs {2 * SMALLEST} molecules to learn from at least; four fifths of these are {most}.",
            "Give more scores.",
        )
    return np.unique(np.rint(np.geomspace(SMALLEST, most, POINTS)).astype(int)).tolist()


def _figures(truth: NDArray[np.float64], predicted: NDArray[np.float64], lower: bool) -> list[float]:
    known = np.isfinite(truth) & np.isfinite(predicted)
    if known.sum() < 2:
        return [np.nan] * len(FIGURES)
    truth, predicted = truth[known], predicted[known]
    cut = float(truth[best_first(truth, lower)[0]])
    metrics = ranking_metrics(cut, lower, BEST, KEPT)
    return [metrics[name](truth, predicted) for name in FIGURES]


def _curve(
    sizes: list[int], values: NDArray[np.float64], molecules: int, largest: float = float("inf")
) -> dict[str, Any]:
    """Return the points of a figure, its law, and what the law says of more molecules; nothing beyond ``largest``."""
    means = values.mean(axis=0)
    apart = values.std(axis=0, ddof=1) if len(values) > 1 else np.full(len(sizes), np.nan)
    known = np.isfinite(means)
    law = fit_learning_curve(np.array(sizes)[known], means[known])
    ahead = []
    if law.status == "fits":
        for times in AHEAD:
            # A law knows no limits; a correlation and a recall do.
            value, low, high = (min(end, largest) for end in law.at(times * molecules))
            ahead.append(
                {
                    "molecules": round(times * molecules),
                    "value": value,
                    "low": _plain(low),
                    "high": _plain(high),
                }
            )
    points = [
        {"molecules": size, "value": _plain(value), "between_repeats": _plain(spread)}
        for size, value, spread in zip(sizes, means.tolist(), apart.tolist(), strict=True)
    ]
    return {"points": points, "law": law.to_json(), "ahead": ahead}


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
