"""Building blocks: read like any molecule file, checked against the reaction they are for."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rdkit import Chem

from ..errors import InputError
from ..molecules.batch import standard_forms
from ..molecules.standardise import DEFAULT_STANDARD, rdkit_messages
from ..readers.layout import Layout, ReadingSettings, decode, split_line
from ..readers.records import LineCounts, any_records
from ..readers.sources import open_files


class Reagent(NamedTuple):
    """A building block: the id to order it by, and its standard SMILES."""

    id: str
    smiles: str


class RefusedReagent(NamedTuple):
    """A line that offers no building block: where it stands, what it says, and why it is refused."""

    file: str
    line: int
    id: str
    text: str
    code: str
    reason: str


class NumericColumns:
    """The numbers that a table says of its molecules beside SMILES and id.

    Parameters
    ----------
    names : mapping of int to str
        Columns by place.
    delimiter : str
    """

    def __init__(self, names: Mapping[int, str], delimiter: str) -> None:
        self._names, self._delimiter = names, delimiter
        self._values: dict[str, dict[str, float]] = {name: {} for name in names.values()}

    @classmethod
    def of(cls, payload: bytes, first_line: int, layout: Layout) -> NumericColumns | None:
        """Return the columns that the header names; None where there is no header."""
        lines = payload.split(layout.newline.encode())
        if not layout.header_line or not 0 <= layout.header_line - first_line < len(lines):
            return None
        header = decode(lines[layout.header_line - first_line].removeprefix(b"\xef\xbb\xbf")).strip("\r\n")
        cells = split_line(header.lstrip("# "), layout.delimiter)
        taken = (layout.smiles, layout.id)
        return cls({at: cell.strip() for at, cell in enumerate(cells) if at not in taken}, layout.delimiter)

    def take(self, identifier: str, line: str) -> None:
        """Take in a line. A column with a text in it is no numeric one; an empty cell says nothing."""
        cells = split_line(line, self._delimiter)
        for at, name in self._names.items():
            cell = cells[at].strip() if at < len(cells) else ""
            if not cell or name not in self._values:
                continue
            try:
                self._values[name][identifier] = float(cell)
            except ValueError:
                del self._values[name]

    def numeric(self) -> dict[str, dict[str, float]]:
        """Return the finite numbers, by column and id."""
        finite = {
            name: {key: value for key, value in known.items() if math.isfinite(value)}
            for name, known in self._values.items()
        }
        return {name: known for name, known in finite.items() if name and known}


Job = Mapping[str, Any]
Run = Callable[[Callable[[Job], dict[str, Any]], Iterable[Job]], Iterator[tuple[Job, dict[str, Any]]]]
"""Runs a function on jobs and yields each with what became of it, in any order (a pool of processes, say)."""
CHUNK_BYTES, CHUNK_ROWS = 1 << 18, 5_000
"""What one job reads of a text or of a table."""


def read_reagents(
    role: str,
    files: Sequence[str | os.PathLike[str]],
    refused: list[RefusedReagent] | None = None,
    numbers: dict[str, dict[str, float]] | None = None,
    run: Run | None = None,
) -> tuple[Reagent, ...]:
    """Return the building blocks in ``files``, each structure once, in file order.

    Salts are stripped: what reacts is the free reagent.

    Parameters
    ----------
    role : str
        For messages.
    files : sequence of path
    refused : list, optional
        Lines that are no molecule, and repeated structures, are added to it.
    numbers : dict, optional
        Gets the numeric columns of text files with a header (a price, say): by column, by id.
    run : callable, optional
        Runs :func:`read_chunk` on pieces of the files; one after the other in this process by default. The result is
        the same.

    Raises
    ------
    InputError
        If a file cannot be read, an id is missing or holds a colon, or two reagents share an id.
    """
    names = [os.fspath(file) for file in files]
    if "-" in names:
        raise InputError("Reagents cannot come from standard input.", "Name a file.")
    collected = _Collected(role, refused, numbers)
    # Packed tables are not spooled for reagents: they are small, and there is no build folder yet.
    for source in open_files(names, ReadingSettings(), CHUNK_BYTES, CHUNK_ROWS, Path(os.devnull)):
        columns: NumericColumns | None = None
        for job, found in in_order(run or run_here, read_chunk, _reading_jobs(source, numbers is not None)):
            if not job["index"] and job["texts"]:
                columns = NumericColumns.of(job["payload"], job["first_line"], source.layout)
            collected.take(source, found, columns)
        collected.learn(columns)
    if not collected.reagents:
        raise InputError(f"There are no {role} in {', '.join(names)}.", "Check the file.")
    return tuple(collected.reagents.values())


def run_here(
    task: Callable[[Job], dict[str, Any]], jobs: Iterable[Job]
) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Yield each job with its result, worked off one after the other."""
    for job in jobs:
        yield job, task(job)


