"""A driver of its own: its log, its note, and what is said when it ends at once or one is there already."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import CampaignError
from docksieve.data.store import read_json
from docksieve.workflows.campaign.driver import write_driver
from docksieve.workflows.running import detached
from docksieve.workflows.running.detached import follow, log_path, start_detached

Programs = Callable[[str], None]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Return a function that lets a program of our own be the driver."""
    original = subprocess.Popen
    monkeypatch.setattr(detached, "START_SECONDS", 5.0)

    def becomes(program: str) -> None:
        def start(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
            assert command[:3] == [sys.executable, "-m", "docksieve"]
            return original([sys.executable, "-c", program, *command[3:]], **options)

        monkeypatch.setattr(detached.subprocess, "Popen", start)

    return becomes


def test_what_a_driver_says_that_ends_at_once_is_told(tmp_path: Path, driver: Programs) -> None:
    driver(
        "import sys\nfor n in range(30): print('line', n)\nprint('no such site', file=sys.stderr)\nsys.exit(2)"
    )
    with pytest.raises(CampaignError) as caught:
        start_detached(tmp_path / "campaign", ["submit", "x.toml"])
    said = str(caught.value)
    assert said.startswith("The driver ended at once:\nline 19\n")  # the last twelve lines
    assert "no such site" in said and f"Its log: {tmp_path / 'campaign' / 'driver.log'}" in said


def test_a_driver_that_is_killed_at_once_is_no_success(tmp_path: Path, driver: Programs) -> None:
    driver("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(CampaignError, match="The driver ended at once"):
        start_detached(tmp_path, ["submit", "x.toml"])


def test_one_that_has_nothing_to_do_is_no_failure_and_leaves_a_note(tmp_path: Path, driver: Programs) -> None:
    driver("import os, sys\nprint(sys.argv[1:], os.getsid(0) == os.getpid(), os.environ['PYTHONUNBUFFERED'])")
    (tmp_path / "driver.log").write_text("of an earlier run\n")
    found = start_detached(tmp_path, ["submit", "my file.toml"])
    assert found.log == log_path(tmp_path)
    assert read_json(tmp_path / "driver.pid.json") == {
        "pid": found.pid,
        "host": found.host,
        "log": str(found.log),
    }
    assert (
        found.log.read_text() == "['submit', 'my file.toml'] True 1\n"
    )  # a session of its own: no terminal ends it


def test_a_second_driver_is_refused_and_the_first_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detached, "is_driven", lambda root: True)
    with pytest.raises(CampaignError, match=r"already running \(another process\)"):
        start_detached(tmp_path, ["submit"])
    write_driver(tmp_path, "round-00/dock", [], "local", 2)
    with pytest.raises(
        CampaignError, match=rf"already running \(process {os.getpid()} on .*docksieve attach"
    ):
        start_detached(tmp_path, ["submit"])
    assert not log_path(tmp_path).exists()


def test_a_log_is_followed_to_the_drivers_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_path(tmp_path).write_bytes(b"begun \xff\n")
    monkeypatch.setattr(detached.time, "sleep", lambda _: None)
    looks = iter([True, True, False, False])

    def driven(root: Path) -> bool:
        alive = next(looks)
        if not alive and "end" not in log_path(root).read_text(errors="replace"):
            with log_path(root).open("a") as handle:
                handle.write("the end\n")  # written while it ended: after the look, before the reading
        return alive

    monkeypatch.setattr(detached, "is_driven", driven)
    assert "".join(follow(tmp_path)) == "begun \N{REPLACEMENT CHARACTER}\nthe end\n"


def test_without_a_log_it_is_said_who_has_one(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(
        CampaignError, match=r"has no driver's log\. Only one submitted with --detach or --as-job has"
    ):
        next(follow(copied))
    with pytest.raises(CampaignError):
        next(follow(tmp_path / "nowhere"))
