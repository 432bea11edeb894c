"""Training a teacher: cross-validation, weights, source tasks, the final fit, and what it is found to be worth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.errors import ModelError
from ...data.seeds import derive_seed
from ..fingerprints import featurise
from ..metrics import r2, rmse, spearman, with_interval
from ..prediction import HeldOut
from ..regressors.registry import regressor_class
from ..regressors.regressor import FitContext
from ..settings import TeacherSettings
from .calibration import calibration_report, scaling
from .focus import refocused
from .sources import FEWEST_NEW, Memory, reduced, remembered, select_sources
from .stacking import Moments, affordable, cross_validate, explain, held_out_mixture, stacking_weights
from .teacher import Member, Teacher, with_source_predictions
from .training_data import CleanData, TrainingData, clean


def _target_metrics(
    data: CleanData,
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
    held_out: Moments,
    seed: int,
    judged: NDArray[np.float64],
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for column, target in enumerate(data.targets):
        known = ~np.isnan(judged[:, column])
        truth = data.scores[known, column]
        predicted = held_out[0][known, column] * scale[column] + centre[column]
        result[target] = {
            name: with_interval(metric, truth, predicted, derive_seed(seed, "bootstrap", target))
            for name, metric in (("r2", r2), ("rmse", rmse), ("spearman", spearman))
        }
        result[target]["scores"] = int(known.sum())
    return result


def _judged(
    scores: NDArray[np.float64], given: Sequence[Teacher], kept: Sequence[Teacher], memory: Sequence[Memory]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the scores that may judge the teacher, the others NaN, and the molecules that kept sources remember.

    Where hardly a molecule is new to the sources, all of them judge: figures that flatter, and are said to, are more
    than none.
    """
    unjudged = np.zeros(len(scores), bool)
    for source, (_, flattered) in zip(given, memory, strict=True):
        if any(source is one for one in kept):
            unjudged |= flattered
    judged = np.where(unjudged[:, None], np.nan, scores)
    enough = (~np.isnan(judged)).sum(axis=0) >= FEWEST_NEW
    return (judged if enough.all() or not unjudged.any() else scores), unjudged


def _by_target(targets: Sequence[str], values: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(targets, values.tolist(), strict=True))


def train_teacher(
    data: TrainingData,
    settings: TeacherSettings | None = None,
    seed: int = 0,
    threads: int = 1,
    sources: Sequence[Teacher] = (),
) -> Teacher:
    """Train a teacher on docking scores.

    The same data (in any order), settings, seed, threads and sources give the same teacher.

    Parameters
    ----------
    data : TrainingData
    settings : TeacherSettings, optional
    seed : int
    threads : int
    sources : sequence of Teacher
        Teachers of earlier campaigns, for other receptors or by other programs: what they predict is known of
        every molecule, as further descriptors (``docs/models.md``). A source that the evidence of the scores does not
        support is left out. A source with its ``held_out`` (fresh from training) gives cross-validated predictions of
        what it learned from; molecules that one without it remembers judge neither it nor the new teacher.

    Returns
    -------
    Teacher
        Its ``report`` holds ``data`` (what was kept and dropped), ``targets`` (cross-validated ``r2``, ``rmse``,
        ``spearman``, each with ``value``, ``low``, ``high``; hyper-parameters were chosen on all the data),
        ``focus`` (whether bad scores were drawn together, and why), ``members``, ``choice`` (why these), ``cost``,
        ``calibration`` (with ``coverage``, the table of a calibration plot), ``seconds``, and with sources
        ``sources``: how each ranks what was docked now, what the evidence says of it, whether it was kept, how many of
        the molecules it learned from and on how many it was judged; and ``remembered``: ``molecules`` that a kept
        source has no honest prediction for, and whether they were ``left_out`` of all figures.

    Raises
    ------
    ModelError
        If the scores cannot teach anything: too few, all alike, or of the wrong shape.

    Examples
    --------
    >>> import pyarrow.csv
    >>> table = pyarrow.csv.read_csv("egfr.csv")
    >>> data = docksieve.TrainingData(table["smiles"].to_pylist(), ["EGFR"], table["score"].to_numpy(), [True])
    >>> teacher = docksieve.train_teacher(data, seed=1)
    >>> teacher.report["targets"]["EGFR"]["spearman"]["value"] > 0.8  # cross-validated
    True
    """
    settings = settings or TeacherSettings()
    started = time.perf_counter()
    table = clean(data, settings.min_scores, settings.drop_failures)
    features = featurise(table.smiles, settings.fingerprints, threads=threads, standard=True)
    if not features.valid.all():
        raise ModelError(f"No fingerprint of {table.smiles[int(np.argmin(features.valid))]!r} could be made.")
    docked = table.scores
    table, focus = refocused(table, features, settings, seed, threads)
    memory = [remembered(source, table.smiles, threads) for source in sources]
    given, honest = reduced(sources)
    features = with_source_predictions(features, honest, settings.fingerprints, threads, standard=True)
    centre, scale = np.nanmean(table.scores, axis=0), np.nanstd(table.scores, axis=0)
    scores = (table.scores - centre) / scale
    context = FitContext(settings, derive_seed(seed, "teacher", "sources"), threads)
    features, sources, asked = select_sources(given, features, table, scores, context, memory)
    judged, unjudged = _judged(scores, given, sources, memory)
    kinds: list[str] = [settings.kind]
    minutes: dict[str, float] = {}
    if settings.kind == "auto":
        kinds, minutes = affordable(scores.shape[0], scores.shape[1], settings)
    models, held_out, spent = [], [], []
    for kind in kinds:
        begun = time.perf_counter()
        cls = regressor_class(kind)
        context = FitContext(settings, derive_seed(seed, "teacher", kind), threads)
        model = cls.fit(features, scores, context)
        models.append(model)
        folded = FitContext(settings, context.seed, threads, model.hyper)
        held_out.append(cross_validate(cls, features, scores, folded))
        spent.append(time.perf_counter() - begun)
    weights = stacking_weights(judged, held_out)
    mixture = held_out_mixture(judged, held_out, min(settings.folds, len(scores)), seed)
    scaled = scaling(judged, mixture)
    members = [
        Member(kind, weight, model)
        for kind, weight, model in zip(kinds, weights, models, strict=True)
        if (weight > 0).any()
    ]
    report = {
        "data": table.facts,
        "targets": _target_metrics(table, centre, scale, mixture, seed, judged),
        "focus": focus,
        "folds": min(settings.folds, len(scores)),
        "members": {
            member.name: {"weight": _by_target(table.targets, member.weight), **member.model.hyper}
            for member in members
        },
        "choice": explain(kinds, weights, judged, held_out, minutes),
        "cost": {
            "seconds": dict(zip(kinds, spent, strict=True)),
            "estimated_core_minutes": minutes,
        },
        "calibration": calibration_report(table.targets, judged, mixture, scaled, scale),
        "seconds": time.perf_counter() - started,
    }
    if asked:
        report["sources"] = asked
        report["remembered"] = {
            "molecules": int(unjudged.sum()),
            "left_out": bool(np.isnan(judged[unjudged]).all()),
        }
    moments = {"centre": centre, "scale": scale, **scaled}
    spread = np.sqrt(scaled["inflation"] * (mixture[1] + scaled["noise"])) * scale
    means = np.where(np.isnan(judged) & ~np.isnan(scores), np.nan, mixture[0] * scale + centre)
    apart = HeldOut(table.smiles, table.scores, means, spread, docked)
    return Teacher(
        members, table.targets, table.lower_is_better, settings, moments, report, table.sha256, seed, apart,
        sources,
    )  # fmt: skip
