"""The student's network: embedding bag, hidden layers, one mean (and spread) per target.

Two ways of computing it. :func:`forward` is a compiled kernel for the CPU that works in a fixed order of plain
IEEE operations: any batch size, thread count or processor gives the same bits.
:class:`StudentModule` is the same network in torch, used for training and on other devices, where sums run in
another order (agreement about 1e-5 of a standardised score in single precision).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...data.jit import cache_folder, compiled
from ..settings import StudentSettings
from .ngrams import Bags
from .simd import (
    NARROW,
    TOGETHER,
    UNITS,
    WIDE,
    bag_sum_half,
    bag_sum_narrow,
    bag_sum_wide,
    dense_sum_narrow,
    dense_sum_wide,
)  # fmt: skip

_VECTOR_LOOPS = Path(__file__).with_name("simd.py")
"""Numba compiles a kernel anew when its own file changes, but not when the vector loops it calls do."""


def _kernel_folder() -> str | None:
    try:
        return cache_folder(hashlib.sha256(_VECTOR_LOOPS.read_bytes()).hexdigest())
    except OSError:  # a package without its sources
        return None


_KERNELS = _kernel_folder()


def _kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` (:func:`docksieve.data.jit.compiled`), anew when the vector loops change."""
    return compiled(function, _KERNELS)


@dataclass(frozen=True)
class Weights:
    """Parameters of a student as plain arrays.

    Attributes
    ----------
    embedding : array of float32, shape (buckets, width)
    bias : array of float32, shape (width,)
    hidden : array of float32, shape (layers - 1, width, width)
        Input-major: row ``i`` is what input ``i`` adds to every output.
    hidden_bias : array of float32, shape (layers - 1, width)
    head : array of float32, shape (width, outputs)
        Outputs are the means of all targets, then their spreads, in score units.
    head_bias : array of float32, shape (outputs,)
    floor : array of float32, shape (outputs,)
        Least value of an output: minus infinity for a mean, a small positive number for a spread.
    """

    embedding: NDArray[np.float32]
    bias: NDArray[np.float32]
    hidden: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    head: NDArray[np.float32]
    head_bias: NDArray[np.float32]
    floor: NDArray[np.float32]


class StudentNetwork:
    """A student's network and what its outputs mean: all that inference needs of a student.

    Attributes
    ----------
    weights : Weights
    settings : StudentSettings
    targets : tuple of str
    lower_is_better : tuple of bool
    """

    def __init__(
        self,
        weights: Weights,
        settings: StudentSettings,
        targets: Sequence[str],
        lower_is_better: Sequence[bool],
    ) -> None:
        self.weights = weights
        self.settings = settings
        self.targets = tuple(targets)
        self.lower_is_better = tuple(bool(value) for value in lower_is_better)

    @property
    def outputs(self) -> int:
        """Columns of a score: the mean of each target, then the predictive standard deviations if it has them."""
        return len(self.targets) * (2 if self.settings.spread else 1)


@_kernel
def _activate(values):  # type: ignore[no-untyped-def]
    """See :func:`activation`; square root and division are exact in IEEE 754, an exponential is not."""
    one, half = np.float32(1.0), np.float32(0.5)
    for unit in range(len(values)):
        x = values[unit]
        values[unit] = half * x * (one + x / np.sqrt(one + x * x))


@_kernel
def _forward(  # type: ignore[no-untyped-def]
    offsets, buckets, bag_weights, embedding, bias, hidden, hidden_bias, head, head_bias, floor, output
):
    width, columns = embedding.shape[1], head.shape[2]
    first = np.zeros(TOGETHER * width, np.float32)
    second = np.zeros(TOGETHER * width, np.float32)
    results = np.zeros(TOGETHER * columns, np.float32)
    for begin in range(0, len(output), TOGETHER):
        here = min(
            TOGETHER, len(output) - begin
        )  # the rows beyond hold what was there before: read, not used
        for row in range(here):
            start, stop = offsets[begin + row], offsets[begin + row + 1]
            unit, place = 0, row * width
            while unit + WIDE <= width:
                bag_sum_wide(buckets, bag_weights, start, stop, embedding, bias, unit, first, place + unit)
                unit += WIDE
            while unit + WIDE // 2 <= width:
                bag_sum_half(buckets, bag_weights, start, stop, embedding, bias, unit, first, place + unit)
                unit += WIDE // 2
            while unit < width:
                bag_sum_narrow(buckets, bag_weights, start, stop, embedding, bias, unit, first, place + unit)
                unit += NARROW
        _activate(first)
        for layer in range(len(hidden)):
            unit = 0
            while unit + UNITS <= width:
                dense_sum_wide(first, hidden, layer, hidden_bias, unit, second)
                unit += UNITS
            while unit < width:
                dense_sum_narrow(first, hidden, layer, hidden_bias, unit, second)
                unit += NARROW
            _activate(second)
            first, second = second, first
        for unit in range(0, columns, NARROW):
            dense_sum_narrow(first, head, 0, head_bias, unit, results)
        for row in range(here):
            for k in range(len(floor)):
                output[begin + row, k] = max(results[row * columns + k], floor[k])


