"""How good a model of some scores would be: repeated cross-validation, beside controls that should find nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.environment import usable_cores
from ...data.errors import ConfigError, InputError
from ...data.seeds import derive_seed
from ...data.version import __version__
from ...screening.metrics.surface import best_first
from ...screening.metrics.virtual_screening import ranking_metrics
from ..campaign.sources import source_teachers
from .figures import beyond_chance, chance_figures, repeated_figures, to_json
from .folded import Folded, nearest_learnt, predict_folds
from .score_files import ScoredMolecules, read_scored_molecules
from .splits import SPLITS, folds_of, scaffold_groups
from .train import paths_of, teacher_settings
from .watch import silent

if TYPE_CHECKING:
    from ...models.settings import TeacherSettings
    from ...models.teachers.training_data import CleanData

NEAR = 0.85
"""Similarity from which on a tested molecule counts as a near duplicate of one that was learnt."""
LEAST_BEST = 20
"""Molecules that the truly best should be at least, where nobody says how many."""
FEWEST = 30
"""Tested molecules that a figure needs at least."""
LEVELS = (0.5, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Evaluation:
    """What cross-validation found.

    Attributes
    ----------
    targets : dict
        By target: ``figures``, each with ``value``, ``low``, ``high``, ``between_repeats`` and, beside it, ``shuffled``
        (the same of models that learned scores dealt out anew) and ``random`` (rankings at random); ``calibration``,
        ``without_near_duplicates`` and what counted as ``best``, ``kept`` and ``cut``.
    leakage : dict
        How many tested molecules have a near duplicate among those that were learnt.
    setup : dict
        ``split``, ``folds``, ``repeats``, ``seed`` and what became of the lines.
    notes : tuple of str
    table : pyarrow.Table
        A row for each tested molecule, repeat and target: ``smiles``, ``target``, ``score``, ``repeat``, ``fold``,
        ``mean``, ``spread``, ``similarity`` to the nearest that was learnt.

    Examples
    --------
    >>> found = docksieve.evaluate_model("egfr.csv", folds=2, repeats=1, rounds=20, seed=1)
    >>> found.targets["egfr"]["figures"]["spearman"]["value"] > 0.7
    True
    >>> found.table.column_names[:3]
    ['smiles', 'target', 'score']
    """

    targets: Mapping[str, Mapping[str, Any]]
    leakage: Mapping[str, Any]
    setup: Mapping[str, Any]
    notes: tuple[str, ...]
    table: pa.Table = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the table."""
        return {**self.setup, "targets": self.targets, "leakage": self.leakage, "notes": list(self.notes)}


