"""A device proves itself: it is there, it is the only one in sight, and it computes what the processor computes.

Run as a program with ``cuda`` (NVIDIA's and AMD's) or ``xpu`` (Intel's); prints one line of JSON: ``uuid``, ``model``,
``error``.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import Any

import torch

SIZE = 512
VISIBLE = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK")


def prove(kind: str) -> dict[str, str]:
    """Return UUID and model of the one device in sight, and what is wrong with it, if anything.

    The computation is a product of matrices of small whole numbers, which is exact in every precision that a device
    may choose, so that any difference is a fault.

    Parameters
    ----------
    kind : str
        ``cuda`` or ``xpu``.
    """
    module = torch.get_device_module(kind)
    count = module.device_count() if module.is_available() else 0
    if count != 1:
        why = f"torch {torch.__version__} sees {count} {kind.upper()} devices where it should see one"
        return {"uuid": "", "model": "", "error": why}
    properties: Any = module.get_device_properties(0)
    # Some builds of torch know no UUID; the device then goes by the name that it was asked for.
    shown = "/".join(os.environ[name] for name in VISIBLE if os.environ.get(name))
    uuid = str(getattr(properties, "uuid", "") or "") or f"{platform.node()}/{shown}"
    found = {"uuid": uuid, "model": str(properties.name)}
    try:
        return {
            **found,
            "error": "" if computes(torch.device(kind, 0)) else "computes another product than the CPU",
        }
    except RuntimeError as error:
        return {**found, "error": f"fails to compute: {str(error).splitlines()[0]}"}


def computes(device: torch.device) -> bool:
    """Tell whether ``device`` multiplies matrices of small whole numbers as the processor does."""
    numbers = torch.arange(SIZE * SIZE, dtype=torch.float32).reshape(SIZE, SIZE) % 7
    expected = numbers @ numbers.T
    return bool(torch.equal((numbers.to(device) @ numbers.T.to(device)).cpu(), expected))


if __name__ == "__main__":
    try:
        answer = prove(sys.argv[1])
    except Exception as fault:  # whatever a driver throws is an answer too
        answer = {"uuid": "", "model": "", "error": f"{type(fault).__name__}: {fault}"}
    print(json.dumps(answer))
