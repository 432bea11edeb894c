"""Engines: what turns batches of SMILES into scores, on the CPU or on a device, behind one interface."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ..devices.device import checked_device
from ..network.network import Forward, StudentNetwork
from ..network.ngrams import Encoder, StringBatch
from .device_engine import DeviceEngine
from .device_network import chosen_path
from .score_tally import ScoreTally

BLOCK = 256
"""Molecules encoded and scored at once on the CPU: their bags stay in the processor's cache."""

BATCH_ROWS = 16_384
"""Molecules in a batch of a thread: few enough that several threads end together."""


class InferenceEngine(Protocol):
    """Scores batches, several under way at once.

    Attributes
    ----------
    path : str
        ``kernel``, ``torch`` or ``fused``.
    batch_rows : int
        Molecules in a batch that suit it.
    depth : int
        Batches that should be under way.
    seconds : dict of str to float
        ``encode`` and ``model``.
    busy_seconds : float
        Of the device, or of the threads, added up.
    moved : int
        Bytes copied to and from the device.
    notes : list of str
    """

    path: str
    batch_rows: int
    depth: int
    seconds: dict[str, float]
    busy_seconds: float
    moved: int
    notes: list[str]

    def submit(self, strings: StringBatch, rows: NDArray[np.int64]) -> Any:
        """Begin with a batch; return a ticket for its scores."""

    def result(self, ticket: Any) -> NDArray[np.float32]:
        """Return its scores, shape (n, outputs), NaN rows for nulls and empty strings. In the order of submission."""

    def tally(self) -> ScoreTally:
        """Return histogram and best rows of all batches, once their results were taken."""

    def close(self) -> None:
        """Give threads and memory back."""


class KernelEngine:
    """The compiled kernels, one batch per thread. See :class:`InferenceEngine`."""

    path = "kernel"
    batch_rows = BATCH_ROWS
    moved = 0

    def __init__(self, student: StudentNetwork, threads: int = 1, best_count: int = 0) -> None:
        self._student = student
        self._forward = Forward(student.weights)
        self._tally = ScoreTally(student.targets, student.lower_is_better, best_count)
        self._pool = ThreadPoolExecutor(threads, "docksieve-score")
        self._own = threading.local()
        self._lock = threading.Lock()
        self._threads = threads
        self.depth = threads + 1
        self.seconds = {"encode": 0.0, "model": 0.0}
        self.busy_seconds = 0.0
        self.notes: list[str] = []

    def submit(self, strings: StringBatch, rows: NDArray[np.int64]) -> Future[NDArray[np.float32]]:
        """Begin with a batch."""
        return self._pool.submit(self._score, strings, rows)

    def result(self, ticket: Future[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the scores of a batch."""
        return ticket.result()

    def tally(self) -> ScoreTally:
        """Return histogram and best rows."""
        return self._tally

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _score(self, strings: StringBatch, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        if not hasattr(self._own, "encoder"):
            self._own.encoder = Encoder(self._student.settings.ngram, self._student.settings.buckets)
        values = np.empty((len(strings), self._student.outputs), np.float32)
        begun = time.perf_counter()
        encoding = 0.0
        for start in range(0, len(strings), BLOCK):
            stop = min(start + BLOCK, len(strings))
            before = time.perf_counter()
            bags = self._own.encoder(strings.rows(start, stop))
            encoding += time.perf_counter() - before
            self._forward(bags, values[start:stop])
        values[~strings.valid] = np.nan
        self._tally.add(rows, values)
        spent = time.perf_counter() - begun
        with self._lock:
            self.busy_seconds += spent
            self.seconds["encode"] += encoding / self._threads
            self.seconds["model"] += (spent - encoding) / self._threads
        return values


def open_engine(
    student: StudentNetwork, threads: int = 1, device: str = "cpu", path: str = "auto", best_count: int = 0
) -> InferenceEngine:
    """Return the engine for a device; give it to :func:`release` when done.

    Parameters
    ----------
    student : StudentNetwork
    threads : int
        Of the CPU that score (without meaning on another device).
    device : str
        ``cpu``, or what torch calls another one (``cuda``, ``cuda:1``).
    path : str
        ``auto``, ``kernel``, ``torch`` or ``fused``: see :func:`docksieve.models.inference.device_network.chosen_path`.
    best_count : int

    Raises
    ------
    ModelError
        If the device is not there, or has no such path. There is no silent fall-back to the CPU.
    """
    checked = checked_device(device)
    chosen = chosen_path(path, checked, student.settings.width)
    if chosen == "kernel":
        return KernelEngine(student, max(1, threads), best_count)
    return _ready_engine(student, checked, chosen, best_count)


_kept: list[DeviceEngine] = []
_lock = threading.Lock()


def release(engine: InferenceEngine) -> None:
    """Take an engine back: one of a device is kept for the next shard if it is healthy, others are closed."""
    closing: list[InferenceEngine] = [engine]
    if isinstance(engine, DeviceEngine) and engine.healthy:
        with _lock:
            closing, _kept[:] = list(_kept), [engine]
    for other in closing:
        other.close()


def _ready_engine(student: StudentNetwork, device: torch.device, path: str, best_count: int) -> DeviceEngine:
    """Return an engine for a student: the one that was kept, if it is for the same, else a new one.

    Making, checking and recording one takes as long as screening millions of molecules, and a worker screens
    shard after shard with the same student.
    """
    with _lock:
        kept = list(_kept)
        _kept.clear()
    for engine in kept:
        if engine.serves(student, device, path, best_count):
            engine.reset()
            return engine
        engine.close()
    return DeviceEngine(student, device, path, best_count)
