from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.models.bundles.bundle import load_bundle, save_bundle
from docksieve.models.fingerprints import featurise
from docksieve.models.settings import MlpSettings, TeacherSettings
from docksieve.models.teachers.teacher import Teacher
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData


@pytest.fixture(scope="module")
def teacher(amides: list[str], logp: np.ndarray) -> Teacher:
    return train_teacher(TrainingData(amides[:200], ["a"], logp[:200], [True]), TeacherSettings(folds=2))


def _slow_similarity(teacher: Teacher, first: str, second: str) -> float:
    """The weighted min-max similarity, from its definition."""
    pair = featurise([first, second], teacher.settings.fingerprints)
    weights = teacher.members[0].model.hyper["weights"]
    total = norm = 0.0
    for kind, rows in pair.counts.items():
        one, two = (
            dict(
                zip(
                    rows.features[rows.offsets[i] : rows.offsets[i + 1]],
                    rows.counts[rows.offsets[i] : rows.offsets[i + 1]],
                    strict=True,
                )
            )
            for i in (0, 1)
        )
        keys = one.keys() | two.keys()
        least = sum(min(one.get(key, 0), two.get(key, 0)) for key in keys)
        most = sum(max(one.get(key, 0), two.get(key, 0)) for key in keys)
        total += weights[kind] * least / max(most, 1)
        norm += weights[kind]
    return total / norm


def test_similarity_is_that_of_the_nearest_training_molecule(teacher: Teacher, amides: list[str]) -> None:
    asked = amides[300:304]
    found = teacher.predict(asked).similarity
    assert found is not None
    for place, text in enumerate(asked):
        slow = max(_slow_similarity(teacher, text, known) for known in amides[:200])
        assert found[place] == pytest.approx(slow, abs=1e-5)
    np.testing.assert_allclose(teacher.predict(amides[:50]).similarity, 1.0, atol=1e-5)


def test_only_strangers_are_novel(teacher: Teacher, amides: list[str], drugs: list[str]) -> None:
    strange = ["C" * 40, "[Na+].[Cl-]", "B1OB(OB(O1)C)C", "FC(F)(F)C(F)(F)C(F)(F)C(F)(F)F"]
    alike, foreign = teacher.predict(amides[200:900]), teacher.predict([*strange, "broken"])
    assert alike.novel is not None and foreign.novel is not None and foreign.similarity is not None
    assert alike.novel.mean() < 0.05
    assert foreign.novel.tolist() == [True] * 4 + [False]
    assert np.isnan(foreign.similarity[-1])
    # Some drugs are as near as amides are to each other, most are not.
    assert teacher.predict(drugs).novel.mean() > 0.3  # type: ignore[union-attr]


@pytest.mark.slow
def test_the_threshold_is_the_leave_one_out_quantile_and_is_saved(
    teacher: Teacher, amides: list[str], tmp_path: Path
) -> None:
    nearest = [
        max(_slow_similarity(teacher, amides[index], amides[j]) for j in range(200) if j != index)
        for index in range(0, 200, 10)
    ]
    threshold = teacher.members[0].model.novelty
    assert min(nearest) - 0.3 < threshold <= np.quantile(nearest, 0.2)
    save_bundle(teacher, tmp_path / "m")
    again = load_bundle(tmp_path / "m").predict([*amides[200:230], "C" * 40])
    before = teacher.predict([*amides[200:230], "C" * 40])
    np.testing.assert_array_equal(again.novel, before.novel)
    np.testing.assert_array_equal(again.similarity, before.similarity)


def test_teachers_that_do_not_compare_say_nothing(amides: list[str], logp: np.ndarray) -> None:
    settings = TeacherSettings(kind="mlp", mlp=MlpSettings(members=1, width=8, buckets=64, epochs=1), folds=2)
    found = train_teacher(TrainingData(amides[:40], ["a"], logp[:40], [True]), settings).predict(amides[:3])
    assert found.similarity is None and found.novel is None
