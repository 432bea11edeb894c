"""What a place does to a campaign: workers, blocks, nodes and drivers die, time runs out; the hits stay the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

pytestmark = pytest.mark.alone

MakeSite = Callable[..., Path]
TWO_BLOCKS = ("blocks = 1\ncores = 4\nworkers = 2", "blocks = 2\ncores = 4\nworkers = 2")


def jobs_of(slurm: Any, pool: str, state: str = "RUNNING") -> list[int]:
    """Return the jobs of a pool, the oldest first."""
    said = slurm.run("squeue", "--noheader", f"--states={state}", "--format=%A %j")
    return sorted(int(line.split()[0]) for line in said.splitlines() if f".{pool}." in line)


def docking(campaign: Any) -> bool:
    """Tell whether docking has begun, and some of it is done."""
    return bool(campaign.receipts("round-00/dock")) and any("dock" in name for name in campaign.running())


def test_a_worker_killed_and_a_block_cancelled_mid_task(
    slurm: Any, campaign: Any, expected: pa.Table, make_site: MakeSite, slow: Path
) -> None:
    campaign.submit(make_site(TWO_BLOCKS))
    campaign.until(lambda: docking(campaign) and len(jobs_of(slurm, "cpu")) == 2, "two blocks that dock")
    first, second = jobs_of(slurm, "cpu")
    campaign.until(lambda: slurm.processes(first, "engine.py"), "docking in the first block")
    worker = slurm.processes(first, "engine.py")[0].parent()
    while "spawn_main" not in " ".join(worker.cmdline()):
        worker = worker.parent()
    worker.kill()
    campaign.until(lambda: slurm.processes(second, "engine.py"), "docking in the second block")
    slurm.run(f"scancel {second}")
    slow.unlink()
    assert campaign.finish().equals(expected)
    assert not [receipt for receipt in campaign.receipts() if receipt["failure"]]


def test_a_node_that_fails_and_a_slurmd_that_dies_alone(
    slurm: Any, campaign: Any, expected: pa.Table, make_site: MakeSite, slow: Path
) -> None:
    campaign.submit(make_site(TWO_BLOCKS))
    campaign.until(lambda: docking(campaign) and len(jobs_of(slurm, "cpu")) == 2, "two blocks that dock")
    first, second = jobs_of(slurm, "cpu")
    lost, alone = (
        slurm.run("squeue", "--noheader", f"--jobs={job}", "--format=%N").strip() for job in (first, second)
    )
    campaign.until(lambda: slurm.processes(first, "engine.py"), "docking in the first block")
    slurm.kill_node(lost)
    assert not slurm.processes(first), "all that ran there is gone"
    campaign.until(lambda: slurm.processes(second, "engine.py"), "docking in the second block")
    slurm.kill_node(alone, with_jobs=False)  # what runs there goes on, and Slurm knows nothing of it
    slow.unlink()
    assert campaign.finish().equals(expected)
    assert not [receipt for receipt in campaign.receipts() if receipt["failure"]]
    hosts = {str(report["node"]) for report in campaign.nodes("cpu")}
    assert {lost, alone} <= hosts


def test_a_walltime_that_is_reached_and_a_detached_driver_that_is_killed(
    slurm: Any, campaign: Any, expected: pa.Table, make_site: MakeSite, slow: Path
) -> None:
    site = make_site()
    campaign.submit(site, "--detach")
    campaign.until(lambda: docking(campaign), "docking")
    (first,) = jobs_of(slurm, "cpu")
    campaign.until(lambda: slurm.processes(first, "engine.py"), "docking in the first allocation")
    slurm.run(f"scontrol update JobId={first} EndTime=now")
    campaign.until(lambda: set(jobs_of(slurm, "cpu")) - {first}, "the second allocation")
    slurm.wait(lambda: "TIMEOUT" in slurm.run(f"sacct -n -X -j {first} -o state%20"), 90, "the accounting")
    slow.unlink()
    campaign.until(lambda: campaign.receipts("round-01/label"), "the first round")
    docked = {
        path: path.stat().st_mtime_ns for path in (campaign.root / "receipts" / "round-00").rglob("*.json")
    }
    campaign.kill_driver()
    left = slurm.jobs()
    assert left, "blocks outlive their driver"
    assert campaign.process.wait(60) == 1, "who followed the driver is told"
    campaign.submit(site, "--detach")
    assert campaign.finish().equals(expected)
    assert not set(left) & set(slurm.jobs()), "what the first driver left was ended"
    assert all(path.stat().st_mtime_ns == then for path, then in docked.items()), (
        "finished work was not repeated"
    )
