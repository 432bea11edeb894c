from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import ModelError
from docksieve.models.bundles.bundle import load_bundle, save_bundle
from docksieve.models.fingerprints import featurise
from docksieve.models.metrics import spearman
from docksieve.models.regressors.regressor import FitContext
from docksieve.models.settings import DmpnnSettings, TeacherSettings
from docksieve.models.teachers.stacking import affordable
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData

PRESENT = importlib.util.find_spec("chemprop") is not None
SETTINGS = TeacherSettings(
    kind="dmpnn",
    folds=2,
    dmpnn=DmpnnSettings(members=2, width=32, epochs=25, batch_size=20, learning_rate=5e-3),
)


@pytest.mark.skipif(PRESENT, reason="chemprop is installed here: its absence cannot be tested")
def test_without_chemprop_the_way_to_install_it_is_told(amides: list[str], logp: np.ndarray) -> None:
    with pytest.raises(ModelError, match=r"pip install 'docksieve\[chemprop\]'"):
        train_teacher(TrainingData(amides[:20], ["a"], logp[:20], [True]), SETTINGS)


def test_auto_does_not_depend_on_what_is_installed() -> None:
    assert "dmpnn" not in affordable(100, 1, TeacherSettings(auto_minutes=1e9))[0]


@pytest.mark.slow
@pytest.mark.skipif(
    not PRESENT, reason="NOT TESTED: the D-MPNN needs chemprop (pip install 'docksieve[chemprop]')"
)
def test_message_passing_learns_and_is_saved_as_tensors(
    amides: list[str], logp: np.ndarray, tmp_path: Path
) -> None:
    scores = np.stack([logp[:200], 5 - logp[:200]], axis=1)
    scores[:40, 1] = np.nan
    teacher = train_teacher(TrainingData(amides[:200], ["a", "b"], scores, [True, False]), SETTINGS, seed=1)
    asked = [*amides[200:330], "C", "broken"]
    found = teacher.predict(asked)
    for column, sign in ((0, 1), (1, -1)):
        assert spearman(sign * logp[200:330], found.mean[:130, column].astype(float)) > 0.8
    assert np.isfinite(found.mean[:-1]).all() and np.isnan(found.mean[-1]).all()
    np.testing.assert_allclose(teacher.predict(["C"]).mean, found.mean[130:131], atol=1e-4)
    save_bundle(teacher, tmp_path / "m")
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["card.json", "weights.safetensors"]
    again = load_bundle(tmp_path / "m").predict(asked)
    assert again.mean.tobytes() == found.mean.tobytes() and again.spread.tobytes() == found.spread.tobytes()


@pytest.mark.skipif(
    not PRESENT, reason="NOT TESTED: the D-MPNN needs chemprop (pip install 'docksieve[chemprop]')"
)
def test_a_network_that_lacks_weights_or_molecules_is_refused(amides: list[str], logp: np.ndarray) -> None:
    from docksieve.models.regressors.dmpnn import DmpnnRegressor

    features = featurise(amides[:24])
    settings = TeacherSettings(kind="dmpnn", dmpnn=DmpnnSettings(members=2, width=16, epochs=2, batch_size=8))
    context = FitContext(settings, seed=3, threads=1)
    model = DmpnnRegressor.fit(features, logp[:24, None], context)
    again = DmpnnRegressor.fit(features, logp[:24, None], context)
    mean, variance = model.predict(features, 1)
    assert mean.tobytes() == again.predict(features, 1)[0].tobytes()
    assert mean.shape == variance.shape == (24, 1) and (variance >= 0).all()
    tensors = model.tensors()
    restored = DmpnnRegressor.restore(tensors, model.hyper, settings)
    assert restored.predict(features, 1)[0].tobytes() == mean.tobytes()
    assert not any("metric" in name for name in tensors)
    tensors.pop(next(name for name in tensors if name.startswith("member.1.")))
    with pytest.raises(ValueError, match="weights of the message-passing networks are not those expected"):
        DmpnnRegressor.restore(tensors, model.hyper, settings)
    with pytest.raises(ModelError, match="needs the molecules, not only their fingerprints"):
        model.predict(replace(features, smiles=None), 1)
