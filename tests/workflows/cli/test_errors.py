"""What the command line says of itself, of bugs, and of how to go on from another folder."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import docksieve
import pytest
from docksieve.workflows.cli import main as cli
from docksieve.workflows.running import submit as campaign


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["docksieve", *arguments])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code
    return 0


def test_the_version_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"docksieve {docksieve.__version__}\n"


def test_a_bug_keeps_its_traceback_and_asks_to_be_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("[bold] nobody thought of it")

    monkeypatch.setattr(campaign, "check_place", broken)
    assert call(monkeypatch, "submit", str(tmp_path / "x.toml")) == 1
    said = capsys.readouterr().err
    assert "Traceback (most recent call last)" in said
    assert "ZeroDivisionError: [bold] nobody thought of it" in said
    assert f"not foreseen by docksieve {docksieve.__version__}. Please report it" in said.splitlines()[-1]


def test_the_command_that_goes_on_works_from_any_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[list[str]] = []

    def submit(file: Path, site: str, observer: object, accept_versions: bool) -> None:
        assert not accept_versions
        seen.append(observer._command)  # type: ignore[attr-defined]

    monkeypatch.setattr(campaign, "check_place", lambda *_, **__: (None, SimpleNamespace(root=tmp_path)))
    monkeypatch.setattr(campaign, "submit", submit)
    monkeypatch.chdir(tmp_path)
    for site in ("sites/mine.toml", "local"):
        assert call(monkeypatch, "submit", "c.toml", "--site", site) == 0
    file = str(tmp_path / "c.toml")
    assert seen == [
        ["docksieve", "submit", file, "--site", str(tmp_path / "sites" / "mine.toml")],
        ["docksieve", "submit", file, "--site", "local"],
    ]
