"""Progress of a plan's trial in a terminal: what runs and how long it takes, and no conclusions."""

from __future__ import annotations

from ...data.receipts import Receipt
from ...data.spaces.source import MoleculeSource
from ...hpc.sites.site import Site
from ..campaign.campaign import Campaign
from .observer import TerminalObserver


class TrialObserver(TerminalObserver):
    """Tells of a trial's stages: a teacher of two dozen dockings, and its cut, say nothing of the campaign."""

    def begun(self, campaign: Campaign, library: MoleculeSource, site: Site, orphans: int) -> None:
        """Say what the trial is, and what it is not."""
        targets = ", ".join(campaign.targets)
        self._say(
            f"A trial in small, to see what everything takes: {campaign.config.start.molecules} molecules are "
            f"docked per target ({targets}) at site {site.name} with {site.worker_count} workers. Its models and "
            "hits mean nothing and are removed."
        )

    def _notes_of(self, receipt: Receipt) -> list[str]:
        """Say nothing of quality, cutoffs and choices."""
        return []