def evaluate_model(
    scores: str | Path | Sequence[str | Path],
    targets: Mapping[str, str | int | None] | Sequence[str] | None = None,
    lower_is_better: bool | Mapping[str, bool] | None = None,
    sources: Sequence[str | Path] = (),
    settings: TeacherSettings | Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    split: str = "random",
    folds: int = 5,
    repeats: int = 3,
    best: float | None = None,
    kept: float | None = None,
    cut: float | None = None,
    seed: int = 0,
    threads: int | None = None,
    rounds: int = 200,
    watcher: Callable[[str, int, int, str], None] | None = None,
) -> Evaluation:
    """Say by cross-validation how good a teacher of tables of scores is, as :func:`train_model` would train it.

    Beside every figure stand two controls: models that learn the same molecules with their scores dealt out anew,
    and rankings at random. A figure that is no better than these says nothing.

    Parameters
    ----------
    scores, targets, lower_is_better, sources, settings
        As for :func:`train_model`.
    columns : mapping, optional
        As there; ``time_column`` for ``split="time"``.
    split : str
        ``random``; ``scaffold``: no Bemis-Murcko scaffold on both sides; ``time``: each part is predicted from what is
        older, once.
    folds, repeats : int
    best : float, optional
        Share of the molecules that counts as truly best. By default 0.01, or as much as makes twenty molecules.
    kept : float, optional
        Share that is kept by prediction. By default five times ``best``.
    cut : float, optional
        Score of a hit, for ``mcc``; by default that of the worst of the truly best. Of one target.
    seed : int
    threads : int, optional
        All cores by default.
    rounds : int
        Bootstrap draws of an interval.
    watcher : callable, optional
        Told what is done (text), how much of it, out of how much (0: not known), and a remark.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        If a table cannot be read, or is too small for the split.
    ConfigError
        If an option is impossible.
    ModelError
        If the scores cannot teach anything: too few, or all alike.

    Examples
    --------
    >>> found = docksieve.evaluate_model("egfr.csv", split="scaffold", folds=2, repeats=1, rounds=20)
    >>> spearman = found.targets["egfr"]["figures"]["spearman"]
    >>> spearman["value"] > spearman["random"]["high"]
    True
    """
    from ...models.teachers.training_data import clean

    tell = watcher or silent
    started = time.perf_counter()
    columns = dict(columns or {})
    _check(split, folds, repeats, best, kept, rounds, columns)
    wanted = teacher_settings(settings)
    given = source_teachers([Path(source) for source in sources], "sources")
    tell("Reading scores", 0, 0, "")
    read = read_scored_molecules(paths_of(scores), targets, lower_is_better, None, columns)
    if cut is not None and len(read.data.targets) > 1:
        raise ConfigError("One --cut cannot serve several targets.", "Evaluate one target at a time.")
    data = clean(read.data, wanted.min_scores, wanted.drop_failures)
    groups = scaffold_groups(data.smiles) if split == "scaffold" else None
    order = _order(read, data) if split == "time" else None
    repeats = 1 if split == "time" else repeats
    plan = [
        folds_of(split, folds, derive_seed(seed, "repeat", repeat), len(data.smiles), groups, order)
        for repeat in range(repeats)
    ]
    threads, total = threads or usable_cores(), (repeats + 1) * folds

    def predicted(repeat: int, shuffled: bool) -> Folded:
        place = derive_seed(seed, "repeat", repeat)
        before = (repeats if shuffled else repeat) * folds
        return predict_folds(
            data, plan[repeat], wanted, place, threads, given, tell, before, total, shuffled=shuffled
        )

    repeated = [predicted(repeat, False) for repeat in range(repeats)]
    control = predicted(0, True)
    tell("Cross-validating", total, total, "done")
    tell("Computing intervals", 0, 0, "")
    similarity = [nearest_learnt(data.smiles, each) for each in plan]
    notes = list(read.notes)
    found = {}
    for column, target in enumerate(data.targets):
        judged = _Judged(
            data, column, repeated, control, groups, similarity[0], rounds, derive_seed(seed, target)
        )
        found[target] = judged.report(best, kept, cut)
        notes += judged.notes
    drawn = sum(each.drawn for each in repeated)
    if drawn:
        notes.append(
            f"{drawn} of {repeats * folds * len(data.targets)} fits drew bad scores together to rank good ones better: "
            "their predictions of bad molecules stay near the median, which costs r2, rmse and coverage of all."
        )
    remembered = sum(each.remembered for each in repeated)
    if remembered:
        notes.append(
            f"{remembered:,} predictions are left out: a source remembers these molecules, and nobody kept what it "
            "would say of them without."
        )
    setup = {
        "split": split,
        "folds": folds,
        "repeats": repeats,
        "seed": seed,
        "rounds": rounds,
        "lines": read.report.to_json(),
        "data": data.facts,
        "fold_sizes": [[len(test) for _, test in each] for each in plan],
        "version": __version__,
        "seconds": time.perf_counter() - started,
    }
    return Evaluation(found, _leakage(similarity[0]), setup, tuple(notes), _table(data, repeated, similarity))


def _check(
    split: str,
    folds: int,
    repeats: int,
    best: float | None,
    kept: float | None,
    rounds: int,
    columns: Mapping[str, Any],
) -> None:
    if split not in SPLITS:
        raise ConfigError(f"There is no split {split!r}.", f"There are: {', '.join(SPLITS)}.")
    if (split == "time") != ("time_column" in columns):
        raise ConfigError(
            "A split by time needs a column that tells when each line was measured, and no other split does.",
            "Give --split time and --time-column NAME together.",
        )
    if folds < 2 or repeats < 1 or rounds < 1:
        raise ConfigError(
            f"Impossible: {folds} folds, {repeats} repeats, {rounds} rounds.", "Ask for at least 2, 1, 1."
        )
    for name, share in (("best", best), ("kept", kept)):
        if share is not None and not 0 < share < 1:
            raise ConfigError(
                f"--{name} must be a share above 0 and below 1, not {share}.", "0.01 is one percent."
            )


def _order(read: ScoredMolecules, data: CleanData) -> NDArray[np.float64]:
    """Return when each molecule was measured first."""
    assert read.order is not None
    first: dict[str, float] = {}
    for text, when in zip(read.data.smiles, read.order.tolist(), strict=True):
        first[text] = min(when, first.get(text, when))
    # A molecule that RDKit writes in another way than its standard form: by the latest, so that nothing learns from it.
    latest = max(first.values())
    return np.array([first.get(text, latest) for text in data.smiles])


