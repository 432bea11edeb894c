"""Distillation of a factor model: it learns what a teacher predicts for random products of a space."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ...data.errors import ModelError
from ...data.seeds import derive_seed
from ...data.spaces.space import Space
from ..fingerprints import Features, featurise
from ..metrics import spearman
from ..settings import FingerprintSettings
from ..students.fidelity import fidelity, share_to_keep
from ..threads import torch_threads
from .factor_model import FactorModel, ReactionFactors
from .network import FactorNetwork, block_components, pairs_of, partner

MIN_LABELS = 200
JUDGED = 0.1
"""Share of the labels that are kept back, to judge."""
FEWEST_OF_REACTION = 30
"""Fewer judged products of a reaction say nothing about it."""


@dataclass(frozen=True)
class FactorSettings:
    """What a factor model looks like and how it is trained.

    Attributes
    ----------
    rank : int
        Length of the vectors of a pair of roles.
    width, buckets : int
        Of the network on the fingerprints of capped blocks.
    epochs, batch_size : int
    learning_rate : float
    gate : float
        Least rank correlation with the teacher on products it did not see.
    """

    rank: int = 32
    width: int = 128
    buckets: int = 8_192
    epochs: int = 20
    batch_size: int = 2_048
    learning_rate: float = 0.004
    gate: float = 0.9

    def __post_init__(self) -> None:
        for name in ("rank", "width", "epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"factors.{name} must be at least 1")
        if self.buckets < 2 or self.buckets & (self.buckets - 1):
            raise ValueError("factors.buckets must be a power of two")
        if not 0 < self.learning_rate < 1:
            raise ValueError("factors.learning_rate must be between 0 and 1")
        if not 0 <= self.gate <= 1:
            raise ValueError("factors.gate must be between 0 and 1")


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
) -> FactorModel:
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

    Raises
    ------
    ModelError
        If there are too few labels, or a target has none.
    """
    settings = settings or FactorSettings()
    rows, wanted = np.asarray(numbers, np.int64), np.asarray(labels, np.float64).reshape(len(labels), -1)
    good = np.isfinite(wanted).any(axis=1)
    rows, wanted = rows[good], wanted[good]
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
    report = _report(model, data, judged, wanted, settings, seed)
    report["training"] = {"labels": len(taught), "seconds": time.perf_counter() - begun, **asdict(settings)}
    return FactorModel(reactions, model.targets, model.lower_is_better, model.space, report)


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
    data: _Labelled,
    judged: NDArray[np.int64],
    wanted: NDArray[np.float64],
    settings: FactorSettings,
    seed: int,
) -> dict[str, Any]:
    """Judge a model on labels that it did not learn from."""
    predicted = model.predict(data.reactions[judged], data.positions[judged]).astype(np.float64)
    truth = wanted[judged]
    whole = np.isfinite(truth).all(axis=1)
    report: dict[str, Any] = {
        "judged": int(whole.sum()),
        "fidelity": fidelity(truth[whole], predicted[whole], model.targets, model.lower_is_better, seed),
        "by_reaction": {},
        "gate": {"least_spearman": settings.gate, "targets": {}},
    }
    for column, target in enumerate(model.targets):
        sign = 1.0 if model.lower_is_better[column] else -1.0
        pair = sign * truth[:, column], sign * predicted[:, column]
        known = np.isfinite(pair[0])
        by_reaction = {}
        for index, name in enumerate(data.names):
            mine = known & (data.reactions[judged] == index)
            enough = mine.sum() >= FEWEST_OF_REACTION
            by_reaction[name] = {
                "judged": int(mine.sum()),
                "spearman": float(spearman(pair[0][mine], pair[1][mine])) if enough else None,
            }
        report["by_reaction"][target] = by_reaction
        correlation = float(spearman(pair[0][known], pair[1][known]))
        best = max(0.001, 20 / max(int(known.sum()), 1))
        report["gate"]["targets"][target] = {
            "spearman": correlation,
            "passed": correlation >= settings.gate,
            "best": best,
            "share_to_keep": share_to_keep(pair[0][known], pair[1][known], best),
        }
    return report
