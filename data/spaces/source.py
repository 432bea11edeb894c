"""What a campaign screens: a library of molecules, or a space of products."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from ..libraries.library import Library, library_standard
from ..molecules.standardise import StandardSettings
from .space import MANIFEST, Space

MoleculeSource: TypeAlias = Library | Space
"""Either has rows with ids, and makes molecules of them (``take``)."""


def open_source(path: str | os.PathLike[str]) -> MoleculeSource:
    """Open the library or the space in the folder ``path``.

    Raises
    ------
    LibraryError
        If there is neither.
    """
    return Space(path) if (Path(path) / MANIFEST).is_file() else Library.open(path)


def source_standard(source: MoleculeSource) -> StandardSettings:
    """Return the standard form of the molecules of a library or a space."""
    return source.standard if isinstance(source, Space) else library_standard(source)
