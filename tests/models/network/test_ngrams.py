from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import ModelError
from docksieve.models.network.ngrams import WEIGHTS, StringBatch, encode, encode_plainly

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
