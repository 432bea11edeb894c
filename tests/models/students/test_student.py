from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from docksieve.data.errors import ModelError
from docksieve.models.inference.device_check import HALF_TOLERANCE, difference
from docksieve.models.metrics import spearman
from docksieve.models.network.network import StudentModule, forward
from docksieve.models.network.ngrams import StringBatch, encode
from docksieve.models.settings import StudentSettings
from docksieve.models.students.distill import distil_student
from docksieve.models.students.student import Student, StudentScorer

SMALL = StudentSettings(width=32, buckets=1024, epochs=25, batch_size=64, learning_rate=5e-3)


def _distil(amides: list[str], logp: np.ndarray, settings: StudentSettings = SMALL, **more) -> Student:
    spread = 0.1 + 0.05 * np.abs(logp)
    return distil_student(amides[:900], logp[:900], spread[:900], ["a"], [True], settings, **more)


@pytest.fixture(scope="module")
def student(amides: list[str], logp: np.ndarray) -> Student:
    return _distil(amides, logp, seed=1)


def test_learns_what_it_is_told_on_molecules_it_did_not_see(
    student: Student, amides: list[str], logp: np.ndarray
) -> None:
    found = student.predict(amides[900:])
    assert spearman(logp[900:], found.mean[:, 0].astype(float)) > 0.9
    assert abs(found.mean[:, 0].mean() - logp[900:].mean()) < 0.1
    assert spearman(0.1 + 0.05 * np.abs(logp[900:]), found.spread[:, 0].astype(float)) > 0.6
    assert (found.spread > 0).all()
    fidelity = student.report["fidelity"]["a"]
    assert fidelity["spearman"]["low"] < fidelity["spearman"]["value"] <= fidelity["spearman"]["high"]
    assert fidelity["recall_best_0.001"] is None  # of 45 molecules held out, none is 0.1 %


def test_same_labels_in_any_order_give_the_same_student(
    student: Student, amides: list[str], logp: np.ndarray
) -> None:
    order = np.random.default_rng(0).permutation(900)
    spread = 0.1 + 0.05 * np.abs(logp[:900])
    again = distil_student(
        [amides[i] for i in order], logp[order], spread[order], ["a"], [True], SMALL, seed=1
    )
    for field in dataclasses.fields(student.weights):
        np.testing.assert_array_equal(
            getattr(again.weights, field.name), getattr(student.weights, field.name)
        )
    assert again.data_sha256 == student.data_sha256
    other = distil_student(
        [amides[i] for i in order], logp[order], spread[order], ["a"], [True], SMALL, seed=2
    )
    assert (other.weights.embedding != student.weights.embedding).any()


def test_a_molecule_has_the_same_score_to_the_bit_in_any_company(student: Student, amides: list[str]) -> None:
    crowd = [*(amides * 4), None, "", "C" * 5_000, "Ünïcode"]
    together = student.predict(crowd)
    for threads in (2, 3):
        threaded = student.predict(crowd, threads=threads)
        assert threaded.mean.tobytes() == together.mean.tobytes()
        assert threaded.spread.tobytes() == together.spread.tobytes()
    for index in (0, 17, 1023, 1024, 2500, len(crowd) - 2, len(crowd) - 1):
        alone = student.predict([crowd[index]])
        assert alone.mean.tobytes() == together.mean[index : index + 1].tobytes()
    assert np.isnan(together.mean[-4:-2]).all() and np.isnan(together.spread[-4:-2]).all()
    assert np.isfinite(together.mean[-2:]).all()
    assert student.predict([]).mean.shape == (0, 1)


