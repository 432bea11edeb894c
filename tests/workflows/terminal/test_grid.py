"""Tables at every width: nothing is cut away, no number or word is broken while there is another way."""

from __future__ import annotations

import io

import pytest
from docksieve.workflows.terminal.grid import Column, Grid, numbers
from rich.console import Console

SMILES = "CC(=O)Nc1ccc2c(c1)[nH]c1ccccc12"
NAME = "amide:A:1:[bold]DS-0175"


def grid() -> Grid:
    columns = [*numbers("rank", "docked score"), Column("what it is", wraps=True)]
    made = Grid([*columns, Column("id", below=True), Column("smiles", below=True)], "EGFR [best]")
    made.add(1, "-9.41", "a molecule of two rings and one amide", NAME, SMILES)
    made.add(2, "-9.12", "short", "[/x]", "c1:c:c:c:c:c:1")
    return made


def printed(width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(grid())  # markup is on: it must not matter
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_with_room_a_row_is_a_line() -> None:
    lines = printed(200)
    assert any(NAME in line and SMILES in line and "-9.41" in line for line in lines)
    assert lines[0].startswith("EGFR [best]")


def test_at_eighty_columns_the_smiles_has_a_line_of_its_own() -> None:
    lines = printed(80)
    assert f"    {SMILES}" in lines and "    c1:c:c:c:c:c:1" in lines
    (row,) = [line for line in lines if "-9.41" in line]
    assert row.endswith(NAME) and row.split()[0] == "1"
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("width", [52, 48])
def test_narrower_still_the_id_too(width: int) -> None:
    lines = printed(width)
    assert f"    {NAME}" in lines and f"    {SMILES}" in lines
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [200, 80, 52, 48, 30, 12])
def test_nothing_is_lost_at_any_width(width: int) -> None:
    joined = "".join("".join(printed(width)).split())
    for text in (SMILES, NAME, "-9.41", "-9.12", "[/x]", "c1:c:c:c:c:c:1"):
        assert text in joined
    assert "…" not in joined


def test_headings_are_broken_between_words_and_stand_on_their_columns() -> None:
    table = Grid([Column("stage"), *numbers("molecules per task-second", "left")])
    table.add("round-01/screen", "118,511", "0")
    out = io.StringIO()
    Console(file=out, width=40).print(table)
    lines = out.getvalue().splitlines()
    assert [line.split() for line in lines[:3]] == [["molecules"], ["per"], ["stage", "task-second", "left"]]
    assert lines[3].split() == ["round-01/screen", "118,511", "0"]
