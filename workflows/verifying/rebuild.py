"""The tasks of a campaign, made again from its ledger alone, without running any."""

from __future__ import annotations

from collections.abc import Sequence

from ...data.errors import DocksieveError
from ...data.spaces.source import MoleculeSource
from ...hpc.sites.read import load_site
from ..campaign.campaign import Campaign
from ..campaign.ledger import Task
from ..running.walk import pipeline_of, walk


class _Enough(Exception):
    """The ledger says no more."""


class _Recorder:
    """Keeps the tasks of each stage, up to the first that is not done."""

    def __init__(self, campaign: Campaign) -> None:
        self._ledger = campaign.ledger
        self._planned = set(campaign.stages())
        self.stages: dict[str, list[Task]] = {}

    def run(self, stage: str, tasks: Sequence[Task]) -> None:
        """Keep ``tasks``."""
        self.stages[stage] = list(tasks)
        receipts = {receipt.task: receipt.done for receipt in self._ledger.receipts(stage)}
        if stage not in self._planned or not all(receipts.get(task.name) for task in tasks):
            raise _Enough


def rebuild(campaign: Campaign, library: MoleculeSource) -> tuple[dict[str, list[Task]], str]:
    """Return the tasks of every stage as far as the receipts reach, and why they reach no further.

    The last stage returned may be unfinished. The reason is empty where the pipeline ended or a stage is unfinished.
    """
    recorder = _Recorder(campaign)
    try:
        # Where tasks run does not change what they are.
        walk(pipeline_of(campaign, library, recorder, load_site("inline")))
    except _Enough:
        pass
    except (DocksieveError, KeyError, ValueError, TypeError, IndexError) as error:
        return recorder.stages, f"{type(error).__name__}: {error}"
    return recorder.stages, ""
