"""The layout of a molecule file: which column holds the SMILES, which the id; found out, and explained."""

from __future__ import annotations

import csv
import dataclasses
import re
from dataclasses import dataclass
from typing import Any

SAMPLE_ROWS = 200
_DELIMITER_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", " ": "blanks"}
_DELIMITER_WORDS = {
    "tab": "\t",
    "\\t": "\t",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
    "space": " ",
    "blanks": " ",
}

# A CXSMILES extension: blanks, then everything between two bars. Its commas and blanks are not columns.
CX_EXTENSION = re.compile(r"[ \t]+(\|[^|]*\|)")


@dataclass(frozen=True)
class ReadingSettings:
    """What the user says about the layout; everything left at None is found out.

    Attributes
    ----------
    smiles_column, id_column : str or None
        Name in the header, or number counted from 1. ``id_column="none"``: there are no ids.
    delimiter : str or None
        One character, or ``tab``, ``comma``, ``semicolon``, ``bar``, ``space``.
    header : bool or None
        Whether the first line names the columns.
    comment : str
        A line that starts with this is a comment; empty: there are none.

    Examples
    --------
    >>> reading = docksieve.ReadingSettings(smiles_column="smiles", id_column="none", delimiter="comma")
    >>> settings = docksieve.IngestSettings(reading=reading)
    >>> docksieve.build_library("scored", ["egfr.csv"], settings, workers=1, progress=False).rows
    173
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    smiles_column: str | None = None
    id_column: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    comment: str = "#"

    def __post_init__(self) -> None:
        if self.delimiter is not None and len(self.separator or "") != 1:
            words = ", ".join(sorted(word for word in _DELIMITER_WORDS if word.isalpha()))
            raise ValueError(f"delimiter must be one character or one of {words}, not {self.delimiter!r}")

    @property
    def separator(self) -> str | None:
        """The delimiter as a character."""
        return None if self.delimiter is None else _DELIMITER_WORDS.get(self.delimiter, self.delimiter)


@dataclass(frozen=True)
class Layout:
    """How to read one input.

    Attributes
    ----------
    kind : str
        ``text``, ``sdf``, ``parquet``, ``arrow`` or ``products``.
    delimiter : str
        For text; a blank stands for any run of blanks and tabs.
    smiles, id : int or None
        Column numbers from 0 (text).
    smiles_name, id_name : str
        Column or property names where there are names.
    header_line : int
        Number of the line that names the columns; 0: there is none.
    rest_is_id : bool
        The id is everything behind the SMILES (titles of several words).
    newline : str
    comment : str
    why : str
        How the columns were chosen.
    """

    kind: str
    delimiter: str = ""
    smiles: int = 0
    id: int | None = None
    smiles_name: str = ""
    id_name: str = ""
    header_line: int = 0
    rest_is_id: bool = False
    newline: str = "\n"
    comment: str = "#"
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the layout as JSON values."""
        return dataclasses.asdict(self)

    def describe(self) -> str:
        """Return what was taken for what, in one line for the user."""
        if self.kind == "sdf":
            return "SDF; id from " + (f"the property {self.id_name!r}" if self.id_name else "the title line")
        if self.kind == "products":
            return self.why
        if self.kind != "text":
            chosen = f"{self.kind.title()}; SMILES from {self.smiles_name!r}"
            return f"{chosen}, " + (
                f"id from {self.id_name!r}" if self.id_name else "no ids: made from the row"
            )
        named = f" ({self.smiles_name!r})" if self.smiles_name else ""
        parts = [f"text, separated by {_DELIMITER_NAMES.get(self.delimiter, repr(self.delimiter))}"]
        parts.append(f"header on line {self.header_line}" if self.header_line else "no header")
        parts.append(f"SMILES from column {self.smiles + 1}{named}")
        if self.rest_is_id:
            parts.append("id from the rest of the line")
        elif self.id is None:
            parts.append("no ids: made from file and line")
        else:
            parts.append(f"id from column {self.id + 1}" + (f" ({self.id_name!r})" if self.id_name else ""))
        return "; ".join(parts) + (f" [{self.why}]" if self.why else "")


def decode(line: bytes) -> str:
    """Return a line as text: UTF-8 or, where it is not, Latin-1 (which cannot fail)."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def split_line(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line; quotes are understood, a CXSMILES extension is dropped."""
    if "|" in line and delimiter != "|":
        line = CX_EXTENSION.sub("", line, count=1)
    if delimiter == " ":
        return line.split()
    if '"' in line:
        try:
            return next(csv.reader([line], delimiter=delimiter))
        except (csv.Error, StopIteration):
            pass  # a stray quote: taken as it stands
    return line.split(delimiter)
