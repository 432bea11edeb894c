"""Daemons that this machine's throw-away cluster started: known by process number and start time.

A number alone would not do: the system gives it to somebody else once its owner has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil


class Daemons:
    """Processes by name, written down in a folder, so that a later run can end them too.

    Parameters
    ----------
    folder : Path
        One file per daemon.
    logs : Path
        Where each daemon's output goes.
    """

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder, self._logs = folder, logs
        folder.mkdir(parents=True, exist_ok=True)
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start a daemon that stays in the foreground, in a session of its own."""
        with (self._logs / f"{name}.out").open("ab") as out:
            process = subprocess.Popen(
                command,
                env=dict(env),
                cwd=self._logs,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.record(name, process.pid)

    def record(self, name: str, pid: int) -> None:
        """Write down a process, so that :meth:`get` knows it again."""
        started = psutil.Process(pid).create_time()
        (self._folder / f"{name}.json").write_text(json.dumps({"pid": pid, "started": started}))

    def names(self) -> list[str]:
        """Return the names of all daemons that were started and not stopped."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def get(self, name: str) -> psutil.Process | None:
        """Return the daemon's process, or None if it has ended."""
        try:
            note = json.loads((self._folder / f"{name}.json").read_text())
            process = psutil.Process(note["pid"])
            same = abs(process.create_time() - note["started"]) < 0.1
            return process if same and _runs(process) else None
        except (OSError, ValueError, psutil.Error):
            return None

    def stop(self, name: str, seconds: float = 5.0) -> None:
        """End a daemon: asked first, killed after ``seconds`` (0: at once)."""
        process = self.get(name)
        if process is not None:
            if seconds:
                with contextlib.suppress(psutil.Error):
                    process.terminate()
                _wait_for([process], seconds)
            kill_all([process])
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def tail(self, lines: int = 8) -> str:
        """Return the ends of all logs, for an error message."""
        parts = []
        for path in sorted(self._logs.iterdir()):
            last = path.read_text(errors="replace").splitlines()[-lines:]
            if last:
                parts.append(f"== {path.name}\n" + "\n".join(last))
        return "\n".join(parts)


def kill_all(processes: Sequence[psutil.Process], seconds: float = 5.0) -> None:
    """Kill processes at once and wait until they have gone; those that ended before are left alone."""
    for process in processes:
        if process.pid != os.getpid():
            with contextlib.suppress(psutil.Error):
                process.kill()
    _wait_for(processes, seconds)


def _wait_for(processes: Sequence[psutil.Process], seconds: float) -> None:
    end = time.monotonic() + seconds
    while any(map(_runs, processes)) and time.monotonic() < end:
        time.sleep(0.02)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
