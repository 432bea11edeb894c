"""The proof that a device computes, on the processor, where it must always hold; and its answer without devices."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys

import pytest
import torch
from docksieve.models.devices import proof as device_proof


def test_the_processor_computes_what_it_computes() -> None:
    assert device_proof.computes(torch.device("cpu"))


def test_the_product_is_exact_whatever_the_precision() -> None:
    """Whole numbers below 7 in sums of 512: the largest is far below 2**24, and each factor fits any short format."""
    assert 6 * 6 * device_proof.SIZE < 2**24
    assert torch.arange(7).to(torch.bfloat16).to(torch.int64).tolist() == list(range(7))


def test_a_wrong_product_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = torch.Tensor.__matmul__, []

    def second_one_wrong(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return real(left, right) + (len(calls) > 1)

    monkeypatch.setattr(torch.Tensor, "__matmul__", second_one_wrong)
    assert not device_proof.computes(torch.device("cpu"))


@pytest.mark.slow
def test_without_a_device_the_program_says_so() -> None:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "ZE_AFFINITY_MASK": ""}
    done = subprocess.run(
        [sys.executable, "-m", "docksieve.models.devices.proof", "cuda"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert answer["uuid"] == "" and answer["error"]


def test_other_kinds_are_answered_too() -> None:
    found = device_proof.prove("xpu")
    assert found["uuid"] == "" and "sees 0 XPU devices where it should see one" in found["error"]


def test_an_unknown_kind_is_an_answer_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["proof", "tpu"])
    runpy.run_path(device_proof.__file__, run_name="__main__")
    assert json.loads(capsys.readouterr().out)["error"]
