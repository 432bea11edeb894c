"""Dask's job scripts for every scheduler, and what is noticed of jobs, with no scheduler at hand."""

from __future__ import annotations

import asyncio
import subprocess
from types import SimpleNamespace

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.dask_workers.cluster import data_workers, make_cluster, open_dask
from docksieve.hpc.dask_workers.jobs import MAX_REFUSED, MAX_STILLBORN, JobAdaptive, JobWatch
from docksieve.hpc.sites.read import site_from

POOLS = {
    "gpu": {"roles": ["screen"], "gpus": 4, "accelerator": "cuda", "cores": 64, "queue": "gpu"},
    "cpu": {
        "roles": ["dock", "train"],
        "nodes": 2,
        "blocks": 3,
        "cores": 128,
        "workers": 120,
        "memory_gb": 240,
        "walltime": "02:00:00",
        "drain_seconds": 600,
        "queue": "standard",
        "account": "chem7",
        "setup": ["module load python"],
    },
}


def site(kind, **changes):
    values = {"kind": kind, "interface": "lo", "pool": {**POOLS, "cpu": {**POOLS["cpu"], **changes}}}
    return site_from(values, "a test's site", "machine")


def script(kind, folder, **changes):
    with make_cluster(site(kind, **changes), folder) as cluster:
        return cluster.job_script()


def test_slurm(tmp_path):
    text = script("slurm", tmp_path, qos="high", constraint="cpu", directives=["#SBATCH --comment=docking"])
    lines = text.splitlines()
    head = [line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH")]
    assert head == [
        "-J docksieve-library",
        f"-e {tmp_path}/logs/docksieve-library-%J.err",
        f"-o {tmp_path}/logs/docksieve-library-%J.out",
        "-p standard",
        "-A chem7",
        "-n 1",
        "--cpus-per-task=128",
        "--mem=240G",
        "-t 02:00:00",
        "--nodes=1",
        "--no-requeue",
        "--qos=high",
        "--constraint=cpu",
        "--exclusive",
        "--comment=docking",
    ]
    assert "module load python" in lines
    command = lines[-1]
    assert "tls://127.0.0.1:" in command, "encrypted, on the site's interface"
    for words in (
        "--nthreads 1",
        "--nworkers 120",
        "--memory-limit 2.00GiB",
        "--lifetime 6600s --lifetime-stagger 300s",
        f"--tls-key {tmp_path}/",
        '--host "$DOCKSIEVE_HOST"',
        "--nanny",
    ):
        assert words in command
    assert "--interface" not in command, "a node's interfaces have names of their own"


def test_the_scripts_are_good_shell_and_find_the_workers_address(tmp_path):
    text = script("slurm", tmp_path, setup=["export MARK='it is'"])
    head, _, _ = text.rpartition("\n" + text.rstrip().splitlines()[-1])
    shell = head + '\necho "$MARK $DOCKSIEVE_HOST $OMP_NUM_THREADS"\n'
    assert (
        subprocess.run(["bash", "-c", shell], capture_output=True, text=True).stdout == "it is 127.0.0.1 1\n"
    )


def test_memory_that_nobody_stated_is_not_asked_for(tmp_path):
    for kind, flag in (("slurm", "--mem"), ("pbspro", "mem="), ("lsf", "-M ")):
        text = script(kind, tmp_path, memory_gb=0)
        assert not [line for line in text.splitlines() if line.startswith("#") and flag in line]
        assert text.rstrip().splitlines()[-1].rpartition("--memory-limit")[2].split()[0] == "0"


def test_pbs(tmp_path):
    head = [
        line for line in script("pbspro", tmp_path, select_options="ngpus=1").splitlines() if "#PBS" in line
    ]
    assert "#PBS -l select=1:ncpus=128:mem=240gb:ngpus=1" in head
    assert "#PBS -l walltime=02:00:00" in head and "#PBS -q standard" in head and "#PBS -A chem7" in head


def test_lsf(tmp_path):
    head = [line for line in script("lsf", tmp_path).splitlines() if "#BSUB" in line]
    assert "#BSUB -n 128" in head and "#BSUB -W 02:00" in head
    assert "#BSUB -q standard" in head and '#BSUB -P "chem7"' in head


def test_jobs_are_nodes():
    assert data_workers(site("slurm")) == 3 * 2 * 120
    assert data_workers(site_from({"kind": "local", "workers": 3}, "here", "here")) == 3


def test_what_would_only_show_in_the_queue_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SiteError, match="no sbatch on PATH"), open_dask(site("slurm"), tmp_path):
        pass
    (tmp_path / "sbatch").touch(mode=0o755)
    with (
        pytest.raises(SiteError, match="cannot hold the folder"),
        open_dask(site("slurm"), tmp_path / "my lib"),
    ):
        pass
    elsewhere = site_from({"kind": "slurm", "interface": "ib77", "pool": POOLS}, "a test's site", "machine")
    with pytest.raises(SiteError, match="no network interface 'ib77'"), open_dask(elsewhere, tmp_path):
        pass


