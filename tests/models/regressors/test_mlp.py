"""The ensemble of fingerprint networks: what it learns, what it must not depend on, and what is saved of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from docksieve.models.fingerprints import Features, featurise
from docksieve.models.metrics import spearman
from docksieve.models.regressors.mlp import BLOCK, MlpRegressor
from docksieve.models.regressors.regressor import FitContext
from docksieve.models.settings import MlpSettings, TeacherSettings

SETTINGS = TeacherSettings(
    kind="mlp",
    mlp=MlpSettings(members=2, width=32, buckets=256, epochs=15, batch_size=16, learning_rate=1e-2),
)
CONTEXT = FitContext(SETTINGS, seed=5, threads=1)


@pytest.fixture(scope="module")
def features(amides: list[str]) -> Features:
    return featurise(amides[:260])


@pytest.fixture(scope="module")
def scores(logp: np.ndarray) -> np.ndarray:
    """Two targets, standardised; the second is known of two molecules in three."""
    values = (logp - logp[:160].mean()) / logp[:160].std()
    both = np.stack([values, -values], axis=1)[:160]
    both[::3, 1] = np.nan
    return both


@pytest.fixture(scope="module")
def model(features: Features, scores: np.ndarray) -> MlpRegressor:
    return MlpRegressor.fit(features.take(np.arange(160)), scores, CONTEXT)


def test_it_learns_both_targets(model: MlpRegressor, features: Features, logp: np.ndarray) -> None:
    mean, variance = model.predict(features.take(np.arange(160, 260)), 1)
    assert mean.shape == variance.shape == (100, 2)
    assert spearman(logp[160:260], mean[:, 0]) > 0.8
    assert spearman(-logp[160:260], mean[:, 1]) > 0.8
    assert (variance > 0).all()  # two networks never agree to the last bit


def test_the_seed_decides_and_nothing_outside(features: Features, scores: np.ndarray) -> None:
    few = features.take(np.arange(40))
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = MlpRegressor.fit(few, scores[:40], CONTEXT).predict(few, 1)[0]
    assert torch.equal(torch.get_rng_state(), state)  # the caller's random numbers go on as they would have
    torch.manual_seed(2)
    again = MlpRegressor.fit(few, scores[:40], CONTEXT).predict(few, 1)[0]
    other = MlpRegressor.fit(few, scores[:40], FitContext(SETTINGS, seed=6, threads=1)).predict(few, 1)[0]
    assert first.tobytes() == again.tobytes()
    assert not np.allclose(first, other)


def test_a_molecules_prediction_does_not_depend_on_its_company(
    model: MlpRegressor, features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.predict(features, 1)
    order = np.array([259, 0, 17, 17, 200])
    for found, expected in zip(model.predict(features.take(order), 1), whole, strict=True):
        np.testing.assert_allclose(found, expected[order], rtol=1e-4, atol=1e-6)
    monkeypatch.setattr("docksieve.models.regressors.mlp.BLOCK", 7)
    assert BLOCK > 260
    for found, expected in zip(model.predict(features, 1), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_mean_and_variance_are_those_of_the_members(model: MlpRegressor, features: Features) -> None:
    tensors = model.tensors()
    members = []
    for index in range(2):
        mine = {
            name.replace(f"member.{index}.", "member.0."): value
            for name, value in tensors.items()
            if not name.startswith("member.") or name.startswith(f"member.{index}.")
        }
        single = TeacherSettings(kind="mlp", mlp=MlpSettings(members=1, width=32, buckets=256))
        mean, variance = MlpRegressor.restore(mine, model.hyper, single).predict(features, 1)
        assert (variance == 0).all()
        members.append(mean)
    mean, variance = model.predict(features, 1)
    np.testing.assert_allclose(mean, (members[0] + members[1]) / 2, rtol=1e-12)
    np.testing.assert_allclose(variance, ((members[0] - members[1]) / 2) ** 2, rtol=1e-9, atol=1e-15)


def test_what_is_saved_gives_the_same_bits_and_what_is_missing_is_noticed(
    model: MlpRegressor, features: Features
) -> None:
    tensors = {name: value.copy() for name, value in model.tensors().items()}
    again = MlpRegressor.restore(tensors, model.hyper, SETTINGS)
    for found, expected in zip(again.predict(features, 1), model.predict(features, 1), strict=True):
        assert found.tobytes() == expected.tobytes()
    del tensors["member.1.head.weight"]
    with pytest.raises(RuntimeError, match=r"head\.weight"):
        MlpRegressor.restore(tensors, model.hyper, SETTINGS)


def test_batches_without_a_score_and_a_single_molecule_are_borne(features: Features) -> None:
    scores = np.full((40, 2), np.nan)
    scores[:5, 0] = [
        0.1,
        -0.2,
        0.3,
        0.0,
        0.5,
    ]  # most batches of 16 hold a handful; the second target none at all
    assert np.isfinite(
        MlpRegressor.fit(features.take(np.arange(40)), scores, CONTEXT).predict(features, 1)[0]
    ).all()
    one = MlpRegressor.fit(features.take(np.arange(1)), np.array([[0.7]]), CONTEXT)
    mean, variance = one.predict(features.take(np.arange(1)), 1)
    assert np.isfinite(mean).all() and np.isfinite(variance).all()


def test_nothing_and_what_could_not_be_read(model: MlpRegressor, amides: list[str]) -> None:
    mean, variance = model.predict(featurise([]), 1)
    assert mean.shape == variance.shape == (0, 2)
    mean, _ = model.predict(featurise([amides[0], "no molecule"]), 1)
    assert np.isfinite(mean).all()  # an invalid row holds anything finite: the teacher blanks it


def test_the_estimated_time_grows_with_the_work() -> None:
    small = MlpRegressor.seconds(1_000, 1, SETTINGS)
    assert 0 < small < MlpRegressor.seconds(10_000, 1, SETTINGS)
    larger = TeacherSettings(
        kind="mlp", mlp=MlpSettings(members=4, width=32, buckets=256, epochs=15, batch_size=16)
    )
    assert MlpRegressor.seconds(1_000, 1, larger) == pytest.approx(2 * small)
