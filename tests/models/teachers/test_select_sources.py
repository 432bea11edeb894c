"""Which columns belong to which source, and how its predictions rank the molecules docked now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from docksieve.models.fingerprints import Features, featurise
from docksieve.models.teachers.sources import keep_columns, select_sources, source_report


@pytest.fixture(scope="module")
def features(drugs: list[str]) -> Features:
    import dataclasses

    found = featurise(drugs[:6])
    own = found.descriptors[:, :2]
    columns = np.array([[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1], [0, 0, 0, 1, 1, 1]], np.float32).T
    return dataclasses.replace(found, descriptors=np.concatenate([own, columns], axis=1))


def source(name: str, **targets: bool) -> Any:
    return SimpleNamespace(origin={"id": name}, targets=list(targets), lower_is_better=list(targets.values()))


def test_columns_of_sources_are_kept_or_left_out_together(features: Features) -> None:
    kept = keep_columns(features, [2, 1], [False, True]).descriptors
    np.testing.assert_array_equal(kept, features.descriptors[:, [0, 1, 4]])
    kept = keep_columns(features, [2, 1], [True, False]).descriptors
    np.testing.assert_array_equal(kept, features.descriptors[:, :4])
    np.testing.assert_array_equal(
        keep_columns(features, [1], [False]).descriptors, features.descriptors[:, :4]
    )


def test_best_goes_with_best_whichever_way_scores_go(features: Features) -> None:
    data: Any = SimpleNamespace(
        targets=["new"],
        lower_is_better=[True],
        scores=np.array([[-6.0], [-5.0], [-4.0], [-3.0], [-2.0], [np.nan]]),
    )
    found = source_report([source("s", low=True, high=False), source("t", other=True)], features, data)
    assert [(entry["model"], entry["target"]) for entry in found] == [
        ("s", "low"),
        ("s", "high"),
        ("t", "other"),
    ]
    assert found[0]["spearman"]["new"] == pytest.approx(1)  # rises with the scores, both lower is better
    assert found[1]["spearman"]["new"] == pytest.approx(1)  # falls, but there more is better
    assert found[2]["spearman"]["new"] == pytest.approx(0.866, abs=1e-3)


def test_without_sources_nothing_changes(features: Features) -> None:
    nothing: Any = None
    assert select_sources([], features, nothing, nothing, nothing) == (features, [], [])