@pytest.fixture
def watch(tmp_path):
    return JobWatch("slurm", "machine", tmp_path)


def test_a_first_refusal_ends_it_and_later_ones_are_borne(watch):
    error = RuntimeError("Command exited with ...\nstderr:\nsbatch: error: invalid account\n\n")
    watch.check()
    watch.refused(error)
    with pytest.raises(SiteError, match="refused the job: sbatch: error: invalid account"):
        watch.check()
    watch.accepted()
    for _ in range(MAX_REFUSED - 1):
        watch.refused(error)
        watch.check()
    watch.refused(error)
    with pytest.raises(SiteError, match="invalid account"):
        watch.check()


def test_jobs_that_never_worked_end_it_with_their_last_words(watch, tmp_path):
    (tmp_path / "job-1.err").write_text("Traceback\nModuleNotFoundError: No module named 'docksieve'\n\n")
    for _ in range(MAX_STILLBORN - 1):
        watch.ended(worked=False)
    watch.ended(worked=True)  # so the site is good, and those were lost
    for _ in range(MAX_STILLBORN):
        watch.check()
        watch.ended(worked=False)
    with pytest.raises(
        SiteError, match="The last one said: ModuleNotFoundError: No module named 'docksieve'"
    ):
        watch.check()


@pytest.mark.parametrize(
    ("kind", "command", "said", "code", "expected"),
    [
        ("slurm", "squeue", "12\n34\n", 0, {"12", "34"}),
        ("slurm", "squeue", "", 0, set()),
        ("slurm", "squeue", "", 1, None),
        ("pbspro", "qselect", "12.server\n35.server\n", 0, {"12", "35"}),
        ("lsf", "bjobs", "77\n78\n", 0, {"77", "78"}),
        ("lsf", "bjobs", "", 255, None),
    ],
)
def test_the_scheduler_is_asked_for_jobs(tmp_path, monkeypatch, kind, command, said, code, expected):
    (tmp_path / command).write_text(f"#!/bin/sh\nprintf '{said}'\nexit {code}\n")
    (tmp_path / command).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert asyncio.run(JobWatch(kind, "machine", tmp_path).alive()) == expected


class Cluster:
    """As much of a dask-jobqueue cluster as counting jobs needs: three jobs of two workers, one of them idle."""

    def __init__(self):
        self.worker_spec = dict.fromkeys(["c-0", "c-1", "c-2"])
        self.workers = {f"c-{k}": SimpleNamespace(job_id=str(10 + k), status=None) for k in range(3)}
        self.observed = {"c-0-0", "c-0-1", "c-1-0"}
        tasks = {"c-0-0": 2, "c-0-1": 1, "c-1-0": 0}
        workers = {name: SimpleNamespace(name=name, processing=range(n)) for name, n in tasks.items()}
        self.scheduler = SimpleNamespace(queued=[1, 2], unrunnable={}, workers=workers)


@pytest.fixture
def adaptive(watch):
    made = JobAdaptive(None, watch, processes=2, look_seconds=0, minimum=0, maximum=5)
    made.cluster = Cluster()
    return made


def test_jobs_are_counted_not_workers(adaptive):
    assert adaptive.plan == adaptive.requested == {"c-0", "c-1", "c-2"}
    assert adaptive.observed == {"c-0", "c-1"}
    assert asyncio.run(adaptive.target()) == 3  # five tasks, two workers each
    assert asyncio.run(adaptive.workers_to_close(1)) == ["c-1"], "the busy one stays"


def test_ended_jobs_are_forgotten_so_that_others_are_asked_for(adaptive, watch, monkeypatch):
    async def alive():
        return {"10"}

    monkeypatch.setattr(watch, "alive", alive)
    monkeypatch.setattr(adaptive, "_worked", {"c-1"})
    asyncio.run(adaptive._forget_ended())
    assert adaptive.plan == adaptive.requested == {"c-0"}
    assert watch._stillborn <= 1  # c-2 never worked, c-1 did


def test_a_scheduler_that_does_not_answer_ends_no_job(adaptive, watch, monkeypatch):
    async def silent():
        return None

    monkeypatch.setattr(watch, "alive", silent)
    asyncio.run(adaptive._forget_ended())
    assert len(adaptive.plan) == 3
