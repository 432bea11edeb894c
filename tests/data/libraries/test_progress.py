"""What a build shows: a bar and remarks on standard error, or nothing at all."""

from __future__ import annotations

import pytest
from docksieve.data.libraries.progress import Reporter


def build(show: bool) -> None:
    with Reporter(show) as reporter, reporter.stage("Reading", 1_000):
        reporter.position(500)
        reporter.molecules(1_200)
        reporter.molecules(34)
        reporter.say("a [bold]remark[/bold]")


def test_a_bar_with_what_was_counted(capsys: pytest.CaptureFixture[str]) -> None:
    build(True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "a [bold]remark[/bold]" in shown.err  # text, not markup
    assert "Reading" in shown.err and "1,234 records," in shown.err and "100%" in shown.err


def test_nothing_where_nothing_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    build(False)
    assert capsys.readouterr() == ("", "")
