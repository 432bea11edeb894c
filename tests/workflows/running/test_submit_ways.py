"""A campaign submitted apart from its terminal, rehearsed, examined, refused: on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.store import read_json, read_table
from docksieve.workflows.campaign.driver import is_driven
from docksieve.workflows.running.submit import submit

pytestmark = pytest.mark.alone

Make = Callable[..., Path]


def docksieve(*words: object, seconds: float = 180) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "docksieve", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, "COLUMNS": "150"},
    )


@pytest.mark.slow
def test_a_detached_campaign_is_followed_to_its_end(make_campaign: Make) -> None:
    path = make_campaign(name="apart")
    root = path.parent / "apart"
    begun = docksieve("submit", path, "--detach")
    assert begun.returncode == 0, begun.stderr
    assert f"docksieve attach {root}" in begun.stdout
    note = read_json(root / "driver.pid.json")
    assert note["pid"] != os.getpid() and Path(note["log"]).exists()
    assert is_driven(root)
    again = docksieve("submit", path, "--detach")
    assert again.returncode == 2 and "already running" in again.stderr
    followed = docksieve("attach", root)
    assert followed.returncode == 0, followed.stderr
    assert "write the hits" in followed.stdout
    assert "the campaign is complete" in followed.stdout
    plain = submit(make_campaign(name="plain"), "inline")
    mine, theirs = (read_table(folder / "hits" / "hits.parquet") for folder in (root, plain.root))
    assert mine.equals(theirs)


@pytest.mark.slow
def test_a_detached_campaign_is_cancelled(make_campaign: Make) -> None:
    path = make_campaign(name="stopped")
    root = path.parent / "stopped"
    assert docksieve("submit", path, "--detach").returncode == 0
    said = docksieve("cancel", root)
    assert said.returncode == 0 and "asked to stop" in said.stdout
    end = time.monotonic() + 60
    while is_driven(root) and time.monotonic() < end:
        time.sleep(0.2)
    assert not is_driven(root)
    followed = docksieve("attach", root)
    assert followed.returncode == 1 and "the campaign is stopped" in followed.stdout
    assert "not running" in docksieve("cancel", root).stdout


def test_what_is_wrong_is_said_before_anything_is_detached(make_campaign: Make) -> None:
    path = make_campaign(name="wrong")
    said = docksieve("submit", path, "--site", "locl", "--detach")
    assert said.returncode == 2 and "Did you mean 'local'" in said.stderr
    assert not (path.parent / "wrong").exists()


def test_a_driver_that_ends_at_once_says_why(make_campaign: Make) -> None:
    path = make_campaign(("molecules = 60", "molecules = 60000"), name="greedy")
    said = docksieve("submit", path, "--detach")
    assert said.returncode == 2
    assert "the library has 400 molecules" in said.stderr.replace("\n", " ")


def test_attach_wants_a_log(make_campaign: Make) -> None:
    campaign = submit(make_campaign(("count = 2", "count = 0"), name="quick"), "inline")
    said = docksieve("attach", campaign.root)
    assert said.returncode == 2 and "no driver's log" in said.stderr


@pytest.mark.slow
def test_a_rehearsal_runs_nothing(make_campaign: Make) -> None:
    path = make_campaign(name="dry")
    here = docksieve("submit", path, "--dry-run")
    assert here.returncode == 0 and "Nothing was started" in here.stdout
    asked = [
        "--site",
        "slurm",
        "--set",
        "pool.cpu.cores=16",
        "--set",
        "walltime=02:00:00",
        "--set",
        "interface=lo",
    ]
    there = docksieve("submit", path, *asked, "--dry-run")
    assert there.returncode == 0, there.stderr
    assert "#SBATCH --time=120" in there.stdout and "ode-hours" in there.stdout
    job = docksieve("submit", path, *asked, "--as-job", "--dry-run")
    assert job.returncode == 0, job.stderr
    assert "run-job" in job.stdout and "2.0 node-hours for each job" in job.stdout
    assert not (path.parent / "dry").exists()


def test_a_job_needs_a_scheduler(make_campaign: Make) -> None:
    said = docksieve("submit", make_campaign(name="nojob"), "--as-job")
    assert said.returncode == 2 and "has no scheduler" in said.stderr


@pytest.mark.slow
def test_the_doctor_examines_this_machine(tmp_path: Path) -> None:
    well = docksieve("doctor", "--folder", tmp_path)
    assert well.returncode == 0, well.stdout + well.stderr
    for part in (
        "workers answer (1 of",
        "package versions",
        "renaming included",
        "docking engine",
        "All is well.",
    ):
        assert part in well.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_doctor_names_the_cure(tmp_path: Path) -> None:
    (tmp_path / "ill.toml").write_text(
        'kind = "local"\nscratch = "/nowhere/at/all"\n'
        '[pool.gpu]\nroles = ["screen"]\naccelerator = "pretend"\ngpus = 2\n'
        '[pool.cpu]\nroles = ["dock", "train"]\nworkers = 1\n'
    )
    node = os.uname().nodename
    os.environ["DOCKSIEVE_PRETEND_BROKEN"] = f"{node}/1"
    try:
        said = docksieve("doctor", "--site", tmp_path / "ill.toml", "--folder", tmp_path, "--wait", "60")
    finally:
        del os.environ["DOCKSIEVE_PRETEND_BROKEN"]
    assert said.returncode == 1, said.stdout + said.stderr
    text = " ".join(said.stdout.split())
    assert "Set the site's `scratch`" in text
    assert f"device 1 of {node}" in text and "is broken on purpose" in text
