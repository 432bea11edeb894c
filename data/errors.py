"""The family of errors that Docksieve raises on purpose.

Each says what is wrong and where (file, line, key or molecule), and what to do about it. Anything that is
not a :class:`DocksieveError` is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DocksieveError(Exception):
    """Root of every error raised on purpose.

    Parameters
    ----------
    message : str
        What is wrong, naming the file, line, key or molecule.
    hint : str, optional
        What the user can do about it.

    Attributes
    ----------
    retryable : bool
        Whether the same work may succeed elsewhere: True for faults of the place, False for bad input.
    """

    retryable = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(DocksieveError):
    """A file, a line or a molecule given by the user cannot be used."""


class ConfigError(DocksieveError):
    """A setting is unknown, missing or contradicts another."""


class LibraryError(DocksieveError):
    """A library is missing, incomplete or was altered."""


class FormatError(DocksieveError):
    """A file of ours is damaged, altered or of an unknown version."""


class DockingError(DocksieveError):
    """A receptor, a box or a docking engine cannot be used (one ligand's failure is a row, not an error)."""


class ModelError(DocksieveError):
    """A surrogate cannot be trained, loaded or applied."""


class CampaignError(DocksieveError):
    """A campaign cannot start, go on or be read."""


class SiteError(DocksieveError):
    """A site description is wrong, or the place it describes cannot be used."""


def unknown_name(message: str, name: str, known: Iterable[str]) -> InputError:
    """Return the error for a name that is not known: the close ones if there are any, else all."""
    names = list(known)
    close = difflib.get_close_matches(name.lower(), names, 3, 0.6)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"There are: {', '.join(names)}."
    return InputError(message, hint)
