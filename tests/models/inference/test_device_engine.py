"""The device path on the CPU: the same steps by torch alone, and their faults."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from docksieve.data.receipts import Failure
from docksieve.models.devices.device import DeviceError
from docksieve.models.inference.device_buffers import BufferSlot, DeviceStreams
from docksieve.models.inference.device_check import (
    HALF_TOLERANCE,
    SINGLE_TOLERANCE,
    check_tally,
    difference,
    exact_scores,
    expected_scores,
    trial_molecules,
)
from docksieve.models.inference.device_engine import DeviceEngine
from docksieve.models.inference.device_network import DeviceNetwork
from docksieve.models.network.ngrams import StringBatch, encode

from .cpu_engine import CPU, MakeStudent, cpu_engine, scores_of


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"ngram": 8, "buckets": 64, "width": 8, "layers": 1}, {"ngram": 1, "width": 24, "spread": False},
        {"buckets": 1 << 17, "width": 16},  # too many to count them all: sorted
    ],
)  # fmt: skip
def test_torch_agrees_with_the_kernel_and_with_double_precision(
    make_student: MakeStudent, settings: dict
) -> None:
    student, strings = make_student(targets=2, **settings), trial_molecules(400, seed=5)
    found = scores_of(cpu_engine(student), strings)
    assert difference(found, expected_scores(student, strings)) < SINGLE_TOLERANCE / 10
    assert difference(found, exact_scores(student, strings)) < SINGLE_TOLERANCE / 10
    half = scores_of(cpu_engine(student, half=True), strings)
    assert SINGLE_TOLERANCE / 100 < difference(half, exact_scores(student, strings)) < HALF_TOLERANCE


def test_counts_are_those_of_the_kernel(make_student: MakeStudent) -> None:
    student = make_student(width=8, buckets=256)
    strings = StringBatch.from_strings(["CCO", "C" * 500, "Ünï", "N", "c1ccccc1C(=O)NCC"])
    data = torch.tensor(np.concatenate([strings.data[: strings.offsets[-1]], np.zeros(8, np.uint8)]))
    starts = torch.tensor(strings.offsets[:-1].astype(np.int32))
    lengths = torch.tensor(np.diff(strings.offsets).astype(np.int32))
    found = DeviceNetwork(student, CPU, "torch", half=False).counts(data, starts, lengths).numpy()
    bags = encode(strings, 6, 256)
    for row in range(len(strings)):
        part = slice(bags.offsets[row], bags.offsets[row + 1])
        assert set(np.flatnonzero(found[row])) == set(bags.buckets[part])
        np.testing.assert_allclose(np.log1p(found[row, bags.buckets[part]]), bags.weights[part], rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 7, 64, 1000])
def test_blocks_change_nothing(make_student: MakeStudent, rows: int) -> None:
    student, strings = make_student(targets=2, width=16, buckets=256), trial_molecules(150)
    expected = expected_scores(student, strings)
    engine = cpu_engine(student, rows=rows, best_count=9)
    tickets = [
        engine.submit(strings.rows(k, min(k + 40, 150)), np.arange(k, min(k + 40, 150)))
        for k in range(0, 150, 40)
    ]
    found = np.concatenate([engine.result(ticket) for ticket in tickets])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    check_tally(engine.tally(), np.arange(150), found, "cpu")


def test_a_molecule_longer_than_all_the_room(make_student: MakeStudent) -> None:
    student = make_student(width=16, buckets=256)
    strings = StringBatch.from_strings(["CCO", "C" * 5_000, None, "N", "CN" * 4_000, "", "O"])
    engine = cpu_engine(student, rows=4, best_count=3)
    found = scores_of(engine, strings)
    np.testing.assert_allclose(found, expected_scores(student, strings), rtol=1e-4, atol=1e-4)
    check_tally(engine.tally(), np.arange(7), found, "cpu")
    assert engine.notes == []


def test_nulls_that_hide_bytes(make_student: MakeStudent) -> None:
    student = make_student(width=16, buckets=256)
    whole = StringBatch.from_strings(["CCO", "CCCC", "N", "OCC"])
    hidden = StringBatch(whole.data, whole.offsets, np.array([False, True, False, True]))
    found = scores_of(cpu_engine(student), hidden)
    assert np.isnan(found[[0, 2]]).all()
    np.testing.assert_allclose(found[[1, 3]], expected_scores(student, whole)[[1, 3]], rtol=1e-4, atol=1e-4)


def _greedy(monkeypatch: pytest.MonkeyPatch, limit: int, at: str = "scores") -> None:
    """Let the device have memory for ``limit`` molecules only."""
    original = getattr(DeviceNetwork, at)

    def scores(self, data, starts, lengths):
        if len(starts) > limit:
            raise torch.OutOfMemoryError("tried to allocate 12.00 GiB\nand more words")
        return original(self, data, starts, lengths)

    monkeypatch.setattr(DeviceNetwork, at, scores)


def test_short_of_memory_at_the_start_halves_and_says_so_once(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch
) -> None:
    student, strings = make_student(width=16, buckets=256), trial_molecules(500)
    _greedy(monkeypatch, 100)
    engine = cpu_engine(student, rows=512, best_count=5)
    found = scores_of(engine, strings)
    np.testing.assert_allclose(found, expected_scores(student, strings), rtol=1e-4, atol=1e-4)
    check_tally(engine.tally(), np.arange(500), found, "cpu")
    assert engine.notes == ["The device was short of memory: blocks were halved to 64 molecules."]


@pytest.mark.parametrize("after", [0, 1, 3])
def test_short_of_memory_in_the_middle_loses_and_doubles_nothing(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    student, strings = make_student(width=16, buckets=256), trial_molecules(700)
    engine = cpu_engine(student, rows=256, best_count=5)
    batches = [(strings.rows(k, k + 175), np.arange(k, k + 175)) for k in range(0, 700, 175)]
    tickets = [engine.submit(*batch) for batch in batches[:after]]
    _greedy(monkeypatch, 128)
    tickets += [engine.submit(*batch) for batch in batches[after:]]
    found = np.concatenate([engine.result(ticket) for ticket in tickets])
    np.testing.assert_allclose(found, expected_scores(student, strings), rtol=1e-4, atol=1e-4)
    check_tally(engine.tally(), np.arange(700), found, "cpu")
    assert len(engine.notes) == 1 and "128 molecules" in engine.notes[0]


def _pretend_to_record(self: DeviceEngine, slot: BufferSlot) -> None:
    slot._graph = SimpleNamespace(replay=lambda: slot.compute(slot.rows, slot.capacity))


def test_a_recorded_graph_takes_full_blocks_and_the_padding_is_not_counted(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeviceEngine, "_record", _pretend_to_record)
    student, strings = make_student(targets=2, width=16, buckets=256), trial_molecules(150)
    engine = cpu_engine(student, rows=40, best_count=9, checked=30)
    batches = [(strings.rows(k, k + 50), np.arange(k, k + 50)) for k in (0, 50, 100)]
    found = np.concatenate([engine.result(ticket) for ticket in [engine.submit(*batch) for batch in batches]])
    np.testing.assert_allclose(found, expected_scores(student, strings), rtol=1e-4, atol=1e-4)
    check_tally(engine.tally(), np.arange(150), found, "cpu")


class _Pretended:
    """Streams and events of a device that does everything at once, and writes down in which order."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.current: list[str] = []

    def Stream(self, device: torch.device) -> SimpleNamespace:
        name = ("inward", "compute", "outward")[len(self.said)]
        self.said.append(f"made {name}")
        return SimpleNamespace(name=name, wait_event=lambda event: self.said.append(f"{name} waits"))

    def Event(self, enable_timing: bool) -> SimpleNamespace:
        return SimpleNamespace(
            record=lambda: self.said.append(f"{self.current[-1]} records"),
            synchronize=lambda: self.said.append("host waits"),
            elapsed_time=lambda other: 2.0,
        )

    @contextlib.contextmanager
    def stream(self, stream: SimpleNamespace) -> Iterator[None]:
        self.current.append(stream.name)
        yield
        self.current.pop()

    def synchronize(self, device: torch.device) -> None:
        self.said.append("all wait")

    def empty_cache(self) -> None:
        self.said.append("emptied")


