"""The end of a campaign: how the final docking is cut into tasks, and the task that writes the ranked hits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import TaskContext, TaskOutcome
    from .settings import TaskSettings

FINAL_TASKS = 500
"""The final docking of a target is cut into about so many tasks, if it has as many molecules."""


def final_batches(
    targets: Mapping[str, Mapping[str, Any]], molecules: int, dock_batch: int
) -> int | dict[str, int]:
    """Return how many molecules each task of the final docking has: one, up to :data:`FINAL_TASKS` molecules.

    The final search costs a molecule minutes, where the rounds' costs seconds: batches of the rounds' size would leave
    most cores with nothing to do. Nothing is lost by small ones, since a worker keeps its receptor's maps from task to
    task. How many workers there are must not matter: a campaign may go on at another site.

    Parameters
    ----------
    targets : mapping of str to mapping
        The frozen targets that dock.
    molecules : int
        ``[final] molecules``.
    dock_batch : int
        ``[run] dock_batch``: no task has more.

    Returns
    -------
    int or dict of str to int
        By target where they differ: a program that takes a whole batch at once (a GPU's, for instance) is given whole
        batches.
    """
    small = min(dock_batch, max(1, -(-molecules // FINAL_TASKS)))
    sizes = {name: dock_batch if spec.get("mode") == "batch" else small for name, spec in targets.items()}
    return small if set(sizes.values()) <= {small} else sizes


def write_hits(context: TaskContext[TaskSettings]) -> TaskOutcome:
    """Write all hits of the finished campaign, so that they can be copied and compared as one file."""
    from ...data.store import write_table  # a driver that only counts tasks needs none of these
    from ..campaign.campaign import open_campaign
    from ..hits.ask import hits
    from .context import TaskOutcome

    table = hits(open_campaign(context.root), top=None)
    path = context.root / "hits" / "hits.parquet"
    write_table(path, table)
    return TaskOutcome(table.num_rows, table.num_rows, (path,))
