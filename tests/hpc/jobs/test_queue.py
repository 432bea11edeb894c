"""What schedulers answer about this user's jobs, and when an answer says nothing."""

from __future__ import annotations

import getpass

import pytest
from docksieve.hpc.jobs.queue import queue_command, queued_jobs
from docksieve.hpc.jobs.submitted import job_number


@pytest.mark.parametrize(
    ("scheduler", "program"), [("slurm", "squeue"), ("pbspro", "qselect"), ("lsf", "bjobs")]
)
def test_all_jobs_of_the_user_are_asked_for(scheduler: str, program: str) -> None:
    command = queue_command(scheduler)
    assert command[0] == program and command[-1] == getpass.getuser()


def test_numbers_are_read_from_answers() -> None:
    assert queued_jobs("slurm", 0, "12\n7\n", "") == {"12", "7"}
    assert queued_jobs("pbspro", 0, "12.pbs01\n13[].pbs01\n", "") == {"12", "13"}
    assert queued_jobs("lsf", 0, "", "") == set()
    assert queued_jobs("slurm", None, "3\nnoise\n", "") == {"3"}


def test_a_failure_is_no_answer_unless_it_says_there_are_no_jobs() -> None:
    assert queued_jobs("slurm", 1, "", "slurm_load_jobs error: Unable to contact slurm controller") is None
    assert queued_jobs("lsf", 255, "", "No unfinished job found") == set()
    assert queued_jobs("slurm", 255, "", "No unfinished job found") is None


def test_a_job_is_known_without_its_server() -> None:
    assert [job_number(job) for job in ("12.pbs01", "12", "x7")] == ["12", "12", "x7"]


@pytest.mark.parametrize(
    ("scheduler", "said", "found"),
    [
        ("slurm", "CLUSTER: x3\n12\n13\n", {"12", "13"}),
        ("slurm", "Welcome to the 3 clusters\n 12 \n", {"12"}),
        ("slurm", "12_4\n13+0\n14_[2-9%3]\n", {"12", "13", "14"}),
        (
            "pbspro",
            "Maintenance on 24 December\n12.pbs01.domain.org\n13[].pbs01\n13[2].pbs01\n",
            {"12", "13"},
        ),
        ("lsf", "12\n13\n 14 \n", {"12", "13", "14"}),
    ],
)
def test_notices_are_no_jobs(scheduler: str, said: str, found: set[str]) -> None:
    assert queued_jobs(scheduler, 0, said, "") == found
