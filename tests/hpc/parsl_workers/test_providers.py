"""Providers: what they tell schedulers, and that a refusal is kept in the scheduler's own words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docksieve.hpc.jobs.blocks import BlockRecords
from docksieve.hpc.parsl_workers.launchers import BlaunchLauncher, launcher
from docksieve.hpc.parsl_workers.providers import cluster_provider
from docksieve.hpc.sites.pool import Pool
from docksieve.hpc.sites.site import Site

Programs = Callable[[str, str], Path]
REFUSAL = "echo 'error: invalid account or   account/partition combination' >&2; exit 1"
SUBMIT = {"slurm": "sbatch", "pbspro": "qsub", "lsf": "bsub"}


def provider(kind: Any, tmp_path: Path, **keys: Any) -> Any:
    pool = Pool("work", cores=8, **keys)
    site = Site("mine", kind=kind, pools={"work": pool})
    made = cluster_provider(site, pool, "", BlockRecords(tmp_path / "blocks"))
    made.script_dir = str(tmp_path)
    return made


@pytest.mark.parametrize("kind", ["slurm", "pbspro", "lsf"])
def test_a_refusal_is_kept_in_the_schedulers_words(tmp_path: Path, programs: Programs, kind: str) -> None:
    programs("sacct", "exit 1")
    programs(SUBMIT[kind], REFUSAL)
    made = provider(kind, tmp_path)
    with pytest.raises(Exception):  # noqa: B017 -- Parsl's own, of several kinds
        made.submit("true", 1)
    assert made.last_words == "error: invalid account or account/partition combination"
    assert list(BlockRecords(tmp_path / "blocks").known()) == []


@pytest.mark.parametrize(
    ("kind", "answer", "job"),
    [
        ("slurm", "Submitted batch job 12", "12"),
        ("pbspro", "12.pbs01", "12.pbs01"),
        ("lsf", "Job <12> is submitted to queue <normal>.", "12"),
    ],
)
def test_a_block_is_written_down(
    tmp_path: Path, programs: Programs, kind: str, answer: str, job: str
) -> None:
    programs("sacct", "exit 0")
    programs(SUBMIT[kind], f'echo "{answer}"')
    for name in ("scancel", "qdel", "bkill"):
        log = programs(name, 'echo "$@" >> $LOG')
    made = provider(kind, tmp_path)
    assert made.submit("true", 1) == job
    (block,) = BlockRecords(tmp_path / "blocks").known()
    assert (block.job, block.scheduler, block.pool, block.ended) == (job, kind, "work", None)
    made.cancel([job])
    assert log.read_text().split() == [job]
    (block,) = BlockRecords(tmp_path / "blocks").known()
    assert block.ended is not None


def test_lsf_reads_the_script_so_that_directives_count(tmp_path: Path, programs: Programs) -> None:
    log = programs("bsub", 'cat >> $LOG; echo "Job <1> is submitted to queue <normal>."')
    keys = {"nodes": 2, "gpus": 2, "accelerator": "cuda", "memory_gb": 100, "walltime": "01:30:00"}
    provider("lsf", tmp_path, **keys).submit("true", 1)
    script = log.read_text()
    for line in (
        "#BSUB -W 90",
        "#BSUB -rn",
        "#BSUB -x",
        '#BSUB -gpu "num=2:mode=shared:j_exclusive=yes"',
        '#BSUB -R "rusage[mem=100GB/host]"',
        "#BSUB -n 16",
        '#BSUB -R "span[ptile=8]"',
    ):
        assert f"\n{line}\n" in script


def test_lsf_with_a_job_step_manager_counts_nodes(tmp_path: Path) -> None:
    made = provider("lsf", tmp_path, nodes=2, launcher="jsrun", directives=("#BSUB -alloc_flags smt1",))
    assert "#BSUB -nnodes 2" in made.scheduler_options
    assert "-n 16" not in made.scheduler_options


def test_lines_of_ones_own_are_not_said_twice(tmp_path: Path) -> None:
    pbs = provider("pbspro", tmp_path, directives=("#PBS -r y", "#PBS -l place=free")).scheduler_options
    assert pbs.split("\n") == ["#PBS -r y", "#PBS -l place=free"]
    own = ("#BSUB -r", "#BSUB -x", '#BSUB -gpu "num=1"', '#BSUB -R "rusage[mem=5]"')
    lsf = provider("lsf", tmp_path, directives=own, gpus=1, accelerator="cuda", memory_gb=9).scheduler_options
    assert lsf.startswith("\n".join(own))
    assert [lsf.count(word) for word in ("-r", "-x", "-gpu", "mem=")] == [1, 1, 1, 1]


def test_pbs_selects_devices_and_memory(tmp_path: Path) -> None:
    def select(**keys: Any) -> str:
        return str(provider("pbspro", tmp_path, **keys).select_options)

    devices = {"gpus": 4, "accelerator": "cuda"}
    assert select(**devices) == "ngpus=4"
    assert select(**devices, memory_gb=500) == "ngpus=4:mem=500gb"
    assert select(**devices, select_options="system=polaris") == "system=polaris"
    assert select(select_options="mem=9gb", memory_gb=5) == "mem=9gb"
    assert select() == ""


def test_slurm_leaves_out_nodes_that_fail(tmp_path: Path, programs: Programs) -> None:
    programs("sacct", "exit 1")
    made = provider("slurm", tmp_path)
    made.exclude("n1")
    made.exclude("n2")
    assert made.scheduler_options.count("--exclude") == 1
    assert "#SBATCH --exclude=n1,n2\n" in made.scheduler_options


def test_lsf_leaves_out_nodes_that_fail(tmp_path: Path) -> None:
    made = provider("lsf", tmp_path)
    made.exclude("n1")
    made.exclude("n2")
    assert made.scheduler_options.endswith(
        "#BSUB -R \"select[hname!='n1']\"\n#BSUB -R \"select[hname!='n2']\"\n"
    )


@pytest.mark.parametrize(
    ("kind", "keys", "found"),
    [
        ("slurm", {}, "SimpleLauncher"),
        ("slurm", {"nodes": 2}, "SrunLauncher"),
        ("slurm", {"launcher": "srun"}, "SrunLauncher"),
        ("pbspro", {"nodes": 2}, "MpiExecLauncher"),
        ("lsf", {"nodes": 2}, "BlaunchLauncher"),
        ("lsf", {"nodes": 2, "launcher": "jsrun"}, "JsrunLauncher"),
        ("local", {"nodes": 1}, "SimpleLauncher"),
    ],
)
def test_what_starts_the_workers(kind: Any, keys: dict[str, Any], found: str) -> None:
    pool = Pool("work", cores=8, **keys)
    assert type(launcher(Site("mine", kind=kind, pools={"work": pool}), pool)).__name__ == found


def test_blaunch_starts_one_pool_per_host(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    hosts = tmp_path / "hosts"
    hosts.write_text("n1\nn1\nn2\nn2\n")
    monkeypatch.setenv("LSB_DJOB_HOSTFILE", str(hosts))
    monkeypatch.setenv("LSB_JOBID", "12")
    log = programs("blaunch", 'echo "$2" >> $LOG; for host in $2; do HOST=$host "$3" "$4" >> $LOG; done')
    script = BlaunchLauncher()("echo worker of $JOBNAME", 1, 2, str(tmp_path))
    monkeypatch.setenv("JOBNAME", "block-0")
    subprocess.run(["bash", "-c", script], check=True, timeout=60)
    assert log.read_text().split("\n") == ["n1 n2 ", "worker of block-0", "worker of block-0", ""]
