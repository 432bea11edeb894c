"""Finding out the layout of a molecule file from its first lines, so that it can be explained and overruled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rdkit import Chem, rdBase

from ..errors import InputError
from .id_columns import choose_id_column, name_score, says_smiles, words_of_name
from .layout import CX_EXTENSION, Layout, ReadingSettings, decode, split_line

SAMPLE_ROWS = 200

_SMILES_NAMES = re.compile(
    r"^(cx|canonical|isomeric|standard|rdkit|nominal|std|mol|parent|ligand|structure)?[ _-]?"
    r"(smiles|smi|cxsmiles)([ _-]?(string|canonical|isomeric|parent))?$|^structure$|^x_structure$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^[+-]?(\d+\.\d*|\.\d+|\d+[eE][+-]?\d+|\d+\.\d*[eE][+-]?\d+|nan|NaN)$")
_WORD = re.compile(r"^#?[A-Za-z][A-Za-z0-9_ .()/%-]*$")


def detect_text(head: bytes, complete: bool, name: str, settings: ReadingSettings) -> Layout:
    """Return the layout of a text file from its first bytes.

    Parameters
    ----------
    head : bytes
    complete : bool
        Whether ``head`` is the whole file.
    name : str
        For messages; its ending is a hint (``.smi``: the rest of the line is the id).
    settings : ReadingSettings

    Raises
    ------
    InputError
        If no column holds SMILES, or a column that the user named is not there.
    """
    _refuse_binary(head, name)
    newline = "\n" if b"\n" in head or b"\r" not in head else "\r"
    lines = _sample_lines(head, complete, newline)
    first, rows = _rows_to_judge(lines, settings.comment)
    if not rows:
        return Layout(
            "text", delimiter="\t", newline=newline, comment=settings.comment, why="no lines to judge"
        )
    delimiter = settings.separator or _find_delimiter([text for _, text in rows])
    table = [split_line(text, delimiter) for _, text in rows]
    header = _find_header(first, rows, settings, delimiter)
    names = [cell.strip() for cell in split_line(header[1].lstrip("# "), delimiter)] if header else []
    body = table[1:] if header and rows[0][0] == header[0] else table
    smiles, why = _find_smiles(body or table, names, settings, name)
    identifier, rest = _find_id(body or table, names, smiles, settings, name, delimiter)
    return Layout(
        "text",
        delimiter=delimiter,
        smiles=smiles,
        id=identifier,
        smiles_name=names[smiles] if smiles < len(names) else "",
        id_name=names[identifier] if identifier is not None and identifier < len(names) else "",
        header_line=header[0] if header else 0,
        rest_is_id=rest,
        newline=newline,
        comment=settings.comment,
        why=why,
    )


def _refuse_binary(head: bytes, name: str) -> None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{name} is UTF-16 text.", "Save it as UTF-8 (iconv -f UTF-16 -t UTF-8).")
    if head.count(b"\0") > len(head) // 10:
        raise InputError(
            f"{name} is a binary file, not text.",
            "Readable are SMILES in text or CSV, SDF, Parquet and Feather, packed or not.",
        )


def _sample_lines(head: bytes, complete: bool, newline: str) -> list[str]:
    if head.startswith(b"\xef\xbb\xbf"):
        head = head[3:]
    lines = head.split(newline.encode())
    if not complete and len(lines) > 1:
        lines.pop()  # may be cut
    return [decode(line).rstrip("\r\n") for line in lines[: SAMPLE_ROWS * 5]]


def _rows_to_judge(
    lines: Sequence[str], comment: str
) -> tuple[tuple[int, str] | None, list[tuple[int, str]]]:
    """Return a commented first line, which may be a header, and the lines that are neither comment nor blank."""
    first: tuple[int, str] | None = None
    rows: list[tuple[int, str]] = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        if comment and text.lstrip().startswith(comment):
            if not rows:
                first = (number, text)
            continue
        rows.append((number, text))
        if len(rows) >= SAMPLE_ROWS:
            break
    return first, rows


def _find_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that splits most lines into the same number of columns, one at least SMILES."""
    lines = [CX_EXTENSION.sub("", line) for line in lines]  # its bars and commas separate nothing
    best, best_score = " ", 0.0
    for delimiter in ("\t", ",", ";", "|", " "):
        table = [split_line(line, delimiter) for line in lines]
        count, times = Counter(len(row) for row in table).most_common(1)[0]
        if count < 2:
            continue
        share = times / len(lines)
        width = max(_smiles_share([row[i] for row in table if i < len(row)]) for i in range(min(count, 60)))
        score = share * (0.1 + width)
        if score > best_score * 1.05:
            best, best_score = delimiter, score
    return best


def _smiles_share(cells: Sequence[str]) -> float:
    """Return the share of the filled cells that parse as SMILES of more than one atom or bracket."""
    filled = [cell.strip() for cell in cells[:60] if cell.strip()]
    if not filled:
        return 0.0
    return sum(_is_smiles(cell.split()[0]) for cell in filled) / len(filled)


