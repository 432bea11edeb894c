"""Inside a batch job: nodes, devices and time of faked Slurm, PBS and LSF environments."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.parsl_workers.config import parsl_config
from docksieve.hpc.sites.allocation import UNENDING, NoAllocation, clock_seconds, current_allocation
from docksieve.hpc.sites.read import load_site
from docksieve.hpc.sites.site import Site

from ..conftest import ADDRESS, preset

ALL = (
    "SLURM_JOB_ID",
    "SLURM_JOB_NUM_NODES",
    "SLURM_GPUS_ON_NODE",
    "SLURM_JOB_END_TIME",
    "PBS_JOBID",
    "PBS_NODEFILE",
)
ALL += ("LSB_JOBID", "LSB_DJOB_HOSTFILE", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, str]], None]:
    """Return a function that puts this process inside a batch job with these variables."""

    def put(environment: Mapping[str, str]) -> None:
        for name in ALL:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    return put


def hosts(tmp_path: Path, *names: str) -> str:
    path = tmp_path / "hosts"
    path.write_text("\n".join(names) + "\n")
    return str(path)


def test_outside_of_every_job(inside: Callable[[Mapping[str, str]], None]) -> None:
    inside({})
    with pytest.raises(NoAllocation, match="neither SLURM_JOB_ID nor PBS_JOBID nor LSB_JOBID"):
        load_site("allocation")


def test_slurm_with_one_node_and_no_devices(inside: Callable[[Mapping[str, str]], None]) -> None:
    inside(
        {"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_END_TIME": str(int(time.time()) + 3600)}
    )
    site = load_site("allocation")
    (pool,) = site.pools.values()
    assert set(pool.roles) == {"screen", "dock", "train"}
    assert (pool.nodes, pool.launcher, pool.workers_per_node) == (1, "single", pool.cores)
    assert pool.walltime.startswith(("00:59", "01:00"))
    assert site.description == "inside a running batch job, on its nodes and devices"


def test_slurm_with_two_nodes_and_devices(
    inside: Callable[[Mapping[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docksieve.hpc.sites.allocation.usable_cores", lambda: 64)
    inside(
        {
            "SLURM_JOB_ID": "7",
            "SLURM_JOB_NUM_NODES": "2",
            "SLURM_GPUS_ON_NODE": "4",
            "CUDA_VISIBLE_DEVICES": "0,1,2,3",
            "SLURM_JOB_END_TIME": str(int(time.time()) + 90),
        }
    )
    site = load_site("allocation")
    gpu, cpu = site.pools["gpu"], site.pools["cpu"]
    assert (gpu.roles, gpu.nodes, gpu.launcher, gpu.workers_per_node) == (("screen",), 2, "srun", 4)
    assert (gpu.accelerator, gpu.screen_device) == ("cuda", "cuda")
    assert set(cpu.roles) == {"dock", "train"}
    assert cpu.workers_per_node == 60  # a core for each device's worker, the others dock
    assert gpu.walltime in ("00:01:29", "00:01:28", "00:01:27")
    assert gpu.drain == 17


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0,1"}, (2, "cuda")),
        ({"ROCR_VISIBLE_DEVICES": "0,1,2,3,4,5,6,7", "CUDA_VISIBLE_DEVICES": "0,1,2,3,4,5,6,7"}, (8, "rocm")),
        ({"ZE_AFFINITY_MASK": "0,1,2"}, (3, "xpu")),
        ({"SLURM_GPUS_ON_NODE": "4"}, (4, "cuda")),
        ({"CUDA_VISIBLE_DEVICES": ""}, (0, "")),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, (0, "")),
        ({"CUDA_VISIBLE_DEVICES": "none"}, (0, "")),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, (0, "")),
        ({"CUDA_VISIBLE_DEVICES": "-1", "SLURM_GPUS_ON_NODE": "4"}, (0, "")),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, (1, "cuda")),  # as the driver counts
        ({"CUDA_VISIBLE_DEVICES": "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6,GPU-1ab"}, (2, "cuda")),
        ({"CUDA_VISIBLE_DEVICES": "MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/0"}, (1, "cuda")),
        ({"CUDA_VISIBLE_DEVICES": "MIG-6f1dd3ab-3e3c-5b42-b6a5-b3e1d6d7e5b4,"}, (1, "cuda")),
        ({"CUDA_VISIBLE_DEVICES": "-1", "ROCR_VISIBLE_DEVICES": "0,1"}, (2, "rocm")),
        ({"ROCR_VISIBLE_DEVICES": "", "CUDA_VISIBLE_DEVICES": ""}, (0, "")),
        ({}, (0, "")),
    ],
)
def test_devices_of_a_job(environment: dict[str, str], found: tuple[int, str]) -> None:
    here = current_allocation({"LSB_JOBID": "1", **environment})
    assert (here.gpus, here.accelerator) == found


def test_pbs_counts_hosts_once_and_asks_for_the_time(
    inside: Callable[[Mapping[str, str]], None], tmp_path: Path, programs: Callable[[str, str], Path]
) -> None:
    about = {"Resource_List": {"walltime": "03:00:00"}, "resources_used": {"walltime": "00:30:00"}}
    log = programs("qstat", f"echo \"$@\" >> $LOG; echo '{json.dumps({'Jobs': {'12.pbs': about}})}'")
    inside({"PBS_JOBID": "12.pbs", "PBS_NODEFILE": hosts(tmp_path, "x1", "x1", "x2", "x2")})
    here = current_allocation()
    assert (here.scheduler, here.job, here.nodes, here.seconds_left) == ("pbspro", "12.pbs", 2, 9000.0)
    assert log.read_text().split() == ["-f", "-F", "json", "12.pbs"]
    (pool,) = load_site("allocation").pools.values()
    assert (pool.nodes, pool.launcher, pool.walltime) == (2, "mpiexec", "02:30:00")


@pytest.mark.parametrize("said", ["exit 1", "echo no json", 'echo {"Jobs":{}}'])
def test_a_pbs_that_does_not_say_when_it_ends_lets_workers_work(
    inside: Callable[[Mapping[str, str]], None], programs: Callable[[str, str], Path], said: str
) -> None:
    programs("qstat", said)
    inside({"PBS_JOBID": "12.pbs"})
    (pool,) = load_site("allocation").pools.values()
    assert (pool.nodes, pool.walltime) == (1, UNENDING)


@pytest.mark.parametrize(
    "variable", ['"FOO":005', '"FOO":"a\\,b"', '"FOO":"a\tb"', '"FOO":"it\\\'s"', '"FOO":"say "no" again"']
)
def test_a_pbs_job_whose_json_is_odd_is_not_endless(
    inside: Callable[[Mapping[str, str]], None],
    programs: Callable[[str, str], Path],
    tmp_path: Path,
    variable: str,
) -> None:
    """A short number in the environment, the long one in the answer, and a notice before it."""
    about = f'"Variable_List":{{{variable}}},\n"Resource_List":{{"walltime":"03:00:00"}},\n'
    about += '"resources_used":{"walltime":"00:30:00"}'
    (tmp_path / "answer").write_text(f'Hello.\n{{"Jobs":{{\n"12.pbs01.domain.org":{{\n{about}}}}}}}\n')
    programs("qstat", f"cat {tmp_path / 'answer'}")
    inside({"PBS_JOBID": "12.pbs01"})
    assert current_allocation().seconds_left == 9000.0


def test_a_pbs_without_json_is_asked_in_plain_words(
    inside: Callable[[Mapping[str, str]], None], programs: Callable[[str, str], Path]
) -> None:
    plain = "Job Id: 12.pbs\n    resources_used.walltime = 00:10:00\n    Resource_List.walltime = 01:00:00\n"
    programs("qstat", f"[ $# = 2 ] && printf '{plain}' || {{ echo 'usage: qstat' >&2; exit 2; }}")
    inside({"PBS_JOBID": "12.pbs"})
    assert current_allocation().seconds_left == 3000.0


def test_torque_says_the_walltime_in_the_environment(
    inside: Callable[[Mapping[str, str]], None], programs: Callable[[str, str], Path]
) -> None:
    programs("qstat", "exit 1")
    inside({"PBS_JOBID": "12.pbs", "PBS_WALLTIME": "100000000"})
    left = current_allocation().seconds_left
    assert left is not None and 99_000_000 < left < 100_000_001


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("1:30 L", 5400.0),
        ("Welcome to the 3:15 cluster\n0:10 E", 600.0),
        ("-", None),
        ("12:05", 43500.0),
    ],
)
def test_lsf_says_the_time_left(
    inside: Callable[[Mapping[str, str]], None],
    programs: Callable[[str, str], Path],
    said: str,
    left: float | None,
) -> None:
    programs("bjobs", f"printf '{said}\n'")
    inside({"LSB_JOBID": "5"})
    assert current_allocation().seconds_left == left


@pytest.mark.parametrize("end", ["0", "Unknown", "NONE"])
def test_a_slurm_job_whose_end_is_odd_is_asked_for_it(
    inside: Callable[[Mapping[str, str]], None], programs: Callable[[str, str], Path], end: str
) -> None:
    programs("squeue", 'printf "Maintenance at 8:00 today\n10:00\n"')
    inside({"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": end})
    assert current_allocation().seconds_left == 600.0


def test_lsf_leaves_out_the_host_of_the_batch_script(
    inside: Callable[[Mapping[str, str]], None], tmp_path: Path, programs: Callable[[str, str], Path]
) -> None:
    programs("bjobs", 'echo "1:30 L"')
    inside({"LSB_JOBID": "5", "LSB_DJOB_HOSTFILE": hosts(tmp_path, "batch1", "n1", "n1", "n2")})
    here = current_allocation()
    assert (here.scheduler, here.nodes, here.seconds_left) == ("lsf", 2, 5400.0)


def test_a_machines_preset_inside_one_of_its_jobs(
    inside: Callable[[Mapping[str, str]], None],
    tmp_path: Path,
    every_network: None,
    programs: Callable[[str, str], Path],
) -> None:
    """Devices, affinity and set-up are the preset's; nodes and time are the job's; no account is needed."""
    programs("qstat", "exit 1")
    inside({"PBS_JOBID": "12.pbs", "PBS_NODEFILE": hosts(tmp_path, "x1", "x2", "x3")})
    site = load_site("polaris", {"kind": "allocation"})
    pool = site.pool_for("screen")
    assert (pool.nodes, pool.blocks, pool.queue, pool.account) == (3, 1, "", "")
    assert pool.affinity == preset("polaris").pool_for("screen").affinity
    (first, _) = parsl_config(site, tmp_path).executors
    assert first.address == ADDRESS
    assert first.provider.nodes_per_block == 3
    wrapped = first.provider.launcher("command", 1, 3)
    assert "mpiexec --cpu-bind none --ppn 1 --depth=64 -n" in wrapped


def test_a_pool_that_was_described_for_larger_nodes(
    inside: Callable[[Mapping[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Delta's processors-only nodes have 128 cores; those with GPUs, which a campaign as a job gets, have 64."""
    monkeypatch.setattr("docksieve.hpc.sites.allocation.usable_cores", lambda: 64)
    inside({"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "1"})
    site = load_site("delta", {"kind": "allocation"})
    assert site.pool_for("dock").workers_per_node == 64
    assert site.pool_for("screen").workers_per_node == 4
    aurora = load_site("aurora", {"kind": "allocation"}).pool_for("dock")  # 102 workers of 208 threads
    assert aurora.workers_per_node == 64


def test_two_pools_of_a_slurm_job_share_its_nodes(
    inside: Callable[[Mapping[str, str]], None], tmp_path: Path, every_network: None
) -> None:
    inside({"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "2", "SLURM_GPUS_ON_NODE": "4"})
    for executor in parsl_config(load_site("allocation"), tmp_path).executors:
        assert "--overlap" in executor.provider.launcher("command", 1, 2)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1-02:03:04", 93784.0),
        ("02:03:04", 7384.0),
        ("03:04", 184.0),
        ("UNLIMITED", None),
        ("", None),
        ("INVALID", None),
    ],
)
def test_slurms_way_to_write_time(text: str, seconds: float | None) -> None:
    assert clock_seconds(text) == seconds


def test_a_slurm_job_is_asked_when_it_ends(
    inside: Callable[[Mapping[str, str]], None], programs: Callable[[str, str], Path]
) -> None:
    programs("squeue", 'echo "10:00"')
    inside({"SLURM_JOB_ID": "7"})
    assert current_allocation().seconds_left == 600.0


def test_a_users_own_pools_in_an_allocation(
    inside: Callable[[Mapping[str, str]], None], tmp_path: Path
) -> None:
    text = 'kind = "allocation"\n[pool.all]\nworkers_per_gpu = 2\ngpus = 1\naccelerator = "pretend"\n'
    (tmp_path / "here.toml").write_text(text)
    inside({"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "1"})
    site: Site = load_site(str(tmp_path / "here.toml"))
    assert site.pools["all"].workers_per_node == 2


def test_a_wrong_key_is_named_here_too(inside: Callable[[Mapping[str, str]], None], tmp_path: Path) -> None:
    (tmp_path / "here.toml").write_text('kind = "allocation"\n[pool.all]\nnods = 2\n')
    inside({"SLURM_JOB_ID": "7"})
    with pytest.raises(SiteError, match=r"unknown key 'nods'\. Did you mean 'nodes'"):
        load_site(str(tmp_path / "here.toml"))
