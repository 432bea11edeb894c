"""Two rankings beside each other, against a plain count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from docksieve.screening.metrics.overlap import Ranking, agreement


def ranking(scores: dict[str, float], lower: bool = True) -> Ranking:
    order = sorted(scores, key=lambda key: scores[key] if lower else -scores[key])
    return Ranking(np.array(order, object), np.array([scores[key] for key in order]), lower)


def test_overlap_and_correlation_are_those_of_pandas() -> None:
    rng = np.random.default_rng(3)
    names = [f"m{at}" for at in range(400)]
    one = pd.Series(rng.normal(size=400), names)
    other = (one + rng.normal(size=400)).iloc[50:]
    found = agreement(ranking(one.to_dict()), ranking(other.to_dict()), seed=1)
    assert (found.first, found.second, found.common) == (400, 350, 350)
    assert [item.depth for item in found.overlaps] == [10, 30, 100, 300, 350]
    for item in found.overlaps:
        best = set(one.nsmallest(item.depth).index)
        assert item.shared == len(best & set(other.nsmallest(item.depth).index))
        assert item.known == len(best & set(other.index))
        assert item.share == item.shared / item.depth
    assert found.correlation is not None
    assert found.correlation.value == pytest.approx(one.iloc[50:].corr(other, method="spearman"))
    assert found.correlation.low < found.correlation.value < found.correlation.high
    assert found.compared == 350


def test_directions_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    scores = dict(zip(map(str, range(60)), rng.normal(size=60), strict=True))
    turned = {key: -value for key, value in scores.items()}
    found = agreement(ranking(scores), ranking(turned, lower=False), seed=1)
    assert found.correlation is not None
    assert found.correlation.value == pytest.approx(1)
    assert all(item.shared == item.depth for item in found.overlaps)


def test_too_little_to_compare_is_said_so() -> None:
    nothing = agreement(ranking({"a": 1.0, "b": 2.0}), ranking({"c": 1.0}), seed=1)
    assert (nothing.common, nothing.correlation, nothing.compared) == (0, None, 0)
    assert [(item.depth, item.shared, item.known) for item in nothing.overlaps] == [(1, 0, 0)]
    alike = agreement(ranking(dict.fromkeys("abcd", 1.0)), ranking(dict.fromkeys("abcd", 1.0)), seed=1)
    assert alike.correlation is None
    assert agreement(ranking({}), ranking({"a": 1.0}), seed=1).overlaps == ()
