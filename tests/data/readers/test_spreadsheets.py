"""A workbook given where a text file belongs is refused with what to do, whatever it is called."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from docksieve.data.errors import InputError
from docksieve.data.libraries.build import build_library
from docksieve.data.readers.spreadsheets import refuse_workbook
from docksieve.screening.docking.dock import TableTarget, freeze_target
from docksieve.screening.docking.table_read import read_scores
from docksieve.screening.docking.tune import read_ligands


def workbook(path: Path, part: str = "xl/workbook.xml") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(part, "<workbook/>")
    return path


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("a.xlsx", "xl/workbook.xml"),
        ("a.csv", "xl/workbook.xml"),
        ("a.xlsb", "xl/workbook.bin"),
        ("a.ods", "content.xml"),
    ],
)
def test_workbooks_are_refused_wherever_molecules_are_read(tmp_path: Path, name: str, part: str) -> None:
    path = workbook(tmp_path / name, part)
    target = TableTarget(scores=str(path), unit="kcal/mol", lower_is_better=True)
    for read in (
        lambda: build_library(tmp_path / "library", [path], workers=1, progress=False),
        lambda: read_scores(path, target),
        lambda: freeze_target("A", target, tmp_path / "frozen", tmp_path),
        lambda: read_ligands(path),
    ):
        with pytest.raises(InputError, match=r"is a workbook.*CSV") as error:
            read()
        assert str(path) in str(error.value)


def test_only_workbooks_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("smiles,id\nCCO,1\n")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "empty.smi").touch()
    for name in ("a.csv", "broken.zip", "empty.smi", "none.xlsx", ""):
        refuse_workbook(tmp_path / name)  # what is not there, or broken, is said by whoever reads it
    (tmp_path / "a.XLS").write_text("smiles,id\n")
    for path in (tmp_path / "a.XLS", workbook(tmp_path / "a.smi", "Index/Document.iwa")):
        with pytest.raises(InputError, match="Save the sheet with the molecules as CSV"):
            refuse_workbook(path)


def test_old_workbooks_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(InputError, match="is a workbook"):
        build_library(tmp_path / "library", [path], workers=1, progress=False)


def test_a_zip_archive_of_one_text_file_is_read_as_before(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.smi", "CCOC(=O)c1ccccc1 first\nCCNC(=O)c1ccccc1 second\n")
    library = build_library(tmp_path / "library", [tmp_path / "a.zip"], workers=1, progress=False)
    assert library.rows == 2
