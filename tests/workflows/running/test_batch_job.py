"""A job ends before its walltime and asks for the next; one that somebody ended does not."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docksieve.hpc.sites.site import Site
from docksieve.workflows.campaign.driver import cancel_path
from docksieve.workflows.cli import submit as cli_submit
from docksieve.workflows.config import campaign_file
from docksieve.workflows.running import batch_job as as_job
from docksieve.workflows.running import submit as campaign
from docksieve.workflows.running.interrupts import check_interrupts, interrupt

pytestmark = pytest.mark.alone

INSIDE = Site("inside", workers=1)
POOL = replace(INSIDE.pool_for("screen"), walltime="00:00:11", drain_seconds=10)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM)}
    yield
    with contextlib.suppress(KeyboardInterrupt):  # what was remembered is no news to other tests
        check_interrupts()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Jobs that were asked for, of a campaign that would run for a minute."""
    found: list[Path] = []

    def submit(*_: Any) -> as_job.BatchJob:
        found.append(tmp_path)
        return as_job.BatchJob("7", POOL, tmp_path / "log")

    from docksieve.hpc.sites import read as site_read

    monkeypatch.setattr(site_read, "load_site", lambda *_: INSIDE)
    monkeypatch.setattr(as_job, "site_inside", lambda *_: INSIDE)
    monkeypatch.setattr(as_job, "carrying_pool", lambda _: POOL)
    monkeypatch.setattr(as_job, "submit_as_job", submit)
    monkeypatch.setattr(campaign_file, "read_campaign_file", lambda _: SimpleNamespace(root=tmp_path))
    monkeypatch.setattr(campaign, "submit", lambda *_: time.sleep(60))
    return found


def test_time_that_is_up_asks_for_another_job(asked: list[Path]) -> None:
    cli_submit.run_job(Path("c.toml"), "inside")
    assert len(asked) == 1


def test_a_job_that_was_cancelled_at_the_scheduler_stays_cancelled(
    asked: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    signal.signal(signal.SIGTERM, interrupt)
    monkeypatch.setattr(campaign, "submit", lambda *_: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(60))
    with pytest.raises(KeyboardInterrupt):
        cli_submit.run_job(Path("c.toml"), "inside")
    assert asked == []


def test_a_campaign_that_was_cancelled_stays_cancelled(asked: list[Path], tmp_path: Path) -> None:
    cancel_path(tmp_path).touch()
    with pytest.raises(KeyboardInterrupt):
        cli_submit.run_job(Path("c.toml"), "inside")
    assert asked == []
