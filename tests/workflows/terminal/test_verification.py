"""A verification in words: counts, findings with their cures, and a verdict that agrees with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.workflows.terminal.verification import print_control, print_verification
from docksieve.workflows.verifying.findings import AGAIN, COPY, Repeated, Verification
from rich.console import Console


@pytest.fixture
def console() -> Console:
    return Console(width=300, record=True, force_terminal=False)


def test_nothing_wrong(console: Console) -> None:
    found = Verification(
        Path("x"), complete=True, counts={"receipts": 1234, "chained": 1200, "bytes": 2_500_000}
    )
    print_verification(console, found)
    said = console.export_text()
    assert "1,234 receipts (1,200 chained), 0 files of 2.5 MB, 0 models" in said
    assert said.endswith("Nothing is wrong; the campaign is complete.\n")


def test_findings_are_listed_with_brackets_as_they_are_and_only_so_many(console: Console) -> None:
    found = Verification(Path("x"), notes=["a note [bold]"])
    for number in range(45):
        found.wrong("file", f"scores/[{number}].parquet", "The file is missing.", COPY if number else AGAIN)
    print_verification(console, found)
    said = console.export_text()
    assert f"file scores/[0].parquet: The file is missing. {AGAIN}" in said
    assert f"file scores/[39].parquet: The file is missing. {COPY}" in said and "[40]" not in said
    assert "... and 5 more (--json lists all)" in said and "a note [bold]" in said
    assert said.endswith("45 things are wrong; the campaign is not complete.\n")


def test_repeated_tasks_add_up(console: Console) -> None:
    repeated = [Repeated("a", True, True), Repeated("b", False, True), Repeated("c", False, False, ("x",))]
    print_verification(console, Verification(Path("x"), repeated=repeated))
    assert (
        "3 tasks done again: 1 gave the same bits, 1 the same but for times, 1 something else"
        in console.export_text()
    )


def test_a_control_shows_true_and_shuffled_side_by_side(console: Console) -> None:
    figure = {"value": 0.5, "low": 0.25, "high": 0.75}
    entry = {
        "molecules": 1500,
        **{k: {"spearman": figure, "enrichment": figure} for k in ("true", "shuffled")},
    }
    near = {"molecules": 0, "same_compound": 0, "near": 0, "threshold": 0.8}
    found = {
        "targets": {"A": {"sealed": entry}},
        "leakage": ["A: it learnt."],
        "seeds": 3,
        "duplicates": near,
    }
    print_control(console, found)
    said = console.export_text()
    assert (
        said.count("A, test set (sealed: never trained on)") == 2
        and "1,500" in said
        and "0.50 (0.25 to 0.75)" in said
    )
    assert "A: it learnt." in said and "no skill" not in said
