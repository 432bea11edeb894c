"""How the numba kernels of this room are compiled and kept.

Numba's own cache lies beside the source and is shared by every machine that mounts it; two machines with
different processors that fill it at once can leave each other code they cannot run. Here each kind of
processor has a folder of its own, and where no folder can be written the kernel is compiled in memory.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm  # type: ignore[import-untyped]
import numba

_LANES = Path(__file__).with_name("lanes.py")
"""Numba compiles a kernel anew when its own file changes, but not when the vector loops it calls do."""


def _cache_folder() -> str | None:
    """Return a writable folder that belongs to this kind of processor, or None."""
    parent = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(parent) if parent else Path.home() / ".cache"
        loops = hashlib.sha256(_LANES.read_bytes()).hexdigest()
    except (RuntimeError, OSError):  # a user without a home, a package without its sources
        return None
    features = llvm.get_host_cpu_features().flatten()
    kind = f"{llvm.get_host_cpu_name()} {features} {numba.__version__} {loops}"
    folder = base / "docksieve" / f"kernels-{hashlib.sha256(kind.encode()).hexdigest()[:12]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return str(folder)
    except OSError:
        return None


_FOLDER = _cache_folder()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` without the interpreter lock, keeping the machine code between runs.

    Floating-point contraction and reassociation stay off (numba's default): each operation is rounded as
    IEEE 754 says, so that every processor, batch size and thread count gives the same bits. A division by
    zero gives what IEEE 754 says, too, not an exception: testing for it would keep loops from being vectorised.
    """
    if _FOLDER is None:
        return numba.njit(nogil=True, error_model="numpy")(function)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _FOLDER  # read once, when the cache of this function is made
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before
