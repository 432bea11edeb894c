"""Workbooks of spreadsheet programs: noticed by what they hold, and refused with what to do."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..errors import InputError

_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARTS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml", "Index/Document.iwa")
_ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers")


def refuse_workbook(path: str | Path) -> None:
    """Refuse a workbook (.xlsx, .xls, .ods, .numbers), whatever it is called.

    A workbook has sheets, formulas, and ids that the program took for dates: what the molecules are is for its owner to
    say, by saving the sheet as text.

    Raises
    ------
    InputError
        If it is one.
    """
    path = Path(path)
    if path.is_file() and (path.suffix.lower() in _ENDINGS or _is_workbook(path)):
        raise InputError(
            f"{path} is a workbook of a spreadsheet program.",
            "Save the sheet with the molecules as CSV (UTF-8) there, and give that file.",
        )


def _is_workbook(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(8)
        if head.startswith(_OLD_EXCEL):
            return True
        if not head.startswith(b"PK\x03\x04"):
            return False
        with zipfile.ZipFile(path) as archive:
            return any(name in _PARTS for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False  # whoever reads it says what is wrong
