"""The receipts of a campaign as they stand: read once, asked often."""

from __future__ import annotations

from functools import cached_property

from ...data.errors import CampaignError
from ...data.receipts import Receipt
from ...data.store import FileRecord
from ..campaign.campaign import Campaign
from ..campaign.damage import Damage, damage_words, find_damage
from ..campaign.ledger import chooser, round_number


class CampaignReceipts:
    """The receipts of a campaign that count now; those of a stage are read once, when first asked for.

    Stages that the campaign no longer has (after ``[rounds] count`` or ``[final] molecules`` was lowered) do
    not count. Nor does a docking of a batch that has been chosen anew since: its molecules may stand in
    another batch by now.

    Attributes
    ----------
    campaign : Campaign
    stages : list of str
        Those planned so far, in the order in which they run.
    damage : tuple of Damage
        Files that are missing or damaged; none of them is among :meth:`outputs`.
    """

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.stages = campaign.stages()
        self._receipts: dict[str, list[Receipt]] = {}
        self._there: dict[str, list[Receipt]] = {}

    @cached_property
    def damage(self) -> tuple[Damage, ...]:
        """What is missing or damaged, looked up once."""
        return find_damage(self.campaign, receipts=self._read)

    def require_whole(self) -> None:
        """Raise CampaignError naming what is damaged: for answers that would be wrong without it."""
        if self.damage:
            raise CampaignError(
                f"The campaign {self.campaign.root} is damaged: {' '.join(damage_words(self.damage))}"
            )

    def of(self, stage: str) -> list[Receipt]:
        """Return the receipts of ``stage`` that count, in plan order; none for a stage that is not there."""
        if stage not in self.stages:
            return []
        if stage not in self._receipts:
            found = self._read(stage)
            group, _, step = stage.partition("/")
            if step == "dock":
                batches = self._outputs(f"{group}/{chooser(group)}", "selections/")
                chosen = {(batch.path, batch.sha256) for batch in batches}
                found = [receipt for receipt in found if _selected(receipt) <= chosen]
            self._receipts[stage] = found
        return self._receipts[stage]

    def _read(self, stage: str) -> list[Receipt]:
        """Return the receipts of ``stage`` as they lie there, read once."""
        if stage not in self._there:
            self._there[stage] = list(self.campaign.ledger.receipts(stage))
        return self._there[stage]

    def outputs(self, stage: str, folder: str = "") -> list[FileRecord]:
        """Return the output files of the finished tasks of ``stage`` that lie under ``folder`` and are not damaged."""
        lost = {item.path for item in self.damage}
        return [record for record in self._outputs(stage, folder) if record.path not in lost]

    def _outputs(self, stage: str, folder: str) -> list[FileRecord]:
        return [
            output
            for receipt in self.of(stage)
            if receipt.done
            for output in receipt.outputs
            if output.path.startswith(folder)
        ]

    def docking_seconds(self, target: str) -> float:
        """Return what a docking of ``target`` in the rounds has taken, in core-seconds; 0 where nothing was docked."""
        spent, tried = 0.0, 0
        for stage in self.stages:
            group, _, step = stage.partition("/")
            if step == "dock" and round_number(group) is not None:
                for receipt in self.of(stage):
                    if receipt.done and receipt.task.split("/")[2] == target:
                        spent += receipt.seconds.get("dock", 0.0)
                        tried += receipt.rows_in
        return spent / tried if tried else 0.0


def _selected(receipt: Receipt) -> set[tuple[str, str]]:
    """Return path and checksum of the batch that a docking docked."""
    return {
        (record.path, record.sha256) for record in receipt.inputs if record.path.startswith("selections/")
    }
