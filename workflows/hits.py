"""Hits of a campaign: where its files lie, and the task that writes the final list."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from ..data.errors import InputError
from ..data.store import write_table
from ..screening.hits import HitSources, RankBy, failed_dockings, ranked_hits
from .folder import Campaign, open_campaign
from .ledger import Ledger
from .tasks import Context, Outcome


def hits(
    campaign: str | Path | Campaign,
    top: int | None = 100,
    target: str | None = None,
    where: str | None = None,
    by: RankBy = "auto",
) -> pa.Table:
    """Return the ranked hits of a campaign, finished or still running.

    Parameters
    ----------
    campaign : path or Campaign
    top : int or None
        How many per target; None for all.
    target : str, optional
        One target; all of them, one after the other, if not given.
    where : str, optional
        An SQL condition on the columns (``screening.hits.HIT_COLUMNS``).
    by : str
        ``auto``, ``final``, ``docked`` or ``predicted``.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    InputError
        If the target or the condition is wrong.
    """
    opened = campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
    names = _chosen_targets(opened, target)
    return pa.concat_tables([ranked_hits(hit_sources(opened, name), top, by, where) for name in names])


def failures(campaign: str | Path | Campaign, target: str | None = None) -> pa.Table:
    """Return every docking of a campaign that gave no score, with its reason."""
    opened = campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
    names = _chosen_targets(opened, target)
    return pa.concat_tables([failed_dockings(hit_sources(opened, name)) for name in names])


def _chosen_targets(campaign: Campaign, target: str | None) -> list[str]:
    if target is None:
        return list(campaign.targets)
    if target not in campaign.targets:
        known = ", ".join(campaign.targets)
        raise InputError(f"The campaign has no target {target!r}.", f"It has: {known}.")
    return [target]


def hit_sources(campaign: Campaign, target: str) -> HitSources:
    """Return the files of ``target`` that are finished by now."""
    ledger, root = campaign.ledger, campaign.root
    docked: dict[int, list[Path]] = {}
    refined: dict[int, list[Path]] = {}
    selections: list[Path] = []
    models: dict[int, str] = {}
    for stage in ledger.stages():
        group, _, step = stage.partition("/")
        number = _round_number(group)
        if number is None:
            continue
        if step == "dock":
            docked[number] = _paths(ledger, root, stage, f"scores/{group}/{target}/")
        elif step == "refine":
            refined[number] = _paths(ledger, root, stage, "refined/")
        elif step in ("sample", "acquire"):
            selections += _paths(ledger, root, stage, f"selections/{group}/{target}/")
        elif step == "train":
            models[number] = next((str(r.facts["model"]) for r in ledger.receipts(stage) if r.done), "")
    return HitSources(
        target=target,
        unit=campaign.targets[target]["unit"],
        lower_is_better=campaign.targets[target]["lower_is_better"],
        docked=docked,
        final=_paths(ledger, root, "final/dock", f"scores/final/{target}/"),
        refined=refined,
        selections=selections,
        models=models,
    )


def _paths(ledger: Ledger, root: Path, stage: str, folder: str) -> list[Path]:
    return [root / record.path for record in ledger.outputs(stage, folder)]


def _round_number(group: str) -> int | None:
    match = re.fullmatch(r"round-(\d+)", group)
    return int(match.group(1)) if match else None


def write_hits(context: Context) -> Outcome:
    """Write all hits of the finished campaign, so that they can be copied and compared as one file."""
    table = hits(open_campaign(context.root), top=None)
    path = context.root / "hits" / "hits.parquet"
    write_table(path, table)
    return Outcome(table.num_rows, table.num_rows, (path,))
