"""The supervised child process that AutoDock Vina and RDKit run in.

Vina's library calls ``exit``, aborts, segfaults, and holds the interpreter's lock while it searches; making
conformers can hang. So both run in a child, and the parent keeps the clock: JSON lines go to the child's
standard input and come back over a pipe of their own, and a child that passes its deadline is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from typing import Any

from ...data.errors import DockingError
from .engine import DockingOutcome, Pose
from .failures import FailureCode

START_LIMIT = 180.0
"""Seconds for a child to import its libraries and compute the maps of a large box on a busy machine."""
KEPT_CHILDREN = 2
"""Children kept per worker process: each holds the maps of one receptor (up to half a GiB)."""


class ChildDied(Exception):
    """The child ended by itself."""

    def __init__(self, how: str, stage: str, last_words: str) -> None:
        super().__init__(
            f"the docking process {how} during {stage}" + (f": {last_words}" if last_words else "")
        )


class DeadlinePassed(Exception):
    """The child was killed because a stage took too long."""

    def __init__(self, stage: str, limit: float) -> None:
        super().__init__(f"{stage} took longer than {limit:g} s")
        self.stage = stage


class Child:
    """One child process; with a receptor loaded if ``setup`` names one.

    Parameters
    ----------
    setup : mapping
        What the child is for: the keys of :func:`.vina.child_setup`, or empty for preparation only.

    Attributes
    ----------
    starts : int
        How often a process was started; the first is not a restart.
    versions : dict
        Versions of the libraries that the child runs.
    stage : str
        What it is doing: ``prepare``, ``search``, or empty while nothing is asked of it.
    """

    def __init__(self, setup: Mapping[str, Any]) -> None:
        self.setup = dict(setup)
        self.starts = 0
        self.versions: dict[str, str] = {}
        self.stage = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child, closed by close()
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Process id while the child is alive."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process if none is alive, load the receptor and compute its maps.

        Raises
        ------
        DockingError
            If the receptor cannot be loaded; no ligand could then be docked.
        """
        if self.pid is not None:
            return
        try:
            self._start_once()
        except (ChildDied, DeadlinePassed):  # killed for memory, perhaps: what is wrong with it recurs
            try:
                self._start_once()
            except (ChildDied, DeadlinePassed) as error:
                raise DockingError(
                    f"The docking process cannot start: {error}.",
                    "Check the receptor with 'docksieve receptor show', and that vina, meeko and rdkit import.",
                ) from None

    def _start_once(self) -> None:
        self.kill()
        self._buffer = b""
        # -P: nothing in the working directory is ever imported in place of a library.
        command = [sys.executable, "-P", "-m", "docksieve.screening.docking.vina_child", str(os.getpid())]
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, **one},
        )
        self.starts += 1
        self._send({"op": "open", **self.setup})
        reply = self._receive(START_LIMIT, "start")
        if reply["event"] != "ready":
            raise DockingError(f"The docking process cannot load its receptor: {reply.get('message')}.")
        self.versions = reply["versions"]

    def ask(self, request: Mapping[str, Any], limits: Mapping[str, float]) -> dict[str, Any]:
        """Send ``request`` and return the child's answer.

        Parameters
        ----------
        request : mapping
        limits : mapping of str to float
            Seconds that each stage may take: ``prepare`` first, then whatever the child announces. Each
            announcement starts the clock anew.

        Raises
        ------
        ChildDied, DeadlinePassed
            The child is then gone; the next call starts another.
        """
        with self._lock:
            self.start()
            self._stderr.seek(0)
            self._stderr.truncate()
            self.stage = "prepare"
            try:
                self._send(request)
                while True:
                    reply = self._receive(limits[self.stage], self.stage)
                    if reply["event"] != "stage":
                        return reply
                    self.stage = reply["stage"]
            except BaseException:
                self.kill()  # also after Ctrl-C: its late answer must not be taken for that of the next ligand
                raise
            finally:
                self.stage = ""

    def _send(self, request: Mapping[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the child is dead; reading its answer tells how

    def _receive(self, limit: float, stage: str) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        deadline = time.monotonic() + limit
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                self.kill()
                raise DeadlinePassed(stage, limit)
            if not select.select([pipe], [], [], min(left, 60.0))[0]:
                continue
            piece = os.read(pipe, 1 << 20)
            if not piece:
                raise ChildDied(self._how_it_ended(), stage, self._last_words())
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _how_it_ended(self) -> str:
        assert self._process is not None
        code = self._process.wait()
        self.kill()
        if code >= 0:
            return f"ended with exit code {code}"
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"

    def _last_words(self) -> str:
        self._stderr.seek(0)
        lines = [
            line.strip()
            for line in self._stderr.read().decode("utf-8", "replace").splitlines()
            if line.strip()
        ]
        return lines[-1][:300] if lines else ""

    def kill(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def close(self) -> None:
        """End the process and forget it for good."""
        self.kill()
        self._stderr.close()


def outcome_of(
    child: Child, request: Mapping[str, Any], limits: Mapping[str, float]
) -> tuple[DockingOutcome, int]:
    """Ask ``child`` to dock one ligand and return what came of it, and how often it crashed.

    A crash is tried once more in a fresh process (it may have been the machine's); a second one, or a
    deadline, is the ligand's failure.
    """
    crashes = 0
    while True:
        child.start()  # a restart is not the ligand's time
        started = time.perf_counter()
        try:
            reply = child.ask(request, limits)
            break
        except ChildDied as error:
            crashes += 1
            if crashes == 2:
                return _failure(FailureCode.CRASH, str(error), request, started), crashes
        except DeadlinePassed as error:
            code = FailureCode.EMBED_TIMEOUT if error.stage == "prepare" else FailureCode.TIMEOUT
            return _failure(code, str(error), request, started), crashes
    seconds = time.perf_counter() - started
    if reply["event"] == "failure":
        return _failure(
            FailureCode(reply["code"]), reply["message"], request, started, reply.get("state")
        ), crashes
    poses = tuple(Pose(score, block) for score, block in reply["poses"])
    outcome = DockingOutcome(
        score=reply["score"],
        state=reply["state"],
        conformer_seed=request["conformer_seed"],
        search_seed=request["search_seed"],
        seconds=seconds,
        cpu_seconds=reply["cpu_seconds"],
        poses=poses,
    )
    return outcome, crashes


def _failure(
    code: FailureCode, message: str, request: Mapping[str, Any], started: float, state: str | None = None
) -> DockingOutcome:
    return DockingOutcome(
        failure=code,
        message=message,
        state=state,
        conformer_seed=request["conformer_seed"],
        search_seed=request["search_seed"],
        seconds=time.perf_counter() - started,
    )


_children: dict[tuple[int, str], Child] = {}


def kept_child(setup: Mapping[str, Any]) -> Child:
    """Return this process's child for ``setup``; started on first use, kept for the following batches.

    The least recently used is closed when there are more than :data:`KEPT_CHILDREN`.
    """
    key = (os.getpid(), json.dumps(setup, sort_keys=True))  # a forked process must not share pipes
    child = _children.pop(key, None) or Child(setup)
    _children[key] = child
    mine = [k for k in _children if k[0] == os.getpid()]
    for old in mine[: max(0, len(mine) - KEPT_CHILDREN)]:
        _children.pop(old).close()
    return child


def close_children() -> None:
    """End every kept child of this process."""
    for key in [k for k in _children if k[0] == os.getpid()]:
        _children.pop(key).close()


atexit.register(close_children)
