"""Parsing molecules with RDKit: a molecule, or the reason why there is none."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rdkit import Chem, rdBase

from ..errors import InputError

_NOT_SMILES = re.compile(r"[^\x21-\x7e]")


class MoleculeError(InputError):
    """A text is not a molecule, or not one that a library can hold.

    Attributes
    ----------
    code : str
        Why it was rejected, as in the column ``code`` of a library's rejects; the page about libraries
        explains each.

    Examples
    --------
    >>> try:
    ...     docksieve.standard_smiles("CC(C)(C)(C)C")
    ... except docksieve.MoleculeError as error:
    ...     print(error.code)
    valence
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.code, self.message))


def parse_smiles(text: str, max_characters: int = 10_000) -> Any:
    """Return the sanitised RDKit molecule that ``text`` describes.

    Raises
    ------
    MoleculeError
        With the code and RDKit's own words, if there is no such molecule.
    """
    if not text:
        raise MoleculeError("missing", "there is no SMILES")
    if len(text) > max_characters:
        raise MoleculeError(
            "too_long", f"the SMILES has {len(text)} characters; the limit is {max_characters}"
        )
    if found := _NOT_SMILES.search(text):
        raise MoleculeError("characters", f"the SMILES holds the character {found.group()!r}")
    try:
        mol = Chem.MolFromSmiles(text, PARSER)
    except Exception as error:  # RDKit raises whatever its parts raise; one molecule must not end a build
        raise MoleculeError("sanitise", words_of(error)) from None
    if mol is None:
        raise _why_not(text)
    if _SHAPED.search(text):
        _forget_shapes(mol)
    return mol


_SHAPED = re.compile("@(?:AL|SP|TB|OH)")
_TETRAHEDRAL = (
    Chem.ChiralType.CHI_UNSPECIFIED,
    Chem.ChiralType.CHI_TETRAHEDRAL_CW,
    Chem.ChiralType.CHI_TETRAHEDRAL_CCW,
)
_SHAPES_OF = frozenset("H B C N O F Si P S Cl As Se Br Te I".split())  # noqa: SIM905 - a line each is no clearer


def _forget_shapes(mol: Any) -> None:
    """Forget marks of allenes, square planes and the like on non-metals, which RDKit does not write back."""
    for atom in mol.GetAtoms():
        if atom.GetChiralTag() not in _TETRAHEDRAL and atom.GetSymbol() in _SHAPES_OF:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)


def _parser_parameters() -> Any:
    parameters: Any = Chem.SmilesParserParams()
    parameters.allowCXSMILES = False
    parameters.parseName = False
    return parameters


PARSER = _parser_parameters()
_PROBLEM_CODES = {
    "AtomValenceException": "valence",
    "KekulizeException": "kekulise",
    "AtomKekulizeException": "kekulise",
}


def _why_not(text: str) -> MoleculeError:
    """Return the error for a SMILES that RDKit refused, by parsing it again step by step."""
    parameters: Any = _parser_parameters()
    parameters.sanitize = False
    with rdkit_messages() as messages:
        mol = Chem.MolFromSmiles(text, parameters)
    if mol is None:
        return MoleculeError("syntax", tidy_message(messages) or "RDKit cannot parse the SMILES")
    return _chemistry_problem(mol)


def _chemistry_problem(mol: Any) -> MoleculeError:
    with rdkit_messages():
        problems = Chem.DetectChemistryProblems(mol)
    if not problems:
        return MoleculeError("sanitise", "RDKit cannot sanitise the molecule")
    problem = problems[0]
    return MoleculeError(_PROBLEM_CODES.get(problem.GetType(), "sanitise"), problem.Message())


def words_of(error: BaseException) -> str:
    """Return the first line of what an exception says, or its name if it says nothing."""
    return tidy_message([str(error)]) or type(error).__name__


def tidy_message(messages: list[str]) -> str:
    """Return RDKit's first message without time stamp and without the drawing of where it stopped."""
    for message in messages:
        text = re.sub(r"^\[\d\d:\d\d:\d\d\]\s*", "", message.strip())
        # Exceptions of RDKit's own checks come in a frame: stars, what kind they are, then what is wrong.
        lines = [line.strip() for line in text.splitlines()]
        first = next((line for line in lines if line.strip("*") and not line.endswith("Violation")), "")
        first = re.sub(r"^SMILES Parse Error:\s*", "", first)
        first = re.sub(r"\s*(while parsing|for input): .*$", "", first)
        if first:
            return first
    return ""


