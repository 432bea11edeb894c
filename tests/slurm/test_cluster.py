"""The throw-away cluster itself: jobs, devices, accounting, nodes that fail and come back."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.alone


def test_a_job_over_two_nodes_owns_its_devices(slurm: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    body = f"srun bash -c 'echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES' >> {out}"
    first, second = slurm.nodes[:2]
    where = ["-N2", "-w", f"{first},{second}", "--ntasks-per-node=1", "--gpus-per-node=3"]
    slurm.run("sbatch", "--wait", *where, "-o", "/dev/null", "--wrap", body)
    assert sorted(out.read_text().splitlines()) == [f"{first} 0,1,2", f"{second} 0,1,2"]


def test_two_jobs_on_a_node_get_different_devices(slurm: Any, tmp_path: Path) -> None:
    for number in (1, 2):
        body = f"echo $CUDA_VISIBLE_DEVICES > {tmp_path}/{number}; sleep 60"
        slurm.run("sbatch", "-w", slurm.nodes[0], "--mem=100", "--gpus=2", "-o", "/dev/null", "--wrap", body)
    slurm.wait(lambda: len([path for path in tmp_path.iterdir() if path.read_text()]) == 2, 60, "both jobs")
    assert {(tmp_path / name).read_text() for name in "12"} == {"0,1\n", "2,3\n"}


def test_accounting_remembers_a_cancelled_job(slurm: Any) -> None:
    job = slurm.run(
        "sbatch", "--parsable", "-o", "/dev/null", "--wrap", "setsid sleep 300 & sleep 300"
    ).strip()
    slurm.wait(lambda: slurm.jobs("RUNNING"), 60, "the job")
    slurm.run(f"scancel {job}")
    slurm.wait(lambda: not slurm.jobs(), 60, "the job's end")
    query = ["sacct", "-n", "-X", "-j", job, "-o", "state%20"]
    slurm.wait(lambda: "CANCELLED" in slurm.run(*query), 60, "the accounting")
    # Also what had left its process group is gone, as with the control groups of a real machine.
    slurm.wait(lambda: not of_job(slurm, job), 60, "all processes of the job")


def of_job(slurm: Any, job: str) -> list[psutil.Process]:
    """Return the processes that carry the job's number, and this cluster's configuration."""
    found = []
    for process in psutil.process_iter():
        try:
            env = process.environ()
        except (psutil.Error, OSError):
            continue
        if env.get("SLURM_JOB_ID") == job and env.get("SLURM_CONF") == slurm.env["SLURM_CONF"]:
            found.append(process)
    return found


def test_it_listens_on_the_loopback_interface_only(slurm: Any) -> None:
    daemons = [process for name in slurm._daemons.names() if (process := slurm._daemons.get(name))]
    assert len(daemons) == 4 + len(slurm.nodes)
    addresses = {
        item.laddr.ip
        for process in daemons
        for item in process.net_connections("inet")
        if item.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_a_daemon_is_known_by_more_than_its_number(slurm: Any) -> None:
    slurm._daemons.record("stranger", os.getpid())
    note = slurm.root / "daemons" / "stranger.json"
    note.write_text(note.read_text().replace('"started": ', '"started": 1'))
    assert slurm._daemons.get("stranger") is None
    slurm._daemons.stop("stranger", 0)  # and this process lives on
    assert not note.exists()


def test_what_cannot_run_says_why(monkeypatch: pytest.MonkeyPatch, slurm: Any) -> None:
    import cluster  # loaded under this name by the fixture

    shape = cluster.Shape()
    monkeypatch.setattr(socket, "gethostname", lambda: "no-such-host.invalid")
    with pytest.raises(cluster.CannotRun, match="/etc/hosts"):
        cluster.check_machine(shape)
    monkeypatch.undo()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(cluster.CannotRun, match="root"):
        cluster.check_machine(shape)
