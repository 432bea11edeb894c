"""Blocks that a killed driver left: found by asking the scheduler, ended, waited for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.errors import FormatError, SiteError
from docksieve.hpc.jobs import blocks
from docksieve.hpc.jobs.blocks import BlockRecords

Programs = Callable[[str, str], Path]
# A scheduler that knows a job for as long as there is a file of its name.
QUEUE = 'ls "$QUEUE"'


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "queue"
    folder.mkdir()
    monkeypatch.setenv("QUEUE", str(folder))
    return folder


@pytest.mark.parametrize(
    ("scheduler", "ask", "cancel"),
    [("slurm", "squeue", "scancel"), ("pbspro", "qselect", "qdel"), ("lsf", "bjobs", "bkill")],
)
def test_what_still_runs_is_ended_and_nothing_else(
    tmp_path: Path, queue: Path, programs: Programs, scheduler: str, ask: str, cancel: str
) -> None:
    records = BlockRecords(tmp_path / "blocks")
    for job in ("11", "12", "13"):
        records.asked(job, scheduler, "gpu")
    records.ended(["13"])
    for job in ("12", "13", "99"):  # 11 is long gone; 99 is another campaign's
        (queue / job).touch()
    programs(ask, QUEUE)
    log = programs(cancel, 'echo "$@" >> $LOG; for job; do rm -f "$QUEUE/$job"; done')
    assert records.end_leftovers() == ["12"]
    assert log.read_text().split() == ["12"]
    assert sorted(path.name for path in queue.iterdir()) == ["13", "99"]
    assert all(block.ended is not None for block in records.known())
    assert records.end_leftovers() == []


def test_numbers_with_a_server_name(tmp_path: Path, queue: Path, programs: Programs) -> None:
    records = BlockRecords(tmp_path / "blocks")
    records.asked("12.pbs01.example", "pbspro", "cpu")
    (queue / "12.pbs01.example").touch()
    programs("qselect", QUEUE)
    programs("qdel", 'rm -f "$QUEUE/$1"')
    assert records.end_leftovers() == ["12.pbs01.example"]


def test_a_job_that_outlives_its_end_stops_the_campaign(
    tmp_path: Path, queue: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers would write beside the new ones."""
    monkeypatch.setattr(blocks, "_PATIENCE", 1.0)
    records = BlockRecords(tmp_path / "blocks")
    records.asked("12", "slurm", "gpu")
    (queue / "12").touch()
    programs("squeue", QUEUE)
    programs("scancel", "exit 0")
    with pytest.raises(SiteError, match="12 of an earlier driver were cancelled and still run after 1 s"):
        records.end_leftovers()
    assert [block.ended for block in records.known()] == [None]  # so the next driver tries again


def test_a_machine_that_cannot_reach_the_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = BlockRecords(tmp_path / "blocks")
    records.asked("12", "slurm", "gpu")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SiteError, match="12 of an earlier driver may still run, and scancel is not here"):
        records.end_leftovers()


def test_nothing_left_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    records = BlockRecords(tmp_path / "blocks")
    assert records.end_leftovers() == []
    records.asked("12", "slurm", "gpu")
    records.ended(["12"])
    assert records.end_leftovers() == []


@pytest.mark.parametrize("text", ['{"job": "13"', '{"other": 1}'])
def test_a_damaged_record_may_mean_a_job_that_runs(tmp_path: Path, text: str) -> None:
    records = BlockRecords(tmp_path / "blocks")
    records.asked("12", "slurm", "gpu")
    (tmp_path / "blocks" / "13.json").write_text(text)
    with pytest.raises(FormatError, match=r"13\.json"):
        records.end_leftovers()


def test_a_scheduler_that_does_not_answer_does_not_say_that_jobs_are_gone(
    tmp_path: Path, programs: Programs
) -> None:
    records = BlockRecords(tmp_path / "blocks")
    records.asked("12", "slurm", "gpu")
    programs("squeue", 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1')
    programs("scancel", "exit 0")
    with pytest.raises(SiteError, match=r"12 may still run: .*Unable to contact"):
        records.end_leftovers()
    assert [block.ended for block in records.known()] == [None]
