"""The device path on the CPU: the same steps, torch alone or with Triton's interpreter, and their faults."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from docksieve.data.errors import ModelError
from docksieve.data.receipts import Failure
from docksieve.models.bundles.bundle import save_bundle
from docksieve.models.devices.device import DeviceError
from docksieve.models.inference import device_engine
from docksieve.models.inference.device_buffers import BufferSlot, DeviceStreams
from docksieve.models.inference.device_check import (
    HALF_TOLERANCE,
    SINGLE_TOLERANCE,
    check,
    check_tally,
    difference,
    exact_scores,
    expected_scores,
    trial_molecules,
)
from docksieve.models.inference.device_engine import DeviceEngine
from docksieve.models.inference.device_network import DeviceNetwork, chosen_path
from docksieve.models.inference.engine import open_engine, release
from docksieve.models.inference.score_tally import ScoreTally
from docksieve.models.network.ngrams import StringBatch, encode
from docksieve.models.students.student import Student, StudentScorer

CPU = torch.device("cpu")
MakeStudent = Callable[..., Student]

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="THE FUSED PROGRAM IS NOT TESTED HERE: triton is not installed (pip install triton)",
)


def _engine(student: Student, **more) -> DeviceEngine:
    return DeviceEngine(student, CPU, **{"path": "torch", "rows": 64, "checked": 0, **more})


def _scores(engine: DeviceEngine, strings: StringBatch) -> np.ndarray:
    return engine.result(engine.submit(strings, np.arange(len(strings))))


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
    found = _scores(_engine(student), strings)
    assert difference(found, expected_scores(student, strings)) < SINGLE_TOLERANCE / 10
    assert difference(found, exact_scores(student, strings)) < SINGLE_TOLERANCE / 10
    half = _scores(_engine(student, half=True), strings)
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
    engine = _engine(student, rows=rows, best_count=9)
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
    engine = _engine(student, rows=4, best_count=3)
    found = _scores(engine, strings)
    np.testing.assert_allclose(found, expected_scores(student, strings), rtol=1e-4, atol=1e-4)
    check_tally(engine.tally(), np.arange(7), found, "cpu")
    assert engine.notes == []


def test_nulls_that_hide_bytes(make_student: MakeStudent) -> None:
    student = make_student(width=16, buckets=256)
    whole = StringBatch.from_strings(["CCO", "CCCC", "N", "OCC"])
    hidden = StringBatch(whole.data, whole.offsets, np.array([False, True, False, True]))
    found = _scores(_engine(student), hidden)
    assert np.isnan(found[[0, 2]]).all()
    np.testing.assert_allclose(found[[1, 3]], expected_scores(student, whole)[[1, 3]], rtol=1e-4, atol=1e-4)


_INTERPRET = """
import sys
import numpy as np, torch
from docksieve.models.bundles.bundle import load_bundle
from docksieve.models.inference.device_check import difference, exact_scores, expected_scores, trial_molecules
from docksieve.models.inference.device_engine import DeviceEngine
students = [load_bundle(folder) for folder in sys.argv[2:]]
for student in students:
    for half in (False, True):
        engine = DeviceEngine(student, torch.device("cpu"), "fused", half=half, rows=10, checked=0)
        strings = trial_molecules(24, seed=3)
        found, again = (engine.result(engine.submit(strings, np.arange(24))) for _ in range(2))
        assert engine._network._first.counters.abs().sum() == 0  # ready for the next block
        np.testing.assert_array_equal(found, again)
        print(difference(found, exact_scores(student, strings)), difference(found, expected_scores(student, strings)))
