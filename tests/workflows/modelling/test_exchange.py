"""Export and parity, as commands and as functions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import docksieve
import pytest
from docksieve.data.errors import ConfigError, InputError, ModelError
from docksieve.models.students.student import Student
from docksieve.workflows.cli.model_exchange import register
from docksieve.workflows.modelling.exchange import compare_models, export_model

from ..cli.running import run

pytestmark = pytest.mark.slow


@pytest.fixture
def here(make_student: Callable[..., Student], amides: list[str], tmp_path: Path) -> Path:
    docksieve.save_bundle(make_student(width=16, buckets=256), tmp_path / "student")
    docksieve.save_bundle(make_student(targets=2, width=16, buckets=256), tmp_path / "two")
    (tmp_path / "m.smi").write_text("".join(f"{text} A{n}\n" for n, text in enumerate(amides[:300])))
    (tmp_path / "few.smi").write_text("CCO\nCCN\nCCC\n")
    return tmp_path


def test_exported_students_agree_with_their_bundle(here: Path) -> None:
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    assert callable(register)
    done = run("model", "export", "student", "--out", "s.onnx", cwd=here)
    assert done.returncode == 0, done.stderr
    done = run("model", "parity", "student", "s.onnx", "m.smi", "--json", cwd=here)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["molecules"] == 300 and found["largest"] < 1e-4 and found["best_changed"] == 0
    run("model", "export", "student", "--out", "q.onnx", "--int8", cwd=here)
    done = run("model", "parity", "student", "q.onnx", "m.smi", "--tolerance", "1e-7", cwd=here)
    assert (
        done.returncode == 2
        and "more than the tolerance" in done.stderr
        and "rank correlation" in done.stdout
    )
    done = run("model", "export", "student", "--out", "s.onnx", cwd=here)
    assert done.returncode == 2 and "exists already" in done.stderr


def test_a_model_agrees_with_itself(here: Path) -> None:
    (found,) = compare_models(here / "student", here / "student", here / "m.smi", tolerance=0.0)
    assert found.within and found.rank_correlation == 1 and found.to_json()["largest"] == 0


def test_what_cannot_be_exported_or_compared_is_said(here: Path, model: Path) -> None:
    with pytest.raises(ConfigError, match="only students are exported"):
        export_model(model, here / "t.onnx")
    with pytest.raises(ModelError, match="predicts t0 and"):
        compare_models(here / "student", here / "two", here / "m.smi")
    with pytest.raises(InputError, match="needs 100"):
        compare_models(here / "student", here / "student", here / "few.smi")
    assert not (here / "t.onnx").exists()
