"""Settings of factor models: each mistake is named."""

from __future__ import annotations

from typing import Any

import pytest
from docksieve.models.factors.settings import FactorSettings


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rank": 0}, "factors.rank must be at least 1"),
        ({"width": -1}, "factors.width must be at least 1"),
        ({"epochs": 0}, "factors.epochs must be at least 1"),
        ({"batch_size": 0}, "factors.batch_size must be at least 1"),
        ({"most": 0}, "factors.most must be at least 1"),
        ({"buckets": 1}, "a power of two"),
        ({"buckets": 1000}, "a power of two"),
        ({"learning_rate": 1.0}, "between 0 and 1"),
        ({"learning_rate": 0.0}, "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FactorSettings(**values)


def test_the_defaults_and_the_smallest_are_taken() -> None:
    assert FactorSettings() == FactorSettings(rank=32, width=128, buckets=8_192, most=100_000)
    smallest = FactorSettings(rank=1, width=1, epochs=1, batch_size=1, most=1, buckets=2)
    assert (smallest.buckets, smallest.learning_rate) == (2, 0.004)