def _is_smiles_name(cell: str) -> bool:
    return bool(_SMILES_NAMES.match(cell)) or (len(cell) < 40 and says_smiles(cell))


def _is_smiles(text: str) -> bool:
    if text.isdigit() or len(text) > 5000:
        return len(text) > 5000
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text, sanitize=False)
    return mol is not None and mol.GetNumAtoms() > 0


def _find_header(
    commented: tuple[int, str] | None,
    rows: Sequence[tuple[int, str]],
    settings: ReadingSettings,
    delimiter: str,
) -> tuple[int, str] | None:
    """Return number and text of the line that names the columns, or None."""
    if settings.header is False:
        return None
    table = [split_line(text, delimiter) for _, text in rows]
    width = Counter(len(row) for row in table).most_common(1)[0][0]
    if commented is not None:
        cells = [cell.strip() for cell in split_line(commented[1].lstrip("# "), delimiter)]
        if len(cells) == width and any(_is_smiles_name(cell) for cell in cells):
            return commented
    if settings.header:
        return rows[0]
    cells = [cell.strip() for cell in table[0]]
    if any(_is_smiles_name(cell) and not _is_smiles(cell) for cell in cells):
        return rows[0]
    return rows[0] if len(rows) > 1 and _all_words(cells) and _unlike_the_rest(cells, table[1:]) else None


def _all_words(cells: Sequence[str]) -> bool:
    return all(_WORD.match(cell) and not _NUMBER.match(cell) for cell in cells if cell)


