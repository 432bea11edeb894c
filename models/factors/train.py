"""Distillation of a factor model: it learns what a teacher predicts for random products of a space."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ...data.errors import ModelError
from ...data.seeds import derive_seed
from ...data.spaces.space import Space
from ..fingerprints import Features, featurise
from ..metrics import spearman
from ..prediction import HeldOut
from ..settings import FingerprintSettings, StudentSettings
from ..students.fidelity import fidelity, passed_gate
from ..threads import torch_threads
from .factor_model import FactorModel, ReactionFactors
from .network import FactorNetwork, block_components, pairs_of, partner
from .settings import FactorSettings

MIN_LABELS = 200
JUDGED = 0.1
"""Share of the labels that are kept back, to judge."""
FEWEST_OF_REACTION = 30
"""Fewer judged products of a reaction say nothing about it."""


def block_features(space: Space, threads: int = 1) -> Features:
    """Return the fingerprints of all capped blocks: reactions in order, roles within them."""
    smiles = [text for roles in space.blocks for role in roles for text in role.capped]
    return featurise(smiles, FingerprintSettings(), threads=threads)


def train_factor_model(
    space: Space,
    numbers: ArrayLike,
    labels: ArrayLike,
    targets: Sequence[str],
    lower_is_better: Sequence[bool],
    settings: FactorSettings | None = None,
    seed: int = 0,
    threads: int = 1,
    features: Features | None = None,
    least: StudentSettings | None = None,
    names: Sequence[str] | None = None,
) -> tuple[FactorModel, HeldOut]:
    """Distil a factor model from what a teacher predicts for random products.

    Parameters
    ----------
    space : Space
    numbers : array of int64, shape (n,)
        Of products, drawn at random from the whole space.
    labels : array of float, shape (n, targets)
        The teacher's means; NaN where a product could not be made or predicted.
    targets : sequence of str
    lower_is_better : sequence of bool
    settings : FactorSettings, optional
    seed : int
    threads : int
    features : Features, optional
        Of the blocks (:func:`block_features`), where they are known already.
    least : StudentSettings, optional
        Its ``min_fidelity`` and ``min_recall`` are the gate, as of a student.
    names : sequence of str, optional
        What the products are called among the held-out predictions: their SMILES, say. Their ids by default.

    Returns
    -------
    model : FactorModel
    held_out : HeldOut
        Its predictions for a tenth of the products, from which it did not learn.

    Raises
    ------
    ModelError
        If there are too few labels, or a target has none.
    """
    settings = settings or FactorSettings()
    rows = np.asarray(numbers, np.int64)
    wanted = np.asarray(labels, np.float64).reshape(len(rows), -1)
    good = np.isfinite(wanted).any(axis=1)
    rows, wanted = rows[good], wanted[good]
    called = np.array(
        [names[at] for at in np.flatnonzero(good).tolist()] if names is not None else space.ids(rows), object
    )
    if len(rows) < MIN_LABELS or not np.isfinite(wanted).sum(axis=0).min():
        raise ModelError(
            f"A factor model needs {MIN_LABELS} labelled products or more, and labels of every target; there are "
            f"{len(rows)}.",
            "Raise [rounds] labels.",
        )
    begun = time.perf_counter()
    order = np.random.default_rng(derive_seed(seed, "factors", "split")).permutation(len(rows))
    judged = order[: max(20, int(JUDGED * len(rows)))]
    taught = order[len(judged) :]
    centre = np.nanmean(wanted[taught], axis=0)
    spread = np.nanstd(wanted[taught], axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    features = features if features is not None else block_features(space, threads)
    data = _Labelled(space, rows, ((wanted - centre) / scale).astype(np.float32))
    with torch_threads(threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "factors", "weights") % 2**63)
        network, described = _fit(data, features, taught, len(targets), settings, seed)
        reactions = _evaluated(network, described, data, centre, scale)
    model = FactorModel(reactions, tuple(targets), tuple(lower_is_better), space.fingerprint, {})
    predicted = model.predict(data.reactions[judged], data.positions[judged]).astype(np.float64)
    truth = wanted[judged]
    report = _report(
        model, data.reactions[judged], data.names, truth, predicted, least or StudentSettings(), seed
    )
    report["labels"] = len(rows)
    report["training"] = {"labels": len(taught), **asdict(settings)}
    report["seconds"] = time.perf_counter() - begun
    held_out = HeldOut(called[judged].tolist(), truth, predicted, np.full_like(truth, np.nan))
    return dataclasses.replace(model, report=report), held_out


class _Labelled:
    """Labelled products, by reaction."""

    def __init__(self, space: Space, rows: NDArray[np.int64], wanted: NDArray[np.float32]) -> None:
        self.reactions, self.positions = space.locate(rows)
        self.wanted = wanted
        self.roles = [len(reaction.roles) for reaction in space.reactions]
        self.counts = [len(role) for roles in space.blocks for role in roles]
        self.starts = np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)
        self.names = [reaction.name for reaction in space.reactions]

    def slots(self, reaction: int) -> range:
        start = sum(self.roles[:reaction])
        return range(start, start + self.roles[reaction])


def _fit(
    data: _Labelled,
    features: Features,
    taught: NDArray[np.int64],
    targets: int,
    settings: FactorSettings,
    seed: int,
) -> tuple[FactorNetwork, torch.Tensor]:
    described = torch.from_numpy(
        block_components(features, settings.buckets, derive_seed(seed, "factors", "components"))
    )
    network = FactorNetwork(data.roles, targets, settings.rank, settings.width, described.shape[1])
    steps = max(1, len(taught) // settings.batch_size)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.epochs * steps + 1
    )
    generator = np.random.default_rng(derive_seed(seed, "factors", "order"))
    for _ in range(settings.epochs):
        for rows in np.array_split(generator.permutation(taught), steps):
            optimiser.zero_grad(set_to_none=True)
            _loss(network, described, data, rows).backward()
            optimiser.step()
            schedule.step()
    network.eval()
    return network, described


def _loss(
    network: FactorNetwork, described: torch.Tensor, data: _Labelled, rows: NDArray[np.int64]
) -> torch.Tensor:
    """Return the mean squared error of a batch: each of its blocks goes through the network once."""
    total, known = torch.zeros(()), 0
    for index in np.unique(data.reactions[rows]).tolist():
        here = rows[data.reactions[rows] == index]
        singles, vectors = [], []
        for role, slot in enumerate(data.slots(index)):
            blocks, back = np.unique(data.positions[here, role], return_inverse=True)
            single, vector = network.blocks(slot, described[torch.from_numpy(blocks + data.starts[slot])])
            places = torch.from_numpy(back)
            singles.append(single[places])
            vectors.append(vector[places])
        scores = torch.stack(singles).sum(dim=0) + network.offset[index]
        for one, other in pairs_of(data.roles[index]):
            scores = scores + (
                vectors[one][:, partner(one, other)] * vectors[other][:, partner(other, one)]
            ).sum(-1)
        wanted = torch.from_numpy(data.wanted[here])
        mask = ~torch.isnan(wanted)
        total = total + ((scores - torch.nan_to_num(wanted))[mask] ** 2).sum()
        known += int(mask.sum())
    return total / max(known, 1)


def _evaluated(
    network: FactorNetwork,
    described: torch.Tensor,
    data: _Labelled,
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
) -> tuple[ReactionFactors, ...]:
    """Return what every block adds, in the unit of the labels."""
    found = []
    size = torch.from_numpy(scale.astype(np.float32))
    with torch.no_grad():
        for index, roles in enumerate(data.roles):
            single, vectors = [], []
            for slot in data.slots(index):
                parts = [
                    network.blocks(slot, described[torch.from_numpy(rows)])
                    for rows in _chunks(data.starts[slot], data.starts[slot + 1])
                ]
                single.append((torch.cat([part[0] for part in parts]) * size).numpy())
                vectors.append(torch.cat([part[1] for part in parts]))
            constant = network.offset[index].numpy() * scale + centre
            single[0] = (single[0] + constant).astype(np.float32)
            pairs = {
                (one, other): (
                    (vectors[one][:, partner(one, other)] * size[:, None]).numpy(),
                    vectors[other][:, partner(other, one)].numpy(),
                )
                for one, other in pairs_of(roles)
            }
            found.append(ReactionFactors(tuple(single), pairs))
    return tuple(found)


def _chunks(start: int, stop: int, size: int = 4_096) -> list[NDArray[np.int64]]:
    return [
        np.arange(at, min(at + size, stop), dtype=np.int64) for at in range(start, max(stop, start + 1), size)
    ]


def _report(
    model: FactorModel,
    reactions: NDArray[np.int64],
    names: Sequence[str],
    truth: NDArray[np.float64],
    predicted: NDArray[np.float64],
    least: StudentSettings,
    seed: int,
) -> dict[str, Any]:
    """Judge a model on labels that it did not learn from, in all and by reaction."""
    whole = np.isfinite(truth).all(axis=1)
    agreed = fidelity(truth[whole], predicted[whole], model.targets, model.lower_is_better, seed)
    by_reaction: dict[str, Any] = {}
    for column, target in enumerate(model.targets):
        known = np.isfinite(truth[:, column])
        by_reaction[target] = {}
        for index, name in enumerate(names):
            mine = np.flatnonzero(known & (reactions == index))
            enough = len(mine) >= FEWEST_OF_REACTION
            found = float(spearman(truth[mine, column], predicted[mine, column])) if enough else None
            by_reaction[target][name] = {"judged": len(mine), "spearman": found}
    return {
        "held_out": {"fidelity": int(whole.sum())},
        "fidelity": agreed,
        "by_reaction": by_reaction,
        "gate": passed_gate(
            truth[whole], predicted[whole], model.targets, model.lower_is_better, least, agreed, seed
        ),
    }
