"""What starts on a node: workers for the devices that proved themselves, none where there are none, and a report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from docksieve.data.store import read_json
from docksieve.hpc.nodes import node
from docksieve.hpc.nodes.banned import ban, banned, bans
from docksieve.hpc.nodes.devices import WORKER_DEVICES

POOL = [
    "process_worker_pool.py",
    "--max_workers_per_node=8",
    "--cpu-affinity",
    "list:0-1:2-3:4-5:6-7:8:9:10:11",
]


@pytest.mark.parametrize(
    ("devices", "each", "workers", "affinity"),
    [
        ([0, 1, 2, 3], 2, 8, "list:0-1:2-3:4-5:6-7:8:9:10:11"),
        ([0, 2, 3], 2, 6, "list:0-1:2-3:8:9:10:11"),
        ([3], 2, 2, "list:10:11"),
        ([1], 1, 1, "list:2-3"),
    ],
)
def test_workers_keep_the_cores_of_their_device(
    devices: list[int], each: int, workers: int, affinity: str
) -> None:
    found = node.limited(POOL, devices, each)
    assert found == [POOL[0], f"--max_workers_per_node={workers}", "--cpu-affinity", affinity]


@pytest.mark.parametrize("affinity", ["none", "block", "block-reverse", "alternating"])
def test_other_affinities_stay(affinity: str) -> None:
    assert node.limited(["x", "--cpu-affinity", affinity], [0], 1) == ["x", "--cpu-affinity", affinity]


SHOW = f"""
import json, os, sys
print(json.dumps({{"words": sys.argv[1:], "devices": os.environ.get({WORKER_DEVICES!r}, "")}}))
"""


@pytest.fixture
def started(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Return a function that starts a node's program in a process, and returns its exit code, words and errors."""

    def start(*options: str, **environment: str) -> tuple[int, dict, str]:  # type: ignore[type-arg]
        show = tmp_path / "show.py"
        show.write_text(SHOW)
        command = [
            sys.executable,
            "-m",
            "docksieve.hpc.nodes.node",
            "--reports",
            str(tmp_path / "nodes"),
            *options,
        ]
        pool = [sys.executable, str(show), "--max_workers_per_node=4", "list:0:1:2:3"]
        clean = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "SLURMD_NODENAME": "n1", **environment}
        done = subprocess.run(
            [*command, "--", *pool], env=clean, capture_output=True, text=True, timeout=120, check=False
        )
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr

    return start


def report(tmp_path: Path) -> dict:  # type: ignore[type-arg]
    (path,) = (tmp_path / "nodes").glob("*.json")
    return dict(read_json(path))


FOUR = ("--accelerator", "pretend", "--devices", "0,1,2,3", "--workers-per-device", "1")


def test_a_node_without_devices_becomes_its_worker_pool(tmp_path: Path, started) -> None:  # type: ignore[no-untyped-def]
    code, said, _ = started("--pool", "cpu", SLURM_JOB_ID="12")
    assert (code, said["words"], said["devices"]) == (0, ["--max_workers_per_node=4", "list:0:1:2:3"], "")
    found = report(tmp_path)
    assert (found["node"], found["pool"], found["job"], found["refused"]) == ("n1", "cpu", "12", "")
    assert found["cores"] > 0 and found["devices"] == []


def test_a_broken_device_gets_no_worker_and_is_reported(tmp_path: Path, started) -> None:  # type: ignore[no-untyped-def]
    code, said, errors = started("--pool", "gpu", *FOUR, DOCKSIEVE_PRETEND_BROKEN="n1/2")
    assert code == 0
    assert said["words"] == ["--max_workers_per_node=3", "list:0:1:3"]
    told = json.loads(said["devices"])
    assert [proof["device"] for proof in told["devices"]] == ["0", "1", "3"]
    assert "docksieve: node n1: device 2: is broken on purpose" in errors
    assert [bool(proof["error"]) for proof in report(tmp_path)["devices"]] == [False, False, True, False]


