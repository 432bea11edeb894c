"""The files that a command line names: found when a campaign begins, and watched from then on.

A program runs in a temporary folder, so a script, a parameter file or a model that is named relative to the
campaign file must be named in full. Its content decides about scores, so its checksum is frozen with the target.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...data.errors import DockingError
from ...data.store import sha256_file

_checked: dict[str, tuple[int, int, str]] = {}
"""Size, time and checksum of files that were read already in this process."""


def locate(
    command: Sequence[str], base: Path, *, may_be_absent: bool = False, template: bool = True
) -> tuple[list[str], dict[str, str]]:
    """Find the program and every other file that ``command`` names.

    Parameters
    ----------
    command : sequence of str
        The program first. A word with a brace, or one that begins with ``-``, names no file.
    base : Path
        Folder of the campaign file, where relative names are looked for.
    may_be_absent : bool
        Whether the program may exist on the workers only.
    template : bool
        Whether the words will be formatted, so that braces in a path must be doubled.

    Returns
    -------
    words : list of str
        The command with full paths.
    checksums : dict of str to str
        Path and SHA-256 of the files named. A program from elsewhere is not among them, being known by its
        version; one under ``base`` is a script of the user's.

    Raises
    ------
    DockingError
        If the program is not found.
    """
    program, *rest = command
    place = _program(program, base)
    if shutil.which(place or program) is None and not may_be_absent:
        raise DockingError(
            f"The program {program!r} is not found, or may not be run.",
            "Give its path (relative paths are taken from the campaign file), or load its module first.",
        )
    files = [_file(word, base) for word in rest]
    checksums = {path: sha256_file(Path(path)) for path in files if path is not None}
    if place is not None and Path(place).is_file() and Path(place).is_relative_to(_full(base)):
        checksums[place] = sha256_file(Path(place))
    paths = [_doubled(path) if path and template else path for path in (place, *files)]
    return [path or word for path, word in zip(paths, command, strict=True)], checksums


def _program(word: str, base: Path) -> str | None:
    """Return the full path of a program that is given as a path, or that only ``base`` has."""
    if os.sep in word and "{" not in word:
        return _full(base / word)
    path = _file(word, base)
    return path if path and os.access(path, os.X_OK) and shutil.which(word) is None else None


def _file(word: str, base: Path) -> str | None:
    """Return the full path of the file that ``word`` names, or None."""
    if not word or word.startswith("-") or "{" in word or "}" in word or "\0" in word:
        return None
    path = _full(base / word)
    # Path.is_file() raises for words that are too long to be names, such as code after -c.
    return path if os.path.isfile(path) else None  # noqa: PTH113


def _full(path: Path) -> str:
    """Return the absolute path; links are kept, for .venv/bin/python is more than what it points at."""
    return os.path.abspath(path)  # noqa: PTH100 - resolve() follows links, absolute() leaves ".." in


def _doubled(path: str) -> str:
    return path.replace("{", "{{").replace("}", "}}")


def check_files(checksums: Mapping[str, str]) -> None:
    """Refuse to dock with a file that is missing here or was edited since the campaign began.

    A file whose size and time are as they were is not read again.

    Raises
    ------
    DockingError
    """
    for name, expected in checksums.items():
        path = Path(name)
        try:
            state = path.stat()
            known = _checked.get(name)
            if known is None or known[:2] != (state.st_size, state.st_mtime_ns):
                known = _checked[name] = (state.st_size, state.st_mtime_ns, sha256_file(path))
        except OSError:
            raise DockingError(
                f"{path}, which the docking command names, cannot be read here.",
                "It must be there on every node that docks, under the same path.",
            ) from None
        if known[2] != expected:
            raise DockingError(
                f"{path}, which the docking command names, was altered since the campaign began.",
                "Scores from before and after must not be mixed: put it back, or begin a new campaign.",
            )
