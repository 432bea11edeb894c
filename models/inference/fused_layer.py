"""The student's first layer as one device program, in Triton: n-grams hashed, counted, looked up and summed.

Each program takes one molecule after another. It hashes the n-grams, adds each to a counter of its own in the
device's memory (there is no scattering to shared memory in Triton; 4,096 counters of a few thousand programs stay
in the second-level cache), and sums the embedding's rows of all n-grams, each weighted log(1 + c) / c where c is its
bucket's count: the c n-grams of a bucket together give it the weight that it should have, with no list of
distinct buckets. Then it clears what it touched. The order of sums is fixed, so a molecule's result does
not depend on its neighbours.

Needs ``triton``, which comes with torch for NVIDIA, AMD and Intel devices on Linux. With ``TRITON_INTERPRET=1`` in the
environment it runs on the CPU, slowly: for tests.
"""

from __future__ import annotations

import numpy as np
import torch
import triton  # type: ignore[import-untyped,import-not-found,unused-ignore]
import triton.language as tl  # type: ignore[import-untyped,import-not-found,unused-ignore]

from ..network.ngrams import HASH_MULTIPLIER, LENGTH_SALT, WEIGHTS, hash_shift

WIDEST = 512
"""Wider students go through the torch path: their running sums no longer fit into registers."""

PROGRAMS_PER_UNIT = 64
"""Programs for each multiprocessor of the device: a dozen times as many as run at once, so that all end together."""

COUNTER_BYTES = 1 << 29
"""Memory that their counters may take at most."""

_WARPS = 4
_SUMS = 2_048
"""Running sums of a program: places in the SMILES taken at once, times width (86 registers a thread on sm_90)."""

_SALT = tl.constexpr(LENGTH_SALT)
_MULTIPLIER = tl.constexpr(HASH_MULTIPLIER)


@triton.jit
def _next(packed, data, place, inside):  # type: ignore[no-untyped-def]
    """Return the n-grams one byte longer."""
    return (packed << 8) | tl.load(data + place, mask=inside, other=0).to(tl.uint64)


@triton.jit
def _bucket(packed, RUN: tl.constexpr, SHIFT: tl.constexpr):  # type: ignore[no-untyped-def]
    """Return the buckets of n-grams of RUN + 1 bytes; see :mod:`docksieve.models.network.ngrams`."""
    mark: tl.constexpr = (_SALT * (RUN + 1)) & 0xFFFFFFFFFFFFFFFF
    key = packed ^ tl.full([1], mark, tl.uint64)
    key = key ^ (key >> 32)
    return ((key * tl.full([1], _MULTIPLIER, tl.uint64)) >> SHIFT).to(tl.int32)


