"""What a library build shows while it runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any


class Reporter:
    """A progress bar and remarks on standard error; silent if not wanted.

    Parameters
    ----------
    show : bool
    """

    def __init__(self, show: bool) -> None:
        self._show = show
        self._progress: Any = None
        self._task: Any = None
        self._count = 0

    def __enter__(self) -> Reporter:
        if self._show:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                Progress,
                SpinnerColumn,
                TaskProgressColumn,
                TextColumn,
                TimeElapsedColumn,
            )

            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                TimeElapsedColumn(),
                console=Console(stderr=True, markup=False, emoji=False, highlight=False),
            )
            self._progress.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def say(self, text: str) -> None:
        """Print a remark above the bar."""
        if self._progress is not None:
            self._progress.console.print(text, soft_wrap=True)

    @contextlib.contextmanager
    def stage(self, title: str, total: int) -> Iterator[None]:
        """Show a bar of ``total`` units (0: unknown) for the block."""
        self._count, self._start = 0, time.perf_counter()
        if self._progress is not None:
            self._task = self._progress.add_task(title, total=total or None, note="")
        yield
        if self._progress is not None:
            self._progress.update(self._task, completed=total or 1, total=total or 1)

    def position(self, completed: int) -> None:
        """Move the bar."""
        if self._progress is not None:
            self._progress.update(self._task, completed=completed)

    def molecules(self, more: int) -> None:
        """Add molecules to the count beside the bar."""
        self._count += more
        if self._progress is not None:
            rate = self._count / max(time.perf_counter() - self._start, 1e-9)
            self._progress.update(self._task, note=f"{self._count:,} records, {rate:,.0f}/s")
