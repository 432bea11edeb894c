"""The ledger: what a campaign has to do, what is done, and what a receipt proves.

A *task* is a plain description: what to do, with which settings, on which files. A *stage* is a list of
tasks that may run in any order. The ledger writes each stage's plan before it starts, so that ``status``
knows the totals, and keeps nothing else: what is done is read from the receipts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ...data.errors import FormatError
from ...data.receipts import Receipt, fingerprint, is_done, read_receipt
from ...data.store import FileRecord, is_temporary, read_json, write_json

LIBRARY_PREFIX = "@library/"
FOLLOWS = "follows"
"""Key of a task's runtime: what its receipt follows in the chain (``workflows.campaign.chain``)."""


COUNTED = (LIBRARY_PREFIX, "selections/", "shortlists/")
"""Inputs whose rows are what a task works on: a shard that is screened, a batch that is docked or predicted."""


class SettingsOfTask(Protocol):
    """What the ledger asks of a task's settings: JSON values, whose hash says whether a task is the same."""

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""


@dataclass(frozen=True)
class Task:
    """One unit of work: a shard, a batch of ligands, one training.

    Attributes
    ----------
    name : str
        Unique in the campaign, for example ``round-01/screen/shard-000000000000``.
    kind : str
        A key of ``workflows.tasks.run.KINDS``.
    settings : TaskSettings
        Everything that changes the result.
    inputs : tuple of FileRecord
        Relative to the campaign folder, or to the library where the path starts with ``@library/``.
    runtime : dict
        What does not change the result, such as where the library lies.
    """

    name: str
    kind: str
    settings: SettingsOfTask
    inputs: tuple[FileRecord, ...] = ()
    runtime: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Hash of kind, settings and the inputs' checksums."""
        return fingerprint(self.kind, self.settings.to_json(), self.inputs)

    @property
    def molecules(self) -> int:
        """How many molecules the task works on, one after the other; 0 for a task that is not counted in molecules."""
        return sum(record.rows or 0 for record in self.inputs if record.path.startswith(COUNTED))

    def locate(self, root: Path, record: FileRecord) -> Path:
        """Return where the input ``record`` lies."""
        if record.path.startswith(LIBRARY_PREFIX):
            return Path(self.runtime["library"]) / record.path.removeprefix(LIBRARY_PREFIX)
        return root / record.path


class Ledger:
    """Plans and receipts of the campaign folder ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def plan(self, stage: str, tasks: Sequence[Task]) -> None:
        """Write down the tasks of ``stage`` (a name such as ``round-01/screen``)."""
        wanted: dict[str, Any] = {"stage": stage, "tasks": [task.name for task in tasks]}
        if molecules := sum(task.molecules for task in tasks):
            wanted["molecules"] = molecules
        path = self._plan_path(stage)
        if self.plan_in(path) != wanted:
            write_json(path, wanted)

    def planned(self, stage: str) -> list[str]:
        """Return the task names of ``stage``; empty if it was never planned."""
        plan = self.plan_in(self._plan_path(stage))
        return [] if plan is None else list(plan["tasks"])

    def molecules(self, stage: str) -> int:
        """Return how many molecules the tasks of ``stage`` work on; 0 where its plan does not say."""
        plan = self.plan_in(self._plan_path(stage))
        return 0 if plan is None else int(plan.get("molecules", 0))

    def stages(self) -> list[str]:
        """Return every stage planned so far, in the order in which they run."""
        paths = [path for path in (self.root / "plan").glob("*.json") if not is_temporary(path)]
        return sorted((plan["stage"] for path in paths if (plan := self.plan_in(path))), key=stage_order)

    def plan_in(self, path: Path) -> dict[str, Any] | None:
        """Return the plan in a file; None where there is none, or it is damaged and says nothing."""
        try:
            plan = read_json(path)
            stage, tasks, molecules = plan["stage"], plan["tasks"], plan.get("molecules", 0)
        except (FormatError, OSError, KeyError, TypeError, AttributeError):
            return None
        whole = isinstance(tasks, list) and all(isinstance(task, str) for task in tasks)
        named = isinstance(stage, str) and path == self._plan_path(stage)
        return plan if whole and named and isinstance(molecules, int) else None

    def receipts(self, stage: str) -> Iterator[Receipt]:
        """Yield the receipts there are for the tasks of ``stage``, in plan order."""
        for name in self.planned(stage):
            receipt = read_own_receipt(self.root, name)
            if receipt is not None:
                yield receipt

    def outputs(self, stage: str, folder: str = "") -> list[FileRecord]:
        """Return the output files of the finished tasks of ``stage`` that lie under ``folder``."""
        return [
            output
            for receipt in self.receipts(stage)
            if receipt.done
            for output in receipt.outputs
            if output.path.startswith(folder)
        ]

    def finished(self, task: Task) -> Receipt | None:
        """Return the receipt of ``task`` if it is done as asked and its outputs are unaltered."""
        return is_done(self.root, task.name, task.fingerprint)

    def _plan_path(self, stage: str) -> Path:
        return self.root / "plan" / f"{stage.replace('/', '.')}.json"


STEPS = (
    "filter",
    "sample",
    "train",
    "label",
    "distil",
    "cut",
    "screen",
    "rank",
    "refine",
    "acquire",
    "select",
    "dock",
    "hits",
)


_ROLES = {"screen": "screen", "dock": "dock", "label": "dock", "refine": "dock", "filter": "dock"}


def read_own_receipt(root: Path, task: str) -> Receipt | None:
    """Return the receipt of a campaign's task; None also where it names files outside of the campaign."""
    receipt = read_receipt(root, task)
    return None if receipt is None or any(record.leads_out for record in receipt.outputs) else receipt


def role_of(kind: str) -> str:
    """Return the role of the workers that do tasks of ``kind`` (``hpc.sites.pool.ROLES``).

    Docking, the teacher's predictions and conditions on the library are many tasks of one core each. What is one task
    per stage runs where training does, since it uses the cores of a whole node.
    """
    return _ROLES.get(kind, "train")


def stage_order(stage: str) -> tuple[int, int]:
    """Return the place of ``stage`` in a campaign: by round, then by step; the final stages come last."""
    group, _, step = stage.partition("/")
    number = round_number(group)
    return (10**9 if number is None else number, STEPS.index(step) if step in STEPS else len(STEPS))


def round_name(number: int) -> str:
    """Return the folder name of a round, such as ``round-03``."""
    return f"round-{number:02d}"


def round_number(group: str) -> int | None:
    """Return the number of the round whose folder name is ``group``; None for ``final`` and others."""
    match = re.fullmatch(r"round-(\d+)", group)
    return int(match.group(1)) if match else None


def chooser(group: str) -> str:
    """Return the step that chooses what the group ``round-00`` ... or ``final`` docks."""
    return {"round-00": "sample", "final": "select"}.get(group, "acquire")
