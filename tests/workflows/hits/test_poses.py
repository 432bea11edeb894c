"""Poses are found by their pointers, and receptors by their targets; what cannot be read says so."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from docksieve.data.errors import FormatError
from docksieve.data.store import write_table
from docksieve.workflows.hits.poses import read_poses, receptor_of

ATOM = "ATOM      1  O   MET A 769       1.000   2.000   3.000  1.00  0.00     0.000 OA\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    columns = ("id", "target", "rank", "score", "molblock")
    rows = [("x", "A", 1, -7.5, "second"), ("y", "A", 0, -6.0, "other"), ("x", "A", 0, -8.0, "first")]
    rows.append(("x", "B", 0, -9.0, "elsewhere"))
    (tmp_path / "campaign" / "poses").mkdir(parents=True)
    for path in (tmp_path / "campaign" / "poses" / "p.parquet", tmp_path / "outside.parquet"):
        write_table(path, pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows]))
    return tmp_path / "campaign"


def test_a_pointer_leads_to_all_poses_of_its_molecule_and_target_best_first(root: Path) -> None:
    expected = [
        {"rank": 0, "score": -8.0, "molblock": "first"},
        {"rank": 1, "score": -7.5, "molblock": "second"},
    ]
    assert read_poses(root, "poses/p.parquet#0") == read_poses(root, "poses/p.parquet#2") == expected
    assert [pose["molblock"] for pose in read_poses(root, "poses/p.parquet#3")] == ["elsewhere"]


@pytest.mark.parametrize(
    ("pointer", "said"),
    [
        ("../outside.parquet#0", "leads out of the campaign"),
        ("poses/gone.parquet#0", "is missing. Restore it"),
        ("poses/p.parquet#4", "does not lead to a pose"),
        ("poses/p.parquet#-1", "does not lead to a pose"),
        ("poses/p.parquet#", "does not lead to a pose"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_an_error(root: Path, pointer: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        read_poses(root, pointer)


def test_a_receptor_is_read_or_said_to_be_missing(root: Path) -> None:
    assert receptor_of(root, "A", {"engine": "table"}) == (
        None,
        "The campaign has no receptor file of this target.",
    )
    found, problem = receptor_of(root, "A", {"receptor": "r.pdbqt"})
    assert found is None and problem.endswith("r.pdbqt is missing.")
    (root / "targets" / "A").mkdir(parents=True)
    (root / "targets" / "A" / "r.pdbqt").write_text(ATOM)
    found, problem = receptor_of(root, "A", {"receptor": "r.pdbqt"})
    assert found is not None and problem == ""
