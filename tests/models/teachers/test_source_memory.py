"""A source is asked, judged and reported without what it only remembers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.models.bundles.bundle import load_bundle, save_bundle
from docksieve.models.fingerprints import featurise
from docksieve.models.prediction import HeldOut
from docksieve.models.settings import TeacherSettings
from docksieve.models.teachers.sources import flattering, for_judging, reduced, remembered
from docksieve.models.teachers.teacher import Teacher, with_source_predictions
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData
from rdkit import Chem

SETTINGS = TeacherSettings(folds=3, focus="never")
LEARNED = slice(0, 60)


@pytest.fixture(scope="module")
def molecules(amides: list[str]) -> list[str]:
    return [Chem.CanonSmiles(text) for text in amides[:400]]


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """Numbers that nobody can learn, only remember."""
    return np.random.default_rng(5).normal(size=400)


@pytest.fixture(scope="module")
def fresh(molecules: list[str], noise: np.ndarray, logp: np.ndarray) -> Teacher:
    scores = logp[LEARNED] + noise[LEARNED]
    return train_teacher(TrainingData(molecules[LEARNED], ["old"], scores, [True]), SETTINGS, seed=1)


@pytest.fixture(scope="module")
def loaded(fresh: Teacher, tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    folder = tmp_path_factory.mktemp("source") / "bundle"
    save_bundle(fresh, folder)
    found = load_bundle(folder)
    assert isinstance(found, Teacher)
    return found


def _with_memory(teacher: Teacher, held_out: HeldOut | None) -> Teacher:
    _, (found,) = reduced([teacher])
    found.held_out = held_out
    return found


def _asked(source: Teacher, smiles: list[str]) -> np.ndarray:
    features = featurise(smiles, source.settings.fingerprints)
    column = with_source_predictions(features, [source], source.settings.fingerprints).descriptors[:, -1]
    return column * source.scale[0] + source.centre[0]


def test_what_it_learned_from_gets_its_cross_validated_prediction(
    fresh: Teacher, loaded: Teacher, molecules: list[str]
) -> None:
    assert fresh.held_out is not None
    kept, honest = reduced([fresh])
    asked = molecules[40:80]
    plain, found = _asked(kept[0], asked), _asked(honest[0], asked)
    place = {text: row for row, text in enumerate(fresh.held_out.smiles)}
    wanted = [fresh.held_out.mean[place[text], 0] for text in asked[:20]]
    np.testing.assert_allclose(found[:20], wanted, rtol=1e-4)
    np.testing.assert_allclose(found[20:], plain[20:], rtol=1e-5)
    assert np.abs(found[:20] - plain[:20]).max() > 0.1
    np.testing.assert_allclose(plain, _asked(loaded, asked), rtol=1e-5)


def test_which_molecules_a_source_remembers(fresh: Teacher, loaded: Teacher, molecules: list[str]) -> None:
    wanted = [text in set(molecules[LEARNED]) for text in molecules]
    learned, flattered = remembered(fresh, molecules)
    assert learned is not None and learned.tolist() == wanted and not flattered.any()
    learned, flattered = remembered(
        loaded, molecules
    )  # by its kernel: the very molecules, perhaps a stereoisomer
    assert learned is not None and (learned >= np.array(wanted)).all() and learned.sum() <= sum(wanted) + 4
    assert (flattered == learned).all()
    nobody = _with_memory(loaded, HeldOut([], *(np.zeros((0, 1)) for _ in range(3))))
    assert not remembered(nobody, molecules)[0].any()  # type: ignore[union-attr]


def _learn(molecules: list[str], scores: np.ndarray, rows: slice, source: Teacher) -> Teacher:
    data = TrainingData(molecules[rows], ["new"], scores[rows], [True])
    return train_teacher(data, SETTINGS, seed=2, sources=[source])


def test_memory_does_not_pass_for_knowledge(
    fresh: Teacher, loaded: Teacher, molecules: list[str], noise: np.ndarray, logp: np.ndarray
) -> None:
    """The new scores are the old ones and a little more: who remembers the old ones seems to know the new."""
    scores = logp[:400] + noise
    blind = _with_memory(loaded, HeldOut([], *(np.zeros((0, 1)) for _ in range(3))))
    flattered = _learn(molecules, scores, LEARNED, blind)
    (entry,) = flattered.report["sources"]
    assert entry["kept"] and entry["spearman"]["new"] > 0.9
    assert flattered.report["targets"]["new"]["r2"]["value"] > 0.6

    honest = _learn(molecules, scores, LEARNED, fresh)
    (entry,) = honest.report["sources"]
    assert (entry["learned"], entry["docked"], entry["judged"]) == (60, 60, 60)
    assert entry["spearman"]["new"] < 0.85
    true = np.corrcoef(honest.predict(molecules[100:]).mean[:, 0], scores[100:])[0, 1] ** 2
    assert honest.report["targets"]["new"]["r2"]["value"] == pytest.approx(true, abs=0.25)
    assert (
        honest.report["targets"]["new"]["r2"]["value"]
        < flattered.report["targets"]["new"]["r2"]["value"] - 0.2
    )


def test_a_source_that_only_remembers_is_not_judged_by_it(
    loaded: Teacher, molecules: list[str], noise: np.ndarray, logp: np.ndarray
) -> None:
    scores = logp[:400] + noise
    none_new = _learn(molecules, scores, LEARNED, loaded)
    (entry,) = none_new.report["sources"]
    assert not entry["kept"] and entry["log_evidence"] is None and entry["judged"] < 20
    assert not none_new.sources

    some_new = _learn(molecules, scores, slice(30, 120), loaded)
    (entry,) = some_new.report["sources"]
    assert (
        entry["learned"] >= 30
        and entry["judged"] == 90 - entry["learned"]
        and entry["log_evidence"] is not None
    )
    if entry["kept"]:
        assert some_new.report["remembered"] == {"molecules": entry["learned"], "left_out": True}
        assert some_new.report["targets"]["new"]["scores"] == entry["judged"]


def test_sealed_molecules_that_a_source_knows_do_not_flatter(
    fresh: Teacher, loaded: Teacher, molecules: list[str], tmp_path: Path
) -> None:
    scores = 2.0 * loaded.predict(molecules, standard=True).mean[:, 0].astype(float)
    teacher = _learn(molecules, scores, slice(100, 180), loaded)
    assert teacher.sources, "nobody knows better what the source thinks"
    sealed = molecules[50:70]
    known = _with_memory(loaded, fresh.held_out)
    judged = for_judging(teacher, [known]).predict(sealed, standard=True).mean[:, 0]
    plain = teacher.predict(sealed, standard=True).mean[:, 0]
    assert not np.allclose(judged[:10], plain[:10], atol=1e-3)
    np.testing.assert_allclose(judged[10:], plain[10:], atol=1e-5)
    assert not flattering(teacher, [known], sealed).any()
    assert flattering(teacher, [loaded], sealed).tolist()[:10] == [True] * 10
    save_bundle(teacher, tmp_path / "m")
    assert load_bundle(tmp_path / "m").predict(sealed, standard=True).mean[:, 0].tobytes() == plain.tobytes()