class _Collector(logging.Handler):
    """Keeps RDKit's error messages."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


_listening: list[_Collector] = []


@contextmanager
def _warnings_too() -> Iterator[None]:
    """Collect what RDKit warns of, too, inside a block of :func:`rdkit_messages`."""
    rdBase.EnableLog("rdApp.warning")
    logger, level = logging.getLogger("rdkit"), _listening[0].level
    before = logger.level
    logger.setLevel(logging.WARNING)
    _listening[0].setLevel(logging.WARNING)
    try:
        yield
    finally:
        rdBase.DisableLog("rdApp.warning")
        logger.setLevel(before)
        _listening[0].setLevel(level)


@contextmanager
def rdkit_messages() -> Iterator[list[str]]:
    """Collect what RDKit complains of inside the block as a list of messages, and print nothing.

    Around many molecules this costs nothing per molecule; blocks inside it share its collector, which each
    of them empties when it begins.
    """
    if _listening:
        _listening[0].messages.clear()
        yield _listening[0].messages
        return
    collector = _Collector()
    logger = logging.getLogger("rdkit")
    before = logger.handlers[:], logger.propagate, logger.level, rdBase.LogStatus()
    rdBase.LogToPythonLogger()
    rdBase.DisableLog("rdApp.*")
    rdBase.EnableLog("rdApp.error")
    logger.handlers, logger.propagate = [collector], False
    logger.setLevel(logging.ERROR)
    _listening.append(collector)
    try:
        yield collector.messages
    finally:
        _listening.clear()
        logger.handlers, logger.propagate = before[0], before[1]
        logger.setLevel(before[2])
        rdBase.LogToCppStreams()  # this enables everything
        for line in before[3].split():
            name, _, status = line.partition(":")
            (rdBase.EnableLog if status == "enabled" else rdBase.DisableLog)(name)


def mol_from_block(block: str) -> Any:
    """Return the sanitised molecule of a mol block (SDF).

    A blank line inside the block is passed over, and a block without ``M  END`` ends where its data begins, as other
    programs write them.

    Raises
    ------
    MoleculeError
        With RDKit's own words.
    """
    try:
        return _mol_from_block(block)
    except MoleculeError:
        raise
    except Exception as error:  # as in parse_smiles
        raise MoleculeError("sanitise", words_of(error)) from None


def _mol_from_block(block: str) -> Any:
    mol = _read_block(block)
    if mol is not None:
        return mol
    mended = _mended(block)
    if mended != block:
        mol = _read_block(mended)
        if mol is not None:
            return mol
    with rdkit_messages():
        raw = _read_block(block, sanitise=False)
        if raw is None and mended != block:
            raw = _read_block(mended, sanitise=False)
    if raw is not None:
        raise _chemistry_problem(raw)
    with rdkit_messages() as messages, _warnings_too():
        _read_block(block)
    raise MoleculeError("syntax", tidy_message(messages) or "RDKit cannot read the mol block")


def _read_block(block: str, sanitise: bool = True) -> Any:
    """Return the molecule, or None.

    Without marks of trigonal bipyramids and octahedra: RDKit finds them in the coordinates of phosphates and
    sulfonamides that a docking program drew a little flat.
    """
    allowed = Chem.GetAllowNontetrahedralChirality()
    Chem.SetAllowNontetrahedralChirality(False)
    try:
        with rdkit_messages():
            return Chem.MolFromMolBlock(block, sanitize=sanitise, removeHs=sanitise, strictParsing=True)
    finally:
        Chem.SetAllowNontetrahedralChirality(allowed)


_HEADER_LINES = 4


def _mended(block: str) -> str:
    """Return a mol block with its ``M  END`` and without blank lines between its counts and its end."""
    lines = block.split("\n")
    end = next((at for at, line in enumerate(lines) if line.startswith(("M  END", ">"))), len(lines))
    body = [line for line in lines[_HEADER_LINES:end] if line.strip()]
    return "\n".join([*lines[:_HEADER_LINES], *body, "M  END", ""])
