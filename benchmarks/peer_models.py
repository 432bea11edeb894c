"""The models of others that ``benchmarks/peers.py`` measures against, written anew from their publications.

Every one is given its best on a single thread: molecules in batches, fingerprints from RDKit's batch calls, bits
unpacked by numpy, networks in torch with batch normalisation folded into the layers. Scores are lower-is-better.

- *MolPAL* (Graff, Shakhnovich, Coley, Chem. Sci. 12, 7866, 2021): atom pairs up to three bonds in 2,048 bits; two
  layers of 100, L2 0.01, Adam 0.01, 50 epochs, stopping on the last fifth.
- *Deep Docking* (Gentile et al., ACS Cent. Sci. 6, 939, 2020, and its published protocol): chiral Morgan, radius 2,
  1,024 bits; two layers with batch normalisation, ReLU and dropout 0.2; Adam 1e-4, batches of 256, patience 10. Of the
  published grid, the widths 100 and 1,500 (the cheapest of all, and of the default). It learns hits (the best 1 %,
  oversampled ten times, class weight 2) from a million dockings; from 2,000 that is twenty hits, so it is also
  trained on the scores themselves, another published option, and judged by whichever does better on the test molecules.
- *Descriptors and a dense network* (Clyde et al., Sci. Rep. 13, 2105, 2023): 1,613 Mordred descriptors, standardised,
  250-125-60-30-1 with ReLU and dropout 0.1, mean squared error.
"""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import Descriptors, rdFingerprintGenerator
from safetensors.torch import load_file, save_file
from torch import nn

BATCH = 4_096
Featuriser = Callable[[list[Any]], np.ndarray]
"""Molecules -> float32 array of shape (molecules, features)."""


def molecules(smiles: Sequence[str]) -> list[Any]:
    """Return RDKit molecules; benchmarks are run on molecules that can be read."""
    with rdBase.BlockLogs():
        return [Chem.MolFromSmiles(text) for text in smiles]


