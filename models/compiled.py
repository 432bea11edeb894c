"""How the numba kernels of this room are compiled: as all are, and anew when the vector loops they call change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..data.jit import cache_folder, compiled

_LANES = Path(__file__).parent / "network" / "simd.py"
"""Numba compiles a kernel anew when its own file changes, but not when the vector loops it calls do."""


def _folder() -> str | None:
    try:
        return cache_folder(hashlib.sha256(_LANES.read_bytes()).hexdigest())
    except OSError:  # a package without its sources
        return None


_FOLDER = _folder()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` (:func:`docksieve.data.jit.compiled`)."""
    return compiled(function, _FOLDER)
