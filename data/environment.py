"""What surrounds a process: the cores it may use, and the variables by which its parts tell each other things."""

from __future__ import annotations

import os

CAMPAIGN = "DOCKSIEVE_CAMPAIGN"
"""Environment variable with the id of the campaign that a process works for: how those of a killed driver are found."""
SCRATCH = "DOCKSIEVE_SCRATCH"
"""Environment variable: where docking programs write their files on a worker."""
FILE_PATIENCE = "DOCKSIEVE_FILE_PATIENCE"
"""Environment variable: how many seconds a worker waits for a file that its node does not see yet."""


def usable_cores() -> int:
    """Return how many cores this process may use (its affinity, not the machine's size)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
