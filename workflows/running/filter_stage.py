"""The stage that says which molecules of the library a campaign may dock: its tasks, one per shard."""

from __future__ import annotations

from typing import Any

from ...data.libraries.library import Library, Shard
from ...data.store import FileRecord
from ..campaign.campaign import Campaign
from ..campaign.filters import conditions_of, limits_by_target
from ..campaign.ledger import LIBRARY_PREFIX, Task
from ..progress.left_out import FILTER
from ..tasks.settings import FilterSettings


def filter_tasks(campaign: Campaign, library: Library, runtime: dict[str, Any]) -> list[Task]:
    """Return the tasks of a campaign that leaves something out."""
    settings = FilterSettings(
        conditions=conditions_of(campaign.config.library),
        limits=limits_by_target(campaign.targets),
        targets=tuple(campaign.targets),
        version=int(campaign.state["filter"]),
    )
    return [
        Task(f"{FILTER}/{shard.name}", "filter", settings, (of_library(shard),), runtime)
        for shard in library.shards
    ]


def of_library(shard: Shard) -> FileRecord:
    """Return the record of a shard as an input of tasks."""
    record = shard.record
    return FileRecord(LIBRARY_PREFIX + record.path, record.bytes, record.sha256, record.rows)
