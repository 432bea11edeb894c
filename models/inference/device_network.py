"""The student on a device: SMILES bytes in, scores out, all in torch or with the first layer in Triton.

Everything has the same shape whatever it is given, and nothing waits for the device to answer, so that the steps
can be recorded once as a CUDA graph. It runs on any device of torch, the CPU included.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

import torch

from ...data.errors import ModelError
from ..network.network import StudentNetwork, activation
from ..network.ngrams import HASH_MULTIPLIER, LENGTH_SALT, WEIGHTS, hash_shift

DENSE_BUCKETS = 16_384
"""With at most so many buckets, counts of all of them are multiplied with the embedding as matrices."""

PATHS = ("auto", "kernel", "torch", "fused")

_HALF_LIMIT = 60_000.0


def fused_available() -> bool:
    """Return whether Triton is there."""
    return importlib.util.find_spec("triton") is not None


def chosen_path(path: str, device: torch.device, width: int) -> str:
    """Return ``kernel``, ``torch`` or ``fused`` for what was asked.

    ``auto`` is the compiled kernel on the CPU; on a device the fused program where Triton is there and the student
    is narrow enough for it, else torch.

    Raises
    ------
    ModelError
        If the path is unknown, does not exist on the device, or lacks its library.
    """
    if path not in PATHS:
        raise ModelError(f"The path {path!r} is unknown.", f"There are: {', '.join(PATHS)}.")
    if path == "auto":
        if device.type == "cpu":
            return "kernel"
        return "fused" if fused_available() and width <= _widest() else "torch"
    if path == "kernel" and device.type != "cpu":
        raise ModelError(f"The compiled kernel runs on the CPU, not on {device}.", "Use 'torch' or 'fused'.")
    if path == "fused":
        if not fused_available():
            raise ModelError(
                "The fused path needs triton.", "Use the path 'torch', or a build of torch with Triton."
            )
        if device.type == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
            raise ModelError("On the CPU, Triton only runs with TRITON_INTERPRET=1 (for tests).")
        if width > _widest():
            raise ModelError(f"The fused path takes students up to a width of {_widest()}.", "Use 'torch'.")
    return path


def _widest() -> int:
    return int(importlib.import_module(".fused_layer", __package__).WIDEST)


def _signed(value: int) -> int:
    """Return the whole number of 64 bits with a sign that has the bits of ``value``: torch knows no other."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


