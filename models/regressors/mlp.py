"""Ensemble of small networks on hashed count fingerprints and descriptors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...data.seeds import derive_seed
from ..fingerprints import Features, fold
from ..settings import MlpSettings, TeacherSettings
from ..threads import torch_threads
from .regressor import FitContext

BLOCK = 1_024


class _Bags:
    """All fingerprints of molecules folded into one hashed bag each, and standardised descriptors."""

    def __init__(
        self, features: Features, buckets: int, centre: NDArray[np.float32], scale: NDArray[np.float32]
    ) -> None:
        folded = fold(features, buckets)
        self.offsets, self.buckets = folded.offsets, folded.buckets
        self.weights = np.log1p(folded.counts).astype(np.float32)
        self.descriptors = np.clip((features.descriptors - centre) / scale, -5, 5).astype(np.float32)

    def batch(self, rows: NDArray[np.int64]) -> tuple[torch.Tensor, ...]:
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        index = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        arrays = (self.buckets[index], offsets, self.weights[index], self.descriptors[rows])
        return tuple(torch.from_numpy(array) for array in arrays)


class _Network(torch.nn.Module):
    def __init__(self, settings: MlpSettings, descriptors: int, targets: int) -> None:
        super().__init__()
        width = settings.width
        self.bag = torch.nn.EmbeddingBag(settings.buckets, width, mode="sum", include_last_offset=True)
        self.descriptors = torch.nn.Linear(descriptors, width)
        self.hidden = torch.nn.Linear(width, width)
        self.head = torch.nn.Linear(width, targets)
        self.dropout = torch.nn.Dropout(settings.dropout)
        torch.nn.init.normal_(self.bag.weight, std=0.05)

    def forward(
        self, buckets: torch.Tensor, offsets: torch.Tensor, weights: torch.Tensor, descriptors: torch.Tensor
    ) -> torch.Tensor:
        first = self.bag(buckets, offsets, per_sample_weights=weights) + self.descriptors(descriptors)
        second = torch.relu(self.hidden(self.dropout(torch.relu(first))))
        result: torch.Tensor = self.head(self.dropout(second))
        return result


def _train(network: _Network, bags: _Bags, scores: torch.Tensor, settings: MlpSettings, seed: int) -> None:
    known = ~torch.isnan(scores)
    wanted = torch.nan_to_num(scores)
    count = len(scores)
    steps = max(1, count // settings.batch_size)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.epochs * steps + 1
    )
    generator = np.random.default_rng(seed)
    network.train()
    for _ in range(settings.epochs):
        order = generator.permutation(count)
        for rows in np.array_split(order, steps):
            mask = known[rows]
            error = (network(*bags.batch(rows)) - wanted[rows])[mask]
            loss = (error**2).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()


class MlpRegressor:
    """A fitted ensemble; see the module."""

    def __init__(self, networks: list[_Network], settings: MlpSettings, centre: NDArray[np.float32],
                 scale: NDArray[np.float32], hyper: Mapping[str, Any]) -> None:  # fmt: skip
        self._networks = networks
        self._settings = settings
        self._centre, self._scale = centre, scale
        self.hyper = hyper

    @classmethod
    def fit(cls, features: Features, scores: NDArray[np.float64], context: FitContext) -> MlpRegressor:
        """Fit; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        settings = context.settings.mlp
        centre = features.descriptors.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = features.descriptors.std(axis=0, dtype=np.float64).astype(np.float32)
        scale = np.where(spread > 0, spread, np.float32(1.0))
        bags = _Bags(features, settings.buckets, centre, scale)
        wanted = torch.from_numpy(scores.astype(np.float32))
        networks = []
        with torch_threads(context.threads), torch.random.fork_rng(devices=[]):
            for member in range(settings.members):
                seed = derive_seed(context.seed, "mlp", member)
                torch.manual_seed(seed)
                network = _Network(settings, features.descriptors.shape[1], scores.shape[1])
                _train(network, bags, wanted, settings, seed)
                networks.append(network)
        hyper = {"targets": scores.shape[1], "descriptors": features.descriptors.shape[1]}
        return cls(networks, settings, centre, scale, hyper)

    def predict(self, features: Features, threads: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance over members; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        bags = _Bags(features, self._settings.buckets, self._centre, self._scale)
        mean = np.zeros((len(features), int(self.hyper["targets"])))
        variance = np.zeros_like(mean)
        with torch_threads(threads), torch.no_grad():
            for start in range(0, len(features), BLOCK):
                rows = np.arange(start, min(start + BLOCK, len(features)))
                batch = bags.batch(rows)
                members = torch.stack([network(*batch) for network in self._networks]).double().numpy()
                mean[rows], variance[rows] = members.mean(axis=0), members.var(axis=0)
        return mean, variance

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all arrays; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        result: dict[str, NDArray[Any]] = {"descriptor_centre": self._centre, "descriptor_scale": self._scale}
        for index, network in enumerate(self._networks):
            result |= {
                f"member.{index}.{name}": value.numpy() for name, value in network.state_dict().items()
            }
        return result

    @classmethod
    def seconds(cls, rows: int, targets: int, settings: TeacherSettings) -> float:
        """Return the cost of one fit; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        mlp = settings.mlp
        steps = mlp.epochs * max(1, rows // mlp.batch_size)
        return mlp.members * (steps * mlp.width * mlp.buckets * 7e-9 + 1e-7 * mlp.epochs * rows * mlp.width)

    @classmethod
    def restore(
        cls, tensors: Mapping[str, NDArray[Any]], hyper: Mapping[str, Any], settings: TeacherSettings
    ) -> MlpRegressor:
        """Return the saved model; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        networks = []
        for index in range(settings.mlp.members):
            network = _Network(settings.mlp, int(hyper["descriptors"]), int(hyper["targets"]))
            prefix = f"member.{index}."
            state = {
                name.removeprefix(prefix): torch.from_numpy(np.array(value))
                for name, value in tensors.items()
                if name.startswith(prefix)
            }
            network.load_state_dict(state)
            networks.append(network.eval())
        return cls(networks, settings.mlp, tensors["descriptor_centre"], tensors["descriptor_scale"], hyper)
