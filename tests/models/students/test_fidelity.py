from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from docksieve.data.molecules.standardise import standard_smiles
from docksieve.models.settings import StudentSettings
from docksieve.models.students.distill import distil_student
from docksieve.models.students.fidelity import fidelity, passed_gate, share_to_keep
from docksieve.models.students.student import Student
from rdkit import Chem

SMALL = StudentSettings(width=32, buckets=1024, epochs=25, batch_size=64, learning_rate=5e-3, spread=False)


def test_the_share_to_keep_is_counted_as_written_out() -> None:
    truth = np.arange(100.0)
    assert share_to_keep(truth, truth, 0.2) == 0.19  # 19 of the best 20 are 95 %
    late = truth.copy()
    late[3] = 49.5  # one of the 20 may be missed
    assert share_to_keep(truth, late, 0.2) == 0.19
    late[4] = 59.5  # of two that are late the sooner is needed: behind the 48 others up to number 49
    assert share_to_keep(truth, late, 0.2) == 0.49
    assert share_to_keep(truth, -truth, 0.2) == 0.99


def _gate(noise: float, sign: float = 1.0, **settings) -> dict:
    generator = np.random.default_rng(4)
    truth = generator.normal(size=(2_000, 1))
    predicted = truth + noise * generator.normal(size=truth.shape)
    pair, lower = (sign * truth, sign * predicted), [sign > 0]
    agreed = fidelity(*pair, ["a"], lower, 0)
    return passed_gate(*pair, ["a"], lower, StudentSettings(**settings), agreed, 0)["a"]


def test_a_faithful_student_passes_and_a_noisy_one_is_told_to_keep_more() -> None:
    good, bad = _gate(0.1), _gate(0.8)
    assert good["passed"] and not bad["passed"]
    assert good["cut"]["of_best"] == 0.01
    assert good["cut"]["keep"]["value"] < 0.03 < bad["cut"]["keep"]["value"]
    assert bad["cut"]["factor"] > 3 * good["cut"]["factor"]
    assert "Below the gate" in bad["advice"] and "Below" not in good["advice"]
    # Each half of the gate counts by itself.
    assert _gate(0.8, min_fidelity=0.5, min_recall=0.1)["passed"]
    assert not _gate(0.1, min_fidelity=0.999)["passed"]
    assert not _gate(0.1, min_recall=0.99)["passed"]


def test_higher_is_better_is_judged_at_its_own_end() -> None:
    assert _gate(0.3, -1.0)["cut"]["keep"]["value"] == _gate(0.3)["cut"]["keep"]["value"]


@pytest.fixture(scope="module")
def student(amides: list[str], logp: np.ndarray) -> Student:
    return distil_student(amides[:900], logp[:900], None, ["a"], [True], SMALL, seed=1)


def test_the_report_of_a_student_holds_the_gate(
    student: Student, amides: list[str], logp: np.ndarray
) -> None:
    assert student.report["gate"]["a"]["passed"]
    # 45 molecules were held out: the best 1 % of them would be none.
    assert student.report["gate"]["a"]["cut"]["of_best"] == 0.2
    lame = dataclasses.replace(SMALL, epochs=1, learning_rate=1e-5)
    found = distil_student(amides[:900], logp[:900], None, ["a"], [True], lame, seed=1).report["gate"]["a"]
    assert not found["passed"] and found["cut"]["factor"] > 1


def _spellings(smiles: str, count: int, seed: int) -> list[str]:
    mol = Chem.MolFromSmiles(smiles)
    return list(Chem.MolToRandomSmilesVect(mol, count, randomSeed=seed))


def test_spellings_of_a_molecule_differ_and_the_standard_form_does_not(
    student: Student, amides: list[str], logp: np.ndarray
) -> None:
    asked = amides[900:960]
    error = np.sqrt(((student.predict(asked).mean[:, 0] - logp[900:960]) ** 2).mean())
    spreads = []
    for index, smiles in enumerate(asked):
        texts = sorted({smiles, *_spellings(smiles, 8, index + 1)})
        assert len(texts) > 2
        scores = student.predict(texts).mean[:, 0]
        spreads.append(scores.std())
        standard = [standard_smiles(text) for text in texts]
        assert len(set(standard)) == 1
        assert len({value.tobytes() for value in student.predict(standard).mean}) == 1
    # The student reads bytes: another spelling is another input, off by about as much as its errors or more.
    assert np.median(spreads) > 0.2 * error