@pytest.mark.parametrize("recorded", [False, True])
def test_blocks_travel_through_three_streams(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    module, zeros = _Pretended(), torch.zeros
    # A pretended device has no pinned memory; its own memory is another tensor than the host's all the same.
    monkeypatch.setattr(torch, "zeros", lambda *size, pin_memory=False, **more: zeros(*size, **more))
    monkeypatch.setattr(DeviceStreams, "_module", lambda self, device: module)
    if recorded:
        monkeypatch.setattr(DeviceEngine, "_record", _pretend_to_record)
    student, strings = make_student(targets=2, width=16, buckets=256), trial_molecules(150)
    engine = cpu_engine(student, rows=40, best_count=9)
    del module.said[:]
    batches = [(strings.rows(k, k + 50), np.arange(k, k + 50)) for k in (0, 50, 100)]
    found = np.concatenate([engine.result(ticket) for ticket in [engine.submit(*batch) for batch in batches]])
    np.testing.assert_allclose(found, expected_scores(student, strings), rtol=1e-4, atol=1e-4)
    check_tally(engine.tally(), np.arange(150), found, "cpu")
    order = [
        "inward records",
        "compute waits",
        "compute records",
        "compute records",
        "outward waits",
        "outward records",
    ]
    assert module.said[:6] == order and module.said.count("host waits") == 6
    assert engine.busy_seconds == pytest.approx(6 * 0.002)
    used = int(strings.offsets[-1])
    assert engine.moved == used + 6 * 40 * 8 + 150 * (8 + 4 * 4)


def test_no_memory_at_all_is_an_error(make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch) -> None:
    _greedy(monkeypatch, 0)
    with pytest.raises(DeviceError, match=r"no memory for 64 molecules: tried to allocate 12\.00 GiB"):
        cpu_engine(make_student(width=16, buckets=256), rows=512)


def test_a_lost_device_is_one_clear_error_that_may_be_tried_elsewhere(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = cpu_engine(make_student(width=16, buckets=256))

    def lost(*arguments):
        raise RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be ...")

    monkeypatch.setattr(DeviceNetwork, "scores", lost)
    with pytest.raises(
        DeviceError, match=r"cpu failed on the torch path.*unspecified launch failure"
    ) as caught:
        scores_of(engine, trial_molecules(50))
    engine.close()
    assert caught.value.retryable
    assert Failure.from_exception(caught.value).retryable
