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


def cache_folder(also: str = "") -> str | None:
    """Return a writable folder that belongs to this kind of processor, or None.

    Parameters
    ----------
    also : str
        What else the machine code depends on; another text, another folder.
    """
    parent = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        base = Path(parent) if parent else Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        return None
    features = llvm.get_host_cpu_features().flatten()
    kind = f"{llvm.get_host_cpu_name()} {features} {numba.__version__} {also}".rstrip()
    folder = base / "docksieve" / f"kernels-{hashlib.sha256(kind.encode()).hexdigest()[:12]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return str(folder)
    except OSError:
        return None


def compiled(function: Callable[..., Any], folder: str | None) -> Any:
    """Compile ``function`` without the interpreter lock, keeping the machine code in ``folder`` between runs.

    Floating-point contraction and reassociation stay off (numba's default): each operation is rounded as
    IEEE 754 says, so that every processor, batch size and thread count gives the same bits. A division by
    zero gives what IEEE 754 says, too, not an exception: testing for it would keep loops from being vectorised.
    """
    if folder is None:
        return numba.njit(nogil=True, error_model="numpy")(function)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = folder  # read once, when the cache of this function is made
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before


_FOLDER = cache_folder()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function`` (:func:`compiled`) in the folder of this kind of processor.

    Kernels call no kernel of another file: numba notices a change in the file of a kernel only.
    """
    return compiled(function, _FOLDER)
