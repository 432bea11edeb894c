"""What files say of one molecule: its place, its records, and whom an id, a row or a SMILES means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import InputError
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.screening.queries.molecule import (
    Place,
    find_molecule,
    nearest_docked,
    origin,
    place_among,
    records_of,
    structure_facts,
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("library")
    lines = ["CCO a", "CCN b", "c1ccccc1 1", "OCC c", "CCCl twice", "CCBr twice"]
    (folder / "in.smi").write_text("\n".join(lines) + "\n")
    return build_library(folder / "lib", [folder / "in.smi"], workers=1, progress=False)


@pytest.fixture
def scores(tmp_path: Path) -> list[Path]:
    pq.write_table(
        pa.table(
            {
                "row": pa.array([0, 1, 2, 0, 3, None], pa.int64()),
                "id": ["a", "b", "1", "a", "c", "x"],
                "smiles": ["CCO", "CCN", "c1ccccc1", "CCO", "CCCO", "CCCN"],
                "target": ["A", "A", "A", "B", "A", "A"],
                "score": [-8.0, -7.0, -7.0, -20.0, None, -9.0],
            }
        ),
        tmp_path / "scores.parquet",
    )
    return [tmp_path / "scores.parquet"]


def test_the_place_of_a_score(scores: list[Path]) -> None:
    assert place_among(scores, "score", -7.0, True, "A") == Place(3, 1, 4)
    assert place_among(scores, "score", -7.0, False, "A") == Place(1, 1, 4)
    assert place_among(scores, "score", -8.0, True) == Place(3, 0, 5)
    assert Place(3, 1, 4).best_percent == 75


def test_the_records_of_a_row(scores: list[Path]) -> None:
    assert [item["target"] for item in records_of(scores, 0)] == ["A", "B"]
    assert [item["score"] for item in records_of(scores, 0, "B")] == [-20]
    assert records_of([], 0) == [] and records_of(scores, 99) == []


@pytest.mark.parametrize(
    ("asked", "row", "note"),
    [
        ("a", 0, ""),
        (" b ", 1, ""),
        ("row:2", 2, ""),
        ("0", 0, ""),
        ("1", 2, "1 is an id; row 1 of the library is row:1."),
        ("c", 0, "c is a duplicate of this molecule: the library kept the first record."),
    ],
)
def test_who_is_meant(library: Library, asked: str, row: int, note: str) -> None:
    assert find_molecule(library, asked, None) == (row, note)


def test_a_smiles_means_its_molecule(library: Library) -> None:
    assert find_molecule(library, "OCC", "CCO") == (0, "")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("twice", r"2 molecules have the id 'twice': row:3 CCCl; row:4 CCBr\."),
        ("row:99", "has no row '99'"),
        ("row:x", "has no row 'x'"),
        ("nobody", "no molecule 'nobody'"),
    ],
)
def test_who_is_not(library: Library, asked: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_molecule(library, asked, None)


def test_where_a_molecule_came_from(library: Library) -> None:
    found = origin(library, 0)
    assert Path(found["file"]).name == "in.smi" and found["record"] == 1
    assert [(item["record"], item["id"]) for item in found["also"]] == [(4, "c")]
    assert origin(library, 1)["also"] == []


def test_what_follows_from_the_structure() -> None:
    found = structure_facts("CC(=O)Oc1ccccc1C(=O)O")
    assert found["scaffold"] == "c1ccccc1" and found["parent"] == "CC(=O)Oc1ccccc1C(=O)O"
    assert found["qed"] == pytest.approx(0.550, abs=1e-3)  # aspirin, Bickerton et al. 2012
    assert set(found["alerts"]) == {"pains", "brenk", "nih"} and not found["alerts"]["pains"]


def letters(smiles: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """A fingerprint of the letters of a SMILES."""
    found = [sorted({ord(letter) for letter in text}) for text in smiles]
    offsets = np.cumsum([0, *map(len, found)]).astype(np.int64)
    return offsets, np.concatenate([*found, []]).astype(np.int32)


def test_the_docked_molecules_most_like_one(scores: list[Path]) -> None:
    found = nearest_docked("CCO", 0, {"A": scores, "B": scores}, letters, 2)
    assert [(item["smiles"], item["scores"], item["similarity"]) for item in found] == [
        ("CCN", {"A": -7.0}, 0.3333),
        ("CCCN", {"A": -9.0}, 0.3333),
    ]
    assert nearest_docked("CCO", 0, {}, letters, 2) == []
