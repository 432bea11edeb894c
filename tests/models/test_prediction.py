"""What teachers and students answer with: shapes, types, and what stands where a molecule could not be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from docksieve.models.prediction import HeldOut, Prediction
from docksieve.models.settings import TeacherSettings
from docksieve.models.students.student import Student
from docksieve.models.teachers.teacher import Teacher
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData


@pytest.fixture(scope="module")
def teacher(amides: list[str], logp: np.ndarray) -> Teacher:
    scores = np.stack([-logp[:60], logp[:60] ** 2], axis=1)
    scores[3, 1] = np.nan
    data = TrainingData(amides[:60], ["a", "b"], scores, [True, False])
    return train_teacher(data, TeacherSettings(kind="kernel", folds=2), seed=1)


def test_a_teacher_answers_for_every_molecule(teacher: Teacher, amides: list[str]) -> None:
    found = teacher.predict([amides[0], "no molecule", "", "[Na+].[Cl-]", amides[80]])
    assert isinstance(found, Prediction)
    assert found.mean.shape == found.spread.shape == (5, 2)
    assert found.mean.dtype == found.spread.dtype == np.float32
    unread = np.isnan(found.mean).any(axis=1)
    assert unread.tolist()[:3] == [False, True, True] and not unread[4]
    assert np.isnan(found.mean[unread]).all() and np.isnan(found.spread[unread]).all()
    assert (found.spread[~unread] > 0).all()
    assert found.similarity is not None and found.novel is not None
    assert found.similarity[0] == pytest.approx(1.0) and 0 <= found.similarity[4] <= 1
    assert np.isnan(found.similarity[unread]).all() and not found.novel[unread].any()
    assert (found.novel.dtype, found.similarity.dtype) == (np.bool_, np.float32)


def test_no_molecules_have_an_empty_answer(teacher: Teacher) -> None:
    found = teacher.predict([])
    assert found.mean.shape == found.spread.shape == (0, 2)
    assert found.similarity is not None and found.similarity.shape == (0,)


def test_what_was_held_out_is_in_the_unit_of_the_scores(
    teacher: Teacher, amides: list[str], logp: np.ndarray
) -> None:
    held = teacher.held_out
    assert isinstance(held, HeldOut)
    assert sorted(held.smiles) == sorted(set(amides[:60]))
    assert held.truth.shape == held.mean.shape == held.spread.shape == (60, 2)
    known = dict(zip(amides[:60], logp[:60], strict=True))
    for text, truth in zip(held.smiles, held.truth, strict=True):
        assert truth[0] == pytest.approx(-known[text])
        assert np.isnan(truth[1]) == (text == amides[3])


def test_a_student_compares_no_molecules(make_student: Callable[..., Student]) -> None:
    found = make_student(targets=2, width=16, buckets=256).predict(["CCO", "", "not one"])
    assert isinstance(found, Prediction)
    assert found.mean.shape == (3, 2) and found.mean.dtype == np.float32
    assert np.isnan(found.mean[1]).all() and not np.isnan(found.mean[0]).any()
    assert found.similarity is None and found.novel is None


def test_an_answer_cannot_be_given_another_array() -> None:
    answer = Prediction(np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32))
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.mean = answer.spread  # type: ignore[misc]
