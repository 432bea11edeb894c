"""Plans against receipts: which are missing, altered, made from something else, or out of the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...data.errors import FormatError
from ...data.receipts import RECEIPT_FORMAT, Receipt, receipt_path, seal_of
from ...data.store import is_temporary, read_json
from ...data.words import plural
from ..campaign.campaign import Campaign
from ..campaign.chain import BEFORE, beginning, link
from ..campaign.ledger import Task, stage_order
from .findings import COPY, Verification


def read_all(root: Path, found: Verification) -> dict[str, Receipt]:
    """Return every receipt that lies in the campaign by task; what cannot be read or is altered is noted."""
    receipts: dict[str, Receipt] = {}
    folder = root / "receipts"
    for path in sorted(folder.rglob("*.json")):
        if is_temporary(path):
            continue
        name, task = path.relative_to(root).as_posix(), path.relative_to(folder).with_suffix("").as_posix()
        try:
            value = read_json(path)
            receipt = Receipt.from_json(value)
        except (FormatError, AttributeError) as error:
            found.wrong("receipt", name, f"The receipt cannot be read: {error}")
            continue
        found.count("receipts")
        if receipt.format == RECEIPT_FORMAT and receipt.seal != seal_of(value):
            found.wrong("receipt", name, "The receipt was altered: it does not have its seal any more.", COPY)
        if receipt.task != task:
            found.wrong("receipt", name, f"The receipt is that of {receipt.task}.", "Remove it.")
            continue
        receipts[task] = receipt
    return receipts


def read_plans(root: Path, found: Verification) -> dict[str, list[str]]:
    """Return the tasks of every stage that was planned, stages in ledger order."""
    plans: dict[str, list[str]] = {}
    for path in sorted((root / "plan").glob("*.json")):
        if is_temporary(path):
            continue
        name = path.relative_to(root).as_posix()
        try:
            value = read_json(path)
            stage, tasks = str(value["stage"]), [str(task) for task in value["tasks"]]
        except (FormatError, KeyError, TypeError):
            found.wrong("plan", name, "The plan cannot be read.")
            continue
        if path.stem != stage.replace("/", "."):
            found.wrong("plan", name, f"The plan is that of {stage}.", "Remove it.")
            continue
        plans[stage] = tasks
    return {stage: plans[stage] for stage in sorted(plans, key=stage_order)}


def stages_now(
    campaign: Campaign,
    plans: Mapping[str, Sequence[str]],
    receipts: Mapping[str, Receipt],
    found: Verification,
) -> list[str]:
    """Return the stages to check: without the final ones where rounds were added since and are not done."""
    stages = campaign.stages()
    last, rounds = receipts.get("final/hits"), [stage for stage in stages if stage.startswith("round-")]
    tasks = [task for stage in rounds for task in plans.get(stage, ())]
    unfinished = any(task not in receipts for task in tasks)
    later = [task for task in tasks if task in receipts and last and receipts[task].finished > last.finished]
    if not (unfinished and later):
        return stages
    found.notes.append(
        "Rounds were added and are unfinished: what is final was made before them, and is not checked."
    )
    return rounds


def check_plans(
    campaign: Campaign,
    stages: Sequence[str],
    plans: Mapping[str, Sequence[str]],
    receipts: Mapping[str, Receipt],
    found: Verification,
) -> None:
    """Look for receipts that plans ask for and are not there, and for those that no plan asks for."""
    last = stages[-1] if stages else ""
    for stage, tasks in plans.items():
        if stage not in stages:
            continue  # of rounds that were given up
        lost = [task for task in tasks if task not in receipts]
        failed = [task for task in tasks if task in receipts and not receipts[task].done]
        if stage == last and lost:
            found.notes.append(
                f"{stage} is unfinished: no receipt of {len(lost)} of {plural(len(tasks), 'task')}."
            )
            if len(lost) == len(tasks) == 1:
                found.notes.append(f"There is no receipt of {lost[0]}.")
        else:
            for task in lost:
                found.wrong("receipt", _name(campaign, task), f"The receipt of {task} is missing.")
        for task in failed:
            failure = receipts[task].failure
            found.notes.append(f"{task} failed: {failure.message if failure else ''}")
    planned = {task for tasks in plans.values() for task in tasks}
    for task, receipt in receipts.items():
        if task in planned or task.startswith("retrain-"):
            continue
        if receipt.seal and receipt.follows:
            found.notes.append(f"{task} belongs to an earlier plan; nothing asks for it any more.")
        else:
            problem = f"No plan asks for the receipt of {task}."
            found.wrong(
                "extra",
                _name(campaign, task),
                problem,
                "Restore the plan from a copy, or remove the receipt.",
            )


def check_chain(
    campaign: Campaign,
    stages: Sequence[str],
    plans: Mapping[str, Sequence[str]],
    receipts: Mapping[str, Receipt],
    found: Verification,
) -> None:
    """Look whether every receipt follows the receipts before it."""
    wanted, before = beginning(campaign.state), "what the campaign began with"
    unchained = again = 0
    for stage in stages:
        mine = [receipts[task] for task in plans.get(stage, ()) if task in receipts]
        loose = [receipt.task for receipt in mine if receipt.follows and receipt.follows != wanted]
        chained = sum(bool(receipt.follows) for receipt in mine)
        unchained += len(mine) - chained
        again += sum(BEFORE in receipt.facts for receipt in mine)
        found.count("chained", chained - len(loose))
        if loose:
            shown = ", ".join(loose[:3]) + (f" and {len(loose) - 3} more" if len(loose) > 3 else "")
            problem = f"{shown}: what came before ({before}) was altered, removed or made anew since."
            found.wrong("chain", stage, problem, f"{COPY} Or submit again: what needs it is made anew.")
        if plans.get(stage):
            wanted, before = link(stage, mine), f"the receipts of {stage}"
    for task, receipt in receipts.items():
        if task.startswith("retrain-"):
            if receipt.follows and receipt.follows != beginning(campaign.state):
                found.wrong("chain", task, f"{task} belongs to another campaign.", COPY)
            unchained += not receipt.follows
    if unchained:
        found.count("unchained", unchained)
        found.notes.append(
            f"{plural(unchained, 'receipt')} not linked to the one before (unchained): an earlier version of docksieve "
            "wrote them. Their files are "
            "checked, the order of the receipts cannot be."
        )
    if again:
        found.notes.append(f"{plural(again, 'receipt')} linked again after earlier work was done again.")


def check_tasks(
    campaign: Campaign,
    stages: Sequence[str],
    plans: Mapping[str, Sequence[str]],
    receipts: Mapping[str, Receipt],
    rebuilt: Mapping[str, Sequence[Task]],
    found: Verification,
) -> None:
    """Compare plans and receipts with the tasks that the ledger gives."""
    for stage, tasks in rebuilt.items():
        if stage not in stages:
            if any(stage_order(other) > stage_order(stage) for other in stages):
                path = f"plan/{stage.replace('/', '.')}.json"
                found.wrong("plan", path, f"The plan of {stage} is missing.")
            continue
        names = [task.name for task in tasks]
        if list(plans.get(stage, ())) != names:
            path = f"plan/{stage.replace('/', '.')}.json"
            found.wrong("plan", path, f"The plan of {stage} names other tasks than its inputs give.")
        for task in tasks:
            receipt = receipts.get(task.name)
            if receipt is not None and receipt.done and receipt.fingerprint != task.fingerprint:
                found.wrong(
                    "fingerprint",
                    _name(campaign, task.name),
                    f"{task.name} was made from other settings or inputs than the campaign says now.",
                )


def _name(campaign: Campaign, task: str) -> str:
    return receipt_path(campaign.root, task).relative_to(campaign.root).as_posix()