@triton.jit
def first_layer(  # type: ignore[no-untyped-def]
    data, starts, lengths, table, embedding, bias, counters, output, rows, width,
    NGRAM: tl.constexpr, SHIFT: tl.constexpr, BUCKETS: tl.constexpr, LAST: tl.constexpr,
    PLACES: tl.constexpr, UNITS: tl.constexpr,
):  # fmt: skip
    """Write the activations of the first layer, one row per molecule.

    Parameters
    ----------
    data : uint8
    starts, lengths : int32, shape (rows,)
        Empty molecules have length 0.
    table : float32
        Weight by count, the last for all greater ones.
    embedding : float16 or float32, shape (BUCKETS, width)
    bias : float32, shape (width,)
    counters : int32, shape (programs, BUCKETS)
        All zero, before and after.
    output : float16 or float32, shape (rows, width)
    """
    program = tl.program_id(0)
    mine = counters + program.to(tl.int64) * BUCKETS
    units = tl.arange(0, UNITS)
    within = units < width
    for row in range(program, rows, tl.num_programs(0)):
        text = data + tl.load(starts + row)
        length = tl.load(lengths + row)
        for first in range(0, length, PLACES):
            place = first + tl.arange(0, PLACES)
            packed = tl.zeros([PLACES], tl.uint64)
            for run in tl.static_range(NGRAM):
                inside = place + run < length
                packed = _next(packed, text, place + run, inside)
                tl.atomic_add(mine + _bucket(packed, run, SHIFT), 1, mask=inside, sem="relaxed")
        tl.debug_barrier()  # everything is counted before anything is weighed
        sums = tl.zeros([PLACES, UNITS], tl.float32)
        for first in range(0, length, PLACES):
            place = first + tl.arange(0, PLACES)
            packed = tl.zeros([PLACES], tl.uint64)
            for run in tl.static_range(NGRAM):
                inside = place + run < length
                packed = _next(packed, text, place + run, inside)
                bucket = _bucket(packed, run, SHIFT)
                # Counters are changed by atomics, which the first-level cache does not see: read past it.
                count = tl.load(mine + bucket, mask=inside, other=1, cache_modifier=".cg")
                weight = tl.load(table + tl.minimum(count, LAST), mask=inside, other=0.0) / count.to(
                    tl.float32
                )
                where = embedding + bucket[:, None].to(tl.int64) * width + units[None, :]
                vectors = tl.load(where, mask=inside[:, None] & within[None, :], other=0.0)
                sums += weight[:, None] * vectors.to(tl.float32)
        tl.debug_barrier()  # everything is read before anything is cleared
        for first in range(0, length, PLACES):
            place = first + tl.arange(0, PLACES)
            packed = tl.zeros([PLACES], tl.uint64)
            for run in tl.static_range(NGRAM):
                inside = place + run < length
                packed = _next(packed, text, place + run, inside)
                tl.store(mine + _bucket(packed, run, SHIFT), 0, mask=inside)
        tl.debug_barrier()  # everything is cleared before the next molecule is counted
        value = tl.sum(sums, axis=0) + tl.load(bias + units, mask=within, other=0.0)
        value = 0.5 * value * (1.0 + value / tl.sqrt(1.0 + value * value))
        tl.store(output + row * width + units, value.to(output.dtype.element_ty), mask=within)


class FusedLayer:
    """:func:`first_layer` with its counters, made ready for one student on one device.

    Parameters
    ----------
    embedding : tensor, shape (buckets, width)
        Of float16 or float32; the activations have its type.
    bias : tensor of float32, shape (width,)
    ngram : int
    """

    def __init__(self, embedding: torch.Tensor, bias: torch.Tensor, ngram: int) -> None:
        buckets, width = embedding.shape
        device = embedding.device
        self.embedding, self.bias = embedding.contiguous(), bias
        self.programs = max(1, min(PROGRAMS_PER_UNIT * _units(device), COUNTER_BYTES // (4 * buckets)))
        self.table = torch.from_numpy(WEIGHTS).to(device)
        self.counters = torch.zeros((self.programs, buckets), dtype=torch.int32, device=device)
        self.constants = constants(ngram, buckets, width)

    def __call__(self, data: torch.Tensor, starts: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the activations of the first layer, shape (rows, width)."""
        rows, width = len(starts), self.embedding.shape[1]
        output = torch.empty((rows, width), dtype=self.embedding.dtype, device=data.device)
        first_layer[(min(self.programs, rows),)](
            data, starts, lengths, self.table, self.embedding, self.bias, self.counters, output, rows, width,
            **self.constants, num_warps=_WARPS, enable_fp_fusion=True,
        )  # fmt: skip
        return output


def _units(device: torch.device) -> int:
    """Return the multiprocessors (on Intel's devices, the compute units) of a device."""
    if device.type == "cpu":
        return 1
    properties = torch.get_device_module(device.type).get_device_properties(device)
    return int(
        getattr(properties, "multi_processor_count", 0) or getattr(properties, "max_compute_units", 64)
    )


def constants(ngram: int, buckets: int, width: int) -> dict[str, int]:
    """Return what the program is compiled for."""
    units = max(16, 1 << (width - 1).bit_length())
    return {
        "NGRAM": ngram,
        "SHIFT": int(hash_shift(buckets)),
        "BUCKETS": buckets,
        "LAST": len(WEIGHTS) - 1,
        "PLACES": int(np.clip(_SUMS // units, 8, 64)),
        "UNITS": units,
    }
