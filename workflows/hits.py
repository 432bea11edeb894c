"""Hits of a campaign: where its files lie, and the task that writes the final list."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pyarrow as pa

from ..data.errors import InputError
from ..data.store import write_table
from ..screening.hits import HitSources, RankBy, failed_dockings, ranked_hits
from .folder import Campaign, open_campaign
from .ledger import chooser, round_number
from .screened import screened
from .status import Standing
from .tasks import Context, Outcome


def hits(
    campaign: str | Path | Campaign,
    top: int | None = 100,
    target: str | None = None,
    where: str | None = None,
    by: RankBy | Literal["screened"] = "auto",
    *,
    standing: Standing | None = None,
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
        ``auto``, ``final``, ``docked`` or ``predicted`` (by the teacher, the shortlists); ``screened``: by the
        student, all of the library.
    standing : Standing, optional
        Receipts of the same campaign, if they were read already.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    InputError
        If the target or the condition is wrong.
    """
    standing = standing or _standing(campaign)
    names = _chosen_targets(standing.campaign, target)
    sources = [hit_sources(standing, name) for name in names]
    if by == "screened":
        return pa.concat_tables([screened(standing, each, top, where) for each in sources])
    return pa.concat_tables([ranked_hits(each, top, by, where) for each in sources])


def failures(
    campaign: str | Path | Campaign,
    target: str | None = None,
    top: int | None = None,
    where: str | None = None,
    *,
    standing: Standing | None = None,
) -> pa.Table:
    """Return the dockings of a campaign, final ones included, that gave no score, with their reasons.

    Parameters are those of :func:`hits`; ``where`` is on ``screening.hits.FAILURE_COLUMNS``.
    """
    standing = standing or _standing(campaign)
    names = _chosen_targets(standing.campaign, target)
    return pa.concat_tables([failed_dockings(hit_sources(standing, name), top, where) for name in names])


def _standing(campaign: str | Path | Campaign) -> Standing:
    return Standing(campaign if isinstance(campaign, Campaign) else open_campaign(campaign))


def _chosen_targets(campaign: Campaign, target: str | None) -> list[str]:
    if target is None:
        return list(campaign.targets)
    if target not in campaign.targets:
        known = ", ".join(campaign.targets)
        raise InputError(f"The campaign has no target {target!r}.", f"It has: {known}.")
    return [target]


def hit_sources(standing: Standing, target: str) -> HitSources:
    """Return the files of ``target`` that are finished by now."""
    campaign = standing.campaign

    def paths(stage: str, folder: str) -> list[Path]:
        return [campaign.root / record.path for record in standing.outputs(stage, folder)]

    docked: dict[int, list[Path]] = {}
    refined: dict[int, list[Path]] = {}
    selections: list[Path] = []
    models: dict[int, str] = {}
    for stage in standing.stages:
        group, _, step = stage.partition("/")
        number = round_number(group)
        if number is None:
            continue
        if step == "dock":
            docked[number] = paths(stage, f"scores/{group}/{target}/")
        elif step == "refine":
            if target not in untaught_targets(standing, group):
                refined[number] = paths(stage, "refined/")
        elif step == chooser(group):
            selections += paths(stage, f"selections/{group}/{target}/")
        elif step == "train":
            models[number] = next((str(r.facts["model"]) for r in standing.receipts(stage) if r.done), "")
    return HitSources(
        target=target,
        unit=campaign.targets[target]["unit"],
        lower_is_better=campaign.targets[target]["lower_is_better"],
        docked=docked,
        final=paths("final/dock", f"scores/final/{target}/"),
        refined=refined,
        selections=selections,
        models=models,
    )


def untaught_targets(standing: Standing, group: str) -> dict[str, str]:
    """Return the targets that the teacher of a round could not learn, and why."""
    for receipt in standing.receipts(f"{group}/train"):
        if receipt.done:
            return dict(receipt.facts.get("untaught", {}))
    return {}


def write_hits(context: Context) -> Outcome:
    """Write all hits of the finished campaign, so that they can be copied and compared as one file."""
    table = hits(open_campaign(context.root), top=None)
    path = context.root / "hits" / "hits.parquet"
    write_table(path, table)
    return Outcome(table.num_rows, table.num_rows, (path,))
