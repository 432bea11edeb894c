"""Teachers: models that learn docking scores from few molecules, and say how sure they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..fingerprints import BATCH, Features, featurise, iter_features
from ..prediction import HeldOut, Prediction
from ..regressors.regressor import Comparing, Reducible, Regressor
from ..settings import FingerprintSettings, TeacherSettings
from .stacking import (
    Moments,
    combine,
)


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
        Of the training molecules; a teacher loaded from a bundle does not know them any more. Where a teacher with it
        is a source, molecules that it learned from get what cross-validation predicted for them.
    sources : tuple of Teacher
        Earlier teachers whose predictions are descriptors of this one; reduced to their means.
    origin : mapping of str to str
        ``id`` and ``weights_sha256`` of the bundle that it was loaded from; empty if it was not.

    Examples
    --------
    >>> teacher = docksieve.load_bundle("campaign/models/round-02/teacher")
    >>> prediction = teacher.predict(["O=C(NCc1ccccc1)c1ccccc1", "C[Si](C)(C)C"])
    >>> bool(prediction.similarity[0] > prediction.similarity[1])  # to the nearest that it learnt from
    True
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
        features = with_source_predictions(
            features, self.sources, self.settings.fingerprints, threads, standard
        )
        return self._mixed([member.model.predict(features, threads) for member in self.members])

    def _mixed(self, parts: Sequence[Moments]) -> Moments:
        return combine(np.stack([member.weight for member in self.members]), parts)

    def predict(self, smiles: Sequence[str | None], threads: int = 1, standard: bool = False) -> Prediction:
        """Return predictions, one row per SMILES, in order.

        A molecule's prediction does not depend on the others (to about 1e-6 of a score: matrix products may round
        differently).

        Parameters
        ----------
        smiles : sequence of str or None, length n
        threads : int
        standard : bool
            Whether they are as RDKit writes them, as those of a library are: then they need not be rewritten, which
            would take most of the time.

        Returns
        -------
        Prediction
            In score units, arrays of shape (n, targets); NaN where RDKit could not read the molecule. A teacher
            with a member that compares molecules (``kernel``) also tells how similar each is to the nearest that it
            learned from, and whether it is novel.
        """
        means, spreads, nearest = [], [], []
        comparing = next((item.model for item in self.members if isinstance(item.model, Comparing)), None)
        for features in iter_features(smiles, self.settings.fingerprints, threads=threads, standard=standard):
            features = with_source_predictions(
                features, self.sources, self.settings.fingerprints, threads, standard
            )
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


def with_source_predictions(
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
    """Return the means of a source in units of its own scores' spread, shape (n, its targets).

    A source is surer of the molecules that it learned from than of any other. Where it still has its ``held_out``,
    those get what models fitted without them predict, so that nobody takes its memory for knowledge.
    """
    means = np.zeros((len(features), len(source.targets)), np.float32)
    for start in range(0, len(features), BATCH):
        rows = np.arange(start, min(start + BATCH, len(features)))
        means[rows] = source.moments(features.take(rows), threads, standard)[0]
    if source.held_out is not None and len(source.held_out.smiles):
        rows, honest = _cross_validated(source, features)
        means[rows] = np.where(np.isfinite(honest), honest, means[rows])
    means[~features.valid] = 0.0
    return means


def _cross_validated(source: Teacher, features: Features) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the rows that a source learned from, and its held-out means there in units of its scores' spread."""
    assert source.held_out is not None and features.smiles is not None
    place = {text: index for index, text in enumerate(source.held_out.smiles)}
    found = [(row, place[text]) for row, text in enumerate(features.smiles.tolist()) if text in place]
    rows, theirs = np.array(found, np.int64).reshape(-1, 2).T
    return rows, (source.held_out.mean[theirs] - source.centre) / source.scale


Origin = Mapping[str, str]
"""``id`` and ``weights_sha256`` of the bundle that a teacher was loaded from; empty for one that was not."""
