"""One rank: finds out which it is, takes its device, runs its function and leaves the answer.

Run by the site's launcher as ``python -m docksieve.hpc.nodes.rank_process SPEC`` (``hpc.nodes.ranks``).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...data.store import read_json, write_json
from .devices import pinned_environment

WHO = (
    "SLURM_PROCID",
    "PMIX_RANK",
    "PALS_RANKID",
    "PMI_RANK",
    "OMPI_COMM_WORLD_RANK",
    "JSM_NAMESPACE_RANK",
    "RANK",
)
"""Where launchers say which rank a process is, the surest first; by hand it is ``RANK``."""


def rank_of(environment: Mapping[str, str], launched_by_hand: bool) -> int:
    """Return the number of this rank.

    Raises
    ------
    KeyError
        If the launcher does not say.
    """
    names = ("RANK",) if launched_by_hand else WHO
    return int(next(environment[name] for name in names if name in environment))


def main() -> int:
    """Run the function of the specification; return an exit code."""
    spec: dict[str, Any] = read_json(sys.argv[1])
    rank = rank_of(os.environ, os.environ.get("DOCKSIEVE_RANK_LAUNCHER", "single") == "single")
    local = rank % spec["per_node"]
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(local),
        "WORLD_SIZE": str(spec["world"]),
        "MASTER_ADDR": spec["address"],
        "MASTER_PORT": str(spec["port"]),
    }
    if spec["devices"]:
        kind, names = spec["devices"]["accelerator"], spec["devices"]["devices"]
        os.environ |= pinned_environment(kind, names[local % len(names)]["device"], os.environ)
    answer: dict[str, Any] = {"error": "", "result": None}
    try:
        module, name = spec["function"].split(":")
        answer["result"] = getattr(importlib.import_module(module), name)(**spec["arguments"])
    except Exception as error:  # the task that asked for the ranks tells it
        answer["error"] = f"{type(error).__name__}: {error}"
    write_json(Path(sys.argv[1]).parent / f"rank-{rank}.json", answer)
    return 1 if answer["error"] else 0


if __name__ == "__main__":
    sys.exit(main())
