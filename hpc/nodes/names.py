"""What a node is called, and the variables that say which of its devices a process may see."""

from __future__ import annotations

import os
import re

VISIBLE = {
    "cuda": "CUDA_VISIBLE_DEVICES",
    "rocm": "ROCR_VISIBLE_DEVICES",
    "xpu": "ZE_AFFINITY_MASK",
    "pretend": "DOCKSIEVE_PRETEND_DEVICE",
}

_DEVICE = re.compile(
    r"\d+(\.\d+)*"  # as the driver counts them; a tile of an Intel GPU
    r"|(GPU|MIG)-[\w/-]+"  # a UUID, or the beginning of one, or a part of a GPU
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)


def visible_devices(mask: str | None) -> list[str] | None:
    """Return the devices that a variable such as ``CUDA_VISIBLE_DEVICES`` shows.

    Parameters
    ----------
    mask : str or None
        Its value; None if it is not set.

    Returns
    -------
    list of str or None
        Each once. Empty if it hides all of them: an empty value, ``-1``, ``none``, or Slurm's ``NoDevFiles``; like the
        driver, whatever follows a word that is no device counts for nothing. None if nothing is said.
    """
    if mask is None:
        return None
    found: list[str] = []
    for word in mask.split(","):
        name = word.strip().strip("\"'")
        if not _DEVICE.fullmatch(name):
            break
        if name not in found:
            found.append(name)
    return found


def node_name() -> str:
    """Return what the scheduler calls this node, or its host name."""
    return os.environ.get("SLURMD_NODENAME") or os.uname().nodename
