"""Whether a campaign's folder is what its tasks left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ...data.errors import CampaignError, FormatError
from ...data.receipts import Receipt
from ..campaign.campaign import open_campaign
from ..campaign.driver import is_driven
from ..campaign.ledger import Task
from ..controls.plan import FILE, read_plan, unaltered
from ..tasks.run import present_versions
from .files import check_files, check_library, check_models, records_of
from .findings import COPY, Verification
from .rebuild import rebuild
from .receipts import check_chain, check_plans, check_tasks, read_all, read_plans, stages_now
from .rerun import repeat, stages_to_repeat


def verify(
    campaign: str | Path,
    rerun: Sequence[str] = (),
    *,
    deep: bool = False,
    folder: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Check a campaign: receipts, their chain, files, library, models; repeat stages if asked. Writes nothing there.

    Parameters
    ----------
    campaign : path
        Its folder or its TOML file.
    rerun : sequence of str
        Stages to repeat from the ledger alone, such as ``round-01/screen``, or ``all``.
    deep : bool
        Read every shard of the library.
    folder : Path, optional
        Where the temporary folder of repeated stages is made.
    progress : callable, optional
        Told what is looked at.

    Returns
    -------
    Verification
        ``ok`` is whether nothing is wrong; ``findings`` name each file at fault, with the cure.

    Raises
    ------
    CampaignError
        If there is no campaign, it is running, or it has no such stage.

    Examples
    --------
    >>> found = docksieve.verify("campaign")
    >>> found.ok, found.complete, found.findings
    (True, True, [])
    """
    opened, tell = open_campaign(campaign), progress or (lambda _: None)
    if is_driven(opened.root):
        raise CampaignError(
            f"The campaign in {opened.root} is running: its files change while they are read.",
            "Verify it when it has ended, or a copy of it.",
        )
    found = Verification(opened.root)
    tell("receipts")
    receipts = read_all(opened.root, found)
    plans = read_plans(opened.root, found)
    last = receipts.get("final/hits")
    found.complete = last is not None and last.done
    stages = stages_now(opened, plans, receipts, found)
    found.complete = found.complete and "final/hits" in stages
    check_plans(opened, stages, plans, receipts, found)
    check_chain(opened, stages, plans, receipts, found)
    _plan(opened.root, found)
    tell("library")
    library = check_library(opened, deep, found)
    tasks: dict[str, list[Task]] = {}
    if library is not None:
        tasks, reason = rebuild(opened, library)
        check_tasks(opened, stages, plans, receipts, tasks, found)
        if reason:
            found.wrong("plan", "receipts", f"The tasks cannot be made from the ledger any more ({reason}).")
    tell("files")
    check_files(opened.root, records_of(opened, receipts.values()), found)
    tell("models")
    check_models(opened.root, found)
    _versions(opened.state.get("docksieve", ""), receipts.values(), found)
    if rerun and library is not None:
        done = {
            stage: listed
            for stage, listed in tasks.items()
            if listed and all(task.name in receipts and receipts[task.name].done for task in listed)
        }
        for stage in stages_to_repeat(rerun, list(done)):
            tell(f"{stage}, again")
            for repeated in repeat(opened, done[stage], receipts, folder):
                found.repeated.append(repeated)
                if not repeated.equal:
                    problem = f"Done again, it gave something else: {'; '.join(repeated.differences[:4])}."
                    cure = "Compare versions and machine with those recorded; altered files are named above."
                    found.wrong("rerun", repeated.task, problem, cure)
    return found


def _plan(root: Path, found: Verification) -> None:
    """Look whether the analysis plan, if there is one, is as it was written."""
    try:
        plan = read_plan(root)
        if plan is not None and not unaltered(plan):
            found.wrong("file", FILE, "The analysis plan was altered after it was written.", COPY)
    except FormatError as error:
        found.wrong("file", FILE, error.message, COPY)


def _versions(began: str, receipts: Iterable[Receipt], found: Verification) -> None:
    """Compare the versions that receipts remember with those here; what differs is a note."""
    present = present_versions()
    recorded: dict[str, Counter[str]] = {}
    for receipt in receipts:
        for name, version in receipt.facts.get("versions", {}).items():
            recorded.setdefault(name, Counter())[str(version)] += 1
    if not recorded:
        recorded = {"docksieve": Counter({began: 0})}
    for name, versions in recorded.items():
        found.versions[name] = {"recorded": dict(versions), "present": present.get(name)}
        if set(versions) != {present.get(name)}:
            said = ", ".join(sorted(versions))
            found.notes.append(f"{name} was {said} and is {present.get(name) or 'not installed'} here.")
