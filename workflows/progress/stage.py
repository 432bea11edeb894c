"""Where one stage of a campaign stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StageStatus:
    """One stage of a campaign.

    Attributes
    ----------
    stage : str
    total, done, running, failed, left : int
        Tasks; they add up: ``done + running + failed + left == total``. What waits for a free worker, or was
        done with inputs that have changed since, is left.
    rows : int
        Molecules (or ligands) of the finished tasks.
    seconds : float
        Sum of the finished tasks' seconds.
    molecules : int
        Molecules of all tasks; 0 for a stage that is not counted in molecules, or that an earlier version planned.
    under_way : int
        Molecules that are done inside of tasks which run now.
    failures : dict of str to int
        Dockings without a score in the finished tasks, by code.

    Examples
    --------
    >>> stage = docksieve.status("campaign").stages[1]
    >>> stage.stage, stage.rows, stage.done == stage.total
    ('round-00/dock', 100, True)
    """

    stage: str
    total: int
    done: int
    running: int
    failed: int
    left: int
    rows: int
    seconds: float
    failures: Mapping[str, int] = field(default_factory=dict)
    molecules: int = 0
    under_way: int = 0

    @property
    def rate(self) -> float:
        """Molecules per task-second; NaN before any task is finished."""
        return self.rows / self.seconds if self.seconds else float("nan")
