"""Scoring on a device: blocks of SMILES sent ahead, scores, histogram and the best brought back."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ...data.errors import DocksieveError
from ...data.schema import STREAM_ROWS
from ..devices.device import DeviceError
from ..network.network import StudentNetwork
from ..network.ngrams import StringBatch
from .device_buffers import BufferSlot, DeviceStreams
from .device_check import CHECKED, check, check_tally, trial_molecules
from .device_network import DENSE_BUCKETS, DeviceNetwork
from .device_tally import DeviceTally
from .score_tally import ScoreTally

SLOTS = 3
"""Blocks under way: one copied in, one computed, one copied out."""

MEAN_BYTES = 48
"""Room for SMILES per molecule of a block; blocks of longer ones hold fewer."""

FUSED_ROWS = STREAM_ROWS
"""A row group of a library fills one block."""

CPU_ROWS = 4_096
COUNT_BYTES = 1 << 29
"""Memory that counts of all buckets may take on the torch path; it decides how many molecules a block has."""

LEAST_ROWS = 64
"""A device without memory for so many molecules cannot be used."""


@dataclass(frozen=True)
class _Block:
    number: int
    slot: BufferSlot
    values: NDArray[np.float32]
    start: int


@dataclass(frozen=True)
class Ticket:
    """Scores to come: complete when the block ``last`` has been received."""

    values: NDArray[np.float32]
    last: int


class DeviceEngine:
    """Scores batches on a device.

    Parameters
    ----------
    student : StudentNetwork
    device : torch.device
        Also the CPU: the same steps, for tests.
    path : str
        ``torch`` or ``fused``.
    best_count : int
    half : bool, optional
        Half precision; by default on devices, not on the CPU.
    rows : int, optional
        Molecules per block, if not what suits the path.
    checked : int
        Molecules that the device must first score as the CPU does.

    Attributes
    ----------
    busy_seconds : float
        That the device computed.
    moved : int
        Bytes copied to and from the device.
    notes : list of str
    deviation : float
        Largest difference from the CPU in the check, in standard deviations of an output.

    Raises
    ------
    DeviceError
        If the device fails, has no memory, or does not compute what the CPU computes.
    """

    def __init__(
        self,
        student: StudentNetwork,
        device: torch.device,
        path: str,
        best_count: int = 0,
        half: bool | None = None,
        rows: int | None = None,
        checked: int = CHECKED,
    ) -> None:
        self.student, self.device, self.path = student, device, path
        self.half = device.type != "cpu" if half is None else half
        self.notes: list[str] = []
        self.seconds = {"encode": 0.0, "model": 0.0}
        self.busy_seconds, self.moved = 0.0, 0
        self.depth = SLOTS
        self._best_count = best_count
        self._broken = False
        self._rows = rows or _suitable_rows(device, path, student.settings.buckets)
        self._capacity = MEAN_BYTES * self._rows
        self._pending: deque[_Block] = deque()
        self._free: deque[BufferSlot] = deque()
        self._sent = self._received = self._padding = 0
        with self._trouble():
            self._lanes = DeviceStreams(device)
            self._network = DeviceNetwork(student, device, path, self.half)
            self._tally = DeviceTally(student.lower_is_better, best_count, device)
            self._build()
        self.batch_rows = self._rows
        self.deviation = self._check(checked)
        self.reset()

    def submit(self, strings: StringBatch, rows: NDArray[np.int64]) -> Ticket:
        """Send a batch; returns at once if there is room, else when there is."""
        values = np.empty((len(strings), self.student.outputs), np.float32)
        start = 0
        with self._trouble():
            while start < len(strings):
                start = self._send(strings, rows, values, start)
        return Ticket(values, self._sent)

    def result(self, ticket: Ticket) -> NDArray[np.float32]:
        """Return the scores of a batch, shape (n, outputs), waiting for them; NaN rows for nulls and empty strings."""
        with self._trouble():
            while self._received < ticket.last:
                self._receive()
        return ticket.values

    def tally(self) -> ScoreTally:
        """Wait for everything; return histogram and best rows since the last call."""
        found = ScoreTally(self.student.targets, self.student.lower_is_better, self._best_count)
        with self._trouble():
            while self._pending:
                self._receive()
            self._lanes.wait()
            self._tally.add_to(found, self._padding)
        self._padding = 0
        return found

    def reset(self) -> None:
        """Forget what was counted, to serve somebody else."""
        self.tally()
        self.seconds = {"encode": 0.0, "model": 0.0}
        self.busy_seconds, self.moved = 0.0, 0
        self.notes = list(self.notes)  # those of the device stay true

    def serves(self, student: StudentNetwork, device: torch.device, path: str, best_count: int) -> bool:
        """Whether the engine can do what is asked, as another made for it would."""
        asked = (device, path, best_count)
        return (
            self.healthy and self.student is student and (self.device, self.path, self._best_count) == asked
        )

    @property
    def healthy(self) -> bool:
        """Whether nothing is under way and nothing went wrong."""
        return not self._broken and not self._pending

    def close(self) -> None:
        """Wait for the device, and give its memory back."""
        with contextlib.suppress(DeviceError), self._trouble():
            self._lanes.wait()
        self._broken = True
        self._pending.clear()
        self._drop()

    def _send(
        self, strings: StringBatch, rows: NDArray[np.int64], values: NDArray[np.float32], start: int
    ) -> int:
        """Send the next block of a batch; return where the one after it starts."""
        ends = strings.offsets[start + 1 :]
        fitting = int(np.searchsorted(ends, strings.offsets[start] + self._capacity, side="right"))
        if fitting == 0:  # one molecule longer than all the room
            self._capacity = 1 << int(ends[0] - strings.offsets[start]).bit_length()
            self._rebuild()
            return start
        stop = min(start + min(fitting, self._rows), len(strings))
        if not self._free:
            self._receive()
        slot = self._free.popleft()
        try:
            slot.fill(strings.rows(start, stop), rows[start:stop])
            slot.send()
        except torch.OutOfMemoryError as error:
            self._halve(error)
            return start
        self._sent += 1
        self._padding += slot.padding
        self.moved += slot.moved
        self._pending.append(_Block(self._sent, slot, values, start))
        return stop

    def _receive(self) -> None:
        block = self._pending.popleft()
        scores, busy = block.slot.receive()
        block.values[block.start : block.start + len(scores)] = scores
        self.busy_seconds += busy
        self.seconds["model"] += busy
        self._received = block.number
        self._free.append(block.slot)

    def _work(
        self, data: torch.Tensor, starts: torch.Tensor, lengths: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, Callable[[], None]]:
        scores = self._network.scores(data, starts, lengths)
        return scores, self._tally.prepared(scores, rows)

    def _build(self) -> None:
        """Make the slots, work once in each, and record that; with half the molecules where memory is short."""
        while True:
            self._pool = torch.cuda.graph_pool_handle() if self.device.type == "cuda" else None
            try:
                for _ in range(SLOTS):
                    slot = BufferSlot(
                        self._lanes, self._rows, self._capacity, self.student.outputs, self._work
                    )
                    slot.warm()
                    self._padding += slot.rows
                    self._record(slot)
                    self._free.append(slot)
                return
            except torch.OutOfMemoryError as error:
                self._shrink(error)

    def _record(self, slot: BufferSlot) -> None:
        if self.device.type != "cuda":
            return
        try:
            slot.record(self._pool)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self._note(f"Steps are launched one by one, not as a recorded graph: {_first_line(error)}.")

    def _halve(self, error: BaseException) -> None:
        self._wait_for_all()
        self._shrink(error)
        self._build()

    def _rebuild(self) -> None:
        self._wait_for_all()
        self._drop()
        self._build()

    def _wait_for_all(self) -> None:
        while self._pending:
            self._receive()
        self._lanes.wait()

    def _shrink(self, error: BaseException) -> None:
        self._drop()
        if self._rows < 2 * LEAST_ROWS:
            raise DeviceError(
                f"The device {self.device} has no memory for {self._rows} molecules: {_first_line(error)}.",
                "Give the device to one worker alone, or take a smaller student.",
            ) from error
        self._rows //= 2
        self._capacity = max(self._capacity // 2, 1)
        self.notes = [note for note in self.notes if "short of memory" not in note]
        self._note(f"The device was short of memory: blocks were halved to {self._rows} molecules.")

    def _drop(self) -> None:
        self._free.clear()
        if self._lanes.module is not None:
            self._lanes.module.empty_cache()

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _check(self, count: int) -> float:
        strings, rows = trial_molecules(count), np.arange(count)
        values = self.result(self.submit(strings, rows))
        check_tally(self.tally(), rows, values, str(self.device))
        return check(self.student, values, strings, self.half, str(self.device))

    @contextlib.contextmanager
    def _trouble(self) -> Iterator[None]:
        """Turn what torch and Triton raise into one clear error."""
        half_sums = torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False  # sums in float32, always
        try:
            yield
        except DocksieveError:
            self._broken = True
            raise
        except Exception as error:
            self._broken = True
            raise DeviceError(
                f"The device {self.device} failed on the {self.path} path: {type(error).__name__}: "
                f"{_first_line(error)}.",
                "What it was working on can be done again, on another device if this one is lost.",
            ) from error
        finally:
            torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = half_sums


def _suitable_rows(device: torch.device, path: str, buckets: int) -> int:
    if device.type == "cpu":
        return CPU_ROWS
    if path == "fused":
        return FUSED_ROWS
    if buckets > DENSE_BUCKETS:
        return FUSED_ROWS // 2
    # Counts take four bytes, their weights two, and once more while they are made.
    return max(LEAST_ROWS, min(FUSED_ROWS, 1 << ((COUNT_BYTES // (8 * buckets)).bit_length() - 1)))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
