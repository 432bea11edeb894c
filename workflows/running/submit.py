"""The campaign: the whole pipeline, from the seed sample to the hits.

    seed sample -> dock -> [ train the teacher -> label -> distil the student -> say how much to keep
    -> screen every shard -> rank -> teacher on the best -> acquire -> dock ] x rounds
    -> dock the best again -> hits

Every step is a stage of tasks (``workflows.campaign.ledger``). A stage that is done is skipped, so the same
function begins a campaign and goes on with one; what it depends on is in each task's fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...data.spaces.source import MoleculeSource
from ...hpc.sites.read import load_site
from ...hpc.sites.site import Site
from ..campaign.begin import abandon_if_unborn, begin_or_resume, refuse_strangers
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.driver import DriverLock, end_orphans
from ..campaign.versions import refuse_other_versions
from ..config.campaign_file import CampaignFile, read_campaign_file
from ..progress.status import status
from ..tasks.run import present_versions
from .engine import TaskRunner
from .observer import Observer, Silent
from .parsl_engine import open_runner
from .stages import StageRunner
from .walk import pipeline_of, walk

__all__ = ["check_place", "load_campaign", "submit"]


def submit(
    config_path: str | Path | CampaignFile,
    site: str | Site = "local",
    observer: Observer | None = None,
    accept_versions: bool = False,
) -> Campaign:
    """Run the campaign that the TOML file at ``config_path`` describes, to its end.

    Call it again after an interruption of any kind and it goes on; it repeats at most the tasks that were
    in flight, and ends with the same hits as an uninterrupted run.

    Parameters
    ----------
    config_path : path or CampaignFile
        A campaign file, or what was read of it.
    site : str or Site
        A site's name or TOML file, or what :func:`docksieve.load_site` returned.
    observer : Observer, optional
        Told what happens.
    accept_versions : bool
        Go on although RDKit, meeko or Vina have other versions than the dockings so far were made with. It is refused
        else; `status`, report and hits say where scores of several versions are mixed.

    Returns
    -------
    Campaign

    Raises
    ------
    DocksieveError
        Whatever is wrong with the file, the library, a receptor or the site, before any work is done; or
        the first failures of a stage, after the rest of it is done.

    Examples
    --------
    >>> campaign = docksieve.submit("campaign.toml", site="inline")  # here it is finished already
    >>> docksieve.status(campaign).state
    'complete'
    """
    file, observer = read_campaign_file(config_path), observer or Silent()
    site = site if isinstance(site, Site) else load_site(site)
    root = file.root
    refuse_strangers(root)
    _look(site, file)
    with DriverLock(root):
        try:
            campaign = begin_or_resume(file, site)
        except BaseException:
            abandon_if_unborn(root)
            raise
        library = campaign.open_library()
        if not accept_versions:
            refuse_other_versions(campaign, present_versions(), lambda: status(campaign).docks)
        orphans = end_orphans(campaign)
        observer.begun(campaign, library, site, orphans)
        with open_runner(campaign, site) as engine:
            run(campaign, library, engine, observer, site)
        observer.ended(campaign)
    return campaign


def check_place(
    config_path: str | Path, site: str, overrides: Mapping[str, Any] | None = None, look: bool = True
) -> tuple[Site, CampaignFile]:
    """Return the site and the campaign file, read, after a look at whether the two can go together.

    Parameters
    ----------
    config_path : path
    site : str
    overrides : mapping, optional
        Other values for keys of the site.
    look : bool
        Whether to ask the scheduler, and look where campaign and library lie.

    Raises
    ------
    DocksieveError
        Whatever is wrong with the campaign file or the site, before a job waits in a queue.
    """
    found, file = load_site(site, overrides), read_campaign_file(config_path)
    if look:
        refuse_strangers(file.root)
        _look(found, file)
    return found, file


def _look(site: Site, file: CampaignFile) -> None:
    """Refuse a cluster that cannot take this campaign, before a job waits in its queue."""
    if site.on_cluster:
        from ...hpc.checks.preflight import require

        require(site, {"the campaign": file.root, "the library": file.library})


def load_campaign(path: str | Path) -> Campaign:
    """Open a campaign for reading: nothing runs, nothing is written.

    Parameters
    ----------
    path : path
        The campaign's folder or its TOML file.

    Returns
    -------
    Campaign

    Raises
    ------
    CampaignError
        If there is no campaign.

    Examples
    --------
    >>> docksieve.load_campaign("campaign.toml").config.rounds.count
    2
    """
    return open_campaign(path)


def run(
    campaign: Campaign, library: MoleculeSource, engine: TaskRunner, observer: Observer, site: Site
) -> None:
    """Run every stage of ``campaign`` that is not done yet."""
    walk(pipeline_of(campaign, library, StageRunner(campaign, engine, observer, site), site))
