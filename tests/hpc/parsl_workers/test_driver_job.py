"""The batch job that carries a whole campaign: its script, its number, and refusals in the scheduler's words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import SiteError
from docksieve.hpc.jobs.blocks import BlockRecords
from docksieve.hpc.parsl_workers.driver_job import job_script, submit_job
from docksieve.hpc.sites.pool import Pool
from docksieve.hpc.sites.site import Site

Programs = Callable[[str, str], Path]
COMMAND = "python -m docksieve run-job campaign.toml --site mine"
SUBMIT = {
    "slurm": ("sbatch", "Submitted batch job 12", "12", "#SBATCH --nodes=2"),
    "pbspro": ("qsub", "12.pbs01", "12.pbs01", "#PBS -l select=2"),
    "lsf": ("bsub", "Job <12> is submitted to queue <normal>.", "12", "#BSUB -n 16"),
}


def work(kind: Any, **keys: Any) -> tuple[Site, Pool]:
    pool = Pool("work", cores=8, nodes=2, walltime="01:30:00", launcher="single", **keys)
    return Site("mine", kind=kind, pools={"work": pool}), pool


@pytest.mark.parametrize("kind", sorted(SUBMIT))
def test_the_script_runs_the_command_in_its_own_place(kind: str, tmp_path: Path, programs: Programs) -> None:
    for name in ("sbatch", "qsub", "bsub"):
        log = programs(name, "echo called >> $LOG; exit 1")
    text = job_script(*work(kind), tmp_path / "jobs", COMMAND, tmp_path / "driver.log")
    assert f"exec {COMMAND} >> {tmp_path}/driver.log 2>&1" in text
    assert SUBMIT[kind][3] in text
    assert f"{tmp_path}/jobs/docksieve.<time>" in text  # no time and no temporary folder of this run
    assert log.read_text() == "" and not (tmp_path / "jobs").exists()  # nothing was asked or written


@pytest.mark.parametrize("kind", sorted(SUBMIT))
def test_a_job_that_is_taken_has_a_number_and_is_noted(kind: str, tmp_path: Path, programs: Programs) -> None:
    program, answer, number, _ = SUBMIT[kind]
    programs("sacct", "exit 0")
    programs(program, f'echo "{answer}"')
    site, pool = work(kind)
    assert submit_job(site, pool, tmp_path / "jobs", COMMAND, tmp_path / "driver.log") == number
    (block,) = BlockRecords(tmp_path / "jobs").known()
    assert (block.job, block.scheduler, block.pool, block.ended) == (number, kind, "work", None)


@pytest.mark.parametrize("kind", sorted(SUBMIT))
def test_a_refusal_is_told_in_the_schedulers_words(kind: str, tmp_path: Path, programs: Programs) -> None:
    programs("sacct", "exit 0")
    programs(SUBMIT[kind][0], "echo 'error: invalid   account' >&2; exit 1")
    site, pool = work(kind)
    with pytest.raises(SiteError) as caught:
        submit_job(site, pool, tmp_path / "jobs", COMMAND, tmp_path / "driver.log")
    assert str(caught.value) == (
        f"{kind} refused the job: error: invalid account Correct the site, or give --set KEY=VALUE."
    )
    assert list(BlockRecords(tmp_path / "jobs").known()) == []


@pytest.mark.parametrize("name", ["my campaign", "a;b", "$HOME", "50%"])
def test_a_folder_that_a_shell_takes_apart_is_refused_before_anything_is_written(
    name: str, tmp_path: Path, programs: Programs
) -> None:
    log = programs("sbatch", 'echo "Submitted batch job 12"; echo called >> $LOG')
    site, pool = work("slurm")
    root = tmp_path / name
    for call in (job_script, submit_job):
        with pytest.raises(SiteError, match="Batch scripts cannot hold the folder"):
            call(site, pool, root / "jobs", COMMAND, root / "driver.log")
        with pytest.raises(SiteError, match="Batch scripts cannot hold the folder"):
            call(site, pool, tmp_path / "jobs", COMMAND, root / "driver.log")
    assert log.read_text() == "" and not root.exists() and not (tmp_path / "jobs").exists()


def test_the_script_is_one_that_a_shell_can_read_and_the_setup_comes_first(tmp_path: Path) -> None:
    site, pool = work(
        "slurm", setup=("module load cuda", "export A=1"), directives=("#SBATCH --mail-type=END",)
    )
    text = job_script(site, pool, tmp_path, COMMAND, tmp_path / "log")
    lines = text.splitlines()
    assert lines[0] == "#!/bin/bash"
    assert (
        lines.index("#SBATCH --mail-type=END") < lines.index("module load cuda") < lines.index("export A=1")
    )
    assert lines.index("export A=1") < next(n for n, line in enumerate(lines) if COMMAND in line)
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
