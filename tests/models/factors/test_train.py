"""Factor models learn what is a sum over blocks and pairs, and are judged on products they did not see."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.data.errors import FormatError, ModelError
from docksieve.data.spaces.build import build_space
from docksieve.models.factors.factor_model import FactorModel
from docksieve.models.factors.train import train_factor_model


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return build_space(tmp_path_factory.mktemp("factors") / "space", ["urea"], workers=1)


def truth(space, rows):
    """Weight, logP, and a product of the two blocks' surfaces: additive and of rank one."""
    _, places = space.locate(rows)
    one, two = space.blocks[0]
    shares = [role.values("logp")[places[:, at]] for at, role in enumerate((one, two))]
    areas = [role.values("tpsa")[places[:, at]] / 50 for at, role in enumerate((one, two))]
    return shares[0] + shares[1] + areas[0] * areas[1]


@pytest.mark.slow
def test_learns_and_is_judged_on_others(space, tmp_path):
    rows = space.sample_rows(20_000, "labels")
    model = train_factor_model(space, rows, truth(space, rows), ["a"], [True], seed=1)
    model = model if isinstance(model, FactorModel) else model[0]
    others = np.setdiff1d(space.sample_rows(30_000, "others"), rows)
    found = model.predict(*space.locate(others))[:, 0]
    assert np.corrcoef(found, truth(space, others))[0, 1] > 0.95
    model.save(tmp_path / "factors.safetensors")
    again = FactorModel.load(tmp_path / "factors.safetensors")
    assert np.array_equal(again.predict(*space.locate(others[:50]))[:, 0], found[:50])
    assert (again.targets, again.lower_is_better, again.space) == (("a",), (True,), space.fingerprint)


def test_too_few_labels_are_refused(space):
    rows = space.sample_rows(100)
    with pytest.raises(ModelError, match="needs 200 labelled products or more"):
        train_factor_model(space, rows, truth(space, rows), ["a"], [True])


def test_another_file_is_no_model(tmp_path):
    (tmp_path / "x").write_text("no model")
    with pytest.raises(FormatError, match="cannot be read as a factor model"):
        FactorModel.load(tmp_path / "x")
