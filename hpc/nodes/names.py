"""What a node is called, and the variables that say which of its devices a process may see."""

from __future__ import annotations

import os

VISIBLE = {
    "cuda": "CUDA_VISIBLE_DEVICES",
    "rocm": "ROCR_VISIBLE_DEVICES",
    "xpu": "ZE_AFFINITY_MASK",
    "pretend": "DOCKSIEVE_PRETEND_DEVICE",
}


def node_name() -> str:
    """Return what the scheduler calls this node, or its host name."""
    return os.environ.get("SLURMD_NODENAME") or os.uname().nodename
