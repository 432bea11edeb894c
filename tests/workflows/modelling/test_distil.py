"""Distillation on files: labels drawn whatever the order, the teacher's memory kept out, nothing half-written."""

from __future__ import annotations

from pathlib import Path

import docksieve
import numpy as np
import pytest
from docksieve.data.errors import ConfigError, ModelError
from docksieve.workflows.modelling.distil import _without_memory, distil_model, student_settings
from docksieve.workflows.modelling.molecule_files import standard_of
from docksieve.workflows.modelling.show import show_model

pytestmark = pytest.mark.slow

SMALL = {"width": 16, "buckets": 256, "layers": 1, "epochs": 2}


def test_a_student_comes_from_its_teacher_and_not_from_the_order_of_lines(
    model: Path, amides: list[str], tmp_path: Path
) -> None:
    lines = [f"{text} A{n}\n" for n, text in enumerate(amides[:400])]
    (tmp_path / "a.smi").write_text("".join([*lines, "C(C)(C)(C)(C)C bad\n", *lines[:50]]))
    (tmp_path / "b.smi").write_text("".join(lines[::-1]))
    first = distil_model(model, tmp_path / "a.smi", tmp_path / "a", 300, SMALL, seed=1, threads=1)
    second = distil_model(model, tmp_path / "b.smi", tmp_path / "b", 300, SMALL, seed=1, threads=1)
    assert first.id == second.id and first.parent == show_model(model)["id"]
    assert first.report["molecules"] == {"read": 451, "failed": {"valence": 1}, "labels": 300}
    card = show_model(tmp_path / "a")
    assert card["targets"][0]["unit"] == "kcal/mol" and card["trained_on"] == 300
    other = distil_model(model, tmp_path / "b.smi", tmp_path / "c", 300, SMALL, seed=2, threads=1)
    assert other.id != first.id
    done = docksieve.predict_file(tmp_path / "a", tmp_path / "a.smi", tmp_path / "p.parquet", threads=1)
    assert (done.rows, done.predicted) == (451, 450)


def test_what_cannot_be_distilled_leaves_nothing(model: Path, amides: list[str], tmp_path: Path) -> None:
    (tmp_path / "few.smi").write_text("".join(f"{text}\n" for text in amides[:20]))
    with pytest.raises(ModelError, match="needs at least 50"):
        distil_model(model, tmp_path / "few.smi", tmp_path / "out", settings=SMALL, threads=1)
    with pytest.raises(ConfigError, match=r"student\.width"):
        student_settings({"width": "broad"})
    assert [path.name for path in tmp_path.iterdir()] == ["few.smi"]


def test_a_student_is_no_teacher(model: Path, amides: list[str], tmp_path: Path) -> None:
    (tmp_path / "m.smi").write_text("".join(f"{text}\n" for text in amides[:80]))
    distil_model(model, tmp_path / "m.smi", tmp_path / "s", settings=SMALL, threads=1)
    with pytest.raises(ConfigError, match="only a teacher can be distilled"):
        distil_model(tmp_path / "s", tmp_path / "m.smi", tmp_path / "t", settings=SMALL)


def test_spreads_of_what_the_teacher_learned_from_are_not_learnt() -> None:
    smiles, spread = [f"C{n}" for n in range(60)], np.ones((60, 1), np.float32)
    found = _without_memory(smiles, spread, {"C1", "C7"})
    assert np.flatnonzero(np.isnan(found[:, 0])).tolist() == [1, 7]
    assert not np.isnan(_without_memory(smiles, spread, set(smiles[:20]))).any()  # too few would be left
    assert standard_of([], False, None, True) == ([], {})
