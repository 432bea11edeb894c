"""Files that people have: one column of scores, one per target, and what ``hits --format csv`` wrote."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from docksieve.data.errors import InputError
from docksieve.screening.queries.export import export_hits
from docksieve.workflows.retraining.score_columns import TargetScores, read_target_scores

TARGETS = {
    "EGFR": {"unit": "kcal/mol", "lower_is_better": True},
    "JAK2": {"unit": "kcal/mol", "lower_is_better": True},
}
ONE = {"EGFR": TARGETS["EGFR"]}


def _write(folder: Path, text: str) -> Path:
    path = folder / "scores.csv"
    path.write_text(text)
    return path


def _scores(found: TargetScores) -> dict[str, float | None]:
    return {row.smiles: row.score for row in found.rows.rows}


@pytest.mark.parametrize(
    "header", ["EGFR,JAK2", "egfr_score,JAK2 docking score", "score EGFR,docked_score:JAK2"]
)
def test_columns_named_after_targets_go_to_these(header: str, tmp_path: Path) -> None:
    path = _write(tmp_path, f"smiles,{header}\nCCO,-5.1,-4.2\nCCN,-5.3,\n")
    first, second = read_target_scores(path, TARGETS)
    assert (first.target, second.target) == ("EGFR", "JAK2")
    assert _scores(first) == {"CCO": -5.1, "CCN": -5.3}
    assert _scores(second) == {"CCO": -4.2, "CCN": None}
    (only,) = read_target_scores(path, TARGETS, "JAK2")
    assert _scores(only) == _scores(second)


def test_a_file_that_does_not_say_whose_scores_it_holds_needs_a_target(tmp_path: Path) -> None:
    path = _write(tmp_path, "smiles,score\nCCO,-5.1\n")
    with pytest.raises(InputError, match=r"several targets.*--target: EGFR, JAK2"):
        read_target_scores(path, TARGETS)
    assert [found.target for found in read_target_scores(path, ONE)] == ["EGFR"]
    twice = _write(tmp_path, "smiles,EGFR_score,EGFR docking_score\nCCO,-5.1,-5.2\n")
    with pytest.raises(InputError, match=r"Several columns.*--score-column"):
        read_target_scores(twice, ONE)
    (named,) = read_target_scores(twice, ONE, columns={"score_column": "EGFR docking_score"})
    assert _scores(named) == {"CCO": -5.2}


@pytest.fixture(params=["csv", "parquet"])
def hits_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    table = pa.table(
        {
            "rank": [1, 2, 1],
            "target": ["EGFR", "EGFR", "JAK2"],
            "id": ["=A1", "B2", "=A1"],
            "smiles": ["CCO", "CCN", "CCO"],
            "final_score": pa.array([-9.9, None, None], pa.float64()),
            "docked_score": pa.array([-5.1, None, -4.2], pa.float64()),
            "predicted_mean": [-5.0, -5.5, -4.0],
            "predicted_spread": [0.5, 0.5, 0.5],
            "unit": ["kcal/mol"] * 3,
        }
    )
    path = tmp_path / f"hits.{request.param}"
    export_hits(table, request.param, path, tmp_path, "docksieve hits campaign --format csv")
    return path


def test_an_export_of_hits_is_read_by_its_docked_scores(hits_file: Path) -> None:
    first, second = read_target_scores(hits_file, TARGETS)
    assert _scores(first) == {"CCO": -5.1, "CCN": None}, "predictions and final scores are no docked scores"
    assert _scores(second) == {"CCO": -4.2}
    assert [row.id for row in first.rows.rows] == ["=A1", "B2"], "the apostrophe of the CSV is gone"
    (only,) = read_target_scores(hits_file, ONE)
    assert only.notes == ("Lines of JAK2 are left out: the campaign has no such target.",)


def test_hits_of_other_targets_and_units_are_refused(hits_file: Path) -> None:
    with pytest.raises(InputError, match=r"the hits of EGFR, JAK2; the campaign's targets are BRAF"):
        read_target_scores(hits_file, {"BRAF": TARGETS["EGFR"]})
    points = {"EGFR": {"unit": "points", "lower_is_better": False}}
    with pytest.raises(InputError, match=r"scores in kcal/mol; those of EGFR are in points"):
        read_target_scores(hits_file, points)


def test_one_target_under_another_name_is_said(tmp_path: Path) -> None:
    path = _write(tmp_path, "target,smiles,docked_score\nHER1,CCO,-5.1\n")
    (found,) = read_target_scores(path, ONE, "EGFR")
    assert found.notes == ("The file calls the target HER1; its scores are imported as those of EGFR.",)
    with pytest.raises(InputError, match="the hits of HER1"):
        read_target_scores(path, ONE)
