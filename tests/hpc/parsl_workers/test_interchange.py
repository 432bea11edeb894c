"""Parsl's interchange ends with the process that started it, and only then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from docksieve.hpc.parsl_workers import interchange

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(60)
"""
CHILD = """
import time
from docksieve.hpc.parsl_workers import interchange
interchange.LOOK_SECONDS = 0.05
interchange.end_with_parent()
time.sleep(60)
"""


def gone(pid: int, seconds: float) -> bool:
    """Tell whether a process ends (or is but a zombie) within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
@pytest.mark.alone
def test_it_lives_as_long_as_its_parent_and_no_longer(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        assert not gone(child, 1.5)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert gone(child, 20)
    finally:
        parent.kill()
        parent.stdout.close()
        for pid in (child,):
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGKILL)


def test_it_looks_often_enough_for_a_batch_job(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    parents = iter([7, 7, 1])
    monkeypatch.setattr(interchange.os, "getppid", lambda: next(parents))
    monkeypatch.setattr(interchange.os, "_exit", ended.append)
    slept: list[float] = []
    monkeypatch.setattr(interchange.time, "sleep", slept.append)
    interchange._watch(7)
    assert ended == [1] and len(slept) == 2 and max(slept) <= 1.0
