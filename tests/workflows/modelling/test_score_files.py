"""Score tables: each line accounted for, directions never guessed against the evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import InputError
from docksieve.workflows.modelling.score_files import read_scored_molecules

LINES = """\
smiles,egfr,jak2,date
CCO,-5.1,7.0,2024-01-05
OCC,-5.3,6.0,2024-01-04
c1ccccc1,,5.5,2023-07-01
CCN,,,2024-01-06
C(C)(C)(C)(C)C,-6.0,1.0,2024-01-07
"""


def test_every_line_is_accounted_for(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(LINES)
    found = read_scored_molecules(
        [path], ["egfr", "jak2"], {"egfr": True, "jak2": False}, {"egfr": "kcal/mol"}, {"time_column": "date"}
    )
    report = found.report
    assert (report.lines, report.used, report.unscored, report.unreadable) == (5, 3, 1, 1)
    assert report.molecules == 2  # CCO twice
    assert "t.csv, line 5" in report.examples["no score"][0]
    assert "t.csv, line 6" in report.examples["unreadable"][0]
    assert found.data.smiles == ["CCO", "CCO", "c1ccccc1"]
    assert list(found.data.lower_is_better) == [True, False]
    np.testing.assert_array_equal(found.data.scores, [[-5.1, 7.0], [-5.3, 6.0], [np.nan, 5.5]])
    assert found.order is not None and found.order.argsort().tolist() == [2, 1, 0]
    assert found.units == {"egfr": "kcal/mol", "jak2": ""}


def test_energies_are_taken_for_what_they_are_and_others_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text(LINES)
    found = read_scored_molecules([path], {"EGFR": "egfr"})
    assert found.data.lower_is_better == [True] and "--higher-is-better" in found.notes[0]
    with pytest.raises(InputError, match="cannot be told"):
        read_scored_molecules([path], {"JAK2": "jak2"})


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("smiles,score\n", "has a header and no rows"),
        ("id,score\nx,-3.0\n", "no column of SMILES"),
        ("smiles,score\nCCO,\n", "no molecule with a score"),
        ("smiles,score\nCCO,high\n", "line 2: the score 'high'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        read_scored_molecules([path])


def test_a_time_that_is_none_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("smiles,score,when\nCCO,-3.1,yesterday\n")
    with pytest.raises(InputError, match=r"line 2: the time 'yesterday'"):
        read_scored_molecules([path], columns={"time_column": "when"})


def test_files_of_poses_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "poses.pdbqt"
    path.write_text("MODEL 1\nREMARK VINA RESULT:    -5.0      0.000      0.000\nREMARK SMILES CCO\nENDMDL\n")
    with pytest.raises(InputError, match="is a file of poses"):
        read_scored_molecules([path], ["a"], {"a": True}, {})