def in_order(
    run: Run, task: Callable[[Job], dict[str, Any]], jobs: Iterable[Job]
) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Yield jobs and results by the jobs' ``index`` (from 0), whatever order they end in."""
    waiting: dict[int, tuple[Job, dict[str, Any]]] = {}
    following = 0
    for job, result in run(task, jobs):
        waiting[job["index"]] = job, result
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _reading_jobs(source: Any, numeric: bool) -> Iterator[Job]:
    kind, layout = source.layout.kind, source.layout
    for index, chunk in enumerate(source.chunks()):
        yield {**chunk, "index": index, "kind": kind, "layout": layout, "texts": numeric and kind == "text"}


def read_chunk(job: Job) -> dict[str, Any]:
    """Return the building blocks of a piece of a file.

    Parameters
    ----------
    job : mapping
        A chunk of a source, its ``kind`` and ``layout``; ``texts``: the lines are wanted too.

    Returns
    -------
    dict
        ``lines``, ``ids`` (None where a record has none), ``smiles`` (empty where there is no molecule), ``texts``
        (where wanted), and ``problems``: by place, structure, code and reason.
    """
    layout = job["layout"]
    with rdkit_messages():
        records = list(any_records(layout.kind, job, layout, LineCounts()))
        forms = standard_forms(
            [record.structure for record in records], DEFAULT_STANDARD, layout.kind == "sdf", described=False
        )
    return {
        "lines": [record.line for record in records],
        "ids": [record.id for record in records],
        "smiles": forms.smiles,
        "texts": [record.text for record in records] if job["texts"] else [],
        "problems": {
            at: (records[at].structure[:200], error.code, error.message)
            for at, error in forms.problems.items()
        },
    }


class _Collected:
    """Building blocks as they come in."""

    def __init__(
        self,
        role: str,
        refused: list[RefusedReagent] | None,
        numbers: dict[str, dict[str, float]] | None,
    ) -> None:
        self.reagents: dict[str, Reagent] = {}
        self._role, self._refused, self._numbers = role, refused, numbers
        self._seen: dict[str, str] = {}

    def take(self, source: Any, found: Mapping[str, Any], columns: NumericColumns | None) -> None:
        """Take in the records of a piece of a file."""
        problems, texts = found["problems"], found["texts"]
        records = zip(found["lines"], found["ids"], found["smiles"], strict=True)
        for at, (line, given, smiles) in enumerate(records):
            if (why := problems.get(at)) is not None:
                self._refuse(source, line, given or "", *why)
                continue
            identifier = given or f"{source.stem}-{line}"
            if ":" in identifier:
                raise InputError(
                    f"{source.name}, line {line}: the id {identifier!r} holds a colon, which separates parts of "
                    "product ids.",
                    "Rename the reagent.",
                )
            if self._seen.setdefault(identifier, smiles) != smiles:
                raise InputError(
                    f"{source.name}, line {line}: another of the {self._role} has the id {identifier!r}.",
                    "Ids of reagents must differ.",
                )
            first = self.reagents.setdefault(smiles, Reagent(identifier, smiles))
            if columns is not None and first.id == identifier:
                columns.take(identifier, texts[at])
            if first.id != identifier:
                why = (smiles, "duplicate", f"the same structure as {first.id}")
                self._refuse(source, line, identifier, *why)

    def _refuse(self, source: Any, line: int, identifier: str, text: str, code: str, reason: str) -> None:
        if self._refused is not None:
            self._refused.append(RefusedReagent(source.name, line, identifier, text, code, reason))

    def learn(self, columns: NumericColumns | None) -> None:
        """Keep the numeric columns of a file that is read."""
        if columns is not None and self._numbers is not None:
            for name, known in columns.numeric().items():
                self._numbers.setdefault(name, {}).update(known)


def usable_reagents(reagents: Sequence[Reagent], template: Any) -> tuple[Reagent, ...]:
    """Return the reagents that a reactant template fits in exactly one place."""
    kept = []
    for reagent in reagents:
        mol = Chem.MolFromSmiles(reagent.smiles)
        if len(mol.GetSubstructMatches(template, uniquify=True, maxMatches=2)) == 1:
            kept.append(reagent)
    return tuple(kept)
