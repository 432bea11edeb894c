"""Evaluation: honest on real scores, no better than chance on scores that mean nothing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import ConfigError, InputError
from docksieve.workflows.modelling.evaluate import Evaluation, evaluate_model
from docksieve.workflows.modelling.folded import _dealt_anew, nearest_learnt
from docksieve.workflows.terminal.model_evaluation import print_evaluation
from docksieve.workflows.terminal.tables import console

pytestmark = pytest.mark.slow

QUICK = {"folds": 3, "repeats": 1, "rounds": 40, "threads": 1}


@pytest.fixture(scope="module")
def found(table: Path) -> Evaluation:
    return evaluate_model(table, lower_is_better=True, folds=3, repeats=2, rounds=40, threads=1, seed=5)


def test_a_property_is_learnt_and_controls_find_nothing(found: Evaluation) -> None:
    report = found.targets["scores"]
    rank = report["figures"]["spearman"]
    assert rank["low"] < rank["value"] < rank["high"] and rank["value"] > 0.7 and rank["beyond_random"]
    assert abs(rank["shuffled"]["value"]) < 0.35 and abs(rank["random"]["value"]) < 0.1
    assert report["tested"] == 120 and report["hits"] >= 20
    assert [line["expected"] for line in report["calibration"]["picked"]["coverage"]] == [0.5, 0.8, 0.9, 0.95]
    assert json.loads(json.dumps(found.to_json()))["folds"] == 3


def test_the_table_has_each_molecule_once_a_repeat(found: Evaluation) -> None:
    table = found.table
    assert table.num_rows == 240 and set(table["repeat"].to_pylist()) == {0, 1}
    assert len(set(table["smiles"].to_pylist())) == 120
    rows = np.array(table["repeat"]) == 0
    error = np.array(table["mean"])[rows] - np.array(table["score"])[rows]
    bias = found.targets["scores"]["calibration"]["all"]["bias"]
    assert np.isclose(error.mean(), bias)


def test_it_is_printed_with_its_controls(found: Evaluation) -> None:
    screen = console()
    with screen.capture() as said:
        print_evaluation(screen, found)
    text = said.get()
    for words in (
        "shuffled scores",
        "random ranking",
        "enrichment surface (RES)",
        "near duplicates",
        "mean error",
    ):
        assert words in text


def test_scores_without_meaning_are_found_out(table: Path, amides: list[str], tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    rows = [f"{text},{value:.3f}" for text, value in zip(amides[:90], random.normal(-7, 1, 90), strict=True)]
    (tmp_path / "noise.csv").write_text("\n".join(["smiles,score", *rows, ""]))
    found = evaluate_model(tmp_path / "noise.csv", seed=1, **QUICK)  # type: ignore[arg-type]
    assert any("no better than one at random" in note for note in found.notes)


def test_near_duplicates_are_counted_and_taken_out(tmp_path: Path, amides: list[str]) -> None:
    """A series of homologues: in a random split each has its neighbours among the learnt."""
    chains = [f"CCCCCCCCCCCCCCCCCC{'C' * n}O" for n in range(40)]
    rows = [f"{text},{-0.1 * len(text):.2f}" for text in [*chains, *amides[:60]]]
    (tmp_path / "t.csv").write_text("\n".join(["smiles,score", *rows, ""]))
    found = evaluate_model(tmp_path / "t.csv", seed=1, **QUICK)  # type: ignore[arg-type]
    assert found.leakage["near_duplicates"] >= 38
    assert found.targets["t"]["without_near_duplicates"]["spearman"]["value"] is not None


def test_time_and_scaffold(tmp_path: Path, amides: list[str], logp: np.ndarray) -> None:
    rows = [
        f"{text},{-value:.2f},{day}"
        for day, (text, value) in enumerate(zip(amides[:120], logp, strict=False))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["smiles,score,day", *rows, ""]))
    path = tmp_path / "t.csv"
    found = evaluate_model(
        path,
        lower_is_better=True,
        columns={"time_column": "day"},
        split="time",
        folds=2,
        rounds=20,
        threads=1,
    )
    assert found.setup["repeats"] == 1 and found.targets["t"]["tested"] == 80
    found = evaluate_model(path, lower_is_better=True, split="scaffold", **QUICK)  # type: ignore[arg-type]
    assert found.targets["t"]["tested"] == 120
    with pytest.raises(ConfigError, match="needs a column"):
        evaluate_model(path, lower_is_better=True, split="time")
    with pytest.raises(ConfigError, match="no split 'cluster'"):
        evaluate_model(path, lower_is_better=True, split="cluster")
    with pytest.raises(ConfigError, match="share above 0"):
        evaluate_model(path, lower_is_better=True, best=5)


def test_too_few_molecules_are_said(tmp_path: Path, amides: list[str]) -> None:
    rows = [f"{text},{-n / 10}" for n, text in enumerate(amides[:20])]
    (tmp_path / "t.csv").write_text("\n".join(["smiles,score", *rows, ""]))
    with pytest.raises(InputError, match="figures need 30"):
        evaluate_model(tmp_path / "t.csv", **QUICK)  # type: ignore[arg-type]


def test_shuffling_keeps_scores_and_gaps() -> None:
    scores = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 6.0], [4.0, 7.0]])
    dealt = _dealt_anew(scores, 3)
    assert np.isnan(dealt[0, 1]) and sorted(dealt[:, 0]) == [1.0, 2.0, 3.0, 4.0]
    assert sorted(dealt[1:, 1]) == [5.0, 6.0, 7.0]


def test_similarity_is_to_what_was_learnt() -> None:
    folds = [(np.array([0, 1]), np.array([2]))]
    near = nearest_learnt(["Cc1ccccc1", "CCO", "CCO"], folds)
    assert np.isnan(near[0]) and near[2] == 1


@pytest.mark.shared
def test_a_real_table_is_learnt_beyond_both_controls(shared_data: Path, tmp_path: Path) -> None:
    """400 molecules docked into JAK2 by Vina (DOCKSTRING), without a header: id, SMILES, score."""
    path = shared_data / "scores" / "dockstring_zinc15k_JAK2_vina.tsv.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[:420]
    (tmp_path / "jak2.tsv").write_text("\n".join(lines) + "\n")
    found = evaluate_model(tmp_path / "jak2.tsv", split="scaffold", seed=2, **QUICK)  # type: ignore[arg-type]
    figures = found.targets["jak2"]["figures"]
    assert figures["spearman"]["beyond_random"] and figures["res"]["beyond_random"]
    assert figures["spearman"]["low"] > figures["spearman"]["shuffled"]["high"]
    lines_of = found.setup["lines"]
    assert lines_of["lines"] == lines_of["used"] + lines_of["unscored"] + lines_of["unreadable"] == 420
