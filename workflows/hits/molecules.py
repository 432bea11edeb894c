"""Molecules that a question brings along: SMILES on the command line, or files of any kind that libraries accept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...data.errors import InputError
from ...data.molecules.parse import MoleculeError, mol_from_block, rdkit_messages
from ...data.molecules.standardise import StandardSettings, standardise
from ...data.readers.layout import ReadingSettings
from ...data.readers.records import LineCounts, Record, any_records
from ...data.readers.sources import FileSource
from ...data.words import agree, plural

_ROWS, _BYTES = 10_000, 1 << 20


def given_molecules(values: Sequence[str], option: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the molecules that the values of an option mean, as SMILES.

    Parameters
    ----------
    values : sequence of str
        SMILES, or names of files.
    option : str
        For messages.

    Returns
    -------
    smiles : tuple of str
        Each once.
    notes : list of str
        What was left out of files, and why.

    Raises
    ------
    InputError
        If a value is neither, or a file holds no molecule that can be read.
    """
    found: list[str] = []
    notes: list[str] = []
    for value in values:
        path = Path(value)
        if _is_file(path):
            molecules, problems = _read_file(path)
            found += molecules
            if problems:
                notes.append(
                    f"{path}: {len(problems):,} of {plural(len(molecules) + len(problems), 'molecule')} cannot be read "
                    f"and {agree(len(problems), 'is', 'are')} left out, the first at {problems[0]}"
                )
        else:
            found.append(_checked(value, option))
    return tuple(dict.fromkeys(found)), notes


def in_standard_form(smiles: Sequence[str], settings: StandardSettings) -> tuple[str, ...]:
    """Return molecules in the form in which a library holds them.

    Raises
    ------
    InputError
        Naming the first that cannot be in a library.
    """
    forms = []
    with rdkit_messages():
        for text in smiles:
            try:
                forms.append(standardise(text, settings).smiles)
            except MoleculeError as error:
                raise InputError(
                    f"The molecule {text!r} cannot be compared with a library: {error.message}."
                ) from None
    return tuple(dict.fromkeys(forms))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a SMILES may be longer than a name
        return False


def _checked(text: str, option: str) -> str:
    with rdkit_messages():
        try:
            standardise(text)
        except MoleculeError as error:
            raise InputError(
                f"{option} {text!r} is neither a file nor a molecule: {error.message}.",
                "Give a SMILES, quoted for the shell, or a file of molecules.",
            ) from None
    return text


def _read_file(path: Path) -> tuple[list[str], list[str]]:
    """Return the molecules of a file, and what is wrong with those that cannot be read."""
    found, problems = [], []
    with rdkit_messages():
        for record in _records(path):
            try:
                found.append(_smiles(record))
            except MoleculeError as error:
                problems.append(f"line {record.line}: {error.message}")
    if not found:
        first = f"; {problems[0]}" if problems else ""
        raise InputError(f"{path} holds no molecule that can be read{first}.", "Check the file.")
    return found, problems


def _smiles(record: Record) -> str:
    if record.problem is not None:
        raise MoleculeError(*record.problem)
    block = "\n" in record.structure
    return standardise(mol_from_block(record.structure) if block else record.structure).smiles


def _records(path: Path) -> Iterator[Record]:
    with tempfile.TemporaryDirectory(prefix="docksieve-") as scratch:
        source = FileSource(str(path), ReadingSettings(), _BYTES, _ROWS, Path(scratch))
        counts = LineCounts()
        for chunk in source.chunks():
            yield from any_records(source.layout.kind, chunk, source.layout, counts)
