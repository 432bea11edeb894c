"""Stages done again from the ledger alone, in a temporary folder, their outputs compared with the campaign's.

The folder is a copy of the campaign made of links, with the outputs of the task in hand left out: files are only ever
written whole and renamed, so a link is replaced and never written through.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ...data.errors import CampaignError
from ...data.receipts import Receipt, plain_json, receipt_path
from ...data.store import is_temporary, sha256_file, write_json
from ..campaign.campaign import Campaign
from ..campaign.ledger import Task
from ..tasks.run import run_task
from .compare import differences, values
from .files import OWNED
from .findings import Repeated

MIRRORED = (*OWNED, "plan", "receipts")
ALL = "all"


def stages_to_repeat(names: Sequence[str], stages: Sequence[str]) -> list[str]:
    """Return the stages that ``names`` ask for (names of stages, or ``all``).

    Raises
    ------
    CampaignError
        If there is no such stage.
    """
    if ALL in names:
        return list(stages)
    for name in names:
        if name not in stages:
            raise CampaignError(
                f"The campaign has no finished stage {name!r} to repeat.",
                f"It has: {', '.join(stages) or 'none yet'}; or give all.",
            )
    return [stage for stage in stages if stage in names]


def repeat(
    campaign: Campaign, tasks: Sequence[Task], receipts: Mapping[str, Receipt], folder: Path | None = None
) -> Iterator[Repeated]:
    """Do ``tasks`` again, each from the campaign's own files, and compare what comes out.

    Parameters
    ----------
    campaign : Campaign
    tasks : sequence of Task
        Finished ones.
    receipts : mapping of str to Receipt
        Of these tasks.
    folder : Path, optional
        Where the temporary folder is made; the system's place for such by default.
    """
    place = Path(tempfile.mkdtemp(prefix="docksieve-verify-", dir=folder)).resolve()
    try:
        _mirror(campaign, place)
        for task in tasks:
            yield _repeat(campaign, place, task, receipts[task.name])
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _mirror(campaign: Campaign, place: Path) -> None:
    for name in MIRRORED:
        for folder, _, files in os.walk(campaign.root / name):
            inside = place / Path(folder).relative_to(campaign.root)
            inside.mkdir(parents=True, exist_ok=True)
            for file in files:
                if not is_temporary(file):
                    (inside / file).symlink_to(Path(folder) / file)
    library = {**campaign.state["library"], "path": str(campaign.library_path.resolve())}
    write_json(place / "campaign.json", {**campaign.state, "library": library})


def _repeat(campaign: Campaign, place: Path, task: Task, before: Receipt) -> Repeated:
    mine = [record.path for record in before.outputs]
    for path in mine:
        (place / path).unlink(missing_ok=True)
    after = run_task(str(place), task)
    try:
        if after.failure is not None:
            return Repeated(task.name, False, False, (f"it failed: {after.failure.message}",))
        return _compared(campaign.root, place, before, after)
    finally:
        for path in {*mine, *(record.path for record in after.outputs)}:
            (place / path).unlink(missing_ok=True)
            if (campaign.root / path).is_file():
                (place / path).symlink_to(campaign.root / path)
        receipt = receipt_path(place, task.name)
        receipt.unlink(missing_ok=True)
        receipt.symlink_to(receipt_path(campaign.root, task.name))


def _compared(root: Path, place: Path, before: Receipt, after: Receipt) -> Repeated:
    """Compare what a task made with the files of the campaign, or with its records where a file is altered."""
    said: list[str] = []
    identical = True
    made = {record.path: record for record in after.outputs}
    for record in before.outputs:
        new = made.pop(record.path, None)
        if new is None:
            said.append(f"{record.path} was not made")
        elif new.sha256 != record.sha256:
            identical = False
            kept = root / record.path
            if kept.is_file() and sha256_file(kept) == record.sha256:
                said += [f"{record.path}: {text}" for text in differences(kept, place / record.path)]
            else:
                said.append(f"{record.path}: the file kept is not the one recorded; nothing to compare with")
    said += [f"{path} was made, and was not before" for path in made]
    said += [f"facts: {text}" for text in values(plain_json(before.facts), plain_json(after.facts))]
    return Repeated(before.task, identical and not said, not said, tuple(said))
