"""What a campaign will take, from a small measured trial: hours, core-hours, dockings, disk and memory."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from ...data.errors import InputError
from ...data.spaces.space import Space
from ...data.store import read_json, write_json
from ...hpc.sites.read import load_site
from ...hpc.sites.site import Site
from ..campaign.campaign import open_campaign
from ..campaign.checks import open_library
from ..config.campaign_file import CampaignFile, read_campaign_file
from ..progress.forecast import plan_path
from ..progress.receipts import CampaignReceipts
from ..progress.spans import Span, busy_seconds
from ..running.observer import Observer, Silent
from .estimate import STEPS, CampaignPlan, StepPlan, estimate, plan_from_json, scores_by_round
from .trial import run_trial

DOCKINGS = 24
"""Molecules docked per target in a trial."""


def plan(
    config_path: str | Path | CampaignFile,
    site: str | Site = "local",
    dockings: int = DOCKINGS,
    observer: Observer | None = None,
) -> CampaignPlan:
    """Run a small trial of a campaign and say what the whole will take.

    The trial runs the campaign's own tasks by the site's own workers: ``dockings`` molecules per target are docked,
    teachers of the coming sizes are trained, a shard per worker is screened. Everything else is proportion.

    Parameters
    ----------
    config_path : path
    site : str or Site
    dockings : int
        More make the docking cost surer; at least 20.
    observer : Observer, optional

    Returns
    -------
    CampaignPlan
        Also written beside the campaign file, as ``NAME.plan.json``.

    Raises
    ------
    DocksieveError
        Whatever would stop the campaign.
    """
    file = read_campaign_file(config_path)
    config = file.config
    site = site if isinstance(site, Site) else load_site(site)
    library = open_library(file)
    if isinstance(library, Space):
        raise InputError(
            f"{file.library} is a space: docksieve plan measures campaigns on libraries of molecules only.",
            "Submit with few [start] molecules and [rounds] count = 1, and read docksieve status.",
        )
    begun = time.monotonic()
    sizes = tuple(scores_by_round(config, len(config.targets)))
    measured = run_trial(config, file.path, site, observer or Silent(), max(dockings, 20), sizes)
    found = estimate(config, library.rows, len(library.shards), site.worker_count, measured)
    found = dataclasses.replace(
        found,
        trial_seconds=time.monotonic() - begun,
        written=time.time(),
        site=site.name,
        config=config.model_dump(mode="json"),
    )
    write_json(plan_path(file.path), found.to_json())
    return found


def kept_plan(config_path: str | Path | CampaignFile, site: str = "local") -> CampaignPlan | None:
    """Return the plan that was made for a campaign file as it is now, and a site; None if there is none.

    Raises
    ------
    FormatError
        If the file cannot be read.
    """
    file = read_campaign_file(config_path)
    path = plan_path(file.path)
    if not path.exists():
        return None
    found = plan_from_json(read_json(path))
    now = file.config.model_dump(mode="json")
    return found if found.config == now and found.site == load_site(site).name else None


def taken(campaign: str | Path) -> dict[str, StepPlan]:
    """Return what a campaign has taken so far, in the form of a plan's steps, from its receipts."""
    receipts = CampaignReceipts(open_campaign(campaign))
    steps = dict.fromkeys(STEPS, StepPlan())
    for stage in receipts.stages:
        finished = [receipt for receipt in receipts.of(stage) if receipt.done]
        if not finished:
            continue
        step = stage.partition("/")[2]
        kind = "final" if stage == "final/dock" else step if step in STEPS else "other"
        spans = [
            Span("", kind, float(receipt.facts.get("started", receipt.finished)), receipt.finished)
            for receipt in finished
        ]
        wall = busy_seconds(spans)
        seconds = sum(receipt.seconds["total"] for receipt in finished)
        rows = sum(receipt.rows_in for receipt in finished)
        steps[kind] = steps[kind].plus(StepPlan(len(finished), rows, seconds, 0.0, wall))
    return steps


def campaign_of(config_path: str | Path | CampaignFile) -> Path | None:
    """Return the campaign folder of a campaign file, None if it has not begun."""
    root = read_campaign_file(config_path).root
    return root if (root / "campaign.json").exists() else None
