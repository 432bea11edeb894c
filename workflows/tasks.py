"""Running one task: inputs checked, the work done, outputs recorded, a receipt left, whatever happens.

A task is a plain function of a :class:`Context` that returns an :class:`Outcome`. It runs the same way in
a Parsl worker and in the driver. Its failure is a receipt too: what failed, on what, why, and whether
trying again can help.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..data.errors import FormatError, LibraryError
from ..data.receipts import Failure, Receipt, Stopwatch, write_receipt
from ..data.store import record_file, sha256_file
from .ledger import LIBRARY_PREFIX, Task

KINDS = {
    "sample": ".choosing:sample",
    "rank": ".choosing:rank",
    "acquire": ".choosing:acquire_batch",
    "select": ".choosing:select_final",
    "train": ".learning:train",
    "label": ".learning:label",
    "distil": ".learning:distil",
    "cut": ".cutting:cut",
    "screen": ".learning:screen",
    "refine": ".learning:refine",
    "dock": ".dock_task:dock",
    "hits": ".hits:write_hits",
}
"""Where the function of each kind of task lies; imported when first needed."""


@dataclass(frozen=True)
class Context:
    """What a task function is given.

    Attributes
    ----------
    root : Path
        The campaign folder.
    task : Task
    watch : Stopwatch
        For seconds by stage.
    """

    root: Path
    task: Task
    watch: Stopwatch

    @property
    def settings(self) -> Mapping[str, Any]:
        """The task's settings."""
        return self.task.settings

    @property
    def runtime(self) -> Mapping[str, Any]:
        """What does not change the result."""
        return self.task.runtime

    def inputs(self, folder: str = "") -> list[Path]:
        """Return the paths of the inputs whose record lies under ``folder``."""
        return [
            self.task.locate(self.root, record)
            for record in self.task.inputs
            if record.path.startswith(folder)
        ]


@dataclass(frozen=True)
class Outcome:
    """What a task function returns: counts, and the files it made."""

    rows_in: int = 0
    rows_out: int = 0
    outputs: tuple[Path, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


def run_task(root: str, task: Task) -> Receipt:
    """Run ``task`` in the campaign folder ``root``, leave its receipt there and return it.

    Never raises for anything that goes wrong with the task itself: that is the receipt's ``failure``.
    """
    folder, watch, started = Path(root), Stopwatch(), time.time()
    try:
        with watch("check_inputs"):
            _check_inputs(folder, task)
        outcome = _function(task.kind)(Context(folder, task, watch))
        with watch("record_outputs"):
            outputs = tuple(record_file(path, folder) for path in outcome.outputs)
        receipt = Receipt(
            task=task.name,
            kind=task.kind,
            fingerprint=task.fingerprint,
            rows_in=outcome.rows_in,
            rows_out=outcome.rows_out,
            inputs=task.inputs,
            outputs=outputs,
            seconds={**watch.seconds, **outcome.seconds, "total": watch.seconds["total"]},
            counts=outcome.counts,
            facts={**outcome.facts, "started": started},
            device=outcome.device,
        )
    except Exception as error:  # a failure is a receipt, not a lost exception
        receipt = failed_receipt(task, Failure.from_exception(error), watch.seconds)
    write_receipt(folder, receipt)
    return receipt


def failed_receipt(task: Task, failure: Failure, seconds: Mapping[str, float] | None = None) -> Receipt:
    """Return the receipt of a task that failed."""
    return Receipt(
        task=task.name,
        kind=task.kind,
        fingerprint=task.fingerprint,
        inputs=task.inputs,
        seconds=seconds or {},
        failure=failure,
    )


def _function(kind: str) -> Callable[[Context], Outcome]:
    module, name = KINDS[kind].split(":")
    return getattr(importlib.import_module(module, __package__), name)


def _check_inputs(root: Path, task: Task) -> None:
    for record in task.inputs:
        path = task.locate(root, record)
        of_library = record.path.startswith(LIBRARY_PREFIX)
        kind = LibraryError if of_library else FormatError
        cure = "Restore it from a copy and submit again." if of_library else "Submit again: it is made anew."
        if not path.is_file():
            raise kind(f"{path} is missing, and {task.name} needs it.", cure)
        if path.stat().st_size != record.bytes or sha256_file(path) != record.sha256:
            what = "the library was built" if of_library else "its receipt was written"
            raise kind(
                f"{path} was altered since {what}; {task.name} will not use it.",
                cure,
            )
