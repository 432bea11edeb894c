"""Splits: every molecule tested once, no scaffold on both sides, nothing learnt from the future."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.data.errors import InputError
from docksieve.workflows.modelling.splits import folds_of, scaffold_groups


@pytest.mark.parametrize("split", ["random", "scaffold"])
def test_every_molecule_is_tested_once_and_never_learnt_then(split: str) -> None:
    groups = np.repeat(np.arange(20), 5)
    folds = folds_of(split, 4, 1, 100, groups)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(100))
    for train, test in folds:
        assert not set(train) & set(test) and len(train) + len(test) == 100
        assert 20 <= len(test) <= 30
        if split == "scaffold":
            assert not set(groups[train]) & set(groups[test])
    again, other = folds_of(split, 4, 1, 100, groups), folds_of(split, 4, 2, 100, groups)
    assert (again[0][1] == folds[0][1]).all() and set(other[0][1]) != set(folds[0][1])


def test_a_scaffold_that_half_of_all_have_fills_one_fold() -> None:
    groups = np.concatenate([np.zeros(50, np.int64), np.arange(1, 51)])
    sizes = sorted(len(test) for _, test in folds_of("scaffold", 3, 1, 100, groups))
    assert sizes == [25, 25, 50]


def test_time_goes_forward_and_equal_times_stay_together() -> None:
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(10.0), 6))
    folds = folds_of("time", 4, 1, 60, order=order)
    for train, test in folds:
        assert order[train].max() < order[test].min()
    tested = np.concatenate([test for _, test in folds])
    assert len(set(tested.tolist())) == len(tested) == 48  # the oldest fifth only teaches


def test_too_few_scaffolds_or_times_are_said() -> None:
    with pytest.raises(InputError, match="2 scaffolds"):
        folds_of("scaffold", 3, 1, 4, np.array([0, 0, 1, 1]))
    with pytest.raises(InputError, match="too few different times"):
        folds_of("time", 3, 1, 4, order=np.array([0.0, 0.0, 1.0, 1.0]))


def test_molecules_of_one_scaffold_are_one_group() -> None:
    groups = scaffold_groups(["Cc1ccccc1", "OCc1ccccc1", "CCO", "CCCN", "c1ccncc1"])
    assert groups[0] == groups[1] and groups[2] == groups[3] and len(set(groups.tolist())) == 3
