"""What a worker finds out about itself and its node, for ``docksieve doctor``."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ...data.environment import SCRATCH, usable_cores
from ...data.errors import SiteError
from ...hpc.nodes.devices import pin_worker
from ...hpc.nodes.names import node_name
from ...hpc.nodes.ranks import ranks_here, run_ranks

PACKAGES = ("docksieve", "torch", "numpy", "rdkit", "numba", "pyarrow", "parsl", "vina", "meeko")
SCRATCH_BYTES = 64 << 20
NONCE = "nonce.txt"
RANK_SECONDS = 180.0


def versions() -> dict[str, str]:
    """Return the version of Python and of every package that results depend on; empty for one that is missing."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    return found


def check_up(shared: str, pause: float = 1.0) -> dict[str, Any]:
    """Examine the node that this runs on.

    Parameters
    ----------
    shared : str
        A folder in which the driver wrote ``nonce.txt``.
    pause : float
        Seconds to stay, so that every worker of a node gets one of several such tasks.

    Returns
    -------
    dict
        ``node``, ``worker``, ``versions``, ``device`` (as ``hpc.nodes.devices.pin_worker``), ``nonce`` (what the shared
        folder shows here), ``reply`` (name of the file left for the driver), ``clock`` (Unix seconds),
        ``scratch``, ``cores``, ``docking``, ``ranks``.
    """
    device = pin_worker()
    folder = Path(shared)
    worker = os.environ.get("PARSL_WORKER_RANK", "0")
    name = f"reply-{node_name()}-{os.getpid()}"
    found: dict[str, Any] = {
        "node": node_name(),
        "worker": worker,
        "versions": versions(),
        "device": device,
        "clock": time.time(),
        "cores": usable_cores(),
    }
    try:
        found["nonce"] = (folder / NONCE).read_text(encoding="utf-8")
        (folder / f"{name}.tmp").write_text(found["nonce"], encoding="utf-8")
        (folder / f"{name}.tmp").rename(folder / name)
        found["reply"] = name
    except OSError as error:
        found["nonce"], found["reply"] = f"{type(error).__name__}: {error}", ""
    found["scratch"] = _scratch(os.environ.get(SCRATCH) or tempfile.gettempdir())
    found["docking"] = _docking()
    found["ranks"] = _ranks(folder)
    time.sleep(pause)
    return found


def _ranks(folder: Path) -> dict[str, Any]:
    """Let the ranks of this worker's block, if it has any, add up their numbers."""
    if ranks_here() == 1:
        return {}
    try:
        answers = run_ranks("docksieve.models.devices.ranks:sum_of_ranks", {}, folder, RANK_SECONDS)
    except SiteError as error:
        return {"error": str(error)}
    return {
        "error": "",
        "world": len(answers),
        "sums": [a["sum"] for a in answers],
        "hosts": [a["host"] for a in answers],
    }


def _scratch(folder: str) -> dict[str, Any]:
    """Write and read some megabytes where docking programs will, and time it."""
    block = os.urandom(1 << 20)
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as handle:
            begun = time.perf_counter()
            for _ in range(SCRATCH_BYTES >> 20):
                handle.write(block)
            handle.flush()
            os.fsync(handle.fileno())
            seconds = time.perf_counter() - begun
        free = os.statvfs(folder)
        return {
            "folder": folder,
            "error": "",
            "megabytes_per_second": SCRATCH_BYTES / 1e6 / seconds,
            "free_gigabytes": free.f_bavail * free.f_frsize / 1e9,
        }
    except OSError as error:
        return {"folder": folder, "error": f"{type(error).__name__}: {error}"}


def _docking() -> str:
    """Return why Vina cannot be loaded here, empty if it can; in a process of its own, since it may end that."""
    done = subprocess.run(
        [sys.executable, "-c", "import vina, meeko"], capture_output=True, text=True, timeout=120, check=False
    )
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it ends the process"])[-1]
