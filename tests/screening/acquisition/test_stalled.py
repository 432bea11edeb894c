"""Batches that stop improving are noticed; what is docked instead is of scaffolds that were not."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.acquisition.stalled import FEWEST, find_stall, of_new_scaffolds
from docksieve.screening.chemistry.diversity import murcko_scaffold

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


def test_new_scaffolds_come_one_each_best_first() -> None:
    smiles = ["Cc1ccccc1", "CCc1ccccc1", "c1ccncc1C", "C1CCCCC1N", "Cc1ccncc1", "CCO"]
    seen = {murcko_scaffold("Clc1ccccc1")}
    assert of_new_scaffolds(smiles, 3, seen).tolist() == [2, 3, 5]
    assert of_new_scaffolds(smiles, 1, seen).tolist() == [2]
    assert of_new_scaffolds(smiles, 9, {*seen, ""}).tolist() == [2, 3]
