"""A driver that goes on when its terminal is closed: started apart, with a log and a note of its process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...data.errors import CampaignError
from ...data.store import write_json
from ..campaign.campaign import open_campaign
from ..campaign.driver import is_driven, read_driver

START_SECONDS = 20.0
"""How long to watch a new driver, so that what is wrong at the start is said at once."""


def log_path(root: Path) -> Path:
    """Return where a detached driver's log lies."""
    return root / "driver.log"


@dataclass(frozen=True)
class Detached:
    """A driver that was started apart.

    Attributes
    ----------
    pid : int
    host : str
    log : Path
    """

    pid: int
    host: str
    log: Path


def start_detached(root: Path, command: Sequence[str]) -> Detached:
    """Start ``command`` (a ``docksieve submit``) apart from this terminal, and see it take the campaign.

    Parameters
    ----------
    root : Path
        The campaign's folder; made if it is not there.
    command : sequence of str
        Arguments of ``docksieve``.

    Raises
    ------
    CampaignError
        If the campaign has a driver, or the new one ends at once; with the last lines of its log.
    """
    if is_driven(root):
        who = read_driver(root)
        where = f"process {who['pid']} on {who['host']}" if who else "another process"
        raise CampaignError(
            f"The campaign in {root} is already running ({where}).",
            f"Follow it with `docksieve attach {root}`, or end it with `docksieve cancel {root}`.",
        )
    root.mkdir(parents=True, exist_ok=True)
    log = log_path(root)
    with log.open("wb") as out:  # a log of this run: what an earlier one said is in its receipts
        process = subprocess.Popen(
            [sys.executable, "-m", "docksieve", *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    found = Detached(process.pid, os.uname().nodename, log)
    write_json(root / "driver.pid.json", {"pid": found.pid, "host": found.host, "log": str(log)})
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        who = read_driver(root)  # a killed driver's note may be there still
        if who is not None and who["pid"] == process.pid:
            break
        time.sleep(0.2)
    if process.poll():
        raise CampaignError(f"The driver ended at once:\n{_tail(log)}", f"Its log: {log}")
    return found


def follow(path: str | Path) -> Iterator[str]:
    """Yield the text of a campaign's driver log as it grows, until the driver has ended.

    Raises
    ------
    CampaignError
        If the campaign has no such log: its driver, if any, has a terminal of its own, or is a batch job yet to begin.
    """
    root = Path(path)
    if not log_path(root).exists():
        root = open_campaign(path).root
    if not log_path(root).exists():
        raise CampaignError(
            f"The campaign in {root} has no driver's log.",
            "Only one submitted with --detach or --as-job has; `docksieve status --watch` shows any.",
        )
    with log_path(root).open(encoding="utf-8", errors="replace") as handle:
        while True:
            running = is_driven(root)  # before reading: what it wrote last is read too
            if text := handle.read():
                yield text
            elif not running:
                return
            time.sleep(0.3)


def _tail(path: Path, lines: int = 12) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-lines:])
