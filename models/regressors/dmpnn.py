"""Ensemble of directed message-passing networks on molecular graphs, by chemprop.

Yang et al., J. Chem. Inf. Model. 59, 3370, 2019. chemprop makes the graphs and the networks; training is the
plain loop below, and what is saved is tensors, never chemprop's checkpoints, which are pickles. The descriptors
join the graph's vector before the last layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from chemprop.data import BatchMolGraph
from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer
from chemprop.models import MPNN
from chemprop.nn import BondMessagePassing, MeanAggregation, RegressionFFN
from numpy.typing import NDArray

from ...data.errors import ModelError
from ...data.seeds import derive_seed
from ..fingerprints import Features, read_molecules
from ..settings import DmpnnSettings, TeacherSettings
from ..threads import torch_threads
from .regressor import FitContext

BLOCK = 256
CLIP = 5.0
"""Standardised descriptors beyond this are cut."""
KEPT = ("message_passing.", "predictor.ffn.")
"""Weights that predictions depend on; the rest are chemprop's metrics."""


class _Graphs:
    """Molecular graphs and standardised descriptors of valid molecules."""

    def __init__(self, features: Features, centre: NDArray[np.float32], scale: NDArray[np.float32]) -> None:
        if features.smiles is None:
            raise ModelError("The teacher 'dmpnn' needs the molecules, not only their fingerprints.")
        featurise = SimpleMoleculeMolGraphFeaturizer()
        # An invalid molecule is methane here: its row is not looked at.
        texts = [text if fine else "C" for text, fine in zip(features.smiles, features.valid, strict=True)]
        self.graphs = [featurise(mol) for mol in read_molecules(texts)]
        values = np.clip((features.descriptors - centre) / scale, -CLIP, CLIP)
        self.descriptors = torch.from_numpy(values.astype(np.float32))

    def batch(self, rows: NDArray[np.int64]) -> tuple[BatchMolGraph, None, torch.Tensor]:
        return BatchMolGraph([self.graphs[row] for row in rows]), None, self.descriptors[rows]


def _network(settings: DmpnnSettings, descriptors: int, targets: int) -> MPNN:
    message = BondMessagePassing(d_h=settings.width, depth=settings.depth, dropout=settings.dropout)
    head = RegressionFFN(
        n_tasks=targets, input_dim=settings.width + descriptors, hidden_dim=settings.width,
        dropout=settings.dropout,
    )  # fmt: skip
    return MPNN(message, MeanAggregation(), head)


def _train(network: MPNN, graphs: _Graphs, scores: torch.Tensor, settings: DmpnnSettings, seed: int) -> None:
    known = ~torch.isnan(scores)
    wanted = torch.nan_to_num(scores)
    steps = max(1, len(scores) // settings.batch_size)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.epochs * steps + 1, pct_start=0.1
    )
    generator = np.random.default_rng(seed)
    network.train()
    for _ in range(settings.epochs):
        for rows in np.array_split(generator.permutation(len(scores)), steps):
            error = (network(*graphs.batch(rows)) - wanted[rows])[known[rows]]
            loss = (error**2).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            schedule.step()
    network.eval()


class DmpnnRegressor:
    """A fitted ensemble; see the module."""

    def __init__(self, networks: list[MPNN], centre: NDArray[np.float32], scale: NDArray[np.float32],
                 hyper: Mapping[str, Any]) -> None:  # fmt: skip
        self._networks = networks
        self._centre, self._scale = centre, scale
        self.hyper = hyper

    @classmethod
    def fit(cls, features: Features, scores: NDArray[np.float64], context: FitContext) -> DmpnnRegressor:
        """Fit; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        settings = context.settings.dmpnn
        centre = features.descriptors.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = features.descriptors.std(axis=0, dtype=np.float64).astype(np.float32)
        scale = np.where(spread > 0, spread, np.float32(1.0))
        graphs = _Graphs(features, centre, scale)
        wanted = torch.from_numpy(scores.astype(np.float32))
        networks = []
        with torch_threads(context.threads), torch.random.fork_rng(devices=[]):
            for member in range(settings.members):
                seed = derive_seed(context.seed, "dmpnn", member)
                torch.manual_seed(seed)
                network = _network(settings, features.descriptors.shape[1], scores.shape[1])
                _train(network, graphs, wanted, settings, seed)
                networks.append(network)
        hyper = {"targets": scores.shape[1], "descriptors": features.descriptors.shape[1]}
        return cls(networks, centre, scale, hyper)

    def predict(self, features: Features, threads: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and variance over networks; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        mean = np.zeros((len(features), int(self.hyper["targets"])))
        variance = np.zeros_like(mean)
        with torch_threads(threads), torch.no_grad():
            for start in range(0, len(features), BLOCK):
                rows = np.arange(start, min(start + BLOCK, len(features)))
                batch = _Graphs(features.take(rows), self._centre, self._scale).batch(np.arange(len(rows)))
                found = torch.stack([network(*batch) for network in self._networks]).double().numpy()
                mean[rows], variance[rows] = found.mean(axis=0), found.var(axis=0)
        return mean, variance

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return all arrays; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        result: dict[str, NDArray[Any]] = {"descriptor_centre": self._centre, "descriptor_scale": self._scale}
        for index, network in enumerate(self._networks):
            result |= {
                f"member.{index}.{name}": value.numpy()
                for name, value in network.state_dict().items()
                if name.startswith(KEPT)
            }
        return result

    @classmethod
    def seconds(cls, rows: int, targets: int, settings: TeacherSettings) -> float:
        """Return the cost of one fit; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        dmpnn = settings.dmpnn
        return dmpnn.members * dmpnn.epochs * rows * 1e-2 * (dmpnn.width / 300) ** 2 * dmpnn.depth / 3

    @classmethod
    def restore(
        cls, tensors: Mapping[str, NDArray[Any]], hyper: Mapping[str, Any], settings: TeacherSettings
    ) -> DmpnnRegressor:
        """Return the saved model; see :class:`docksieve.models.regressors.regressor.Regressor`."""
        networks = []
        for index in range(settings.dmpnn.members):
            network = _network(settings.dmpnn, int(hyper["descriptors"]), int(hyper["targets"]))
            prefix = f"member.{index}."
            state = {
                name.removeprefix(prefix): torch.from_numpy(np.array(value))
                for name, value in tensors.items()
                if name.startswith(prefix)
            }
            if set(state) != {name for name in network.state_dict() if name.startswith(KEPT)}:
                raise ValueError("the weights of the message-passing networks are not those expected")
            network.load_state_dict(state, strict=False)
            networks.append(network.eval())
        return cls(networks, tensors["descriptor_centre"], tensors["descriptor_scale"], hyper)