def test_a_device_that_was_not_granted_gets_no_worker(started) -> None:  # type: ignore[no-untyped-def]
    code, said, errors = started("--pool", "gpu", *FOUR, SLURM_JOB_GPUS="4,5")
    assert (code, said["words"]) == (0, ["--max_workers_per_node=2", "list:0:1"])
    assert [proof["device"] for proof in json.loads(said["devices"])["devices"]] == ["4", "5"]
    assert errors.count("the scheduler did not grant it") == 2


def test_a_site_may_name_some_of_the_devices_that_are_granted(started) -> None:  # type: ignore[no-untyped-def]
    words = ("--accelerator", "pretend", "--devices", "2,3")
    _, said, _ = started("--pool", "gpu", *words, SLURM_JOB_GPUS="0,1,2,3")
    assert [proof["device"] for proof in json.loads(said["devices"])["devices"]] == ["2", "3"]


def test_a_node_none_of_whose_devices_works_takes_no_work(tmp_path: Path, started) -> None:  # type: ignore[no-untyped-def]
    broken = " ".join(f"n1/{device}" for device in range(4))
    code, said, _ = started("--pool", "gpu", *FOUR, DOCKSIEVE_PRETEND_BROKEN=broken)
    assert (code, said) == (node.NO_DEVICE, {})
    assert report(tmp_path)["refused"] == "no device proved itself"


def test_a_banned_node_takes_no_work_and_is_no_failure(tmp_path: Path, started) -> None:  # type: ignore[no-untyped-def]
    ban(tmp_path / "nodes", "n1", "3 tasks in a row failed there")
    code, said, errors = started("--pool", "gpu", *FOUR, "--linger-seconds", "0")
    assert (code, said) == (0, {})
    assert "node n1 is not used any more: 3 tasks in a row failed there" in errors
    assert report(tmp_path)["refused"].startswith("not used any more")


def test_two_pools_on_a_node_do_not_share_devices(tmp_path: Path, started) -> None:  # type: ignore[no-untyped-def]
    """Slurm may grant two blocks the same node and Parsl would give both its first devices."""
    holder = """
import sys
from docksieve.hpc.nodes.devices import Proof, claim
print(claim(Proof("0", "PRETEND-n1/0"), 0.0).error, flush=True)
sys.stdin.readline()
"""
    pipe = subprocess.PIPE
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", holder], env=environment, stdin=pipe, stdout=pipe, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline().strip() == ""
        words = ("--accelerator", "pretend", "--devices", "0,1", "--claim-seconds", "0")
        code, said, errors = started("--pool", "gpu", *words)
        first.communicate("\n", timeout=60)
    assert code == 0
    assert [proof["device"] for proof in json.loads(said["devices"])["devices"]] == ["1"]
    assert "is held by another worker pool of this user" in errors


def test_bans_are_kept_by_name(tmp_path: Path) -> None:
    assert banned(tmp_path, "n1") == ""
    ban(tmp_path, "n1", "why")
    ban(tmp_path, "x3001c0s1b0n0.hsn.cm/polaris", "other")
    assert banned(tmp_path, "n1") == "why"
    assert [entry["node"] for entry in bans(tmp_path)] == ["n1", "x3001c0s1b0n0.hsn.cm/polaris"]


@pytest.mark.parametrize("mask", ["-1", "", "NoDevFiles", "none"])
def test_a_node_whose_devices_are_hidden_starts_no_workers(tmp_path: Path, started, mask: str) -> None:  # type: ignore[no-untyped-def]
    """The devices that the site names would be those of another job."""
    code, said, _ = started("--pool", "gpu", *FOUR, CUDA_VISIBLE_DEVICES=mask)
    assert (code, said) == (node.NO_DEVICE, {})
    assert {device["error"] for device in report(tmp_path)["devices"]} == {"the scheduler did not grant it"}