class DeviceNetwork:
    """A student on a device.

    Parameters
    ----------
    student : StudentNetwork
    device : torch.device
    path : str
        ``torch`` or ``fused``.
    half : bool
        Embedding and hidden layers in float16 (sums in float32), the head in float32; else all in float32.
    """

    def __init__(self, student: StudentNetwork, device: torch.device, path: str, half: bool) -> None:
        weights, settings = student.weights, student.settings
        self.path, self.half = path, half
        self.ngram, self.buckets = settings.ngram, settings.buckets
        kind = torch.float16 if half else torch.float32

        def put(array: Any, dtype: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.tensor(array, device=device).to(dtype)

        self._embedding = put(weights.embedding, kind)
        self._bias = put(weights.bias)
        self._hidden = [
            (put(matrix, kind), put(bias, kind))
            for matrix, bias in zip(weights.hidden, weights.hidden_bias, strict=True)
        ]
        self._head, self._head_bias = put(weights.head), put(weights.head_bias)
        self._floor = put(weights.floor)
        self._table = put(WEIGHTS)
        self._first = self._first_torch
        if path == "fused":
            fused = importlib.import_module(".fused_layer", __package__)
            self._first = fused.FusedLayer(self._embedding, self._bias, self.ngram)

    def scores(self, data: torch.Tensor, starts: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the outputs, float32, shape (rows, outputs); NaN for molecules of length 0.

        Parameters
        ----------
        data : tensor of uint8
            Bytes of all SMILES, and at least seven more.
        starts : tensor of int32, shape (rows,)
            Where each begins, in rising order; the first at 0.
        lengths : tensor of int32, shape (rows,)
            0 for a missing one, whatever bytes lie there.
        """
        found = self.outputs(self._first(data, starts, lengths))
        return found.masked_fill_((lengths == 0)[:, None], float("nan"))

    def outputs(self, values: torch.Tensor) -> torch.Tensor:
        """Return the outputs, float32, for activations of the first layer."""
        for matrix, bias in self._hidden:
            values = self._activated(torch.addmm(bias, values, matrix))
        found = torch.addmm(self._head_bias, values.float(), self._head)
        return torch.maximum(found, self._floor)

    def _activated(self, values: torch.Tensor) -> torch.Tensor:
        """See :func:`docksieve.models.network.network.activation`; its square needs float32."""
        found = activation(values.float())
        return found.clamp_(-_HALF_LIMIT, _HALF_LIMIT).half() if self.half else found

    def _first_torch(self, data: torch.Tensor, starts: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        rows = len(starts)
        if self.buckets <= DENSE_BUCKETS:
            return self.first_of_counts(self.counts(data, starts, lengths))
        keys = torch.cat(list(self._keys(data, starts, lengths, rows * self.buckets)))
        keys = torch.sort(keys).values
        new = torch.ones_like(keys, dtype=torch.bool)
        new[1:] = keys[1:] != keys[:-1]
        run = torch.cumsum(new, 0) - 1
        count = torch.zeros_like(keys).scatter_add_(0, run, torch.ones_like(keys))[run]
        # The first of equal n-grams has the weight of them all, the others none.
        weights = self._table[count.clamp_(max=len(WEIGHTS) - 1)] * new
        # One molecule more takes the n-grams that do not exist.
        bounds = torch.searchsorted(keys, torch.arange(rows + 2, device=keys.device) * self.buckets)
        sums = torch.nn.functional.embedding_bag(
            keys % self.buckets, self._embedding.float(), bounds, mode="sum", per_sample_weights=weights,
            include_last_offset=True,
        )  # fmt: skip
        return self._activated(sums[:rows] + self._bias)

    def first_of_counts(self, counts: torch.Tensor) -> torch.Tensor:
        """Return the activations of the first layer for counts of all buckets, shape (rows, buckets)."""
        weights = torch.log1p(counts.clamp_(max=len(WEIGHTS) - 1).to(self._embedding.dtype))
        return self._activated(torch.mm(weights, self._embedding).float() + self._bias)

    def counts(self, data: torch.Tensor, starts: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return how often each bucket occurs in each molecule: int32, shape (rows, buckets)."""
        rows = len(starts)
        # One row more takes what does not exist.
        found = torch.zeros((rows + 1) * self.buckets, dtype=torch.int32, device=data.device)
        for keys in self._keys(data, starts, lengths, rows * self.buckets):
            found.scatter_add_(0, keys, torch.ones_like(keys, dtype=torch.int32))
        return found.view(rows + 1, self.buckets)[:rows]

    def _keys(self, data: torch.Tensor, starts: torch.Tensor, lengths: torch.Tensor, none: int) -> Any:
        """Yield, for each length of n-gram, row * buckets + bucket for every byte, or ``none`` + something.

        The hash is that of :mod:`docksieve.models.network.ngrams`, whose numbers have no sign: products wrap all the
        same, and a shift to the right is followed by a mask.
        """
        places = torch.arange(len(data) - 7, device=data.device, dtype=torch.int32)
        row = torch.searchsorted(starts, places, right=True) - 1
        left = lengths[row] - (places - starts[row])
        base = row * self.buckets
        packed = torch.zeros_like(base)
        shift, multiplier = int(hash_shift(self.buckets)), _signed(HASH_MULTIPLIER)
        for run in range(self.ngram):
            packed = packed * 256 | data[run : run + len(places)].long()
            key = packed ^ _signed(LENGTH_SALT * (run + 1))
            key = key ^ (key >> 32 & 0xFFFFFFFF)
            bucket = key * multiplier >> shift & (self.buckets - 1)
            yield torch.where(left > run, base + bucket, bucket + none)
