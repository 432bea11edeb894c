"""Building blocks: read like any molecule file, checked against the reaction they are for."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
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


def read_reagents(
    role: str,
    files: Sequence[str | os.PathLike[str]],
    refused: list[RefusedReagent] | None = None,
    numbers: dict[str, dict[str, float]] | None = None,
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

    Raises
    ------
    InputError
        If a file cannot be read, an id is missing or holds a colon, or two reagents share an id.
    """
    reagents: dict[str, Reagent] = {}
    seen: dict[str, str] = {}
    names = [os.fspath(file) for file in files]
    if "-" in names:
        raise InputError("Reagents cannot come from standard input.", "Name a file.")
    # Packed tables are not spooled for reagents: they are small, and there is no build folder yet.
    with rdkit_messages():
        for source in open_files(names, ReadingSettings(), 1 << 20, 10_000, Path(os.devnull)):
            columns: NumericColumns | None = None
            for chunk in source.chunks():
                if columns is None and source.layout.kind == "text":
                    columns = NumericColumns.of(chunk["payload"], chunk["first_line"], source.layout)
                records = list(any_records(source.layout.kind, chunk, source.layout, LineCounts()))
                structures = [record.structure for record in records]
                forms = standard_forms(structures, DEFAULT_STANDARD, source.layout.kind == "sdf")
                for at, record in enumerate(records):
                    if (error := forms.problems.get(at)) is not None:
                        if refused is not None:
                            why = (record.structure[:200], error.code, error.message)
                            refused.append(RefusedReagent(source.name, record.line, record.id or "", *why))
                        continue
                    smiles = forms.smiles[at]
                    identifier = record.id or f"{source.stem}-{record.line}"
                    where = f"{source.name}, line {record.line}"
                    if ":" in identifier:
                        raise InputError(
                            f"{where}: the id {identifier!r} holds a colon, which separates parts of product ids.",
                            "Rename the reagent.",
                        )
                    if seen.setdefault(identifier, smiles) != smiles:
                        raise InputError(
                            f"{where}: another of the {role} has the id {identifier!r}.",
                            "Ids of reagents must differ.",
                        )
                    first = reagents.setdefault(smiles, Reagent(identifier, smiles))
                    if numbers is not None and columns is not None and first.id == identifier:
                        columns.take(identifier, record.text)
                    if refused is not None and first.id != identifier:
                        why = (smiles, "duplicate", f"the same structure as {first.id}")
                        refused.append(RefusedReagent(source.name, record.line, identifier, *why))
            if numbers is not None and columns is not None:
                for name, known in columns.numeric().items():
                    numbers.setdefault(name, {}).update(known)
    if not reagents:
        raise InputError(f"There are no {role} in {', '.join(names)}.", "Check the file.")
    return tuple(reagents.values())


def usable_reagents(reagents: Sequence[Reagent], template: Any) -> tuple[Reagent, ...]:
    """Return the reagents that a reactant template fits in exactly one place."""
    kept = []
    for reagent in reagents:
        mol = Chem.MolFromSmiles(reagent.smiles)
        if len(mol.GetSubstructMatches(template, uniquify=True, maxMatches=2)) == 1:
            kept.append(reagent)
    return tuple(kept)
