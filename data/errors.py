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

    Examples
    --------
    >>> try:
    ...     docksieve.load_campaign("nowhere")
    ... except docksieve.DocksieveError as error:
    ...     print(error.message)
    There is no campaign at nowhere.
    """

    retryable = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(DocksieveError):
    """A file, a line or a molecule given by the user cannot be used.

    Examples
    --------
    >>> docksieve.hits("campaign", where="wieght < 300")
    Traceback (most recent call last):
        ...
    InputError: --where 'wieght < 300' asks about 'wieght', which is no column of hits. ...
    """


class ConfigError(DocksieveError):
    """A setting is unknown, missing or contradicts another.

    Examples
    --------
    >>> docksieve.serve("campaign", port=99_999)
    Traceback (most recent call last):
        ...
    ConfigError: There is no port 99999. Ports go from 1 to 65535; 0 takes any that is free.
    """


class LibraryError(DocksieveError):
    """A library is missing, incomplete or was altered.

    Examples
    --------
    >>> docksieve.Library.open("nowhere")
    Traceback (most recent call last):
        ...
    LibraryError: There is no library nowhere. Build one with: docksieve library build OUT FILES...
    """


class FormatError(DocksieveError):
    """A file of ours is damaged, altered or of an unknown version.

    Examples
    --------
    >>> docksieve.load_bundle("library")
    Traceback (most recent call last):
        ...
    FormatError: ...
    """


class DockingError(DocksieveError):
    """A receptor, a box or a docking engine cannot be used (one ligand's failure is a row, not an error).

    Examples
    --------
    >>> raise docksieve.DockingError("receptor.pdbqt holds no atoms.", "Prepare it again.")
    Traceback (most recent call last):
        ...
    DockingError: receptor.pdbqt holds no atoms. Prepare it again.
    """


class ModelError(DocksieveError):
    """A surrogate cannot be trained, loaded or applied.

    Examples
    --------
    >>> data = docksieve.TrainingData(["CCO", "CCN"], ["EGFR"], [-3.1, -2.9], [True])
    >>> docksieve.train_teacher(data)
    Traceback (most recent call last):
        ...
    ModelError: ...
    """


class CampaignError(DocksieveError):
    """A campaign cannot start, go on or be read.

    Examples
    --------
    >>> docksieve.load_campaign("nowhere")
    Traceback (most recent call last):
        ...
    CampaignError: There is no campaign at nowhere. ...
    """


class SiteError(DocksieveError):
    """A site description is wrong, or the place it describes cannot be used.

    Examples
    --------
    >>> docksieve.load_site("perlmuter")
    Traceback (most recent call last):
        ...
    SiteError: There is no site called 'perlmuter'. Did you mean 'perlmutter'? ...
    """


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6, most: int = 1) -> str:
    """Return the question whether one of the names nearest to ``name`` was meant; empty if none is near.

    Parameters
    ----------
    name : str
        In any case of letters.
    known : iterable of str
    cutoff : float
        How alike two names must be, from 0 to 1 (:func:`difflib.get_close_matches`).
    most : int
        Names to mention at most.
    """
    names = {item.lower(): item for item in known}
    close = [names[item] for item in difflib.get_close_matches(name.lower(), names, most, cutoff)]
    return f"Did you mean {' or '.join(map(repr, close))}?" if close else ""


def unknown_name(message: str, name: str, known: Iterable[str]) -> InputError:
    """Return the error for a name that is not known: the close ones if there are any, else all."""
    names = list(known)
    return InputError(message, did_you_mean(name, names, most=3) or f"There are: {', '.join(names)}.")
