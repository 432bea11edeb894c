"""What a bundle says of itself, checked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from docksieve.data.errors import FormatError
from docksieve.workflows.modelling.show import show_model
from docksieve.workflows.modelling.watch import silent


def test_a_model_says_what_it_is(model: Path) -> None:
    card = show_model(model)
    assert card["targets"] == [{"name": "scores", "unit": "kcal/mol", "lower_is_better": True}]
    assert card["trained_on"] == 120 and card["learned"]
    assert card["notes"]["files"] == ["scores.csv"]
    silent("nothing", 0, 0)


def test_the_file_of_molecules_may_be_taken_away(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "m")
    (tmp_path / "m" / "learned.parquet").unlink()
    assert not show_model(tmp_path / "m")["learned"]


def test_a_bundle_of_another_version_is_refused(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "m")
    card = json.loads((tmp_path / "m" / "card.json").read_text())
    (tmp_path / "m" / "card.json").write_text(json.dumps({**card, "version": 99}))
    with pytest.raises(FormatError, match="has version 99"):
        show_model(tmp_path / "m")
