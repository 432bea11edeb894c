"""Teachers: models that learn docking scores from few molecules, and say how sure they are."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.errors import ModelError
from ...data.seeds import derive_seed
from ..fingerprints import Features, featurise, iter_features
from ..metrics import r2, rmse, spearman, with_interval
from ..prediction import HeldOut, Prediction
from ..regressors.registry import Comparing, FitContext, Reducible, Regressor, regressor_class
from ..settings import TeacherSettings
from .calibration import calibration_report, scaling
from .sources import Origin, informed, weigh_sources
from .stacking import (
    Moments,
    affordable,
    combine,
    cross_validate,
    explain,
    held_out_mixture,
    stacking_weights,
)
from .training_data import CleanData, TrainingData, clean

__all__ = ["Prediction", "Teacher", "TrainingData", "train_teacher"]


@dataclass(frozen=True)
class Member:
    """One fitted model of a teacher.

    Attributes
    ----------
    name : str
        Its name in the registry.
    weight : array of float64, shape (targets,)
        Its share of each target's prediction.
    model : Regressor
    """

    name: str
    weight: NDArray[np.float64]
    model: Regressor


class Teacher:
    """A fitted teacher: one or more members whose weighted mean is the prediction.

    Attributes
    ----------
    members : tuple of Member
    targets : tuple of str
    lower_is_better : tuple of bool
    settings : TeacherSettings
    centre, scale : array of float64, shape (targets,)
        Members predict ``(score - centre) / scale``.
    noise, inflation : array of float64, shape (targets,)
        ``spread**2 = inflation * (variance of the members + noise) * scale**2``, set so that held-out
        molecules deviate as much as the spread says.
    report : dict
        Cross-validated metrics with intervals, what was dropped, how the members were chosen.
    data_sha256 : str
        Hash of the training data.
    seed : int
    held_out : HeldOut or None
        Of the training molecules; a teacher loaded from a bundle does not know them any more.
    sources : tuple of Teacher
        Earlier teachers whose predictions are descriptors of this one; reduced to their means.
    origin : mapping of str to str
        ``id`` and ``weights_sha256`` of the bundle that it was loaded from; empty if it was not.
    """

    kind = "teacher"

    def __init__(
        self,
        members: Sequence[Member],
        targets: Sequence[str],
        lower_is_better: Sequence[bool],
        settings: TeacherSettings,
        moments: Mapping[str, NDArray[np.float64]],
        report: Mapping[str, Any],
        data_sha256: str,
        seed: int,
        held_out: HeldOut | None = None,
        sources: Sequence[Teacher] = (),
        origin: Origin | None = None,
    ) -> None:
        self.members = tuple(members)
        self.targets = tuple(targets)
        self.lower_is_better = tuple(lower_is_better)
        self.settings = settings
        self.centre, self.scale = moments["centre"], moments["scale"]
        self.noise, self.inflation = moments["noise"], moments["inflation"]
        self.report = dict(report)
        self.data_sha256 = data_sha256
        self.seed = seed
        self.held_out = held_out
        self.sources = tuple(sources)
        self.origin = dict(origin or {})

    def means_only(self) -> Teacher:
        """Return a smaller teacher with the same means, whose spreads may be NaN: what a source is kept as."""
        members = [
            dataclasses.replace(member, model=member.model.means_only())
            if isinstance(member.model, Reducible)
            else member
            for member in self.members
        ]
        moments = {name: getattr(self, name) for name in ("centre", "scale", "noise", "inflation")}
        return Teacher(
            members, self.targets, self.lower_is_better, self.settings, moments, {}, self.data_sha256, self.seed,
            sources=self.sources, origin=self.origin,
        )  # fmt: skip

    def moments(self, features: Features, threads: int = 1, standard: bool = False) -> Moments:
        """Return mean and variance of ``(score - centre) / scale``, each of shape (n, targets).

        ``features`` are those of ``settings.fingerprints``; invalid rows hold anything. ``standard`` as in
        :meth:`predict`.
        """
        features = informed(features, self.sources, self.settings.fingerprints, threads, standard)
        return self._mixed([member.model.predict(features, threads) for member in self.members])

    def _mixed(self, parts: Sequence[Moments]) -> Moments:
        return combine(np.stack([member.weight for member in self.members]), parts)

    def predict(self, smiles: Sequence[str | None], threads: int = 1, standard: bool = False) -> Prediction:
        """Return predictions for ``smiles``, one row each, in order.

        ``standard`` says that they are as RDKit writes them, as those of a library are: then they need not be
        rewritten, which would take most of the time.

        A teacher with a member that compares molecules (``kernel``) also tells how similar each is to the
        nearest that it learned from, and whether it is novel.

        A molecule's prediction does not depend on the others (to about 1e-6 of a score: matrix products may
        round differently).
        """
        means, spreads, nearest = [], [], []
        comparing = next((item.model for item in self.members if isinstance(item.model, Comparing)), None)
        for features in iter_features(smiles, self.settings.fingerprints, threads=threads, standard=standard):
            features = informed(features, self.sources, self.settings.fingerprints, threads, standard)
            parts: list[Moments] = []
            for member in self.members:
                if member.model is comparing and comparing is not None:
                    *part, similarity = comparing.compare(features, threads)
                    similarity[~features.valid] = np.nan
                    nearest.append(similarity)
                    parts.append((part[0], part[1]))
                else:
                    parts.append(member.model.predict(features, threads))
            mean, variance = self._mixed(parts)
            spread = np.sqrt(self.inflation * (variance + self.noise)) * self.scale
            mean = mean * self.scale + self.centre
            mean[~features.valid] = np.nan
            spread[~features.valid] = np.nan
            means.append(mean.astype(np.float32))
            spreads.append(spread.astype(np.float32))
        found = Prediction(np.concatenate(means), np.concatenate(spreads))
        if comparing is None:
            return found
        similarities = np.concatenate(nearest)
        novel = None if comparing.novelty is None else np.asarray(similarities < comparing.novelty)
        return dataclasses.replace(found, similarity=similarities, novel=novel)


def _target_metrics(
    data: CleanData, centre: NDArray[np.float64], scale: NDArray[np.float64], held_out: Moments, seed: int
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for column, target in enumerate(data.targets):
        known = ~np.isnan(data.scores[:, column])
        truth = data.scores[known, column]
        predicted = held_out[0][known, column] * scale[column] + centre[column]
        result[target] = {
            name: with_interval(metric, truth, predicted, derive_seed(seed, "bootstrap", target))
            for name, metric in (("r2", r2), ("rmse", rmse), ("spearman", spearman))
        }
        result[target]["scores"] = int(known.sum())
    return result


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
        every molecule, as further descriptors (:mod:`docksieve.models.teachers.sources`). A source that the evidence
        of the scores does not support is left out.

    Returns
    -------
    Teacher
        Its ``report`` holds ``data`` (what was kept and dropped), ``targets`` (cross-validated ``r2``,
        ``rmse``, ``spearman``, each with ``value``, ``low``, ``high``; hyper-parameters were chosen on all the
        data), ``members``, ``choice`` (why these), ``cost``, ``calibration`` (with ``coverage``, the table of
        a calibration plot), ``seconds``, and with sources ``sources``: how each ranks what was docked now, what
        the evidence says of it, and whether it was kept.

    Raises
    ------
    ModelError
        If the scores cannot teach anything; see :func:`docksieve.models.teachers.training_data.clean`.
    """
    settings = settings or TeacherSettings()
    started = time.perf_counter()
    table = clean(data, settings.min_scores)
    features = featurise(table.smiles, settings.fingerprints, threads=threads, standard=True)
    if not features.valid.all():
        raise ModelError(f"No fingerprint of {table.smiles[int(np.argmin(features.valid))]!r} could be made.")
    sources = [source.means_only() for source in sources]
    features = informed(features, sources, settings.fingerprints, threads, standard=True)
    centre, scale = np.nanmean(table.scores, axis=0), np.nanstd(table.scores, axis=0)
    scores = (table.scores - centre) / scale
    context = FitContext(settings, derive_seed(seed, "teacher", "sources"), threads)
    features, sources, asked = weigh_sources(sources, features, table, scores, context)
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
    weights = stacking_weights(scores, held_out)
    mixture = held_out_mixture(scores, held_out, min(settings.folds, len(scores)), seed)
    scaled = scaling(scores, mixture)
    members = [
        Member(kind, weight, model)
        for kind, weight, model in zip(kinds, weights, models, strict=True)
        if (weight > 0).any()
    ]
    report = {
        "data": table.facts,
        "targets": _target_metrics(table, centre, scale, mixture, seed),
        "folds": min(settings.folds, len(scores)),
        "members": {
            member.name: {"weight": _by_target(table.targets, member.weight), **member.model.hyper}
            for member in members
        },
        "choice": explain(kinds, weights, scores, held_out, minutes),
        "cost": {
            "seconds": dict(zip(kinds, spent, strict=True)),
            "estimated_core_minutes": minutes,
        },
        "calibration": calibration_report(table.targets, scores, mixture, scaled, scale),
        "seconds": time.perf_counter() - started,
    }
    if asked:
        report["sources"] = asked
    moments = {"centre": centre, "scale": scale, **scaled}
    spread = np.sqrt(scaled["inflation"] * (mixture[1] + scaled["noise"])) * scale
    apart = HeldOut(table.smiles, table.scores, mixture[0] * scale + centre, spread)
    return Teacher(
        members, table.targets, table.lower_is_better, settings, moments, report, table.sha256, seed, apart,
        sources,
    )  # fmt: skip
