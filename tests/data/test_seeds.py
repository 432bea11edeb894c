"""Seeds belong to what is done: the same for ever, different for different parts."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.data.seeds import derive_seed, unit_interval


def test_seeds_never_change() -> None:
    """Campaigns that were begun with an earlier version go on with the same seeds."""
    assert derive_seed(11, "dock", "A", "CCO") == 4205497273848704613
    assert derive_seed("a", bits=31) == 1548084023
    assert unit_interval(7, "held-out", "CCO") == 0.808897016613965


def test_boundaries_and_order_count() -> None:
    parts = [("ab", "c"), ("a", "bc"), ("abc",), ("c", "ab"), ("ab", "c", ""), (1, "x"), (11, "x")]
    assert len({derive_seed(*part) for part in parts}) == len(parts)
    assert derive_seed(1, "x") == derive_seed("1", "x")  # texts are hashed


@pytest.mark.parametrize("bits", [2, 31, 63])
def test_seeds_are_in_range_and_never_zero(bits: int) -> None:
    found = [derive_seed(number, bits=bits) for number in range(500)]
    assert min(found) >= 1 and max(found) <= 2**bits - 1


def test_shares_are_even() -> None:
    found = np.array([unit_interval("split", number) for number in range(4_000)])
    assert found.min() >= 0 and found.max() < 1
    assert np.histogram(found, 4, (0, 1))[0] == pytest.approx([1_000] * 4, abs=110)
