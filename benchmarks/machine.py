"""What a benchmark ran on, for its JSON: a figure without machine, versions and date cannot be repeated."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("docksieve", "numpy", "scipy", "torch", "rdkit", "scikit-learn", "numba")


def cpu_name() -> str:
    """Return the processor's name, as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def provenance(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Return date (UTC), machine and versions; None for a package that is not installed."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {
            "cpu": cpu_name(),
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "load_average": [round(value, 1) for value in os.getloadavg()],
        },
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in packages}},
    }