def _unlike_the_rest(cells: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first line has a word where all others have SMILES.

    Short ids read as SMILES too (``b`` is an atom): where the first line has a SMILES in a column of them, it is a
    molecule like the others.
    """
    columns = [[row[index] for row in body if index < len(row)] for index in range(len(cells))]
    smiles = [index for index, column in enumerate(columns) if _smiles_share(column) > 0.9]
    if any(cells[index] and _is_smiles(cells[index].split()[0]) for index in smiles):
        return False
    for cell in (cells[index] for index in smiles if cells[index]):
        return len(cells) == 1 or any(name_score(other) for other in cells) or cell.isalpha()
    return False


def _column(table: Sequence[Sequence[str]], index: int) -> list[str]:
    return [row[index].strip() for row in table if index < len(row)]


def column_number(wanted: str, names: Sequence[str], width: int, name: str, option: str) -> int:
    """Return the number from 0 of the column that the user named or numbered.

    Raises
    ------
    InputError
        Naming the columns there are.
    """
    lowered = [column.lower() for column in names]
    if wanted in names:
        return names.index(wanted)
    if wanted.lower() in lowered:
        return lowered.index(wanted.lower())
    if wanted.isdigit() and 1 <= int(wanted) <= max(width, len(names)):
        return int(wanted) - 1
    have = f"its columns are {', '.join(names)}" if names else f"it has no header and {width} columns"
    raise InputError(f"{name} has no column {wanted!r}: {have}.", f"Give {option} a name or a number from 1.")


def _find_smiles(
    table: Sequence[Sequence[str]], names: Sequence[str], settings: ReadingSettings, name: str
) -> tuple[int, str]:
    """Return the number of the SMILES column, and why."""
    width = max(len(row) for row in table)
    if settings.smiles_column is not None:
        return column_number(settings.smiles_column, names, width, name, "--smiles-column"), "column as told"
    shares = [_smiles_share(_column(table, index)) for index in range(min(width, 500))]
    for says in (_SMILES_NAMES.match, says_smiles):
        for index, column in enumerate(names[: len(shares)]):
            if says(column) and shares[index] > 0:
                _refuse_selfies(_column(table, index), column, name)
                return index, "column by its name"
    _refuse_unlike(table, names[: len(shares)], name)
    best = max(shares)
    if best <= 0:
        example = " ".join(table[0])[:80]
        raise InputError(
            f"No column of {name} holds SMILES (it begins with {example!r}).",
            "Give --smiles-column (and --delimiter) if there is one.",
        )
    lengths = [_mean_length(_column(table, index)) for index in range(len(shares))]
    likely = [index for index, share in enumerate(shares) if share >= 0.8 * best]
    longest = max(lengths[index] for index in likely)
    chosen = next(index for index in likely if lengths[index] >= longest / 2)
    _refuse_selfies(_column(table, chosen), names[chosen] if chosen < len(names) else str(chosen + 1), name)
    return chosen, f"{shares[chosen]:.0%} of the sampled values in it parse"


def _refuse_unlike(table: Sequence[Sequence[str]], names: Sequence[str], name: str) -> None:
    """Refuse a file whose column of SMILES, by its name, holds none; another column would be taken for it."""
    for index, column in enumerate(names):
        filled = [cell for cell in _column(table, index) if cell]
        if filled and says_smiles(column):
            _refuse_selfies(filled, column, name)
            raise InputError(
                f"The column {column!r} of {name} holds no SMILES: it begins with {filled[0][:60]!r}.",
                "Write SMILES there, or name another column with --smiles-column.",
            )


_SELFIES = re.compile(r"(?:\[[^\[\]]+\]){2,}")


def _refuse_selfies(cells: Sequence[str], column: str, name: str) -> None:
    """Refuse SELFIES: much of it reads as SMILES of atoms without hydrogens."""
    filled = [cell for cell in cells if cell]
    like = [cell for cell in filled if _SELFIES.fullmatch(cell.replace(".", ""))]
    tokens = sum(cell.count("[") for cell in like)
    if len(filled) >= 5 and len(like) > 0.8 * len(filled) and tokens > 2.5 * len(like):
        raise InputError(
            f"The column {column!r} of {name} holds SELFIES, not SMILES: it begins with {filled[0][:60]!r}.",
            "Decode it first (selfies.decoder of the Python package selfies).",
        )


def _mean_length(cells: Sequence[str]) -> float:
    filled = [len(cell) for cell in cells if cell]
    return sum(filled) / len(filled) if filled else 0.0


def _find_id(
    table: Sequence[Sequence[str]],
    names: Sequence[str],
    smiles: int,
    settings: ReadingSettings,
    name: str,
    delimiter: str,
) -> tuple[int | None, bool]:
    """Return the number of the id column (None: there is none), and whether the rest of the line is the id."""
    width = max(len(row) for row in table)
    if settings.id_column is not None:
        if settings.id_column.lower() == "none":
            return None, False
        return column_number(settings.id_column, names, width, name, "--id-column"), False
    if delimiter == " " and not names and smiles == 0 and width > 1:
        steady = Counter(len(row) for row in table).most_common(1)[0][1] >= 0.9 * len(table)
        if not steady:
            return None, True
    lengths = _mean_length(_column(table, smiles))
    structures = [
        _holds_structures(_column(table, index), lengths) for index in range(min(width, len(names)))
    ]
    if (found := choose_id_column(names[:width], table, smiles, structures)) is not None:
        return found, False
    order = [*range(smiles + 1, width), *range(smiles)]
    for index in order:
        # Where there is just one other column and no header, it is the id even if ids repeat.
        different = 0.0 if width == 2 and not names else 0.9
        if index < len(names) and _denied(names[index]):
            continue
        if _is_id_column(_column(table, index), _column(table, smiles), bool(names), different):
            return index, False
    return None, False


def _is_id_column(cells: Sequence[str], smiles: Sequence[str], named: bool, least_different: float) -> bool:
    """Tell whether a column without a telling name holds ids: all different, no measurements, no SMILES."""
    filled = [cell for cell in cells if cell]
    if len(filled) < 0.9 * max(len(cells), 1) or not filled:
        return False
    if sum(bool(_NUMBER.match(cell)) for cell in filled) > 0.1 * len(filled):
        return False
    if named and sum(cell.lstrip("+-").isdigit() for cell in filled) > 0.5 * len(filled):
        return False  # whole numbers under an unknown name are as likely a count or a class
    if _holds_structures(filled, _mean_length(smiles)):
        return False
    return len(set(filled)) >= least_different * len(filled)


def _holds_structures(cells: Sequence[str], length: float) -> bool:
    """Tell whether cells are structures; short ids such as B or C1 parse as SMILES, too."""
    return _smiles_share(cells) > 0.5 and _mean_length(cells) > 0.4 * length


def _denied(name: str) -> bool:
    """Tell whether a column's name says that it holds something else than ids, whatever its cells look like."""
    words = words_of_name(name)
    return (
        says_smiles(name) or "inchi" in name.lower() or "cas" in words or bool({"url", "link"} & set(words))
    )


def detect_columns(
    names: Sequence[str], table: Sequence[Sequence[str]], kind: str, name: str, settings: ReadingSettings
) -> Layout:
    """Return the layout of a table with named text columns (Parquet, Feather).

    Parameters
    ----------
    names : sequence of str
        Columns that hold text.
    table : rows of text cells
        A sample, columns as in ``names``.
    kind, name : str
    settings : ReadingSettings

    Raises
    ------
    InputError
        If no column holds SMILES.
    """
    if not names:
        raise InputError(f"{name} has no column of text.", "SMILES must be stored as strings.")
    smiles, why = _find_smiles(table or [[""] * len(names)], names, settings, name) if table else (0, "")
    if not table and settings.smiles_column:
        smiles = column_number(settings.smiles_column, names, len(names), name, "--smiles-column")
    identifier, _ = _find_id(table, names, smiles, settings, name, "") if table else (None, False)
    return Layout(
        kind,
        smiles=smiles,
        id=identifier,
        smiles_name=names[smiles],
        id_name=names[identifier] if identifier is not None else "",
        why=why,
    )


def looks_like_sdf(head: bytes, name: str) -> bool:
    """Tell whether the first bytes are those of an SD file."""
    if b"$$$$" in head or b"M  END" in head:
        return True
    return Path(name.lower().removesuffix(".gz")).suffix in (".sdf", ".sd", ".mol") and bool(head.strip())
