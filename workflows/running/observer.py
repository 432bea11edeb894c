"""What a running campaign tells: the interface, and one that says nothing."""

from __future__ import annotations

from typing import Protocol

from ...data.receipts import Receipt
from ...data.spaces.source import MoleculeSource
from ...hpc.sites.site import Site
from ..campaign.campaign import Campaign


class Observer(Protocol):
    """Told by the driver what happens, as it happens.

    Examples
    --------
    >>> class Failures(docksieve.Observer):  # prints the tasks that fail, and nothing else
    ...     def task_ended(self, stage, receipt):
    ...         if not receipt.done:
    ...             print(stage, receipt.task)
    >>> campaign = docksieve.submit("campaign.toml", site="inline", observer=Failures())
    """

    def begun(self, campaign: Campaign, library: MoleculeSource, site: Site, orphans: int) -> None:
        """Hear that the campaign begins or goes on; ``orphans`` processes of a killed driver were ended."""

    def stage_begun(self, stage: str, total: int, done: int) -> None:
        """Hear that a stage of ``total`` tasks begins, ``done`` of them finished earlier."""

    def molecules_done(self, stage: str, done: int, total: int) -> None:
        """Hear how many molecules of a stage are done, those inside of unfinished tasks included.

        Told again and again while the stage runs; not for stages that are not counted in molecules.
        """

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        """Hear that a task ended, well or not."""

    def stage_ended(self, stage: str) -> None:
        """Hear that nothing of the stage runs any more."""

    def ended(self, campaign: Campaign) -> None:
        """Hear that the campaign is complete."""


class Silent:
    """An observer that keeps everything to itself."""

    def begun(self, campaign: Campaign, library: MoleculeSource, site: Site, orphans: int) -> None:
        """Say nothing."""

    def stage_begun(self, stage: str, total: int, done: int) -> None:
        """Say nothing."""

    def molecules_done(self, stage: str, done: int, total: int) -> None:
        """Say nothing."""

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        """Say nothing."""

    def stage_ended(self, stage: str) -> None:
        """Say nothing."""

    def ended(self, campaign: Campaign) -> None:
        """Say nothing."""
