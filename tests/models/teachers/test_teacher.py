from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from docksieve.data.errors import ModelError
from docksieve.models.metrics import spearman
from docksieve.models.settings import KernelSettings, MlpSettings, TeacherSettings, TreesSettings
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData

QUICK = MlpSettings(members=2, width=32, buckets=1024, epochs=12)
FEW = TreesSettings(members=2, buckets=256, iterations=80, learning_rate=0.1)
SETTINGS = {
    "kernel": TeacherSettings(kind="kernel"),
    "projected": TeacherSettings(kind="kernel", kernel=KernelSettings(max_exact=100, inducing=80)),
    "mlp": TeacherSettings(kind="mlp", mlp=QUICK, folds=3),
    "trees": TeacherSettings(kind="trees", trees=FEW, folds=3),
    "auto": TeacherSettings(kind="auto", mlp=QUICK, trees=FEW, folds=3),
}


def _data(smiles, scores, **changes) -> TrainingData:
    return dataclasses.replace(TrainingData(smiles, ["a"], scores, [True]), **changes)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_learns_a_real_property_and_knows_how_well(name: str, amides: list[str], logp: np.ndarray) -> None:
    # The kernel's linear part knows logP itself to the last digit; docking scores have noise.
    scores = logp + 0.3 * logp.std() * np.random.default_rng(5).normal(size=len(logp))
    teacher = train_teacher(_data(amides[:250], scores[:250]), SETTINGS[name], seed=1)
    held_out = teacher.predict(amides[250:420])
    truth = scores[250:420]
    assert spearman(truth, held_out.mean[:, 0].astype(float)) > 0.85
    # Deviations are as large as the spread says, within a factor.
    standard = (held_out.mean[:, 0] - truth) / held_out.spread[:, 0]
    assert 0.4 < np.sqrt((standard**2).mean()) < 2.0
    found = teacher.report["targets"]["a"]
    for metric in ("r2", "rmse", "spearman"):
        assert found[metric]["low"] <= found[metric]["value"] <= found[metric]["high"]
    assert found["spearman"]["value"] > 0.8
    assert teacher.report["choice"]
    table = teacher.report["calibration"]["coverage"]["a"]
    assert len(table) == 12 and abs(table[5]["observed"] - 0.5) < 0.25
    assert set(teacher.report["cost"]["seconds"]) >= {member.name for member in teacher.members}
    for member in teacher.members:
        assert teacher.report["members"][member.name]["weight"]["a"] == member.weight[0]
    assert sum(member.weight[0] for member in teacher.members) == pytest.approx(1)


def test_kinds_beyond_the_budget_are_left_out_and_said(amides: list[str], logp: np.ndarray) -> None:
    settings = dataclasses.replace(SETTINGS["auto"], auto_minutes=0.0)
    teacher = train_teacher(_data(amides[:60], logp[:60]), settings)
    assert [member.name for member in teacher.members] == ["kernel"]
    assert "mlp was left out" in teacher.report["choice"] and "trees was left out" in teacher.report["choice"]


def test_exact_posterior_equals_the_textbook(amides: list[str], logp: np.ndarray) -> None:
    from docksieve.models.fingerprints import featurise

    train, test = amides[:60], amides[60:75]
    logp = logp + np.random.default_rng(2).normal(size=len(logp))
    teacher = train_teacher(_data(train, logp[:60]), SETTINGS["kernel"])
    model = teacher.members[0].model
    order = sorted(range(60), key=lambda i: train[i])
    features, asked = featurise([train[i] for i in order]), featurise(test)
    posterior = model._posteriors[0]
    gram = model._kernel(features, 1).astype(np.float64) + posterior.noise * np.eye(60)
    cross = model._kernel(asked, 1).astype(np.float64)
    scores = ((logp[:60] - logp[:60].mean()) / logp[:60].std())[order, None]
    mean, variance = model.predict(asked, 1)
    np.testing.assert_allclose(mean, cross @ np.linalg.solve(gram, scores), atol=1e-6)
    explained = np.einsum("ij,ji->i", cross, np.linalg.solve(gram, cross.T))
    own = model._kernel.variance(asked)
    np.testing.assert_allclose(
        variance[:, 0], posterior.amplitude[0] * (own + posterior.noise - explained), rtol=1e-2
    )


def test_the_projected_posterior_on_all_molecules_is_the_exact_one(
    amides: list[str], logp: np.ndarray
) -> None:
    from docksieve.models.fingerprints import featurise
    from docksieve.models.regressors.gaussian_process import KernelRegressor
    from docksieve.models.regressors.regressor import FitContext

    features, asked = featurise(amides[:80]), featurise(amides[80:100])
    scores = (logp[:80, None] - logp[:80].mean()) / logp[:80].std()
    exact = KernelRegressor.fit(features, scores, FitContext(TeacherSettings(), 0, 1))
    noise = exact._posteriors[0].noise
    settings = TeacherSettings(kernel=KernelSettings(max_exact=40, inducing=80))
    fixed = FitContext(settings, 0, 1, {"weights": exact.hyper["weights"], "noise": noise})
    projected = KernelRegressor.fit(features, scores, fixed)
    for first, second in zip(exact.predict(asked, 1), projected.predict(asked, 1), strict=True):
        np.testing.assert_allclose(first, second, rtol=2e-2, atol=1e-3)


