from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from docksieve.models.metrics import r2
from docksieve.models.settings import StudentSettings
from docksieve.models.students.distill import distil_student
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData


@pytest.mark.shared
@pytest.mark.slow
def test_teacher_and_student_learn_real_docking_scores(shared_data: Path) -> None:
    with gzip.open(shared_data / "scores" / "molpal_enamine10k_scores_4unn_vina.csv.gz", "rt") as handle:
        rows = list(csv.reader(handle))[1:]
    order = np.random.default_rng(0).permutation(len(rows))
    smiles = [rows[i][0] for i in order]
    scores = np.array([float(rows[i][1]) for i in order])
    teacher = train_teacher(TrainingData(smiles[:500], ["4unn"], scores[:500], [True]), seed=1)
    labels = teacher.predict(smiles[:6_000])
    spread = labels.spread.copy()
    spread[:500] = np.nan
    student = distil_student(
        smiles[:6_000], labels.mean, spread, ["4unn"], [True], StudentSettings(width=64), seed=1
    )
    truth = scores[6_000:7_500]
    assert r2(truth, teacher.predict(smiles[6_000:7_500]).mean[:, 0].astype(float)) > 0.62
    assert r2(truth, student.predict(smiles[6_000:7_500]).mean[:, 0].astype(float)) > 0.5
    # Cross-validation told the truth: the unseen molecules lie in or near its interval.
    claimed = teacher.report["targets"]["4unn"]["r2"]
    assert (
        claimed["low"] - 0.1
        < r2(truth, teacher.predict(smiles[6_000:7_500]).mean[:, 0].astype(float))
        < claimed["high"] + 0.1
    )
