"""Vina's child process: killed, interrupted, orphaned, replaced; scores stay the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from docksieve.screening.docking import vina, vina_process
from docksieve.screening.docking.dock import (
    Ligand,
    SearchSettings,
    freeze_target,
)

from .vina_targets import IMATINIB, dock, ligands, target

pytestmark = pytest.mark.alone


class Killer(threading.Thread):
    """Kills this process's docking children while they search, a number of times."""

    def __init__(self, times: int, how: int = signal.SIGKILL) -> None:
        super().__init__(daemon=True)
        self.times, self.how, self.killed = times, how, []
        self.stop = threading.Event()

    def run(self) -> None:
        while len(self.killed) < self.times and not self.stop.wait(0.01):
            for child in list(vina_process._children.values()):
                pid = child.pid
                if pid and pid not in self.killed and child.stage == "search":
                    os.kill(pid, self.how)
                    self.killed.append(pid)


@pytest.mark.slow
@pytest.mark.parametrize(("times", "how"), [(1, signal.SIGKILL), (2, signal.SIGSEGV)])
def test_a_crash_is_tried_once_more_and_then_a_row(folder: Path, times: int, how: int) -> None:
    search = SearchSettings(exhaustiveness=8, max_evals=20_000)
    spec = freeze_target("crash", target(search=search), folder, Path())
    batch = [Ligand(None, "x", IMATINIB), *ligands("phenethylamine")]
    undisturbed = dock(spec, folder, batch).scores.to_pylist()
    killer = Killer(times, how)
    killer.start()
    disturbed = dock(spec, folder, batch)
    killer.stop.set()
    killer.join()
    rows = disturbed.scores.to_pylist()
    assert len(killer.killed) == times
    assert disturbed.counts["crashes"] == times
    assert disturbed.counts["restarts"] == times
    if times == 1:
        assert [row["score"] for row in rows] == [row["score"] for row in undisturbed]
    else:
        assert rows[0]["failure"] == "crash"
        assert "SIGSEGV" in rows[0]["message"]
        assert rows[1]["score"] == undisturbed[1]["score"]


def test_a_child_that_died_between_batches_is_replaced(spec: dict[str, Any], folder: Path) -> None:
    first = dock(spec, folder, ligands("aspirin")).scores.to_pylist()
    for child in vina_process._children.values():
        if child.pid:
            os.kill(child.pid, signal.SIGKILL)
        while child.pid:
            time.sleep(0.01)
    again = dock(spec, folder, ligands("aspirin"))
    assert again.scores.to_pylist()[0]["score"] == first[0]["score"]
    assert again.counts["crashes"] == 0


class Interrupted(BaseException):
    """What Ctrl-C raises, under a name that pytest does not take for its own."""


def test_an_interrupted_search_does_not_answer_for_the_next_ligand(folder: Path) -> None:
    def interrupt(signum: int, frame: object) -> None:
        raise Interrupted

    long = freeze_target("interrupted", target(search=SearchSettings(64, 0)), folder, Path())
    child = vina.child_for(long, folder, "EGFR", 7)
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(Interrupted):
            dock(long, folder, [Ligand(None, "x", IMATINIB)])
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert child.pid is None
    row = dock(long, folder, [Ligand(None, "y", "garbage")]).scores.to_pylist()[0]
    assert row["failure"] == "parse"


def test_the_child_ends_with_its_input() -> None:
    command = [sys.executable, "-P", "-m", "docksieve.screening.docking.vina_child", str(os.getpid())]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"")


def test_what_c_code_prints_stays_out_of_the_protocol() -> None:
    code = (
        "import os; from docksieve.screening.docking.vina_child import _claim_stdout; "
        "replies = _claim_stdout(); os.write(1, b'noise from C'); replies.write(b'reply'); replies.flush()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.stdout == b"reply"
    assert b"noise from C" in done.stderr


ORPHAN = """
import os, signal, sys
from pathlib import Path
from docksieve.screening.docking.vina_process import Child
child = Child({})
child.start()
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_child_dies_with_its_parent() -> None:
    done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return
        if state == "Z":  # dead, waiting for whoever adopted it
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the child outlived its parent")
