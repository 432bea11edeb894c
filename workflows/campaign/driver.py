"""Who drives a campaign: the lock, the note for others, the request to stop, and orphans of a killed driver."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

from ...data.environment import CAMPAIGN
from ...data.errors import CampaignError, FormatError
from ...data.store import read_json, remove_temporary_files, write_json
from ...hpc.jobs.blocks import BlockRecords
from .campaign import Campaign, open_campaign


class DriverLock:
    """Makes sure that one driver at a time works on a campaign, and tells others who it is.

    A POSIX record lock: it goes with the process however that ends, is not inherited by children, and
    works on network file systems that support locks.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._handle: IO[str] | None = None

    def __enter__(self) -> DriverLock:
        self.root.mkdir(parents=True, exist_ok=True)
        self._handle = (self.root / "driver.lock").open("a+")
        if not self._acquired():
            self._handle.close()
            who = read_driver(self.root)
            where = f"process {who['pid']} on {who['host']}" if who else "another process"
            raise CampaignError(
                f"The campaign in {self.root} is already running ({where}).",
                "Watch it with `docksieve status --watch`, or end it with `docksieve cancel`.",
            )
        if (self.root / "campaign.json").exists():
            cancel_path(self.root).unlink(missing_ok=True)
        return self

    def _acquired(self) -> bool:
        """Try for a second: `docksieve status` holds a shared lock for an instant."""
        assert self._handle is not None
        for _ in range(20):
            try:
                fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def __exit__(self, *exc_info: object) -> None:
        assert self._handle is not None
        (self.root / "driver.json").unlink(missing_ok=True)
        self._handle.close()


def is_driven(root: Path) -> bool:
    """Tell whether a driver holds the campaign's lock now. Never call it in the driver itself.

    Works on a campaign that one may only read.
    """
    path = root / "driver.lock"
    try:
        with path.open("rb") as handle:
            fcntl.lockf(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def write_driver(
    root: Path,
    stage: str,
    running: list[str],
    site: str,
    workers: int,
    blocks: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Tell others who drives the campaign, what runs now, and how many blocks of each pool there are, by state."""
    write_json(
        root / "driver.json",
        {
            "pid": os.getpid(),
            "host": platform.node(),
            "stage": stage,
            "running": running,
            "site": site,
            "workers": workers,
            "blocks": list(blocks),
            "updated": time.time(),
        },
    )


def read_driver(root: Path) -> dict[str, Any] | None:
    """Return what :func:`write_driver` wrote last, or None."""
    try:
        return dict(read_json(root / "driver.json"))
    except FormatError:
        return None


def cancel_path(root: Path) -> Path:
    """Return the file whose presence asks the driver to stop."""
    return root / "cancel"


def marked_processes(campaign_id: str) -> list[psutil.Process]:
    """Return the processes here that work for a campaign, except this one and its ancestors."""
    family = {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in family and process.environ().get(CAMPAIGN) == campaign_id:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue
    return found


def end_orphans(campaign: Campaign) -> int:
    """End what a killed driver of this campaign left running here; return how many processes.

    Processes are recognised by the campaign's id in their environment, which they inherited. Call it only
    while holding the lock and before starting workers. Blocks that it left at a scheduler are cancelled, and leftover
    temporary files removed after that.

    Raises
    ------
    SiteError
        If blocks cannot be ended.
    """
    ended = marked_processes(campaign.state["id"])
    for process in ended:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(ended, timeout=10)
    BlockRecords(campaign.root / "blocks").end_leftovers()
    remove_temporary_files(campaign.root)
    return len(ended)


def request_cancel(path: str | Path) -> str:
    """Ask the driver of the campaign at ``path`` to stop, and say what was done.

    The driver looks for the request between tasks, ends its workers and keeps what is finished.
    """
    campaign = open_campaign(path)
    if not is_driven(campaign.root):
        gone = [
            job for name in ("blocks", "jobs") for job in BlockRecords(campaign.root / name).end_leftovers()
        ]
        if gone:
            return (
                f"No driver runs; jobs {', '.join(gone)} of the campaign in {campaign.root} were cancelled."
            )
        return f"The campaign in {campaign.root} is not running."
    write_json(cancel_path(campaign.root), {"asked": time.time()})
    return "The driver was asked to stop; finished work is kept. Submit again to go on."
