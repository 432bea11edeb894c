"""The parts of the depth model that have values of their own: scores of ranks, and how much is doubted."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.cuts.depth_tails import DOUBT, Doubt, normal_scores


def test_normal_scores_are_largest_for_the_smallest_and_shared_by_ties() -> None:
    found = normal_scores(np.array([-9.0, -7.0, -8.0, -7.0, -6.0]))
    assert np.argsort(-found, kind="stable").tolist() == [0, 2, 1, 3, 4]
    assert found[1] == found[3]
    plain = normal_scores(np.arange(101.0))
    assert plain[50] == pytest.approx(0) and plain[0] == pytest.approx(-plain[100])
    assert plain.std() == pytest.approx(1, abs=0.03)


def test_doubt_falls_with_the_slope_and_with_what_is_known() -> None:
    once = Doubt(scale=1.0)
    assert once(0.0, 1e9) == pytest.approx(1.3) and once(-1.0, 1e9) == pytest.approx(1.3)
    assert once(0.5, 1e9) == pytest.approx(0.4) and once(2.0, 1e9) == pytest.approx(0.2)
    assert once(2.0, 0.0) == once(2.0, 1.0) == pytest.approx(np.hypot(0.2, 1.6))
    assert DOUBT(0.5, 4.0) == pytest.approx(2 * once(0.5, 4.0))
