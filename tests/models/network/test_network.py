from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pytest
from docksieve.models.inference.device_check import exact_scores, expected_scores, trial_molecules
from docksieve.models.network import simd as lanes_module
from docksieve.models.network.network import Weights, forward
from docksieve.models.network.ngrams import Encoder, StringBatch, encode
from docksieve.models.settings import StudentSettings


def _plainly(weights: Weights, strings: StringBatch, settings: StudentSettings) -> np.ndarray:
    """The definition of the bits: one rounding for each operation, in the order of bag and inputs."""
    bags = encode(strings, settings.ngram, settings.buckets)
    one, half = np.float32(1), np.float32(0.5)
    result = np.empty((len(strings), len(weights.head_bias)), np.float32)
    for row in range(len(strings)):
        values = weights.bias.copy()
        for place in range(bags.offsets[row], bags.offsets[row + 1]):
            values += bags.weights[place] * weights.embedding[bags.buckets[place]]
        for matrix, bias in [
            *zip(weights.hidden, weights.hidden_bias, strict=True),
            (weights.head, weights.head_bias),
        ]:
            values = half * values * (one + values / np.sqrt(one + values * values))
            total = bias.copy()
            for unit in range(len(values)):
                total += values[unit] * matrix[unit]
            values = total
        result[row] = np.maximum(values, weights.floor)
    return result


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"width": 8, "layers": 1, "buckets": 64}, {"width": 24, "spread": False}, {"width": 200, "layers": 3},
        {"width": 64, "ngram": 8}, {"width": 328, "ngram": 1, "buckets": 128},
    ],
)  # fmt: skip
def test_the_kernel_gives_the_bits_of_the_plain_definition(
    settings: dict, drugs: list[str], make_student
) -> None:
    student = make_student(targets=3, **settings)
    strings = StringBatch.from_strings([*drugs[:13], None, "", "Ünï", "C" * 400, "N"])
    bags = encode(strings, student.settings.ngram, student.settings.buckets)
    assert (
        forward(student.weights, bags).tobytes()
        == _plainly(student.weights, strings, student.settings).tobytes()
    )


def test_any_number_of_molecules_at_once(drugs: list[str], make_student) -> None:
    student = make_student(width=32)
    together = expected_scores(student, StringBatch.from_strings(drugs))
    for count in (0, 1, 3, 4, 5, 7, 8, 9, 17):
        assert (
            expected_scores(student, StringBatch.from_strings(drugs[:count])).tobytes()
            == together[:count].tobytes()
        )


def test_an_encoder_may_be_used_again() -> None:
    encoder = Encoder(6, 512)
    for seed, count in ((0, 50), (1, 500), (2, 7), (3, 0), (4, 300)):
        strings = trial_molecules(count, seed)
        found, expected = encoder(strings), encode(strings, 6, 512)
        for field in dataclasses.fields(expected):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


def test_the_kernel_is_close_to_double_precision(make_student) -> None:
    strings = trial_molecules(300)
    student = make_student(targets=2)
    exact, found = exact_scores(student, strings), expected_scores(student, strings)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("lanes", [8, 32, 64, 128])
def test_vector_loops_of_any_processor_sum_alike(lanes: int) -> None:
    bag_sum, dense_sum = lanes_module._bag_sum(lanes), lanes_module._dense_sum(4, lanes)

    @numba.njit
    def bag(buckets, weights, table, bias, result):  # type: ignore[no-untyped-def]
        bag_sum(buckets, weights, 2, len(buckets), table, bias, 8, result, 3)

    @numba.njit
    def dense(values, matrix, bias, result):  # type: ignore[no-untyped-def]
        dense_sum(values, matrix, 1, bias, 8, result)

    random = np.random.default_rng(lanes)
    table, bias = random.normal(size=(30, lanes + 8)).astype(np.float32), np.ones(lanes + 8, np.float32)
    buckets, weights = (
        random.integers(30, size=40).astype(np.int32),
        random.normal(size=40).astype(np.float32),
    )
    result, expected = np.zeros(lanes + 3, np.float32), bias[8:].copy()
    bag(buckets, weights, table, bias, result)
    for bucket, weight in zip(buckets[2:], weights[2:], strict=True):
        expected += weight * table[bucket, 8:]
    np.testing.assert_array_equal(result[3:], expected)

    values = random.normal(size=(4, 5)).astype(np.float32)
    matrix, biases = (
        random.normal(size=(2, 5, lanes + 8)).astype(np.float32),
        np.ones((2, lanes + 8), np.float32),
    )
    found, sums = np.zeros((4, lanes + 8), np.float32), np.ones((4, lanes), np.float32)
    dense(values.ravel(), matrix, biases, found.ravel())
    for unit in range(5):
        sums += values[:, unit : unit + 1] * matrix[1, unit, 8:]
    np.testing.assert_array_equal(found[:, 8:], sums)
