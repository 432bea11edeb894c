"""Teachers that know what earlier teachers predict: better from few scores, self-contained, and the rest as before."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import FormatError
from docksieve.data.store import sha256_json
from docksieve.models.bundles.bundle import load_bundle, read_card, save_bundle
from docksieve.models.fingerprints import featurise
from docksieve.models.settings import FingerprintSettings, MlpSettings, TeacherSettings, TreesSettings
from docksieve.models.teachers.teacher import Teacher, with_source_predictions
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData

SMALL = {
    "kernel": TeacherSettings(folds=2),
    "mlp": TeacherSettings(kind="mlp", folds=2, mlp=MlpSettings(members=1, width=16, buckets=512, epochs=3)),
    "trees": TeacherSettings(
        kind="trees", folds=2, trees=TreesSettings(members=1, iterations=10, buckets=64)
    ),
}


@pytest.fixture(scope="module")
def source(amides: list[str], logp: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    """A teacher of two targets that learned from 300 molecules, as it comes from its bundle."""
    scores = np.stack([logp[:300], -2 * logp[:300]], axis=1)
    scores[:100, 1] = np.nan
    found = train_teacher(TrainingData(amides[:300], ["up", "down"], scores, [True, False]), SMALL["kernel"])
    folder = tmp_path_factory.mktemp("source") / "bundle"
    save_bundle(found, folder)
    loaded = load_bundle(folder)
    assert isinstance(loaded, Teacher)
    return loaded


def _few(amides: list[str], scores: np.ndarray, count: int = 20, lower: bool = True) -> TrainingData:
    rows = slice(400, 400 + count)
    return TrainingData(amides[rows], ["new"], scores[rows, None], [lower])


def test_columns_are_what_the_source_predicts(source: Teacher, drugs: list[str]) -> None:
    asked = [*drugs[:5], "broken", None]
    features = featurise(asked, source.settings.fingerprints)
    found = with_source_predictions(features, [source], source.settings.fingerprints)
    assert found.descriptors.shape == (7, features.descriptors.shape[1] + 2)
    assert (found.descriptors[:, :-2] == features.descriptors).all()
    scores = found.descriptors[:5, -2:] * source.scale + source.centre
    np.testing.assert_allclose(scores, source.predict(asked[:5]).mean, rtol=1e-5)
    assert (found.descriptors[5:] == 0).all()
    assert with_source_predictions(features, [], source.settings.fingerprints) is features


def test_a_source_of_other_fingerprints_makes_its_own(source: Teacher, drugs: list[str]) -> None:
    settings = FingerprintSettings(kinds=("morgan3",), size=1024)
    found = with_source_predictions(featurise(drugs[:5], settings), [source], settings).descriptors[:, -2:]
    same = source.settings.fingerprints
    wanted = with_source_predictions(featurise(drugs[:5], same), [source], same).descriptors[:, -2:]
    assert found.tobytes() == wanted.tobytes()


def test_a_source_is_worth_many_scores(source: Teacher, amides: list[str], logp: np.ndarray) -> None:
    """What is to be learned is like, not equal to, what the source knows."""
    wanted = 3 * logp + np.array([0.02 * len(text) for text in amides])
    data, judged = _few(amides, wanted), slice(600, 900)
    alone = train_teacher(data, SMALL["kernel"]).predict(amides[judged]).mean[:, 0]
    helped = train_teacher(data, SMALL["kernel"], sources=[source]).predict(amides[judged]).mean[:, 0]
    assert np.mean((helped - wanted[judged]) ** 2) < 0.5 * np.mean((alone - wanted[judged]) ** 2)


def test_the_report_says_what_each_source_knows(source: Teacher, amides: list[str], logp: np.ndarray) -> None:
    """Best with best: a source or a target whose higher scores are better is turned round."""
    for lower in (True, False):
        teacher = train_teacher(_few(amides, logp, lower=lower), SMALL["kernel"], sources=[source])
        first, second = teacher.report["sources"]
        assert [first["target"], second["target"]] == ["up", "down"]
        assert first["model"] == second["model"] == source.origin["id"]
        assert np.sign(first["spearman"]["new"]) == (1 if lower else -1)
        assert abs(first["spearman"]["new"]) > 0.8
        assert first["spearman"]["new"] == pytest.approx(second["spearman"]["new"], abs=0.1)
        json.dumps(teacher.report, allow_nan=False)


@pytest.mark.parametrize("kind", SMALL)
def test_its_bundle_needs_nothing_else(
    kind: str, source: Teacher, amides: list[str], logp: np.ndarray, tmp_path: Path
) -> None:
    teacher = train_teacher(_few(amides, logp, 40), SMALL[kind], sources=[source])
    identity = save_bundle(teacher, tmp_path / "m")
    card, loaded = read_card(tmp_path / "m"), load_bundle(tmp_path / "m")
    assert card["version"] == 5
    (entry,) = card["sources"]
    assert (entry["id"], entry["weights_sha256"]) == (source.origin["id"], source.origin["weights_sha256"])
    assert [target["name"] for target in entry["targets"]] == ["up", "down"]
    asked = [*amides[900:950], "broken", None]
    before, after = teacher.predict(asked), loaded.predict(asked)
    assert before.mean.tobytes() == after.mean.tobytes()
    assert before.spread.tobytes() == after.spread.tobytes()
    assert np.isfinite(after.mean[:50]).all() and np.isnan(after.mean[50:]).all()
    assert save_bundle(loaded, tmp_path / "again") == identity


def test_sources_may_have_sources(
    source: Teacher, amides: list[str], logp: np.ndarray, tmp_path: Path
) -> None:
    middle = train_teacher(_few(amides, logp**2, 40), SMALL["kernel"], sources=[source])
    last = train_teacher(_few(amides, logp, 40), SMALL["trees"], sources=[middle, source])
    save_bundle(last, tmp_path / "m")
    loaded = load_bundle(tmp_path / "m")
    assert isinstance(loaded, Teacher)
    assert loaded.sources[0].sources[0].origin == source.origin
    assert loaded.predict(amides[:50]).mean.tobytes() == last.predict(amides[:50]).mean.tobytes()


def test_what_is_kept_of_a_source_has_its_means_and_little_else(
    source: Teacher, amides: list[str], tmp_path: Path
) -> None:
    kept = source.means_only()
    assert kept.predict(amides[:80]).mean.tobytes() == source.predict(amides[:80]).mean.tobytes()
    save_bundle(source, tmp_path / "whole")
    save_bundle(kept, tmp_path / "kept")
    whole, less = ((tmp_path / name / "weights.safetensors").stat().st_size for name in ("whole", "kept"))
    assert less < 0.8 * whole


def test_other_sources_make_another_model_and_none_the_one_of_before(
    source: Teacher, amides: list[str], logp: np.ndarray, tmp_path: Path
) -> None:
    data = _few(amides, logp, 40)
    plain, empty = train_teacher(data, SMALL["kernel"]), train_teacher(data, SMALL["kernel"], sources=[])
    identities = [save_bundle(model, tmp_path / "m") for model in (plain, empty)]
    assert identities[0] == identities[1]
    assert read_card(tmp_path / "m")["sources"] == []
    helped = train_teacher(data, SMALL["kernel"], sources=[source])
    assert save_bundle(helped, tmp_path / "m") != identities[0]


@pytest.mark.parametrize(
    "change", [{"extra": 1}, {"seed": ...}, {"members": [{"name": "x"}]}, {"targets": []}]
)
def test_altered_entries_of_sources_are_refused(
    change: dict, source: Teacher, amides: list[str], logp: np.ndarray, tmp_path: Path
) -> None:
    save_bundle(train_teacher(_few(amides, logp), SMALL["kernel"], sources=[source]), tmp_path / "m")
    card = json.loads((tmp_path / "m" / "card.json").read_text())
    entry = card["sources"][0] | change
    card["sources"] = [{key: value for key, value in entry.items() if value is not ...}]
    card["card_sha256"] = sha256_json({key: value for key, value in card.items() if key != "card_sha256"})
    (tmp_path / "m" / "card.json").write_text(json.dumps(card))
    with pytest.raises(FormatError):
        load_bundle(tmp_path / "m")


@pytest.mark.slow
def test_a_source_that_knows_nothing_is_left_out(
    source: Teacher, amides: list[str], logp: np.ndarray, tmp_path: Path
) -> None:
    noise = np.random.default_rng(3).normal(size=100)
    useless = train_teacher(TrainingData(amides[:100], ["noise"], noise[:, None], [True]), SMALL["kernel"])
    wanted = 3 * logp + np.array([0.02 * len(text) for text in amides])
    data, judged = _few(amides, wanted, 100), amides[600:900]
    alone = train_teacher(data, SMALL["kernel"])
    left = train_teacher(data, SMALL["kernel"], sources=[useless])
    assert left.predict(judged).mean.tobytes() == alone.predict(judged).mean.tobytes()
    (entry,) = left.report["sources"]
    assert not left.sources and entry["kept"] is False and entry["log_evidence"] <= 0
    save_bundle(left, tmp_path / "m")
    assert read_card(tmp_path / "m")["sources"] == []

    both = train_teacher(data, SMALL["kernel"], sources=[useless, source])
    assert [item["kept"] for item in both.report["sources"]] == [False, True, True]
    one = train_teacher(data, SMALL["kernel"], sources=[source])
    assert both.predict(judged).mean.tobytes() == one.predict(judged).mean.tobytes()


def test_spreads_stay_calibrated_with_sources(source: Teacher, amides: list[str], logp: np.ndarray) -> None:
    noisy = logp + np.random.default_rng(5).normal(scale=0.4, size=len(logp))
    settings = dataclasses.replace(SMALL["kernel"], folds=5)
    found = train_teacher(_few(amides, noisy, 100), settings, sources=[source]).predict(amides[600:900])
    error = (found.mean[:, 0] - noisy[600:900]) / found.spread[:, 0]
    assert 0.7 < np.sqrt(np.mean(error**2)) < 1.4
