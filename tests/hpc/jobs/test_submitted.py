"""Which job an answer to a submission means, among the words that centres put around it."""

from __future__ import annotations

import pytest
from docksieve.hpc.jobs.queue import by_cluster, cancel_commands, queue_command
from docksieve.hpc.jobs.submitted import asked_cluster, job_cluster, job_number, submitted_job

BANNER = """
-----------------------------------------------------------------
          Welcome to the Lonestar 3 Supercomputer
-----------------------------------------------------------------
No reservation for this job
--> Verifying valid submit host (login2)...OK
--> Checking available allocation (TG-123456, 2 of 3 left)...OK
Submitted batch job 519605
"""


@pytest.mark.parametrize(
    ("said", "job"),
    [
        ("Submitted batch job 519605\n", "519605"),
        (BANNER, "519605"),
        ("Submitted batch job 60060368 on cluster slaking\n", "60060368;slaking"),
        ("sbatch: Submitted batch job 12\n", "12"),
        ("\x1b[32mSubmitted batch job 12\x1b[0m\n", "12"),
        ("   Submitted batch job 12\r\nGood luck with job 13!\n", "12"),
        ("123\n", "123"),
        ("123;x\n", "123;x"),
        ("15786755", "15786755"),
        ("You have 3 jobs\n 123;mesh-2 \nbye\n", "123;mesh-2"),
        ("Submitted batch job 123+0\n", "123"),
        ("Submitted batch job 123_1\n", "123"),
        ("123+0;x\n", "123;x"),
        ("Welcome to the 3 of us\n", None),
        ("Submitted batch job\n", None),
        ("", None),
    ],
)
def test_slurm(said: str, job: str | None) -> None:
    assert submitted_job("slurm", said) == job


@pytest.mark.parametrize(
    ("said", "job"),
    [
        ("Job <12> is submitted to queue <normal>.\n", "12"),
        ("Job <12> is submitted to default queue <normal>.\n", "12"),
        ("Job is submitted to <proj2> project.\nJob <16633929> is submitted to queue <batch>.\n", "16633929"),
        ("  Job <77> is submitted to queue <short>.\n", "77"),
        ("Generic job.\nJob <473713> is submitted to queue <pub.1h>.\n", "473713"),
        ("Memory reservation is (MB): 1024\nJob <5> is submitted to queue <q>.\n", "5"),
        ("<<12 slots in 3 hosts>>\nJob <8> submitted.\n", "8"),
        ("Job is submitted to <3> project.\n", None),
        ("Job not submitted.\n", None),
    ],
)
def test_lsf(said: str, job: str | None) -> None:
    assert submitted_job("lsf", said) == job


@pytest.mark.parametrize(
    ("said", "job"),
    [
        ("123.pbs01\n", "123.pbs01"),
        ("123\n", "123"),
        ("  123.pbs01.domain.org  \n", "123.pbs01.domain.org"),
        ("Your project has 3.5 node-hours left.\n123.pbs01\n", "123.pbs01"),
        ("123.pbs01\nQueue closes on 2026-12-24 at 8.\n", "123.pbs01"),
        ("2026\n123.pbs01\n", "123.pbs01"),
        (
            "123.polaris-pbs-01.hsn.cm.polaris.alcf.anl.gov\n",
            "123.polaris-pbs-01.hsn.cm.polaris.alcf.anl.gov",
        ),
        ("123[].pbs01\n", "123[].pbs01"),
        ("Request 123456.asdfqwer submitted to queue: standard.\n", "123456.asdfqwer"),
        ('Your job 123 ("block") has been submitted\n', "123"),
        ("qsub: no free nodes in 3 racks\n", None),
    ],
)
def test_pbs(said: str, job: str | None) -> None:
    assert submitted_job("pbspro", said) == job


@pytest.mark.parametrize(
    ("directives", "environment", "cluster"),
    [
        (("#SBATCH --clusters=x",), {}, "x"),
        (("#SBATCH --cluster x",), {}, "x"),
        (("#SBATCH -M x",), {}, "x"),
        (("#SBATCH -Mx",), {"SLURM_CLUSTERS": "y"}, "x"),
        (("#SBATCH --clusters=x,y",), {}, ""),  # the answer says which of them
        (("#SBATCH --comment=z",), {"SBATCH_CLUSTERS": "y"}, "y"),
        ((), {"SLURM_CLUSTERS": "y"}, "y"),
        ((), {"SLURM_CLUSTERS": "all"}, ""),
        ((), {}, ""),
    ],
)
def test_the_cluster_that_was_asked_for(
    directives: tuple[str, ...], environment: dict[str, str], cluster: str
) -> None:
    assert asked_cluster(directives, environment) == cluster


def test_an_answer_that_names_no_cluster_has_the_one_that_was_asked_for() -> None:
    assert submitted_job("slurm", "Submitted batch job 5\n", "x") == "5;x"
    assert submitted_job("slurm", "Submitted batch job 5 on cluster y\n", "x") == "5;y"
    assert submitted_job("lsf", "Job <5> is submitted to queue <q>.\n", "x") == "5"


def test_a_job_of_another_cluster_is_asked_for_and_ended_there() -> None:
    assert (job_number("123;x"), job_cluster("123;x"), job_cluster("123")) == ("123", "x", "")
    assert by_cluster(["1", "2;x", "3"]) == {"": ["1", "3"], "x": ["2;x"]}
    assert cancel_commands("slurm", ["1", "2;x"]) == [["scancel", "1"], ["scancel", "--clusters=x", "2"]]
    assert cancel_commands("pbspro", ["1.pbs01"]) == [["qdel", "1.pbs01"]]
    assert queue_command("slurm", "x")[:2] == ["squeue", "--clusters=x"]