class Forward:
    """The network made ready for the processor; may be shared by threads.

    Sums run in the order of the bag's buckets and of the inputs, starting from the bias, one rounding per
    multiplication and addition: what a molecule gets depends on nothing else.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        spare = (
            -len(weights.head_bias) % NARROW
        )  # columns of zeros, so that the head goes through the same loop
        self._head = np.ascontiguousarray(np.pad(weights.head, ((0, 0), (0, spare))))[None]
        self._head_bias = np.pad(weights.head_bias, (0, spare))[None]

    def __call__(self, bags: Bags, output: NDArray[np.float32]) -> None:
        """Write the outputs of every bag into ``output``, shape (n, outputs)."""
        weights = self._weights
        _forward(
            bags.offsets, bags.buckets, bags.weights, weights.embedding, weights.bias, weights.hidden,
            weights.hidden_bias, self._head, self._head_bias, weights.floor, output,
        )  # fmt: skip


def forward(weights: Weights, bags: Bags) -> NDArray[np.float32]:
    """Return the outputs of every bag, shape (n, outputs); an empty bag gives what the biases say."""
    output = np.empty((len(bags), len(weights.head_bias)), np.float32)
    Forward(weights)(bags, output)
    return output


def activation(x: torch.Tensor) -> torch.Tensor:
    """Return ``x / 2 * (1 + x / sqrt(1 + x**2))``: as smooth as SiLU, without an exponential.

    A smooth function fits a smooth teacher better than ReLU does (measured in ``docs/measurements.md``).
    """
    return 0.5 * x * (1 + x * torch.rsqrt(1 + x * x))


class StudentModule(torch.nn.Module):
    """The student in torch.

    Parameters
    ----------
    buckets, width, layers, outputs : int
    """

    def __init__(self, buckets: int, width: int, layers: int, outputs: int) -> None:
        super().__init__()
        self.embedding = torch.nn.EmbeddingBag(buckets, width, mode="sum", include_last_offset=True)
        self.bias = torch.nn.Parameter(torch.zeros(width))
        self.hidden = torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(layers - 1))
        self.head = torch.nn.Linear(width, outputs)
        # About 200 buckets of weight 0.7 to 3 are summed: start with unit-sized activations.
        torch.nn.init.normal_(self.embedding.weight, std=0.05)

    def forward(self, buckets: torch.Tensor, offsets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return standardised outputs, shape (n, outputs)."""
        values = activation(self.embedding(buckets, offsets, per_sample_weights=weights) + self.bias)
        for layer in self.hidden:
            values = activation(layer(values))
        result: torch.Tensor = self.head(values)
        return result

    def load(self, weights: Weights) -> StudentModule:
        """Take over ``weights`` (its head speaks score units) and return the module itself."""
        state: dict[str, Any] = {"embedding.weight": weights.embedding, "bias": weights.bias}
        for index in range(len(weights.hidden)):
            state[f"hidden.{index}.weight"] = np.ascontiguousarray(weights.hidden[index].T)
            state[f"hidden.{index}.bias"] = weights.hidden_bias[index]
        state["head.weight"] = np.ascontiguousarray(weights.head.T)
        state["head.bias"] = weights.head_bias
        self.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
        return self

    def weights(
        self, centre: NDArray[np.float64], scale: NDArray[np.float64], floor: NDArray[np.float32]
    ) -> Weights:
        """Return plain arrays whose outputs are in score units: ``standardised * scale + centre``."""
        state = {name: value.detach().cpu().numpy() for name, value in self.state_dict().items()}
        width = len(state["bias"])
        layers = len(self.hidden)
        hidden = np.zeros((layers, width, width), np.float32)
        hidden_bias = np.zeros((layers, width), np.float32)
        for index in range(layers):
            hidden[index] = state[f"hidden.{index}.weight"].T
            hidden_bias[index] = state[f"hidden.{index}.bias"]
        head = (state["head.weight"].T.astype(np.float64) * scale).astype(np.float32)
        head_bias = (state["head.bias"].astype(np.float64) * scale + centre).astype(np.float32)
        return Weights(
            np.array(state["embedding.weight"]), np.array(state["bias"]), hidden, hidden_bias,
            np.ascontiguousarray(head), head_bias, floor,
        )  # fmt: skip