"""


@needs_triton
def test_the_fused_program_agrees(make_student: MakeStudent, tmp_path: Path) -> None:
    # In a process of its own: Triton looks at the environment when it is first imported.
    folders = []
    for settings in ({"width": 24}, {"width": 128, "ngram": 8, "buckets": 256}):
        folders.append(str(tmp_path / f"student-{len(folders)}"))
        save_bundle(make_student(**settings), folders[-1])
    done = subprocess.run(
        [sys.executable, "-c", _INTERPRET, "-", *folders], capture_output=True, text=True, check=False,
        env={**os.environ, "TRITON_INTERPRET": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    assert len(found) == 4
    for line, allowed in zip(found, [SINGLE_TOLERANCE, HALF_TOLERANCE] * 2, strict=True):
        assert max(line) < allowed


_COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from docksieve.models.inference import fused_layer as fused
constants = fused.constants(6, 4096, 128)
kinds = {
    "data": "*u8", "starts": "*i32", "lengths": "*i32", "table": "*fp32", "embedding": "*fp16", "bias": "*fp32",
    "counters": "*i32", "output": "*fp16", "rows": "i32", "width": "i32", **dict.fromkeys(constants, "constexpr"),
}
source = ASTSource(fn=fused.first_layer, signature=kinds, constexprs=constants)
for target in (("cuda", 80, 32), ("cuda", 90, 32), ("hip", "gfx90a", 64), ("hip", "gfx942", 64)):
    target = GPUTarget(*target)
    made = triton.compile(source, target=target, options={"num_warps": 4, "enable_fp_fusion": True})
    print(target.arch, len(made.asm["cubin" if target.backend == "cuda" else "hsaco"]), made.metadata.shared)
"""


@needs_triton
@pytest.mark.slow
def test_the_fused_program_compiles_for_devices_that_are_not_here() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", _COMPILE], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    made = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in made] == ["80", "90", "gfx90a", "gfx942"]
    assert all(int(size) > 1_000 and int(shared) < 48_000 for _, size, shared in made)


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
    engine = _engine(student, rows=512, best_count=5)
    found = _scores(engine, strings)
    np.testing.assert_allclose(found, expected_scores(student, strings), rtol=1e-4, atol=1e-4)
    check_tally(engine.tally(), np.arange(500), found, "cpu")
    assert engine.notes == ["The device was short of memory: blocks were halved to 64 molecules."]


