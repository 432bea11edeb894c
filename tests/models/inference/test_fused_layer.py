"""The fused program for devices: it agrees, by Triton's interpreter, and it compiles for devices that are not here."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from docksieve.models.bundles.bundle import save_bundle
from docksieve.models.inference.device_check import (
    HALF_TOLERANCE,
    SINGLE_TOLERANCE,
)
from docksieve.models.network.ngrams import WEIGHTS

from .cpu_engine import MakeStudent

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="THE FUSED PROGRAM IS NOT TESTED HERE: triton is not installed (pip install triton)",
)


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


@needs_triton
def test_the_program_is_made_for_the_students_size() -> None:
    from docksieve.models.inference.fused_layer import COUNTER_BYTES, FusedLayer, constants

    found = constants(6, 4096, 128)
    assert (found["SHIFT"], found["BUCKETS"], found["UNITS"]) == (64 - 12, 4096, 128)
    assert found["PLACES"] * found["UNITS"] == 2_048  # running sums of one program
    assert found["LAST"] == len(WEIGHTS) - 1
    assert constants(6, 256, 100)["UNITS"] == 128 and constants(6, 256, 1)["UNITS"] == 16
    assert (constants(6, 256, 512)["PLACES"], constants(6, 256, 16)["PLACES"]) == (8, 64)
    layer = FusedLayer(torch.zeros((256, 24)), torch.zeros(24), 6)
    assert layer.counters.shape == (layer.programs, 256) and not layer.counters.any()
    wide = FusedLayer(torch.zeros((1 << 22, 1)), torch.zeros(1), 6)  # 16 MiB of counters for each program
    assert wide.programs == 32 and wide.counters.numel() * 4 <= COUNTER_BYTES


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
