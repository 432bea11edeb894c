"""What surrounds a process: the cores it may use, and the variables by which its parts tell each other things."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Return how many cores this process may use (its affinity, not the machine's size)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
