"""How numba kernels are compiled and kept.

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


def _cache_folder() -> str | None:
    """Return a writable folder that belongs to this kind of processor, or None."""
    parent = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(parent) if parent else Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        return None
    features = llvm.get_host_cpu_features().flatten()
    cpu = hashlib.sha256(f"{llvm.get_host_cpu_name()} {features} {numba.__version__}".encode()).hexdigest()
    folder = base / "docksieve" / f"kernels-{cpu[:12]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return str(folder)
    except OSError:
        return None


_FOLDER = _cache_folder()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` without the interpreter lock, keeping the machine code between runs.

    Kernels call no kernel of another file: numba notices a change in the file of a kernel only.

    Floating-point contraction and reassociation stay off (numba's default): each operation is rounded as
    IEEE 754 says, so that every processor, batch size and thread count gives the same bits.
    """
    if _FOLDER is None:
        return numba.njit(nogil=True)(function)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _FOLDER  # read once, when the cache of this function is made
    try:
        return numba.njit(nogil=True, cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before