def unpacked(vectors: Sequence[Any], bits: int) -> np.ndarray:
    """Return bit vectors as float32 array, shape (n, bits)."""
    raw = b"".join(DataStructs.BitVectToBinaryText(vector) for vector in vectors)
    packed = np.frombuffer(raw, np.uint8).reshape(len(vectors), bits // 8)
    return np.unpackbits(packed, axis=1, bitorder="little").astype(np.float32)


def pair_bits(mols: list[Any]) -> np.ndarray:
    """Return hashed atom pairs up to three bonds apart, 2,048 bits."""
    generator = rdFingerprintGenerator.GetAtomPairGenerator(minDistance=1, maxDistance=3, fpSize=2048)
    return unpacked(generator.GetFingerprints(mols, numThreads=1), 2048)


def morgan_bits(mols: list[Any]) -> np.ndarray:
    """Return chiral Morgan fingerprints of radius 2, 1,024 bits."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024, includeChirality=True)
    return unpacked(generator.GetFingerprints(mols, numThreads=1), 1024)


@functools.lru_cache
def _mordred() -> Any:
    from mordred import Calculator, descriptors  # type: ignore[import-not-found]

    return Calculator(descriptors, ignore_3D=True)


def mordred_values(mols: list[Any]) -> np.ndarray:
    """Return all two-dimensional Mordred descriptors; NaN where there is none."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = _mordred().map(mols, nproc=1, quiet=True)
        return np.array([list(item.fill_missing(np.nan)) for item in found], np.float64).astype(np.float32)


def rdkit_values(mols: list[Any]) -> np.ndarray:
    """Return all of RDKit's descriptors: what stands in where Mordred is not installed."""
    with np.errstate(all="ignore"):
        found = [list(Descriptors.CalcMolDescriptors(mol, missingVal=np.nan).values()) for mol in mols]
        return np.array(found, np.float64).astype(np.float32)


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes
    ----------
    rate : float
        Of Adam.
    batch, epochs : int
    patience : int
        Checks without a better held-out loss.
    held_out : float
        Share of the molecules that stopping is decided on.
    every : int
        Epochs between checks.
    penalty : float
        Times the squared weights of the hidden layers, added to the loss.
    hits : float
        Share of the best that counts as hits, which are told from the rest; 0: the scores are learnt.
    oversample, weight : float
        Pairs of a hit and another molecule in an epoch, in hits; the weight of those others.
    """

    rate: float
    batch: int
    epochs: int
    patience: int
    held_out: float
    every: int = 1
    penalty: float = 0.0
    hits: float = 0.0
    oversample: int = 10
    weight: float = 2.0


def dense(sizes: Sequence[int], normalise: bool = False, dropout: float = 0.0) -> nn.Sequential:
    """Return a network with one output behind hidden layers of ``sizes[1:]``."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers.append(nn.Linear(before, after))
        layers += [nn.BatchNorm1d(after)] if normalise else []
        layers += [nn.ReLU(), *([nn.Dropout(dropout)] if dropout else [])]
    layers.append(nn.Linear(sizes[-1], 1))
    for layer in layers:
        if isinstance(layer, nn.Linear):  # as Keras begins, which all of them use
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def folded(network: nn.Sequential) -> nn.Sequential:
    """Return the network for inference: normalisation folded into the layers before, no dropout."""
    layers: list[nn.Module] = []
    for layer in network.eval():
        if isinstance(layer, nn.BatchNorm1d):
            layers[-1] = nn.utils.fuse_linear_bn_eval(layers[-1], layer)  # type: ignore[type-var]
        elif not isinstance(layer, nn.Dropout):
            layers.append(layer)
    return nn.Sequential(*layers).eval()


def fit(network: nn.Sequential, inputs: np.ndarray, scores: np.ndarray, how: Training, seed: int) -> None:
    """Train ``network``, and leave it as it was when it did best on held-out molecules."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(scores))
    cut = round(len(order) * (1 - how.held_out))
    train, stop = order[:cut], order[cut:]
    if how.hits:
        edge = np.quantile(scores, how.hits)
        wanted = torch.from_numpy((scores <= edge).astype(np.float32))
    else:
        wanted = torch.from_numpy(((scores - scores.mean()) / scores.std()).astype(np.float32))
    data = torch.from_numpy(inputs)
    optimiser = torch.optim.Adam(network.parameters(), lr=how.rate)
    hidden = [layer.weight for layer in network if isinstance(layer, nn.Linear)][:-1]

    def loss(rows: np.ndarray) -> torch.Tensor:
        output, target = network(data[rows])[:, 0], wanted[rows]
        if how.hits:
            weight = torch.where(target > 0, 1.0, how.weight)
            return nn.functional.binary_cross_entropy_with_logits(output, target, weight)
        return ((output - target) ** 2).mean() + how.penalty * sum((w**2).sum() for w in hidden)

    best, waited = np.inf, 0
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    for epoch in range(how.epochs):
        network.train()
        for rows in _epoch(train, wanted.numpy(), how, generator):
            optimiser.zero_grad()
            loss(rows).backward()
            optimiser.step()
        if (epoch + 1) % how.every:
            continue
        network.eval()
        with torch.no_grad():
            error = float(loss(stop))
        waited = 0 if error < best else waited + 1
        if error < best:
            best, kept = error, {name: value.clone() for name, value in network.state_dict().items()}
        if waited >= how.patience:
            break
    network.load_state_dict(kept)


def _epoch(
    train: np.ndarray, wanted: np.ndarray, how: Training, generator: np.random.Generator
) -> list[np.ndarray]:
    """Return the batches of an epoch; where hits are learnt, as many hits as others."""
    rows = generator.permutation(train)
    if how.hits:
        hits, others = train[wanted[train] > 0], train[wanted[train] == 0]
        pairs = min(len(others), how.oversample * len(hits))
        rows = generator.permutation(
            np.concatenate([generator.choice(hits, pairs), generator.choice(others, pairs)])
        )
    return [part for part in np.split(rows, range(how.batch, len(rows), how.batch)) if len(part) > 1]


class NetworkPeer:
    """Features of RDKit molecules, standardised where they are descriptors, and a dense network.

    Parameters
    ----------
    featuriser : callable
    hidden : sequence of int
        Widths of the hidden layers.
    how : Training
    descriptors : bool
        Standardise the features, and put the mean where there is none.
    normalise, dropout
        As for :func:`dense`.
    """

    def __init__(
        self,
        featuriser: Featuriser,
        hidden: Sequence[int],
        how: Training,
        descriptors: bool = False,
        normalise: bool = False,
        dropout: float = 0.0,
    ) -> None:
        self._featuriser, self._hidden, self.how = featuriser, tuple(hidden), how
        self._descriptors, self._normalise, self._dropout = descriptors, normalise, dropout

    def train(self, smiles: Sequence[str], scores: np.ndarray, seed: int) -> None:
        """Learn ``scores`` (lower is better)."""
        inputs = self._featuriser(molecules(smiles))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a descriptor that no molecule has
            centre = np.nan_to_num(np.nanmean(inputs, axis=0, dtype=np.float64))
            scale = np.nan_to_num(np.nanstd(inputs, axis=0, dtype=np.float64))
        self.centre = centre.astype(np.float32)
        self.scale = np.where(scale > 1e-6, scale, np.inf).astype(np.float32)
        torch.manual_seed(seed)
        network = dense((inputs.shape[1], *self._hidden), self._normalise, self._dropout)
        fit(network, self._standard(inputs), scores, self.how, seed)
        self.network = folded(network)

    def _standard(self, inputs: np.ndarray) -> np.ndarray:
        if not self._descriptors:
            return inputs
        return np.nan_to_num(np.clip((inputs - self.centre) / self.scale, -10, 10))

    def score(self, smiles: Sequence[str]) -> np.ndarray:
        """Return predictions, lower is better."""
        found = []
        with torch.inference_mode():
            for start in range(0, len(smiles), BATCH):
                inputs = self._standard(self._featuriser(molecules(smiles[start : start + BATCH])))
                found.append(self.network(torch.from_numpy(inputs))[:, 0].numpy())
        scores = np.concatenate(found)
        return -scores if self.how.hits else scores  # a hit has a high probability

    def save(self, path: Path) -> None:
        """Write what was learnt."""
        tensors = {"centre": torch.from_numpy(self.centre), "scale": torch.from_numpy(self.scale)}
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({**tensors, **self.network.state_dict()}, path)

    def load(self, path: Path) -> None:
        """Read what :meth:`save` wrote."""
        tensors = load_file(path)
        self.centre, self.scale = (tensors.pop(name).numpy() for name in ("centre", "scale"))
        self.network = folded(dense((len(self.centre), *self._hidden), self._normalise, self._dropout))
        self.network.load_state_dict(tensors)


def network_peers(mordred: bool) -> dict[str, NetworkPeer]:
    """Return the peers by name, untrained."""
    molpal = Training(rate=0.01, batch=4096, epochs=50, patience=5, held_out=0.2, every=2, penalty=0.01)
    hits = Training(rate=1e-4, batch=256, epochs=500, patience=10, held_out=0.2, hits=0.01)
    scores = Training(rate=1e-4, batch=256, epochs=500, patience=10, held_out=0.2)
    paper = Training(rate=1e-3, batch=64, epochs=200, patience=20, held_out=0.1)
    found = {"molpal": NetworkPeer(pair_bits, (100, 100), molpal)}
    for width in (100, 1500):
        for labels, how in (("hits", hits), ("scores", scores)):
            name = f"deep-docking-{width}-{labels}"
            found[name] = NetworkPeer(morgan_bits, (width, width), how, normalise=True, dropout=0.2)
    name, values = ("mordred", mordred_values) if mordred else ("rdkit-descriptors", rdkit_values)
    found[name] = NetworkPeer(values, (250, 125, 60, 30), paper, descriptors=True, dropout=0.1)
    return found
