"""Devices: one in sight per worker, proved, claimed against other worker pools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.hpc.nodes import devices
from docksieve.hpc.nodes.devices import (
    Proof,
    claim,
    describe_workers,
    granted_devices,
    pin_worker,
    pinned_environment,
    prove_devices,
)

MINE = {
    "CUDA_VISIBLE_DEVICES": "0,1,2,3",
    "ROCR_VISIBLE_DEVICES": "0,1,2,3",
    "HIP_VISIBLE_DEVICES": "0,1",
    "GPU_DEVICE_ORDINAL": "0",
    "ZE_AFFINITY_MASK": "0.0,0.1",
    "HOME": "/home/me",
}


@pytest.mark.parametrize(
    ("accelerator", "device", "variable"),
    [
        ("cuda", "2", "CUDA_VISIBLE_DEVICES"),
        ("cuda", "GPU-8f3d", "CUDA_VISIBLE_DEVICES"),
        ("rocm", "5", "ROCR_VISIBLE_DEVICES"),
        ("xpu", "11", "ZE_AFFINITY_MASK"),
        ("xpu", "5.1", "ZE_AFFINITY_MASK"),
        ("pretend", "1", "DOCKSIEVE_PRETEND_DEVICE"),
    ],
)
def test_a_worker_sees_its_device_and_no_other_variable(accelerator: str, device: str, variable: str) -> None:
    assert pinned_environment(accelerator, device, MINE) == {"HOME": "/home/me", variable: device}


@pytest.mark.parametrize(
    ("accelerator", "environment", "found"),
    [
        ("cuda", {"CUDA_VISIBLE_DEVICES": "2,3"}, ["2", "3"]),
        ("cuda", {"CUDA_VISIBLE_DEVICES": " 2 , 3 "}, ["2", "3"]),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "MIG-1a,MIG-2b"}, ["MIG-1a", "MIG-2b"]),
        ("cuda", {"CUDA_VISIBLE_DEVICES": ""}, []),  # a job without devices; the site's would be another's
        ("cuda", {"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, []),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "none"}, []),
        ("cuda", {}, ["0", "1"]),
        ("rocm", {"ROCR_VISIBLE_DEVICES": ""}, []),
        ("rocm", {"ROCR_VISIBLE_DEVICES": "0,1", "HIP_VISIBLE_DEVICES": "-1"}, []),
        ("xpu", {"ZE_AFFINITY_MASK": "-1"}, []),
        ("pretend", {"SLURM_STEP_GPUS": "", "SLURM_JOB_GPUS": "1"}, ["1"]),
        ("pretend", {"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, []),
        ("rocm", {"ROCR_VISIBLE_DEVICES": "6,7", "CUDA_VISIBLE_DEVICES": "0,1"}, ["6", "7"]),
        ("rocm", {"CUDA_VISIBLE_DEVICES": "4,5"}, ["0", "1"]),  # that is another way to count
        ("xpu", {"ZE_AFFINITY_MASK": "3.0,3.1"}, ["3.0", "3.1"]),
        ("pretend", {"SLURM_STEP_GPUS": "2,3", "SLURM_JOB_GPUS": "0,1,2,3"}, ["2", "3"]),
        ("pretend", {"SLURM_JOB_GPUS": "0,1,2,3"}, ["0", "1", "2", "3"]),
        ("xpu", {}, ["0", "1"]),
    ],
)
def test_the_schedulers_word_counts_before_the_sites(
    accelerator: str, environment: dict[str, str], found: list[str]
) -> None:
    assert granted_devices(accelerator, ["0", "1"], environment) == found


def test_pretended_devices_prove_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURMD_NODENAME", "n1")
    monkeypatch.setenv("DOCKSIEVE_PRETEND_BROKEN", "n1/2 n2/0")
    proofs = prove_devices("pretend", ["0", "2"])
    assert [proof.uuid for proof in proofs] == ["PRETEND-n1/0", "PRETEND-n1/2"]
    assert [proof.error for proof in proofs] == ["", "is broken on purpose (DOCKSIEVE_PRETEND_BROKEN)"]


def answering(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let ``script`` stand for the proof of a device; ``$1`` in it is the device."""

    def start(accelerator: str, device: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(["bash", "-c", script, "proof", device], stdout=pipe, stderr=pipe, text=True)

    monkeypatch.setattr(devices, "_start_proof", start)


def test_two_names_of_one_device_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, """echo '{"uuid": "GPU-1", "model": "A100", "error": ""}'""")
    first, second = prove_devices("cuda", ["0", "1"])
    assert first == Proof("0", "GPU-1", "A100")
    assert second.error == "device 1 is the same as 0 (UUID GPU-1)"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("echo 'driver too old' >&2; exit 3", "the proof ended without an answer: driver too old"),
        ("exit 3", "the proof ended without an answer: exit code 3"),
        ("echo hello", "the proof ended without an answer: exit code 0"),
        ("""echo '{"uuid": 1}'""", "the proof ended without an answer: exit code 0"),
        ("kill -9 $$", "the proof ended without an answer: exit code -9"),
    ],
)
def test_a_proof_that_gives_no_answer(monkeypatch: pytest.MonkeyPatch, script: str, error: str) -> None:
    answering(monkeypatch, script)
    assert prove_devices("cuda", ["0"]) == [Proof("0", error=error)]