@pytest.mark.parametrize("after", [0, 1, 3])
def test_short_of_memory_in_the_middle_loses_and_doubles_nothing(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    student, strings = make_student(width=16, buckets=256), trial_molecules(700)
    engine = _engine(student, rows=256, best_count=5)
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
    engine = _engine(student, rows=40, best_count=9, checked=30)
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
    engine = _engine(student, rows=40, best_count=9)
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
        _engine(make_student(width=16, buckets=256), rows=512)


def test_a_lost_device_is_one_clear_error_that_may_be_tried_elsewhere(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _engine(make_student(width=16, buckets=256))

    def lost(*arguments):
        raise RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be ...")

    monkeypatch.setattr(DeviceNetwork, "scores", lost)
    with pytest.raises(
        DeviceError, match=r"cpu failed on the torch path.*unspecified launch failure"
    ) as caught:
        _scores(engine, trial_molecules(50))
    engine.close()
    assert caught.value.retryable
    assert Failure.from_exception(caught.value).retryable


@pytest.mark.parametrize(
    "fault", [lambda x: x + 0.1, lambda x: x[torch.randperm(len(x))], lambda x: x * float("nan")]
)
def test_a_device_that_computes_wrongly_is_refused(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch, fault
) -> None:
    original = DeviceNetwork.outputs
    monkeypatch.setattr(DeviceNetwork, "outputs", lambda self, values: fault(original(self, values)))
    student = make_student(width=16, buckets=256)
    with pytest.raises(DeviceError, match="scores molecules differently"):
        _engine(student, checked=200)


def test_a_device_that_counts_wrongly_is_refused(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_engine.DeviceTally, "add_to", lambda self, tally, padding: None)
    with pytest.raises(DeviceError, match="counts scores wrongly"):
        _engine(make_student(width=16, buckets=256), checked=200)


def test_a_good_device_is_believed_and_counts_afresh(make_student: MakeStudent) -> None:
    student = make_student(targets=3, width=32, buckets=1024)
    engine = DeviceEngine(student, CPU, "torch", best_count=10, rows=300)
    assert engine.deviation < SINGLE_TOLERANCE and engine.busy_seconds == 0
    assert engine.tally().histogram.sum() == 0
    strings = trial_molecules(77)
    assert check(student, _scores(engine, strings), strings, False, "cpu") < SINGLE_TOLERANCE
    assert engine.busy_seconds > 0 and engine.tally().histogram.sum() == 3 * 77


def test_paths_are_chosen_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_path("auto", CPU, 128) == "kernel"
    assert chosen_path("torch", CPU, 128) == "torch"
    gpu = torch.device("cuda")
    with pytest.raises(ModelError, match="runs on the CPU"):
        chosen_path("kernel", gpu, 128)
    with pytest.raises(ModelError, match="unknown"):
        chosen_path("quick", gpu, 128)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(ModelError, match=r"needs triton|TRITON_INTERPRET"):
        chosen_path("fused", CPU, 128)
    monkeypatch.setattr("docksieve.models.inference.device_network.fused_available", lambda: False)
    assert chosen_path("auto", gpu, 128) == "torch"
    with pytest.raises(ModelError, match="needs triton"):
        chosen_path("fused", gpu, 128)


def test_scorers_take_a_path(make_student: MakeStudent) -> None:
    student, strings = make_student(width=16, buckets=256), trial_molecules(120)
    with StudentScorer(student, threads=3) as kernel, StudentScorer(student, path="torch") as twin:
        np.testing.assert_allclose(twin.score(strings), kernel.score(strings), rtol=1e-4, atol=1e-4)


def test_an_engine_is_kept_for_the_next_shard_of_the_same_student(make_student: MakeStudent) -> None:
    student, strings = make_student(width=16, buckets=256), trial_molecules(60)
    first = open_engine(student, path="torch", best_count=4)
    first.result(first.submit(strings, np.arange(60)))
    release(first)
    again = open_engine(student, path="torch", best_count=4)
    assert again is first and again.tally().histogram.sum() == 0 and again.busy_seconds == 0
    beside = open_engine(student, path="torch", best_count=4)
    assert beside is not again  # in use
    ticket = beside.submit(strings, np.arange(60))
    release(beside)  # with work under way
    release(again)
    other = open_engine(make_student(width=16, buckets=256, seed=1), path="torch", best_count=4)
    assert other not in (again, beside) and ticket is not None
    assert not again.healthy


def test_a_broken_engine_is_not_kept(make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch) -> None:
    student, strings = make_student(width=16, buckets=256), trial_molecules(60)
    engine = open_engine(student, path="torch")
    with monkeypatch.context() as patch, pytest.raises(DeviceError):
        patch.setattr(DeviceNetwork, "scores", None)
        engine.submit(strings, np.arange(60))
    release(engine)
    afresh = open_engine(student, path="torch")
    assert afresh is not engine
    assert (
        difference(afresh.result(afresh.submit(strings, np.arange(60))), exact_scores(student, strings))
        < 1e-3
    )


def test_difference_sees_what_matters() -> None:
    truth = np.random.default_rng(0).normal(-8, 2, (1000, 1))
    assert difference(truth.astype(np.float32), truth) < 1e-6
    assert difference((truth + 0.2).astype(np.float32), truth) == pytest.approx(0.1, rel=0.1)
    gap = truth.copy()
    gap[3] = np.nan
    assert difference(truth.astype(np.float32), gap) == np.inf
    assert difference(np.zeros((0, 1), np.float32), np.zeros((0, 1))) == 0


def test_the_tally_check_sees_one_row(make_student: MakeStudent) -> None:
    values = np.random.default_rng(0).normal(size=(50, 1)).astype(np.float32)
    tally = ScoreTally("a", (True,), 5)
    tally.add(np.arange(50), values)
    check_tally(tally, np.arange(50), values, "cpu")
    with pytest.raises(DeviceError, match="counts"):
        check_tally(tally, np.arange(50), np.roll(values, 1), "cpu")
