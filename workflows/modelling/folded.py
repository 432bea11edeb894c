"""Cross-validation of a teacher as it is trained on files: predictions for molecules that each had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...data.seeds import derive_seed
from ...screening.chemistry.similarity import References, fingerprint
from .splits import Fold
from .watch import Watcher

if TYPE_CHECKING:
    from ...models.settings import TeacherSettings
    from ...models.teachers.teacher import Teacher
    from ...models.teachers.training_data import CleanData


@dataclass(frozen=True)
class Folded:
    """What one repeat predicts.

    Attributes
    ----------
    mean, spread : array of float64, shape (n, targets)
        NaN for molecules that were not tested, or that a source remembers.
    fold : array of int64, shape (n,)
        -1: not tested.
    drawn : int
        Fits, of all folds and targets, that drew bad scores together.
    remembered : int
        Tested molecules without a figure, since a source remembers them.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    fold: NDArray[np.int64]
    drawn: int = 0
    remembered: int = 0


def predict_folds(
    data: CleanData,
    folds: Sequence[Fold],
    settings: TeacherSettings,
    seed: int,
    threads: int,
    sources: Sequence[Teacher],
    tell: Watcher,
    done: int,
    total: int,
    shuffled: bool = False,
) -> Folded:
    """Train on each fold's rows and predict the others.

    Parameters
    ----------
    data : CleanData
        n distinct molecules.
    folds : sequence of Fold
    settings, seed, threads, sources
        Of the teacher.
    tell : callable
        Told of every fit: ``done`` of ``total`` before this call.
    shuffled : bool
        The control: what is learnt from has its scores dealt out anew among its molecules. What is tested keeps them.
    """
    from ...models.teachers.sources import flattering, for_judging
    from ...models.teachers.train import train_teacher
    from ...models.teachers.training_data import TrainingData

    mean, spread = (np.full(data.scores.shape, np.nan) for _ in range(2))
    place = np.full(len(data.smiles), -1, np.int64)
    drawn = remembered = 0
    for number, (train, test) in enumerate(folds):
        what = "scores shuffled" if shuffled else f"{len(train):,} molecules"
        tell("Cross-validating", done + number, total, f"fit {done + number + 1} of {total}: {what}")
        scores = data.scores[train]
        if shuffled:
            scores = _dealt_anew(scores, derive_seed(seed, "shuffle", number))
        learnt = TrainingData([data.smiles[row] for row in train], data.targets, scores, data.lower_is_better)
        teacher = train_teacher(learnt, settings, derive_seed(seed, "fold", number), threads, sources)
        drawn += sum(bool(said.get("drawn_together")) for said in teacher.report["focus"].values())
        asked = [data.smiles[row] for row in test]
        found = for_judging(teacher, sources).predict(asked, threads, standard=True)
        known = ~flattering(teacher, sources, asked) if sources else np.ones(len(asked), bool)
        remembered += int((~known).sum())
        mean[test[known]], spread[test[known]] = found.mean[known], found.spread[known]
        place[test] = number
    return Folded(mean, spread, place, drawn, remembered)


def _dealt_anew(scores: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return each target's scores in another order, among the molecules that have one."""
    random, dealt = np.random.default_rng(seed), scores.copy()
    for column in range(scores.shape[1]):
        known = np.flatnonzero(~np.isnan(scores[:, column]))
        dealt[known, column] = scores[random.permutation(known), column]
    return dealt


def nearest_learnt(smiles: Sequence[str], folds: Sequence[Fold]) -> NDArray[np.float64]:
    """Return how similar each tested molecule is to the nearest that its model learned from, shape (n,).

    Tanimoto's coefficient of unfolded circular environments of radius 2; NaN where it was not tested.
    """
    found = np.full(len(smiles), np.nan)
    for train, test in folds:
        references = References([smiles[row] for row in train], fingerprint)
        found[test] = references.nearest([smiles[row] for row in test])[0]
    return found