def test_noise_before_the_answer_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, """echo 'module loaded'; echo '{"uuid": "u", "model": "m", "error": ""}'""")
    assert prove_devices("cuda", ["0"]) == [Proof("0", "u", "m")]


def test_a_proof_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "PROOF_SECONDS", 1)
    answering(monkeypatch, "exec sleep 60")
    began = time.monotonic()
    assert prove_devices("cuda", ["0"]) == [Proof("0", error="did not answer within 1 s")]
    assert time.monotonic() - began < 20


HOLDER = """
import sys, time
from docksieve.hpc.nodes.devices import Proof, claim
proof = claim(Proof("0", sys.argv[1], "m"), patience=0.0)
print("error" if proof.error else "held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], subprocess.Popen[str]]:
    """Return a function that starts a process which claims a device and keeps it until its input ends."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def start(uuid: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", HOLDER, uuid], stdin=pipe, stdout=pipe, text=True)

    return start


def test_two_worker_pools_do_not_share_a_device(holder: Callable[[str], subprocess.Popen[str]]) -> None:
    with holder("GPU-7") as first:
        assert first.stdout is not None and first.stdin is not None
        assert first.stdout.readline().strip() == "held"
        with holder("GPU-7") as second:
            out, _ = second.communicate("\n", timeout=60)
            assert out.strip() == "error"
        refused = claim(Proof("0", "GPU-7", "m"), patience=0.0)
        assert refused.error == "device 0 (UUID GPU-7) is held by another worker pool of this user"
        first.communicate("\n", timeout=60)
    # It goes with the process that held it.
    assert claim(Proof("0", "GPU-7", "m"), patience=10.0).error == ""
    devices._held.pop().close()


def test_a_claim_waits_for_a_pool_that_is_ending(holder: Callable[[str], subprocess.Popen[str]]) -> None:
    with holder("GPU-8") as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.kill()  # killed, not asked: the lock goes all the same
        assert claim(Proof("0", "GPU-8", "m"), patience=30.0).error == ""
    devices._held.pop().close()


def test_a_device_that_is_refused_is_not_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    refused = Proof("0", "", "", "broken")
    assert claim(refused) is refused
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("rank", "device"), [("0", "4"), ("1", "4"), ("2", "6"), ("3", "6")])
def test_neighbours_share_a_device(monkeypatch: pytest.MonkeyPatch, rank: str, device: str) -> None:
    proofs = [Proof("4", "U4", "MI250X"), Proof("6", "U6", "MI250X")]
    for name, value in {**MINE, devices.WORKER_DEVICES: describe_workers("rocm", proofs, 2)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PARSL_WORKER_RANK", rank)
    monkeypatch.setattr(devices, "_mine", None)
    found = pin_worker()
    assert found == {"device": device, "uuid": f"U{device}", "model": "MI250X", "accelerator": "rocm"}
    assert os.environ["ROCR_VISIBLE_DEVICES"] == device
    assert not {"CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"} & set(os.environ)
    monkeypatch.setenv("PARSL_WORKER_RANK", "9")
    assert pin_worker() is found  # once in a worker's life


def test_without_devices_nothing_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(devices.WORKER_DEVICES, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.setattr(devices, "_mine", None)
    assert pin_worker() == {}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_what_workers_are_told_is_json() -> None:
    said = json.loads(describe_workers("cuda", [Proof("0", "U")], 3))
    assert (said["accelerator"], said["workers_per_device"], said["devices"][0]["uuid"]) == ("cuda", 3, "U")
