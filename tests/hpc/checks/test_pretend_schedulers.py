"""PBS and LSF from submission to the last device, by commands that play them on this machine.

They show that scripts run, workers come from two nodes, devices are pinned, and blocks are given back; not that a real
PBS or LSF agrees. Slurm has a real one (``tests/slurm``).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from docksieve.hpc.checks.probe import ask_pools
from docksieve.hpc.jobs.blocks import BlockRecords
from docksieve.hpc.nodes.devices import pin_worker
from docksieve.hpc.sites.read import load_site
from docksieve.hpc.sites.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.alone]
PROGRAM = Path(__file__).with_name("pretend_scheduler.py")
SITE = """
kind = "{kind}"
interface = "lo"
shared = ["/"]
queue_poll_seconds = 1
walltime = "00:10:00"
queue = "any"
account = "abc123"
launcher = "{launcher}"
[pool.gpu]
roles = ["screen"]
nodes = 2
cores = 2
accelerator = "pretend"
gpus = 2
[pool.cpu]
roles = ["dock", "train"]
launcher = "single"
cores = 1
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Site]:
    """Return a function that gives the site of a pretended scheduler, whose commands are then on PATH."""
    programs, queue = tmp_path / "programs", tmp_path / "queue"
    programs.mkdir()
    queue.mkdir()
    for name in ("qsub", "qstat", "qdel", "bsub", "bjobs", "bkill", "bqueues", "mpiexec", "blaunch"):
        path = programs / name
        path.write_text(f"#!{sys.executable}\n{PROGRAM.read_text()}")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRETEND_QUEUE", str(queue))
    monkeypatch.chdir(tmp_path)  # HPE's and others' mpiexec get a host file in the working folder

    def make(kind: str, launcher: str) -> Site:
        path = tmp_path / "mine.toml"
        path.write_text(SITE.format(kind=kind, launcher=launcher))
        return load_site(str(path))

    return make


def running(queue: Path) -> list[int]:
    found = []
    for path in queue.glob("*.json"):
        pid = int(json.loads(path.read_text())["pid"])
        if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            found.append(pid)
    return found


@pytest.mark.parametrize(("kind", "launcher"), [("pbspro", "mpiexec"), ("lsf", "blaunch")])
def test_two_nodes_four_devices_each_with_one_worker(
    cluster: Callable[[str, str], Site], tmp_path: Path, kind: str, launcher: str
) -> None:
    site = cluster(kind, launcher)
    folder = tmp_path / "campaign"
    answers = {answer.pool.name: answer for answer in ask_pools(site, folder, "a1b2", pin_worker, 120.0)}
    assert {name: answer.error for name, answer in answers.items()} == {"gpu": "", "cpu": ""}
    reports = [json.loads(path.read_text()) for path in (folder / "nodes").glob("*.json")]
    assert sorted(report["node"] for report in reports if report["pool"] == "gpu") == ["n1", "n2"]
    proved = {proof["uuid"] for report in reports for proof in report["devices"]}
    assert proved == {f"PRETEND-n{node}/{device}" for node in (1, 2) for device in (0, 1)}
    assert all(proof["error"] == "" for report in reports for proof in report["devices"])
    assert {said["uuid"] for said in answers["gpu"].said} <= proved
    assert answers["cpu"].said == ({},)
    # Blocks were asked for, written down, and are gone.
    blocks = list(BlockRecords(folder / "blocks").known())
    assert sorted(block.pool for block in blocks) == ["cpu", "gpu"]
    assert all(block.ended is not None for block in blocks)
    assert running(tmp_path / "queue") == []


def test_a_refusal_is_said_in_the_schedulers_words(
    cluster: Callable[[str, str], Site], tmp_path: Path
) -> None:
    site = cluster("pbspro", "pals")
    (tmp_path / "programs" / "qsub").write_text("#!/bin/bash\necho 'qsub: Unknown queue' >&2\nexit 170\n")
    answers = list(ask_pools(site, tmp_path / "campaign", "a1b2", pin_worker, 30.0))
    assert [answer.said for answer in answers] == [(), ()]
    assert all("qsub: Unknown queue" in answer.error for answer in answers)
