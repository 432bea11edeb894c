"""Prediction of files: rows out are molecules in, in order, whatever the file and the pieces."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import docksieve
import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import ConfigError, FormatError, InputError
from docksieve.models.students.student import Student
from docksieve.workflows.modelling import molecule_files
from docksieve.workflows.modelling.predict import predict_file, predictor_of
from docksieve.workflows.modelling.predicted_tables import check_name

BAD = (
    "# header comment\nCCOc1ccccc1 a\nC(C)(C)(C)(C)C b\n\nnothing c\nc1ccccc1C(=O)NC =d\n[Na+].CC(=O)[O-] e\n"
)


def test_bad_molecules_are_rows_with_a_reason(model: Path, tmp_path: Path) -> None:
    (tmp_path / "m.smi").write_text(BAD)
    found = predict_file(model, tmp_path / "m.smi", tmp_path / "p.parquet", threads=1)
    assert (found.rows, found.predicted, found.failed) == (5, 3, {"syntax": 1, "valence": 1})
    assert found.skipped == {"blank": 1, "comments": 1}
    table = pq.read_table(tmp_path / "p.parquet")
    assert table["line"].to_pylist() == [2, 3, 5, 6, 7]
    assert table["id"].to_pylist() == ["a", "b", "c", "=d", "e"]
    assert table["failure"].to_pylist() == [None, "valence", "syntax", None, None]
    assert table["smiles"].to_pylist()[4] == "CC(=O)O"  # the standard form: without its salt
    assert [value is None for value in table["mean:scores"].to_pylist()] == [False, True, True, False, False]
    assert "valence" in table["reason"][1].as_py()


def test_a_file_has_the_predictions_of_its_molecules_in_any_pieces(
    model: Path, amides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.smi.gz"
    path.write_bytes(gzip.compress("".join(f"{text} A{n}\n" for n, text in enumerate(amides[:300])).encode()))
    predict_file(model, path, tmp_path / "whole.parquet", threads=1)
    monkeypatch.setattr(molecule_files, "CHUNK_BYTES", 700)
    seen: list[int] = []
    predict_file(
        model,
        path,
        tmp_path / "pieces.csv",
        threads=1,
        watcher=lambda stage, done, total, remark: seen.append(done),
    )
    whole, pieces = pq.read_table(tmp_path / "whole.parquet"), pa_csv.read_csv(tmp_path / "pieces.csv")
    assert len(seen) > 10
    assert whole["id"].to_pylist() == pieces["id"].to_pylist() == [f"A{n}" for n in range(300)]
    expected = docksieve.load_bundle(model).predict(amides[:300]).mean[:, 0]
    for table in (whole, pieces):
        np.testing.assert_allclose(table["mean:scores"].to_numpy(), expected, atol=2e-5)


def test_tables_of_all_kinds_and_standard_input(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(
        sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"CCOc1ccccc1 a\nCCO c\nCCN d\nC(C)(C)(C)(C)C b\n"))
    )
    found = predict_file(model, "-", "-", threads=1)
    assert (found.rows, found.predicted) == (4, 3)
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert lines[0].startswith('"line","id","given"') and len(lines) == 5
    (tmp_path / "m.smi").write_text("CCOc1ccccc1 =a\n")
    predict_file(model, [tmp_path / "m.smi", tmp_path / "m.smi"], tmp_path / "p.csv.gz", threads=1)
    text = gzip.decompress((tmp_path / "p.csv.gz").read_bytes()).decode()
    assert text.count('"\'=a"') == 2 and text.startswith('"source"')
    docksieve.build_library(tmp_path / "library", [tmp_path / "m.smi"], workers=1, progress=False)
    assert predict_file(model, tmp_path / "library", tmp_path / "l.parquet").predicted == 1


def test_a_student_answers_too(make_student: Callable[..., Student], tmp_path: Path) -> None:
    student = make_student(targets=2, width=16, buckets=256)
    docksieve.save_bundle(student, tmp_path / "student")
    (tmp_path / "m.smi").write_text(BAD)
    predict_file(tmp_path / "student", tmp_path / "m.smi", tmp_path / "p.parquet", threads=1)
    table = pq.read_table(tmp_path / "p.parquet")
    assert table["mean:t1"].null_count == 2 and "similarity" not in table.column_names
    with predictor_of(student, 1) as ready:
        found = ready.predict(["CCOc1ccccc1"])
    assert found.mean[0, 1] == table["mean:t1"][0].as_py()


def test_nothing_is_written_where_something_is_wrong(model: Path, tmp_path: Path) -> None:
    (tmp_path / "m.smi").write_text("CCO a\n")
    with pytest.raises(ConfigError, match="ends in none of"):
        predict_file(model, tmp_path / "m.smi", tmp_path / "p.xlsx")
    with pytest.raises(InputError, match="does not exist"):
        predict_file(model, tmp_path / "none.smi", tmp_path / "p.csv")
    with pytest.raises(FormatError):
        predict_file(tmp_path, tmp_path / "m.smi", tmp_path / "p.csv")
    (tmp_path / "cut.smi.gz").write_bytes(gzip.compress(b"CCO a\n" * 10_000)[:-20])
    with pytest.raises(InputError, match="damaged or was cut short"):
        predict_file(model, tmp_path / "cut.smi.gz", tmp_path / "p.csv")
    (tmp_path / "here.csv").write_text("")
    with pytest.raises(ConfigError, match="exists already"):
        check_name(tmp_path / "here.csv", False)
    assert {path.name for path in tmp_path.iterdir()} == {"m.smi", "cut.smi.gz", "here.csv"}
