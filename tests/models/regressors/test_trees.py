from __future__ import annotations

import numpy as np
import pytest
from docksieve.models.fingerprints import featurise
from docksieve.models.regressors import trees
from docksieve.models.regressors.regressor import FitContext
from docksieve.models.settings import TeacherSettings, TreesSettings

SETTINGS = TeacherSettings(kind="trees", trees=TreesSettings(members=2, buckets=128, iterations=40))


@pytest.fixture(scope="module")
def fitted(amides: list[str], logp: np.ndarray):
    """A model, and what scikit-learn's own boosters predict for molecules 150 to 400."""
    scores = np.stack([logp[:150], 3 - logp[:150] ** 2], axis=1)
    scores[:40, 1] = np.nan
    asked = featurise(amides[150:400])
    theirs = []
    with pytest.MonkeyPatch.context() as patch:
        grow = trees.grow

        def watched(*arguments):
            booster = grow(*arguments)
            theirs.append(booster.predict(trees._inputs(asked, 128)))
            return booster

        patch.setattr(trees, "grow", watched)
        model = trees.TreesRegressor.fit(featurise(amides[:150]), scores, FitContext(SETTINGS, 5, 1))
    return model, asked, np.stack(theirs, axis=1)


def test_our_walk_gives_the_bits_of_scikit_learn(fitted) -> None:
    model, asked, theirs = fitted
    assert theirs.shape == (250, 4)
    assert len(np.unique(theirs)) > 300  # trees that really split
    assert model.each(asked).reshape(250, 4).tobytes() == theirs.tobytes()


def test_arrays_that_point_outside_are_refused(fitted) -> None:
    model, _, _ = fitted
    good = model.tensors()
    trees.TreesRegressor.restore(good, model.hyper, SETTINGS)
    inner = int(np.flatnonzero(good["feature"] >= 0)[0])
    for name, place, value in (
        ("left", inner, inner), ("right", inner, 10**6), ("feature", inner, 141), ("roots", 0, -1),
        ("ends", -1, 10**6),
    ):  # fmt: skip
        bad = {key: array.copy() for key, array in good.items()}
        bad[name][place] = value
        with pytest.raises(ValueError, match="trees"):
            trees.TreesRegressor.restore(bad, model.hyper, SETTINGS)
