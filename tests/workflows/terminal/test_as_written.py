"""Text of users and files goes out as it is: every console of the program reads no markup, no picture, no number."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path

import docksieve
import pytest
from docksieve.workflows.terminal.tables import console

ROOT = Path(docksieve.__file__).parent
SOURCES = [
    path
    for folder in ("data", "hpc", "models", "screening", "workflows")
    for path in (ROOT / folder).rglob("*.py")
]
OFF = ("markup", "emoji", "highlight")


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and (
                getattr(called, "id", None) == name or getattr(called, "attr", None) == name
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def false_keywords(call: ast.Call) -> set[str | None]:
    return {
        item.arg
        for item in call.keywords
        if isinstance(item.value, ast.Constant) and item.value.value is False
    }


def test_every_console_prints_text_as_it_is() -> None:
    found = dict(calls("Console"))
    assert found
    for where, call in found.items():
        assert set(OFF) <= false_keywords(call), f"{where} reads text as markup"


def test_no_column_of_a_progress_bar_reads_markup() -> None:
    for where, call in calls("TextColumn"):
        assert "markup" in false_keywords(call), where


def test_no_text_is_written_as_markup() -> None:
    """With markup off a tag would be printed; and what would have to be escaped is better no markup at all."""
    allowed = {"workflows/cli/usage.py"}  # typer's help is markup whatever its author wants
    for path in SOURCES:
        name = str(path.relative_to(ROOT))
        text = path.read_text()
        assert "rich.markup" not in text or name in allowed, name
        assert "from_markup" not in text and "[/]" not in text, name


@pytest.mark.parametrize("text", ["NAME:A:1", "c1:[nH]:c:[bold]:x", "[/data]", ":warning:", "1,234 0x1f 'x'"])
def test_ids_and_paths_are_printed_as_they_are(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("FORCE_COLOR", "1")
    console().print(text)
    assert out.getvalue() == f"{text}\n"
