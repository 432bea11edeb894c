"""How far tasks in flight are: one byte per finished molecule, in a file per task.

A receipt says what a task did when it has ended. A docking of a hundred ligands may take an hour before that, so the
worker leaves a mark of what is behind it, ``CAMPAIGN/running/TASK``, and removes it at its end. The size of the file is
the whole message: appending is one small operation for a file system that many nodes share, and there is no instant at
which it could be read half written.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

FOLDER = "running"
EVERY_SECONDS = 5.0
"""A worker writes no more often, however fast it docks: a shared file system has many to serve."""


class UnderWay:
    """Tells how many molecules of a task are done. Nothing depends on it: a full disk does not stop a docking.

    Parameters
    ----------
    root : Path
        The campaign's folder.
    task : str
    heard : callable, optional
        Called after each time it was written.
    """

    def __init__(self, root: Path, task: str, heard: Callable[[], None] | None = None) -> None:
        self._path = _path(root, task)
        self._heard = heard
        self._unwritten = 0
        self._written = time.monotonic()

    def molecule_done(self) -> None:
        """Count one molecule more."""
        self._unwritten += 1
        if time.monotonic() - self._written < EVERY_SECONDS:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            with self._path.open("ab") as marks:
                marks.write(b"." * self._unwritten)
            self._unwritten = 0
        self._written = time.monotonic()
        if self._heard is not None:
            self._heard()

    def __enter__(self) -> UnderWay:
        """Forget what an earlier try of the task left."""
        self._remove()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave nothing: the receipt says the rest."""
        self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def molecules_under_way(root: Path, tasks: Iterable[str]) -> dict[str, int]:
    """Return how many molecules are done already of those of ``tasks`` that have told, none of which has ended."""
    try:
        sizes = {item.name: item.stat().st_size for item in os.scandir(root / FOLDER)}
    except OSError:  # nothing runs, or a file was removed in this instant: the next look counts
        return {}
    names = {task: _path(root, task).name for task in tasks}
    return {task: sizes[name] for task, name in names.items() if name in sizes}


def clear_under_way(root: Path) -> None:
    """Remove what workers that were killed have left."""
    with contextlib.suppress(OSError):
        for item in (root / FOLDER).iterdir():
            item.unlink(missing_ok=True)
        (root / FOLDER).rmdir()


def _path(root: Path, task: str) -> Path:
    return root / FOLDER / task.replace("/", ".")
