"""Scores gathered for training: a share of the seed sample sealed, always the same, repeats averaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from docksieve.workflows.tasks import training_scores
from docksieve.workflows.tasks.training_scores import is_held_out


def test_the_sealed_share_is_what_was_asked_for_and_never_moves() -> None:
    smiles = [f"{'C' * (1 + n % 50)}N{n}" for n in range(4_000)]
    sealed = np.array([is_held_out(text, 11, 0.2) for text in smiles])
    assert sealed.mean() == pytest.approx(0.2, abs=0.02)
    more = np.array([is_held_out(text, 11, 0.4) for text in smiles])
    assert (more >= sealed).all()  # who is sealed stays so
    other = np.array([is_held_out(text, 12, 0.2) for text in smiles])
    assert (other & sealed).mean() == pytest.approx(0.04, abs=0.015)
    assert not any(is_held_out(text, 11, 0.0) for text in smiles)


def test_repeats_are_averaged_and_gaps_stay_gaps() -> None:
    table = pa.table(
        {
            "smiles": ["CCO", "CCN", "CCO", "CCO"],
            "target": ["A", "B", "A", "B"],
            "score": [-8.0, -5.0, -7.0, 3.0],
        }
    )
    found = training_scores._matrix(table, {"A": True, "B": False})
    assert list(found.smiles) == ["CCN", "CCO"] and found.lower_is_better == (True, False)
    np.testing.assert_array_equal(found.scores, [[np.nan, -5], [-7.5, 3]])


def test_only_the_seed_sample_and_imports_hold_sealed_molecules(tmp_path: Path) -> None:
    shares = {
        name: training_scores._held_out_share(tmp_path / name, tmp_path, 0.3)
        for name in ("scores/round-00/A/b.parquet", "scores/round-01/A/b.parquet", "imports/1/scores.parquet")
    }
    assert list(shares.values()) == [0.3, 0.0, training_scores.SEALED_SHARE_OF_IMPORTS]
