"""What a task function is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from ...data.receipts import Stopwatch
from ..campaign.ledger import Task
from ..campaign.under_way import UnderWay
from .settings import TaskSettings

Settings = TypeVar("Settings", bound=TaskSettings)


@dataclass(frozen=True)
class TaskContext(Generic[Settings]):
    """What a task function is given; its type says which settings it takes.

    Attributes
    ----------
    root : Path
        The campaign folder.
    task : Task
    watch : Stopwatch
        For seconds by stage.
    heard : callable, optional
        Called whenever the task has told how far it is.
    """

    root: Path
    task: Task
    watch: Stopwatch
    heard: Callable[[], None] | None = None

    @property
    def settings(self) -> Settings:
        """The task's settings."""
        return cast(Settings, self.task.settings)

    @property
    def runtime(self) -> Mapping[str, Any]:
        """What does not change the result."""
        return self.task.runtime

    def under_way(self) -> UnderWay:
        """Return what counts the molecules that are done, for those who watch; to be used in a ``with``."""
        return UnderWay(self.root, self.task.name, self.heard)

    def inputs(self, folder: str = "") -> list[Path]:
        """Return the paths of the inputs whose record lies under ``folder``."""
        return [
            self.task.locate(self.root, record)
            for record in self.task.inputs
            if record.path.startswith(folder)
        ]


@dataclass(frozen=True)
class TaskOutcome:
    """What a task function returns: counts, and the files it made."""

    rows_in: int = 0
    rows_out: int = 0
    outputs: tuple[Path, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
