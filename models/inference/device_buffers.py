"""Fixed places in which blocks of molecules travel to a device and back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..network.ngrams import StringBatch

SPARE = 8
"""Bytes after the last SMILES, so that n-grams may be read over its end."""


class DeviceStreams:
    """Three streams of a device: one copies in, one computes, one copies out; on the CPU, none.

    All computing is in one stream, so that blocks are counted in the order in which they were sent, and the
    seconds between its events are those that the device was busy.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.module = self._module(device)
        if self.module is not None:
            self.inward, self.compute, self.outward = (self.module.Stream(device) for _ in range(3))

    def _module(self, device: torch.device) -> Any:
        return None if device.type == "cpu" else torch.get_device_module(device.type)

    def on(self, name: str) -> Any:
        """Return the context in which work goes to the stream called ``name``."""
        return contextlib.nullcontext() if self.module is None else self.module.stream(getattr(self, name))

    def event(self, timed: bool = False) -> Any:
        """Return an event, or None on the CPU."""
        return None if self.module is None else self.module.Event(enable_timing=timed)

    def wait(self) -> None:
        """Wait until the device has done all that it was sent."""
        if self.module is not None:
            self.module.synchronize(self.device)


class BufferSlot:
    """Room for one block on both sides: pinned here, and there.

    Parameters
    ----------
    lanes : DeviceStreams
    rows, capacity : int
        Molecules, and bytes of SMILES, that fit.
    outputs : int
    work : callable
        Takes (data, starts, lengths, row numbers) on the device and returns the scores and what is to be called to
        count them.
    """

    def __init__(
        self,
        lanes: DeviceStreams,
        rows: int,
        capacity: int,
        outputs: int,
        work: Callable[..., tuple[torch.Tensor, Callable[[], None]]],
    ) -> None:
        self._lanes, self._work = lanes, work
        self.rows, self.capacity = rows, capacity
        pinned = lanes.module is not None

        def pair(size: int | tuple[int, int], kind: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
            here = torch.zeros(size, dtype=kind, pin_memory=pinned)
            return here, (torch.zeros(size, dtype=kind, device=lanes.device) if pinned else here)

        self._data = pair(capacity + SPARE, torch.uint8)
        self._starts, self._lengths = pair(rows, torch.int32), pair(rows, torch.int32)
        self._rows = pair(rows, torch.int64)
        self._scores = pair((rows, outputs), torch.float32)
        self._arrived, self._taken = lanes.event(), lanes.event()
        self._begun, self._ended = lanes.event(timed=True), lanes.event(timed=True)
        self._graph: Any = None
        self._count = self._used = 0
        self.moved = 0
        self._busy = 0.0

    def compute(self, count: int, used: int) -> None:
        """Do the work on the first ``count`` molecules of the slot, whose SMILES are ``used`` bytes."""
        rows = (tensor[1][:count] for tensor in (self._starts, self._lengths, self._rows))
        scores, done = self._work(self._data[1][: used + SPARE], *rows)
        self._scores[1][:count].copy_(scores)
        done()

    def warm(self) -> None:
        """Do the work once on as many molecules as fit, all missing, and wait for it: this takes the most memory."""
        self._lengths[1].zero_()
        self._lanes.wait()  # what was put there came by another stream
        with self._lanes.on("compute"):
            self.compute(self.rows, self.capacity)
        self._lanes.wait()

    @property
    def padding(self) -> int:
        """Molecules that the last block was counted to have but had not: a recorded graph always takes them all."""
        return 0 if self._graph is None else self.rows - self._count

    def record(self, pool: Any) -> None:
        """Record the work as a CUDA graph, to be replayed for each block; it must have been done once before.

        Slots share the memory of ``pool``: they compute one after the other and leave nothing there.
        """
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool, stream=self._lanes.compute):
            self.compute(self.rows, self.capacity)
        self._graph = graph

    def fill(self, strings: StringBatch, rows: NDArray[np.int64]) -> None:
        """Put a block, which must fit, into the pinned memory. Room that is left over looks like missing molecules."""
        count, first = len(strings), int(strings.offsets[0])
        used = int(strings.offsets[-1]) - first
        self._count = count
        data, starts, lengths = (pair[0].numpy() for pair in (self._data, self._starts, self._lengths))
        data[:used] = strings.data[first : first + used]
        np.subtract(strings.offsets[:-1], first, out=starts[:count], casting="unsafe")
        starts[count:] = used
        np.multiply(np.diff(strings.offsets), strings.valid, out=lengths[:count], casting="unsafe")
        lengths[count:] = 0
        self._rows[0].numpy()[:count] = rows
        self.moved = (
            0
            if self._lanes.module is None
            else used + 8 * self.rows + 8 * count + 4 * count * self._scores[0].shape[1]
        )
        self._used = used

    def send(self) -> None:
        """Send the block on its way; nothing waits for it."""
        lanes = self._lanes
        if lanes.module is None:
            begun = time.perf_counter()
            self._launch()
            self._busy = time.perf_counter() - begun
            return
        with lanes.on("inward"):
            for pair, size in (
                (self._data, self._used), (self._starts, self.rows),
                (self._lengths, self.rows), (self._rows, self._count),
            ):  # fmt: skip
                pair[1][:size].copy_(pair[0][:size], non_blocking=True)
            self._arrived.record()
        with lanes.on("compute"):
            lanes.compute.wait_event(self._arrived)
            self._begun.record()
            self._launch()
            self._ended.record()
        with lanes.on("outward"):
            lanes.outward.wait_event(self._ended)
            self._scores[0][: self._count].copy_(self._scores[1][: self._count], non_blocking=True)
            self._taken.record()

    def _launch(self) -> None:
        if self._graph is None:
            self.compute(self._count, self._used)
        else:
            self._graph.replay()

    def receive(self) -> tuple[NDArray[np.float32], float]:
        """Wait for the block; return its scores (until the slot is filled again) and the seconds that it took there."""
        if self._lanes.module is not None:
            self._taken.synchronize()
            self._busy = self._begun.elapsed_time(self._ended) / 1000
        return self._scores[0].numpy()[: self._count], self._busy
