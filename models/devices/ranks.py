"""Whether the ranks of a task find each other: a sum over all of them, by torch."""

from __future__ import annotations

import datetime
import os
from typing import Any

import torch
import torch.distributed as distributed

SECONDS = 120


def sum_of_ranks() -> dict[str, Any]:
    """Add up the ranks' numbers over all ranks; called on each of them (``hpc.nodes.ranks``).

    Returns
    -------
    dict
        ``rank``, ``world``, ``sum`` (of 0 to ``world - 1``), ``host``.
    """
    distributed.init_process_group("gloo", timeout=datetime.timedelta(seconds=SECONDS))
    try:
        total = torch.tensor([float(distributed.get_rank())])
        distributed.all_reduce(total)
        return {
            "rank": distributed.get_rank(),
            "world": distributed.get_world_size(),
            "sum": int(total.item()),
            "host": os.environ.get("SLURMD_NODENAME") or os.uname().nodename,
        }
    finally:
        distributed.destroy_process_group()
