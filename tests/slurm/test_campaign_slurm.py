"""Whole campaigns on a real Slurm: the same hits as on one machine, and every device owned once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

pytestmark = pytest.mark.alone

DOCTOR = ["-m", "docksieve", "doctor", "--wait", "90"]


def test_two_nodes_of_four_devices_give_the_hits_of_one_machine(
    slurm: Any, campaign: Any, expected: pa.Table, make_site: Callable[..., Path]
) -> None:
    campaign.submit(
        make_site(
            ("nodes = 1\nblocks = 1\ncores = 4\ngpus = 1", "nodes = 2\nblocks = 1\ncores = 4\ngpus = 4")
        )
    )
    assert campaign.finish().equals(expected)
    reports = campaign.nodes("gpu")
    assert len({report["node"] for report in reports}) == 2
    devices = [device for report in reports for device in report["devices"]]
    assert len(devices) == len({device["uuid"] for device in devices}) == 8
    assert not any(device["error"] for device in devices)
    used = {receipt["device"]["uuid"] for receipt in campaign.receipts("round-01/screen")}
    assert used and used <= {device["uuid"] for device in devices}
    slurm.wait(lambda: not slurm.jobs(), 60, "blocks to be given back")


def test_a_campaign_as_a_batch_job(
    slurm: Any, campaign: Any, expected: pa.Table, make_site: Callable[..., Path]
) -> None:
    campaign.submit(make_site(), "--as-job")
    (job,) = slurm.jobs()
    assert campaign.finish().equals(expected)
    slurm.wait(lambda: not slurm.jobs(), 60, "the job's end")
    assert "COMPLETED" in slurm.run(f"sacct -n -X -j {job} -o state%20"), "one job did it all"
    assert {str(report["job"]) for report in campaign.nodes("gpu") + campaign.nodes("cpu")} == {str(job)}


def test_a_campaign_inside_a_job_on_two_nodes(
    slurm: Any, campaign: Any, expected: pa.Table, make_site: Callable[..., Path], tmp_path: Path
) -> None:
    site = make_site()
    words = [sys.executable, "-m", "docksieve", "submit", campaign.file, "--site", site]
    script = tmp_path / "job.sh"
    line = " ".join(map(str, [*words, "--set", "kind=allocation", "--set", "pool.cpu.workers=2"]))
    script.write_text(f"#!/bin/bash\nexec {line}\n")
    said = slurm.run(
        "sbatch", "--parsable", "--nodes=2", "--exclusive", "--gpus-per-node=1", "--time=10",
        f"--output={tmp_path}/job.out", str(script),
    )  # fmt: skip
    job = int(said.strip())
    slurm.wait(lambda: job not in slurm.jobs(), 240, "the job's end")
    assert "COMPLETED" in slurm.run(f"sacct -n -X -j {job} -o state%20"), (tmp_path / "job.out").read_text()
    assert campaign.hits().equals(expected)
    assert len({str(report["node"]) for report in campaign.nodes("gpu")}) == 2
    assert len({str(report["node"]) for report in campaign.nodes("cpu")}) == 2


def test_ranks_of_one_task_on_two_nodes(slurm: Any, make_site: Callable[..., Path], tmp_path: Path) -> None:
    site = make_site(('roles = ["dock", "train"]', 'roles = ["dock"]'))
    with site.open("a") as handle:
        handle.write(
            '\n[pool.many]\nroles = ["train"]\nnodes = 2\ncores = 4\nranks_per_node = 2\nidle_seconds = 2\n'
        )
    command = [sys.executable, *DOCTOR, "--site", str(site), "--folder", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stdout + result.stderr
    said = " ".join(result.stdout.split())
    assert "4 ranks of one task on" in said


@pytest.mark.parametrize("broken", ["", "{node}/1"])
def test_the_doctor_looks_at_every_device(
    slurm: Any, make_site: Callable[..., Path], tmp_path: Path, broken: str
) -> None:
    where = f"directives = ['#SBATCH --nodelist={slurm.nodes[0]}']\n"
    bad = broken.format(node=slurm.nodes[0])
    site = make_site(("gpus = 1\n", f"gpus = 2\n{where}setup = ['export DOCKSIEVE_PRETEND_BROKEN={bad}']\n"))
    command = [sys.executable, *DOCTOR, "--site", str(site), "--folder", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=180)
    said = " ".join(result.stdout.split())
    assert result.returncode == (1 if broken else 0), said + result.stderr
    assert ("is broken on purpose" if broken else "own device (2 devices, 2 workers)") in said