@pytest.mark.slow
def test_row_order_changes_no_bit(amides: list[str], logp: np.ndarray) -> None:
    order = np.random.default_rng(3).permutation(80)
    first = train_teacher(_data(amides[:80], logp[:80]), SETTINGS["auto"], seed=4)
    second = train_teacher(_data([amides[i] for i in order], logp[order]), SETTINGS["auto"], seed=4)
    for one, other in zip(
        first.predict(amides[80:120]).__dict__.values(),
        second.predict(amides[80:120]).__dict__.values(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert first.data_sha256 == second.data_sha256


@pytest.mark.parametrize("name", ["kernel", "mlp", "trees"])
def test_a_prediction_does_not_depend_on_company(name: str, amides: list[str], logp: np.ndarray) -> None:
    teacher = train_teacher(_data(amides[:60], logp[:60]), SETTINGS[name])
    together = teacher.predict([*amides[60:90], "broken", *amides[90:110]])
    alone = np.array([teacher.predict([text]).mean[0, 0] for text in amides[60:70]])
    np.testing.assert_allclose(together.mean[:10, 0], alone, atol=1e-5)
    assert np.isnan(together.mean[30]).all() and np.isnan(together.spread[30]).all()
    assert np.isfinite(np.delete(together.mean, 30, axis=0)).all()
    assert teacher.predict([]).mean.shape == (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kernel", "mlp", "trees"])
def test_several_targets_with_missing_scores(name: str, amides: list[str], logp: np.ndarray) -> None:
    count = 200
    scores = np.stack([logp[:count], -3 * logp[:count] + 5, logp[:count] * 0.5 - 8], axis=1)
    scores[:60, 1] = np.nan
    scores[100:130, 2] = np.nan
    data = TrainingData(amides[:count], ["x", "y", "z"], scores, [True, False, True])
    teacher = train_teacher(data, SETTINGS[name])
    found = teacher.predict(amides[count : count + 150])
    truth = logp[count : count + 150]
    for column, sign in ((0, 1), (1, -1), (2, 1)):
        assert spearman(sign * truth, found.mean[:, column].astype(float)) > 0.75
    assert teacher.report["targets"]["y"]["scores"] == count - 60
    assert abs(np.median(found.mean[:, 2]) - np.median(truth * 0.5 - 8)) < 0.5


def test_ten_scores_are_enough_and_nine_are_not(amides: list[str], logp: np.ndarray) -> None:
    found = train_teacher(_data(amides[:10], logp[:10]), SETTINGS["kernel"]).predict(amides[10:20])
    assert np.isfinite(found.mean).all() and (found.spread > 0).all()
    with pytest.raises(ModelError, match=r"'a' has 9 scored molecules.*at least 10"):
        train_teacher(_data(amides[:9], logp[:9]))


def test_unusable_scores_are_refused_by_name(amides: list[str], logp: np.ndarray) -> None:
    with pytest.raises(ModelError, match=r"All 30 scores of target 'a' are -7"):
        train_teacher(_data(amides[:30], np.full(30, -7.0)))
    scores = np.stack([logp[:30], np.full(30, np.nan)], axis=1)
    with pytest.raises(ModelError, match="'empty' has 0"):
        train_teacher(TrainingData(amides[:30], ["a", "empty"], scores, [True, True]))
    with pytest.raises(ModelError, match="shape"):
        train_teacher(_data(amides[:30], logp[:29]))
    with pytest.raises(ModelError, match="distinct"):
        train_teacher(TrainingData(amides[:30], ["a", "a"], scores, [True, True]))


def test_odd_rows_are_dropped_merged_and_counted(amides: list[str], logp: np.ndarray) -> None:
    smiles = [*amides[:40], "nonsense", amides[0], "OCC", "CCO", amides[1], amides[2]]
    scores = np.array([*logp[:40], -5.0, logp[0] + 1.0, -1.0, -1.0, np.inf, np.nan])
    teacher = train_teacher(_data(smiles, scores))
    facts = teacher.report["data"]
    assert facts["rows"] == 46
    assert facts["molecules"] == 41
    assert facts["dropped"] == {
        "unreadable SMILES": 1,
        "without any score": 2,
        "merged with an equal molecule (scores averaged)": 2,
    }
    assert facts["rows"] == facts["molecules"] + sum(facts["dropped"].values())
    assert facts["unreadable"] == ["nonsense"]
    assert facts["infinite scores taken as missing"] == 1
    assert facts["equal molecules with different scores"] == 1
    assert facts["largest difference"] == pytest.approx(1.0)


def test_one_clash_does_not_spoil_the_rest(amides: list[str], logp: np.ndarray) -> None:
    scores = logp[:150].copy()
    scores[7] = 132.0
    teacher = train_teacher(_data(amides[:150], scores))
    assert teacher.report["data"]["scores beyond 5 interquartile ranges moved to that fence"] == 1
    assert spearman(logp[150:300], teacher.predict(amides[150:300]).mean[:, 0].astype(float)) > 0.8


def test_settings_out_of_range_name_the_field() -> None:
    with pytest.raises(ValueError, match=r"teacher\.folds"):
        TeacherSettings(folds=1)
    with pytest.raises(ValueError, match=r"mlp\.dropout"):
        MlpSettings(dropout=1.0)
    with pytest.raises(ValueError, match=r"kernel\.max_exact"):
        KernelSettings(max_exact=3)
