"""SIGKILL of the driver, a worker or the whole group at a random moment; then submit again."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ground import Ground, resubmit

MARK = "DOCKSIEVE_TORTURE"
LONGEST = {"inline": 14.0, "local": 45.0}
"""About how long an undisturbed run takes here, in seconds; a kill after the end costs nothing but the case."""


def draw(rng: random.Random, ground: Ground) -> dict[str, Any]:
    """Return a case: on which site, who is killed, when, how often."""
    site = "local" if rng.random() < 0.3 else "inline"
    kills = rng.choice((1, 1, 2, 3))
    whom = ("driver", "group", "any") if site == "local" else ("driver", "group")
    drawn = [
        {"after": round(rng.uniform(0.3, LONGEST[site]), 3), "whom": rng.choice(whom), "who": rng.random()}
        for _ in range(kills)
    ]
    return {"site": site, "kills": drawn, "pause": rng.random() < 0.2}


def marked(mark: str) -> list[int]:
    """Return the processes that carry ``mark`` in their environment, zombies left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def judge(case: dict[str, Any], ground: Ground, place: Path) -> tuple[list[str], int]:
    """Run a case; return faults and how many processes were killed."""
    ground.copy(place)
    shutil.rmtree(place / "campaign")
    mark, killed = f"{os.getpid()}-{time.time_ns()}", 0
    command = [sys.executable, "-m", "docksieve.workflows.cli.main", "submit", str(place / "campaign.toml")]
    environment = {**os.environ, MARK: mark}
    for kill in case["kills"]:
        process = subprocess.Popen(
            [*command, "--site", case["site"]],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(kill["after"])
        except subprocess.TimeoutExpired:
            mine = marked(mark)
            chosen = {"driver": [process.pid], "group": mine}.get(
                kill["whom"], mine[int(kill["who"] * len(mine)) :][:1]
            )
            for pid in chosen:
                _signal(pid, signal.SIGSTOP if case["pause"] else signal.SIGKILL)
                killed += not case["pause"]
            if case["pause"]:
                time.sleep(3)
                for pid in chosen:
                    _signal(pid, signal.SIGCONT)
        if case["pause"] or kill["whom"] == "any":
            try:  # it has to cope
                process.wait(240)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return [f"{case['site']}: the driver did not end within 240 s"], killed
        process.wait()
    faults = resubmit(place, ground)
    until = time.monotonic() + 30
    while (left := marked(mark)) and time.monotonic() < until:
        time.sleep(0.5)
    if left:
        names = [
            Path(f"/proc/{pid}/cmdline").read_bytes()[:120] for pid in left if Path(f"/proc/{pid}").exists()
        ]
        faults.append(f"{len(left)} processes left behind: {names[:3]}")
        for pid in left:
            _signal(pid, signal.SIGKILL)
    return faults, killed


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