@pytest.mark.parametrize(("width", "layers", "spread"), [(8, 1, True), (32, 2, False), (64, 4, True)])
def test_kernel_and_torch_are_the_same_network(
    width: int, layers: int, spread: bool, drugs: list[str]
) -> None:
    torch.manual_seed(0)
    outputs = 3 * (2 if spread else 1)
    module = StudentModule(512, width, layers, outputs)
    floor = np.full(outputs, -np.inf, np.float32)
    weights = module.weights(np.zeros(outputs), np.ones(outputs), floor)
    bags = encode(StringBatch.from_strings(drugs), 6, 512)
    tensors = (
        torch.from_numpy(bags.buckets),
        torch.from_numpy(bags.offsets.astype(np.int32)),
        torch.from_numpy(bags.weights),
    )
    with torch.no_grad():
        np.testing.assert_allclose(forward(weights, bags), module(*tensors).numpy(), atol=1e-5)
        scaled = module.weights(np.arange(outputs) * 1.0, np.full(outputs, 2.0), floor)
        loaded = StudentModule(512, width, layers, outputs).load(scaled)
        np.testing.assert_allclose(loaded(*tensors), 2 * module(*tensors) + torch.arange(outputs), atol=1e-5)


def test_several_targets_and_both_directions(amides: list[str], logp: np.ndarray) -> None:
    mean = np.stack([logp, 10 - 2 * logp], axis=1)
    settings = dataclasses.replace(SMALL, spread=False)
    student = distil_student(amides[:900], mean[:900], None, ["low", "high"], [True, False], settings)
    found = student.predict(amides[900:]).mean
    assert spearman(logp[900:], found[:, 0].astype(float)) > 0.9
    assert spearman(-logp[900:], found[:, 1].astype(float)) > 0.9
    assert 5 < found[:, 1].mean() < 10
    assert np.isnan(student.predict(amides[:2]).spread).all()


def test_rows_without_labels_are_left_out_and_counted(amides: list[str], logp: np.ndarray) -> None:
    mean, spread = logp[:400].copy(), np.full(400, 0.2)
    mean[:20], spread[20:200] = np.nan, np.nan
    smiles = [*amides[:399], amides[398]]
    student = distil_student(smiles, mean, spread, ["a"], [True], dataclasses.replace(SMALL, epochs=2))
    assert student.report["dropped"] == {"without label": 20, "repeated": 1}
    assert student.report["labels"] == 379
    assert np.isfinite(student.predict(amides[:50]).spread).all()


def test_warm_start_needs_less_training(student: Student, amides: list[str], logp: np.ndarray) -> None:
    short = dataclasses.replace(SMALL, epochs=2)
    cold, warm = _distil(amides, logp, short), _distil(amides, logp, short, parent=student)
    assert warm.report["training"]["held_out_loss"][0] < 0.5 * cold.report["training"]["held_out_loss"][0]
    with pytest.raises(ModelError, match="width = 32"):
        _distil(amides, logp, dataclasses.replace(short, width=64), parent=student)


def test_too_few_or_odd_labels_are_refused(amides: list[str], logp: np.ndarray) -> None:
    with pytest.raises(ModelError, match="Only 30 distinct"):
        distil_student(amides[:30], logp[:30], logp[:30], ["a"], [True], SMALL)
    with pytest.raises(ModelError, match="shape"):
        distil_student(amides[:100], logp[:99], logp[:99], ["a"], [True], SMALL)
    with pytest.raises(ModelError, match="no spread"):
        distil_student(amides[:100], logp[:100], None, ["a"], [True], SMALL)


def test_a_device_that_is_not_there_is_an_error(student: Student) -> None:
    absent = "cuda" if not torch.cuda.is_available() else f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(ModelError, match=absent):
        StudentScorer(student, device=absent)
    with pytest.raises(ModelError, match="not a device"):
        StudentScorer(student, device="gpu0")
    with pytest.raises(ModelError, match="not supported"):
        StudentScorer(student, device="meta")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_agrees_with_the_cpu(student: Student, amides: list[str]) -> None:
    on_gpu, on_cpu = student.predict(amides, device="cuda"), student.predict(amides)
    assert difference(on_gpu.mean, on_cpu.mean) < HALF_TOLERANCE
    assert difference(on_gpu.spread, on_cpu.spread) < HALF_TOLERANCE


def test_settings_out_of_range_name_the_field() -> None:
    with pytest.raises(ValueError, match=r"student\.buckets"):
        StudentSettings(buckets=1000)
    with pytest.raises(ValueError, match=r"student\.width"):
        StudentSettings(width=30)
    assert StudentSettings.named("tiny").width < StudentSettings().width < StudentSettings.named("wide").width
