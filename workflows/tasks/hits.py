"""The task that writes the ranked hits."""

from __future__ import annotations

from ...data.store import write_table
from ..campaign.campaign import open_campaign
from ..hits.ask import hits
from .context import TaskContext, TaskOutcome
from .settings import TaskSettings


def write_hits(context: TaskContext[TaskSettings]) -> TaskOutcome:
    """Write all hits of the finished campaign, so that they can be copied and compared as one file."""
    table = hits(open_campaign(context.root), top=None)
    path = context.root / "hits" / "hits.parquet"
    write_table(path, table)
    return TaskOutcome(table.num_rows, table.num_rows, (path,))
