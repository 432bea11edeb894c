"""Real processes on real Parsl workers, killed at bad moments; the hits must not change."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from docksieve.data.environment import CAMPAIGN as CAMPAIGN_MARK
from docksieve.data.store import read_table
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.progress.status import status

pytestmark = [pytest.mark.slow, pytest.mark.alone]
Make = Callable[..., Path]
PATIENCE = 120


def start(path: Path, site: str = "local") -> subprocess.Popen[bytes]:
    """Start the command line as a user would who has not activated the environment, in a process group of its own."""
    log = path.with_suffix(".log").open("ab")
    command = [sys.executable, "-m", "docksieve", "submit", str(path), "--site", site]
    bare = {**os.environ, "PATH": os.defpath}
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=bare)


@pytest.fixture(autouse=True)
def nothing_left_running(tmp_path: Path) -> Iterator[None]:
    """Whatever a failed test started is ended, and only that."""
    yield
    for process in psutil.process_iter():
        try:
            mine = str(tmp_path) in " ".join(process.cmdline())
            if mine and process.pid != os.getpid():
                process.kill()
        except psutil.Error:
            continue
    for state in tmp_path.glob("*/campaign.json"):
        for process in family(state.parent):
            process.kill()


def wait_until(condition: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait for ``condition``, or fail when patience ends or the process did."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        assert process is None or process.poll() is None, "the driver ended too early"
        time.sleep(0.05)


def family(root: Path) -> list[psutil.Process]:
    """Return the processes that carry the campaign's id."""
    mark = open_campaign(root).state["id"]
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(CAMPAIGN_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def hits_of(root: Path) -> pa.Table:
    return read_table(root / "hits" / "hits.parquet")


@pytest.fixture(scope="module")
def expected(small_campaign: Path) -> pa.Table:
    """The hits of an uninterrupted run without Parsl."""
    return hits_of(small_campaign)


def receipts(root: Path) -> int:
    return len(list((root / "receipts").rglob("*.json")))


def test_parsl_gives_the_same_hits_as_the_driver_alone(make_campaign: Make, expected: pa.Table) -> None:
    path = make_campaign()
    process = start(path)
    assert process.wait(PATIENCE) == 0, path.with_suffix(".log").read_text()
    assert hits_of(path.with_suffix("")).equals(expected)
    assert family(path.with_suffix("")) == []


@pytest.mark.parametrize("moment", [3, 19, 32])
def test_a_killed_driver_is_resumed(make_campaign: Make, expected: pa.Table, moment: int) -> None:
    path = make_campaign()
    root = path.with_suffix("")
    process = start(path)
    wait_until(lambda: receipts(root) >= moment, process)
    process.kill()
    process.wait()
    left = {" ".join(orphan.cmdline())[:40] for orphan in family(root)}
    assert any("interchange" in title for title in left), left  # what the next driver has to end
    again = start(path)
    assert again.wait(PATIENCE) == 0, path.with_suffix(".log").read_text()
    assert hits_of(root).equals(expected)
    assert family(root) == []


def test_killed_workers_cost_an_attempt_and_nothing_else(make_campaign: Make, expected: pa.Table) -> None:
    """Also idle ones, which take the pool's queue with them."""
    path = make_campaign()
    root = path.with_suffix("")
    site = path.with_name("site.toml")
    site.write_text('name = "impatient"\nstall_seconds = 12\n')
    process = start(path, str(site))
    killed = 0
    for moment in (2, 18, 30):
        wait_until(lambda m=moment: receipts(root) >= m or process.poll() is not None)
        for worker in family(root):
            try:
                if "spawn_main" in " ".join(worker.cmdline()):  # how the pool starts its workers
                    worker.kill()
                    killed += 1
                    break
            except psutil.Error:
                continue
    assert process.wait(PATIENCE) == 0, path.with_suffix(".log").read_text()
    assert killed >= 2
    assert hits_of(root).equals(expected)


def test_interrupt_from_the_keyboard_ends_everything_and_can_be_resumed(
    make_campaign: Make, expected: pa.Table
) -> None:
    path = make_campaign()
    root = path.with_suffix("")
    process = start(path)
    wait_until(lambda: receipts(root) >= 5, process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group, workers included
    assert process.wait(PATIENCE) == 130
    wait_until(lambda: family(root) == [])
    assert status(root).state == "stopped"
    again = start(path)
    assert again.wait(PATIENCE) == 0, path.with_suffix(".log").read_text()
    assert hits_of(root).equals(expected)


def test_a_second_submit_is_refused_and_cancel_works(make_campaign: Make, expected: pa.Table) -> None:
    path = make_campaign()
    root = path.with_suffix("")
    process = start(path)
    wait_until(lambda: receipts(root) >= 1, process)
    second = subprocess.run(
        [sys.executable, "-m", "docksieve", "submit", str(path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert second.returncode == 2
    assert "already running" in second.stderr
    assert str(process.pid) in second.stderr
    assert status(root).state == "running"
    cancelled = subprocess.run(
        [sys.executable, "-m", "docksieve", "cancel", str(root)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert "asked to stop" in cancelled.stdout
    assert process.wait(PATIENCE) == 2
    assert "cancelled" in path.with_suffix(".log").read_text()
    wait_until(lambda: family(root) == [])
    again = start(path)
    assert again.wait(PATIENCE) == 0, path.with_suffix(".log").read_text()
    assert hits_of(root).equals(expected)


def test_a_full_disk_is_one_paragraph_and_freeing_it_is_enough(
    make_campaign: Make, tmp_path: Path, expected: pa.Table
) -> None:
    """A small file system of its own fills up; needs the right to mount one."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(mount)], check=False)
    if made.returncode:
        pytest.skip("no right to mount a small file system here")
    try:
        path = make_campaign(("seed = 11", f'seed = 11\nfolder = "{mount / "campaign"}"'))
        (mount / "ballast").write_bytes(b"x" * 2_700_000)
        command = [
            sys.executable,
            "-m",
            "docksieve",
            "submit",
            str(path),
            "--site",
            "inline",
        ]
        full = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert full.returncode == 2, full.stderr
        assert "disk" in full.stderr and "full" in full.stderr
        assert "Traceback" not in full.stderr
        (mount / "ballast").unlink()
        subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True)
        assert hits_of(mount / "campaign").equals(expected)
    finally:
        subprocess.run(["umount", str(mount)], check=True)
