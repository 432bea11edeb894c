"""The page about Python and the tutorial run as they stand: every cell, in a folder of its own."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import docksieve
import pytest

from .example_campaign import make

SECONDS = 300.0
"""On two cores that others use too; alone it takes a tenth of that."""


def code_cells(path: Path) -> list[str]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.mark.slow
def test_the_tutorial_runs_from_its_first_cell_to_its_last(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # and back again after the test
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names: dict[str, Any] = {}
    begun = time.monotonic()
    for number, code in enumerate(code_cells(repository / "docs" / "tutorial.ipynb")):
        exec(compile(code, f"cell {number}", "exec"), names)
    assert time.monotonic() - begun < SECONDS
    assert docksieve.status(names["campaign"]).state == "complete"
    assert isinstance(names["best"], docksieve.HitTable) and names["best"].num_rows == 5
    assert len(names["answer"]) == 5 and max(names["answer"].table["logp"].to_pylist()) <= 2.5
    assert len(names["found"]) >= 5, "the notebook shows that learning helps"
    said = capsys.readouterr().out
    assert "of the ten best among them" in said and "docked_score" in said


def test_the_tutorial_is_kept_without_what_it_printed(repository: Path) -> None:
    notebook = json.loads((repository / "docs" / "tutorial.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"] and cell["execution_count"] is None


@pytest.mark.slow
def test_the_page_about_python_runs_as_it_stands(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"```python\n(.*?)```", (repository / "docs" / "python.md").read_text("utf-8"), re.DOTALL
    )
    assert len(blocks) >= 8
    names: dict[str, Any] = {}
    for number, code in enumerate(blocks):
        exec(compile(code, f"block {number} of python.md", "exec"), names)
    assert names["library"].rows == 192 and names["best"].num_rows == 20
    assert (tmp_path / "best.parquet").is_file()
    assert len(names["answer"]) == 10 and len(names["selective"]) == 5
    said = capsys.readouterr().out
    assert "round-01/dock: 20 of 20 molecules" in said
    assert "'EGFR'?" in said  # which target may have been meant
    shutil.rmtree(tmp_path / "campaign")
