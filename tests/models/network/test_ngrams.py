from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import ModelError
from docksieve.models.network.ngrams import (
    HASH_MULTIPLIER,
    LENGTH_SALT,
    WEIGHTS,
    Bags,
    StringBatch,
    encode,
    hash_shift,
)


def encode_plainly(strings: StringBatch, ngram: int, buckets: int) -> Bags:
    """Return what :func:`encode` does, by numpy alone and slowly: the definition that the kernel is held to."""
    shift = hash_shift(buckets)
    salt, multiplier = np.uint64(LENGTH_SALT), np.uint64(HASH_MULTIPLIER)
    rows, weights, offsets = [], [], [0]
    for index in range(len(strings)):
        text = strings.data[strings.offsets[index] : strings.offsets[index + 1]].astype(np.uint64)
        if not strings.valid[index]:
            text = text[:0]
        packed = np.zeros(len(text), np.uint64)
        numbers = np.full((len(text), ngram), -1, np.int64)
        for length in range(1, min(ngram, len(text)) + 1):
            begins = len(text) - length + 1
            packed = (packed[:begins] << np.uint64(8)) | text[length - 1 :]
            with np.errstate(over="ignore"):
                key = packed ^ (np.uint64(length) * salt)
                key ^= key >> np.uint64(32)
                numbers[:begins, length - 1] = ((key * multiplier) >> shift).astype(np.int64)
        in_order = numbers.ravel()
        found, first, counts = np.unique(in_order[in_order >= 0], return_index=True, return_counts=True)
        order = np.argsort(first)
        rows.append(found[order])
        weights.append(WEIGHTS[np.minimum(counts[order], len(WEIGHTS) - 1)])
        offsets.append(offsets[-1] + len(found))
    empty = np.zeros(0)
    return Bags(
        np.array(offsets, np.int64),
        np.concatenate([empty, *rows]).astype(np.int32),
        np.concatenate([empty, *weights]).astype(np.float32),
    )


AWKWARD = [
    "C", "", None, "CC", "c1ccccc1", "C" * 5_000, "CC(=O)Oc1ccccc1C(=O)O" * 230, "Ünïcode→分子", "\x00\x00\x01", " ",
    "C\tN", "[Na+].[Cl-]", "CCCCCC", "N",
]  # fmt: skip


def _same(first, second) -> None:
    np.testing.assert_array_equal(first.offsets, second.offsets)
    np.testing.assert_array_equal(first.buckets, second.buckets)
    assert first.weights.tobytes() == second.weights.tobytes()


@pytest.mark.parametrize(("ngram", "buckets"), [(6, 4096), (1, 64), (8, 1 << 20), (3, 256)])
def test_kernel_equals_its_definition_to_the_bit(ngram: int, buckets: int, drugs: list[str]) -> None:
    strings = StringBatch.from_strings([*AWKWARD, *drugs])
    _same(encode(strings, ngram, buckets), encode_plainly(strings, ngram, buckets))


def test_random_bytes_equal_their_definition() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(0, 80, 200)
    column = pa.array([generator.bytes(int(n)) for n in lengths], pa.binary())
    strings = StringBatch.from_arrow(column)
    _same(encode(strings, 6, 4096), encode_plainly(strings, 6, 4096))


def test_counts_by_hand() -> None:
    # "CCC" with runs up to 2: C three times, CC twice; with enough buckets they do not meet.
    bags = encode(StringBatch.from_strings(["CCC"]), 2, 1 << 20)
    np.testing.assert_allclose(bags.weights, np.log1p([3, 2]), rtol=1e-6)
    # A run and the same run after a zero byte are different features.
    first, second = (encode(StringBatch.from_strings([text]), 8, 1 << 20) for text in ("\x00C", "C"))
    assert len(first.buckets) == 3 and len(second.buckets) == 1


def test_nulls_and_empty_strings_have_empty_bags_and_no_neighbours_leak() -> None:
    strings = StringBatch.from_strings(AWKWARD)
    assert strings.valid.tolist() == [bool(text) for text in AWKWARD]
    together = encode(strings, 6, 4096)
    for index, text in enumerate(AWKWARD):
        alone = encode(StringBatch.from_strings([text]), 6, 4096)
        _same(alone, together.take(np.array([index])))
    assert together.offsets[2] == together.offsets[3] == together.offsets[1]


def test_weights_of_absurd_counts_are_the_tables_last() -> None:
    bags = encode(StringBatch.from_strings(["C" * 5_000]), 1, 64)
    assert bags.weights.tolist() == [WEIGHTS[-1]]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(AWKWARD),
        pa.array(AWKWARD, pa.large_string()),
        pa.array(["N", *AWKWARD, "O"]).slice(1, len(AWKWARD)),
        pa.chunked_array([AWKWARD[:5], AWKWARD[5:]], pa.string()),
        pa.array(AWKWARD).dictionary_encode(),
        pa.array(AWKWARD, pa.string_view()),
    ],
    ids=["string", "large", "slice", "chunked", "dictionary", "view"],
)
def test_every_kind_of_arrow_column_reads_the_same(column: pa.Array) -> None:
    found, expected = StringBatch.from_arrow(column), StringBatch.from_strings(AWKWARD)
    np.testing.assert_array_equal(found.valid, expected.valid)
    _same(encode(found, 6, 4096), encode(expected, 6, 4096))


def test_empty_columns_and_wrong_types() -> None:
    assert len(StringBatch.from_arrow(pa.array([], pa.string()))) == 0
    assert len(StringBatch.from_arrow(pa.chunked_array([], pa.string()))) == 0
    assert len(encode(StringBatch.from_strings([]), 6, 4096)) == 0
    with pytest.raises(ModelError, match="int64"):
        StringBatch.from_arrow(pa.array([1, 2]))