class _Judged:
    """One target's figures."""

    def __init__(
        self,
        data: CleanData,
        column: int,
        repeated: Sequence[Folded],
        control: Folded,
        groups: NDArray[np.int64] | None,
        similarity: NDArray[np.float64],
        rounds: int,
        seed: int,
    ) -> None:
        self.name, self.lower = data.targets[column], data.lower_is_better[column]
        means = np.stack([each.mean[:, column] for each in repeated])
        rows = np.isfinite(means).all(axis=0) & np.isfinite(data.scores[:, column])
        rows &= np.isfinite(control.mean[:, column])
        if rows.sum() < FEWEST:
            raise InputError(
                f"Only {int(rows.sum())} molecules with a score for {self.name} were tested; figures need {FEWEST}.",
                "Give more scores.",
            )
        self.truth, self.means = data.scores[rows, column], means[:, rows]
        self.spread = repeated[0].spread[rows, column]
        self.shuffled = control.mean[None, rows, column]
        self.groups = None if groups is None else groups[rows]
        self.similarity, self.rounds, self.seed = similarity[rows], rounds, seed
        self.notes: list[str] = []

    def report(self, best: float | None, kept: float | None, cut: float | None) -> dict[str, Any]:
        count = len(self.truth)
        best = best or min(0.25, max(0.01, LEAST_BEST / count))
        kept = kept or min(0.5, 5 * best)
        wanted = max(1, round(best * count))
        if cut is None:
            cut = float(self.truth[best_first(self.truth, self.lower)[wanted - 1]])
        metrics = ranking_metrics(cut, self.lower, best, kept)
        figures = repeated_figures(metrics, self.truth, self.means, self.seed, self.rounds, self.groups)
        shuffled = repeated_figures(metrics, self.truth, self.shuffled, self.seed, self.rounds, self.groups)
        random = chance_figures(metrics, self.truth, self.seed, self.rounds)
        lines: dict[str, dict[str, Any]] = {}
        for name, figure in figures.items():
            smaller = name == "rmse"
            lines[name] = {
                **figure.to_json(),
                "shuffled": shuffled[name].to_json(),
                "random": random[name].to_json(),
                "beyond_random": beyond_chance(figure, random[name], smaller),
            }
        if figures["mcc"].value != figures["mcc"].value:
            self.notes.append(
                f"{self.name}: mcc is not defined, since no molecule is predicted to reach {cut:g}, or all are."
            )
        if beyond_chance(shuffled["spearman"], random["spearman"]):
            self.notes.append(
                f"{self.name}: models of shuffled scores rank better than chance "
                f"(spearman {shuffled['spearman'].value:.2f}). Something other than the scores tells: do not "
                "trust the figures."
            )
        if not lines["spearman"]["beyond_random"]:
            self.notes.append(f"{self.name}: the ranking is no better than one at random.")
        near = self.similarity >= NEAR
        rest = None
        if near.any() and (~near).sum() >= FEWEST:
            apart = None if self.groups is None else self.groups[~near]
            rest = to_json(
                repeated_figures(
                    metrics, self.truth[~near], self.means[:, ~near], self.seed, self.rounds, apart
                )
            )
        return {
            "lower_is_better": bool(self.lower),
            "tested": count,
            "best": best,
            "kept": kept,
            "cut": cut,
            "hits": int((self.truth <= cut if self.lower else self.truth >= cut).sum()),
            "figures": lines,
            "calibration": self._calibration(kept),
            "near_duplicates": int(near.sum()),
            "without_near_duplicates": rest,
        }

    def _calibration(self, kept: float) -> dict[str, Any]:
        """Return how many scores lie within intervals of each level: of all, and of the best by prediction."""
        from ...models.teachers.calibration import coverage

        error = self.means[0] - self.truth
        picked = best_first(self.means[0], self.lower)[: max(1, round(kept * len(error)))]
        found = {}
        for name, rows in (("all", np.arange(len(error))), ("picked", picked)):
            table = coverage(error[rows], self.spread[rows])
            found[name] = {
                "molecules": len(rows),
                "bias": float(error[rows].mean()),
                "rms_error_in_spreads": float(np.sqrt(((error[rows] / self.spread[rows]) ** 2).mean())),
                "coverage": [
                    {key: line[key] for key in ("expected", "observed", "low", "high")}
                    for line in table
                    if line["expected"] in LEVELS
                ],
            }
        return found


def _leakage(similarity: NDArray[np.float64]) -> dict[str, Any]:
    """Return how alike tested and learnt molecules of the first repeat are; equal ones were merged before."""
    known = similarity[np.isfinite(similarity)]
    return {
        "tested": len(known),
        "near_duplicates": int((known >= NEAR).sum()),
        "threshold": NEAR,
        "same_environments": int((known >= 1 - 1e-6).sum()),
        "median_similarity": float(np.median(known)),
    }


def _table(
    data: CleanData, repeated: Sequence[Folded], similarity: Sequence[NDArray[np.float64]]
) -> pa.Table:
    parts = []
    names = np.array(data.smiles, object)
    for number, (each, near) in enumerate(zip(repeated, similarity, strict=True)):
        for column, target in enumerate(data.targets):
            rows = np.flatnonzero(np.isfinite(each.mean[:, column]) & np.isfinite(data.scores[:, column]))
            parts.append(
                pa.table(
                    {
                        "smiles": pa.array(names[rows].tolist(), pa.string()),
                        "target": pa.array([target] * len(rows), pa.string()),
                        "score": data.scores[rows, column],
                        "repeat": np.full(len(rows), number, np.int32),
                        "fold": each.fold[rows].astype(np.int32),
                        "mean": each.mean[rows, column],
                        "spread": each.spread[rows, column],
                        "similarity": near[rows].astype(np.float32),
                    }
                )
            )
    return pa.concat_tables(parts)
