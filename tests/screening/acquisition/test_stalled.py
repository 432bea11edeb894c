"""Batches that stop improving are noticed; what is docked instead is of scaffolds that were not."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.acquisition.functions import AcquisitionContext
from docksieve.screening.acquisition.stalled import FEWEST, explored_places, find_stall
from docksieve.screening.acquisition.stream import AcquisitionStream

EVERY = np.random.default_rng(0).normal(-7.0, 1.0, 500)


def batch(best: float, count: int = 100) -> np.ndarray:
    """Return scores whose best tenth reaches about ``best``."""
    return np.linspace(best - 0.3, best + 2.7, count)


def test_a_batch_no_better_than_the_one_before_is_a_stall() -> None:
    found = find_stall([batch(-8.0), batch(-9.0), batch(-9.0)], EVERY, True)
    assert found is not None and found.last == pytest.approx(found.before) == pytest.approx(-9.0, abs=0.01)


def test_a_worse_one_too_and_in_either_direction() -> None:
    assert find_stall([batch(-9.0), batch(-8.5)], EVERY, True) is not None
    assert find_stall([-batch(-9.0), -batch(-8.5)], -EVERY, False) is not None


def test_a_better_batch_is_none() -> None:
    assert find_stall([batch(-9.0), batch(-9.3)], EVERY, True) is None
    assert find_stall([-batch(-9.0), -batch(-9.3)], -EVERY, False) is None


def test_too_little_says_nothing() -> None:
    few = batch(-9.0, FEWEST - 1)
    failed = np.full(100, np.nan)
    assert find_stall([], EVERY, True) is None
    assert find_stall([batch(-9.0)], EVERY, True) is None
    assert find_stall([batch(-9.0), few], EVERY, True) is None
    assert find_stall([batch(-9.0), failed], EVERY, True) is None
    assert find_stall([batch(-9.0), batch(-9.0)], np.full(50, -7.0), True) is None


SMILES = ["Cc1ccccc1", "CCc1ccccc1", "c1ccncc1C", "C1CCCCC1N", "Cc1ccncc1", "CCO"]


def test_the_last_make_room_for_new_scaffolds_one_of_each() -> None:
    places, explored = explored_places(np.arange(4), SMILES, 2, seen=["Clc1ccoc1"])
    # Benzene stays, pyridine and cyclohexane are new to it, the second pyridine is not.
    assert places.tolist() == [0, 1, 2, 3] and explored == 2
    places, explored = explored_places(np.array([0, 1, 2]), SMILES, 2, seen=["Clc1ccncc1"])
    assert places.tolist() == [0, 3, 5] and explored == 2  # what has no ring is a kind of its own


def test_where_there_is_nothing_new_the_batch_stays() -> None:
    places, explored = explored_places(np.array([0, 1]), SMILES[:2], 1, seen=["Clc1ccccc1"])
    assert places.tolist() == [0, 1] and explored == 0


def test_a_stream_explores_among_the_next_best_and_says_how_many() -> None:
    rows = np.arange(len(SMILES))
    stream = AcquisitionStream(
        "greedy", 3, lower_is_better=True, context=AcquisitionContext(), seed=1, explore=1
    )
    stream.add(rows, np.linspace(-9.0, -8.0, len(SMILES)), np.full(len(SMILES), 0.5))
    found = stream.choose(lambda wanted: [SMILES[row] for row in wanted], seen=["Clc1ccncc1"])
    assert found.rows.tolist() == [0, 1, 3] and found.explored == 1
    with pytest.raises(ValueError, match="SMILES"):
        stream.choose()
