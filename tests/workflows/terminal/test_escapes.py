"""What a molecule is called cannot act on the terminal that shows it."""

from __future__ import annotations

import pytest
from docksieve.workflows.terminal.grid import Column, Grid
from docksieve.workflows.terminal.tables import console
from rich.text import Text


def test_control_characters_are_shown_and_do_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    table = Grid([Column("id")], "hits")
    table.add("A\x1b[31m1\x07 \u202eabc")
    here = console()
    here.print(table)
    here.print(Text("line\x1b]0;title\x07\nnext"))
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\x07" not in out and "\u202e" not in out
    assert "\u241b[31m1" in out and "\nnext" in out


def test_styles_still_reach_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    console().print(Text("bold\x1b[2J", "bold"))
    out = capsys.readouterr().out
    assert out.startswith("\x1b[1mbold\u241b[2J")
