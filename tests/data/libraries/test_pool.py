"""Where the jobs of a build run: nothing is started that one process can do."""

from __future__ import annotations

import os

import pytest
from docksieve.data.libraries.pool import BuildWorkers, available_cores


def whose(job):
    return {"pid": os.getpid(), "twice": 2 * job["number"]}


def opened(folder):
    raise AssertionError("a cluster was opened")


def test_one_worker_runs_every_job_here_in_order_and_only_as_fast_as_results_are_taken(tmp_path):
    made = []

    def jobs():
        for number in range(20):
            made.append(number)
            yield {"number": number}

    with BuildWorkers(1, tmp_path) as pool:
        results = pool.run(whose, jobs())
        assert next(results)[1] == {"pid": os.getpid(), "twice": 0}
        assert len(made) <= 2
        assert [job["number"] for job, _ in results] == list(range(1, 20))


@pytest.mark.parametrize("count", [0, 1])
def test_for_one_job_no_cluster_is_opened(tmp_path, count):
    with BuildWorkers(8, tmp_path, open_cluster=opened) as pool:
        found = list(pool.run(whose, [{"number": 7}] * count))
    assert [result for _, result in found] == [{"pid": os.getpid(), "twice": 14}] * count


def test_what_a_job_raises_is_raised_here(tmp_path):
    def broken(job):
        raise ValueError(f"job {job['number']}")

    with BuildWorkers(1, tmp_path) as pool, pytest.raises(ValueError, match="job 3"):
        list(pool.run(broken, [{"number": 3}, {"number": 4}]))


def test_cores_are_those_that_this_process_may_use():
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
