"""Students as ONNX files: the same scores in another runtime, batches of any size, int8 near enough."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from docksieve.data.errors import FormatError, ModelError
from docksieve.models.network.ngrams import StringBatch, encode
from docksieve.models.onnx_files.export import onnx_bytes, require, rounded
from docksieve.models.onnx_files.runtime import OnnxStudent, padded
from docksieve.models.students.student import Student


@pytest.fixture
def exported(make_student: Callable[..., Student], tmp_path: Path) -> tuple[Student, Path, Path]:
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    student = make_student(targets=2, width=32, buckets=1024, layers=3)
    paths = []
    for int8 in (False, True):
        paths.append(tmp_path / f"{int8}.onnx")
        paths[-1].write_bytes(onnx_bytes(student, "an-id", int8))
    return student, paths[0], paths[1]


def test_scores_are_those_of_the_kernel(exported: tuple[Student, Path, Path], drugs: list[str]) -> None:
    student, path, small = exported
    expected = student.predict(drugs).mean
    found = OnnxStudent(path)
    assert (found.model, found.targets, found.lower_is_better) == (
        "an-id",
        student.targets,
        student.lower_is_better,
    )
    np.testing.assert_allclose(found.predict(drugs), expected, atol=1e-4)
    np.testing.assert_allclose(found.predict(drugs[:1]), expected[:1], atol=1e-4)  # sizes are free
    assert np.isnan(found.predict([None, "CCO", ""])).all(axis=1).tolist() == [True, False, True]
    rough = OnnxStudent(small)
    assert rough.int8 and not found.int8
    assert small.stat().st_size < 0.4 * path.stat().st_size
    spread = expected.std()
    assert np.abs(rough.predict(drugs) - expected).max() < 0.1 * spread


def test_padding_adds_nothing() -> None:
    buckets, weights = padded(["CCO", "c1ccccc1C(=O)O"], 4, 512)
    bags = encode(StringBatch.from_strings(["CCO", "c1ccccc1C(=O)O"]), 4, 512)
    lengths = np.diff(bags.offsets)
    assert buckets.shape == (2, lengths.max())
    assert (weights[0, lengths[0] :] == 0).all() and np.isclose(weights.sum(), bags.weights.sum())


def test_the_documented_encoder_is_the_encoder(repository: Path) -> None:
    text = (repository / "docs" / "model-tools.md").read_text()
    code = next(
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def encoded" in block
    )
    names: dict[str, Any] = {}
    exec(code, names)
    smiles = "CC(=O)Nc1ccc(O)cc1C(=O)N[C@@H](C)C(=O)OCCCCCC"
    bags = encode(StringBatch.from_strings([smiles]), 6, 1024)
    found = names["encoded"](smiles, 6, 1024)
    assert found.keys() == set(bags.buckets.tolist())
    assert [found[bucket] for bucket in bags.buckets.tolist()] == pytest.approx(bags.weights.tolist())


def test_rounding_is_within_half_a_step() -> None:
    values = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32)
    values[2] = 0
    for axis in (0, 1):
        whole, scale = rounded(values, axis)
        assert (np.abs(whole * scale - values) <= scale / 2 + 1e-6).all()


def test_a_file_that_is_no_student_and_a_missing_library_are_said(
    exported: tuple[Student, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="cannot be run by onnxruntime"):
        OnnxStudent(tmp_path / "x.onnx")
    onnx = importlib.import_module("onnx")
    model = onnx.load(exported[1])
    onnx.helper.set_model_props(model, {"docksieve.format": "docksieve-student-9"})
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(FormatError, match="docksieve-student-9"):
        OnnxStudent(tmp_path / "other.onnx")
    with pytest.raises(FormatError, match="is missing"):
        OnnxStudent(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="no_such_library is not installed"):
        require("no_such_library")
