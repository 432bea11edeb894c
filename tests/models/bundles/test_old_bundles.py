"""Bundles that earlier versions wrote are read, and predict what they did."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from docksieve.models.bundles.bundle import load_bundle, read_card, save_bundle

FOLDER = Path(__file__).parent / "written"


@pytest.mark.parametrize("kind", ["teacher", "student"])
def test_bundles_of_version_1_predict_as_they_did(kind: str, tmp_path: Path) -> None:
    wanted = json.loads((FOLDER / "predictions-1.json").read_text())[kind]
    assert read_card(FOLDER / f"{kind}-1")["version"] == 1
    model = load_bundle(FOLDER / f"{kind}-1")
    found = model.predict(wanted["smiles"])
    # Matrix products may round differently on another processor.
    np.testing.assert_allclose(found.mean, wanted["mean"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.spread, wanted["spread"], rtol=1e-5, atol=1e-5)
    # What version 1 did not know is absent, not made up.
    assert found.novel is None
    # Written again, in the present version, it is the same model.
    save_bundle(model, tmp_path / "again")
    again = load_bundle(tmp_path / "again").predict(wanted["smiles"])
    assert again.mean.tobytes() == found.mean.tobytes()


def test_bundles_of_version_2_predict_as_they_did(tmp_path: Path) -> None:
    wanted = json.loads((FOLDER / "predictions-2.json").read_text())["teacher"]
    assert read_card(FOLDER / "teacher-2")["version"] == 2
    model = load_bundle(FOLDER / "teacher-2")
    found = model.predict(wanted["smiles"])
    np.testing.assert_allclose(found.mean, wanted["mean"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.spread, wanted["spread"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.similarity, wanted["similarity"], rtol=1e-5)
    assert found.novel.tolist() == wanted["novel"]
    save_bundle(model, tmp_path / "again")
    again = load_bundle(tmp_path / "again").predict(wanted["smiles"])
    assert again.mean.tobytes() == found.mean.tobytes()
