"""Running one task: inputs checked, the work done, outputs recorded, a receipt left, whatever happens.

A task is a plain function of a :class:`TaskContext` that returns an :class:`TaskOutcome`. It runs the same way in
a Parsl worker and in the driver. Its failure is a receipt too: what failed, on what, why, and whether
trying again can help.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import platform
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ...data.environment import FILE_PATIENCE
from ...data.errors import FormatError, LibraryError
from ...data.receipts import Failure, Receipt, Stopwatch, write_receipt
from ...data.store import record_file, sha256_file
from ...data.version import __version__
from ...hpc.nodes.devices import DeviceFault, pin_worker
from ..campaign.ledger import FOLLOWS, LIBRARY_PREFIX, Task
from .context import TaskContext, TaskOutcome

KINDS = {
    "filter": ".filtering:filter_shard",
    "sample": ".selection:sample",
    "rank": ".selection:rank",
    "acquire": ".selection:acquire_batch",
    "select": ".selection:select_final",
    "train": ".surrogates:train",
    "label": ".surrogates:label",
    "distil": ".surrogates:distil",
    "cut": ".cut:cut",
    "screen": ".surrogates:screen",
    "distil-factors": ".factors:distil_factors",
    "search": ".factors:search",
    "sample-products": ".space_products:sample_products",
    "label-products": ".space_products:label_products",
    "rank-products": ".space_products:rank_products",
    "rescore-products": ".space_products:rescore_products",
    "acquire-products": ".space_products:acquire_products",
    "refine": ".surrogates:refine",
    "dock": ".dock:dock",
    "hits": ".final:write_hits",
}
"""Where the function of each kind of task lies; imported when first needed."""
VERSIONED = ("numpy", "scipy", "pyarrow", "rdkit", "torch", "scikit-learn", "numba", "vina", "meeko")
"""Packages whose versions a receipt remembers."""


def run_task(root: str, task: Task, heard: Callable[[], None] | None = None) -> Receipt:
    """Run ``task`` in the campaign folder ``root``, leave its receipt there and return it.

    ``heard`` is called whenever a long task has told how far it is.

    Never raises for anything that goes wrong with the task itself: that is the receipt's ``failure``.
    """
    mine = pin_worker()  # before anything that drives devices is imported
    folder, watch, started = Path(root), Stopwatch(), time.time()
    try:
        with watch("check_inputs"):
            _check_inputs(folder, task)
        outcome = _function(task.kind)(TaskContext(folder, task, watch, heard))
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
            facts={**outcome.facts, **_place(), "started": started, "versions": present_versions()},
            device={**outcome.device, **_assigned(mine, outcome.device)},
            follows=task.runtime.get(FOLLOWS, ""),
        )
    except Exception as error:  # a failure is a receipt, not a lost exception
        receipt = failed_receipt(task, Failure.from_exception(error), watch.seconds, _place())
    write_receipt(folder, receipt)
    return receipt


@functools.cache
def present_versions() -> dict[str, str]:
    """Return the versions of what results depend on, as installed here."""
    found = {"docksieve": __version__, "python": platform.python_version()}
    for name in VERSIONED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _place() -> dict[str, Any]:
    """Return which worker pool of the site did the task, by the name that Parsl gave it."""
    manager = os.environ.get("PARSL_WORKER_POOL_ID", "")
    return {"manager": manager} if manager else {}


def _assigned(mine: Mapping[str, Any], used: Mapping[str, Any]) -> dict[str, Any]:
    """Return the device of this worker, for the receipt, after a look at the one that was used.

    Raises
    ------
    DeviceFault
        If it was another.
    """
    if not mine:
        return {}
    if used.get("uuid") and used["uuid"] != mine["uuid"]:
        raise DeviceFault(
            f"The worker was given device {mine['device']} (UUID {mine['uuid']}) and used UUID {used['uuid']}.",
            "Something set the visible devices again: look at the site's `setup` lines.",
        )
    return {"assigned": mine["device"], "uuid": mine["uuid"], "model": mine["model"]}


def failed_receipt(
    task: Task,
    failure: Failure,
    seconds: Mapping[str, float] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Receipt:
    """Return the receipt of a task that failed."""
    return Receipt(
        task=task.name,
        kind=task.kind,
        fingerprint=task.fingerprint,
        inputs=task.inputs,
        seconds=seconds or {},
        facts=facts or {},
        failure=failure,
        follows=task.runtime.get(FOLLOWS, ""),
    )


def _function(kind: str) -> Callable[[TaskContext], TaskOutcome]:
    module, name = KINDS[kind].split(":")
    return getattr(importlib.import_module(module, __package__), name)


def _check_inputs(root: Path, task: Task) -> None:
    for record in task.inputs:
        path = task.locate(root, record)
        of_library = record.path.startswith(LIBRARY_PREFIX)
        kind = LibraryError if of_library else FormatError
        cure = "Restore it from a copy and submit again." if of_library else "Submit again: it is made anew."
        _await(path, record.bytes)
        if not path.is_file():
            raise kind(f"{path} is missing, and {task.name} needs it.", cure)
        if path.stat().st_size != record.bytes or sha256_file(path) != record.sha256:
            what = "the library was built" if of_library else "its receipt was written"
            raise kind(
                f"{path} was altered since {what}; {task.name} will not use it.",
                cure,
            )


def _await(path: Path, size: int) -> None:
    """Give a file of another node the time to appear here: some file systems show it seconds after it was renamed."""
    until = time.monotonic() + float(os.environ.get(FILE_PATIENCE, "0"))
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if path.stat().st_size == size:
                return
            list(path.parent.iterdir())  # makes a network file system look again
        time.sleep(0.5)
