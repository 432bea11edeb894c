"""Dask's jobs by the commands of schedulers: the right job, its cluster, a refusal's words, and silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dask_jobqueue.lsf import LSFJob
from dask_jobqueue.pbs import PBSJob
from dask_jobqueue.slurm import SLURMJob
from docksieve.hpc.dask_workers import jobs
from docksieve.hpc.dask_workers.jobs import MAX_SILENT, JobWatch
from docksieve.hpc.dask_workers.submitting import watched

Programs = Callable[[str, str], Path]
KINDS: dict[str, tuple[type, str, str]] = {
    "slurm": (SLURMJob, "sbatch", "scancel"),
    "pbspro": (PBSJob, "qsub", "qdel"),
    "lsf": (LSFJob, "bsub", "bkill"),
}


def job(kind: str, tmp_path: Path, cluster: str = "") -> tuple[Any, JobWatch]:
    watch = JobWatch(kind, "machine", tmp_path, cluster)
    made = watched(KINDS[kind][0], watch)(scheduler="tcp://127.0.0.1:1", name="c-0", cores=1, memory="1 GiB")
    return made, watch


async def started(made: Any) -> Any:
    await made.start()
    return made


@pytest.mark.parametrize(
    ("kind", "said", "number", "cancelled"),
    [
        ("slurm", "Welcome to the 3\nSubmitted batch job 519605\n", "519605", "519605"),
        ("slurm", "123;x\n", "123;x", "--clusters=x 123"),
        ("slurm", "Submitted batch job 123 on cluster x\n", "123;x", "--clusters=x 123"),
        ("pbspro", "3 hours left\n123.pbs01\n", "123.pbs01", "123.pbs01"),
        (
            "lsf",
            "Job is submitted to <proj2> project.\n Job <166> is submitted to queue <q>.\n",
            "166",
            "166",
        ),
    ],
)
def test_the_job_that_the_scheduler_means(
    tmp_path: Path, programs: Programs, kind: str, said: str, number: str, cancelled: str
) -> None:
    _, submit, cancel = KINDS[kind]
    (tmp_path / "answer").write_text(said)
    log = programs(submit, f"cat {tmp_path / 'answer'}")
    programs(cancel, 'echo "$@" >> $LOG')
    made, watch = job(kind, tmp_path)
    asyncio.run(started(made))
    assert made.job_id == number
    watch.check()
    asyncio.run(made.close())
    assert log.read_text().strip() == cancelled


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_refusal_in_the_schedulers_words(tmp_path: Path, programs: Programs, kind: str) -> None:
    programs(KINDS[kind][1], "echo 'No such project: chem7. Job not submitted.' >&2; exit 1")
    made, watch = job(kind, tmp_path)
    asyncio.run(started(made))
    assert not made.job_id
    with pytest.raises(Exception, match=r"refused the job: No such project: chem7\. Job not submitted\."):
        watch.check()


def test_an_answer_without_a_number_is_told_to_the_letter(tmp_path: Path, programs: Programs) -> None:
    programs("sbatch", "echo 'Welcome to the 3'")
    made, watch = job("slurm", tmp_path)
    asyncio.run(started(made))
    with pytest.raises(Exception, match=r"without a job's number.*Welcome to the 3"):
        watch.check()


def test_jobs_are_looked_for_on_the_clusters_where_they_are(tmp_path: Path, programs: Programs) -> None:
    programs("squeue", 'case "$*" in *--clusters=x*) printf "CLUSTER: x\\n7\\n";; *) echo 9;; esac')
    _, watch = job("slurm", tmp_path, "x")
    assert asyncio.run(watch.alive()) == {"7"}
    watch.accepted("7;x")
    assert asyncio.run(watch.alive()) == {"7"}
    watch.accepted("9")
    assert asyncio.run(watch.alive()) == {"7", "9"}


def test_silence_is_said_once_and_no_answer_ends_no_job(
    tmp_path: Path, programs: Programs, caplog: pytest.LogCaptureFixture
) -> None:
    programs("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    _, watch = job("slurm", tmp_path)
    with caplog.at_level(logging.WARNING):
        for _ in range(MAX_SILENT + 2):
            assert asyncio.run(watch.alive()) is None
    assert [record.getMessage() for record in caplog.records if record.name == jobs.__name__] == [
        "nothing is known of the jobs of site machine since 3 questions to the scheduler: "
        "slurm_load_jobs error: Unable to contact slurm controller"
    ]
