"""``--help``: in order of use, every word of it, and nothing of Python's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docksieve.workflows.cli.main import app
from docksieve.workflows.cli.usage import ORDER
from typer.main import get_command

from .running import run

WITHOUT_JSON = {
    "attach": "follows a log",
    "cancel": "one sentence",
    "dashboard": "a page",
    "init": "writes a file",
    "library build": "writes a library; library info reports",
    "library enumerate": "writes a library; library info reports",
    "models show": "is JSON",
    "models use": "one sentence",
    "plan-analysis": "writes a JSON file",
    "run-job": "hidden; a campaign in a job",
    "site new": "writes a file",
    "space verify": "one sentence",
    "submit": "runs a campaign; status reports",
}
"""Commands that report nothing that a program would read, and why."""


def commands(group: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    for key, command in (group or get_command(app)).commands.items():
        called = f"{name} {key}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, called)
        else:
            yield called, command


ALL = dict(commands())


@pytest.fixture(scope="module")
def campaign(copy_small_campaign: Callable[[], Path]) -> Path:
    return copy_small_campaign()


def test_commands_stand_in_order_of_use() -> None:
    shown = run("--help").stdout
    places = [shown.index(f"│ {name} ") for names in ORDER.values() for name in names]
    assert places == sorted(places)
    listed = {name.split()[0] for name in ALL} - {"run-job"}
    assert listed == {name for names in ORDER.values() for name in names}


def test_the_other_command_of_hits_is_listed_with_its_options() -> None:
    for words in (("hits", "--help"), ("hits", "-h")):
        shown = run(*words).stdout
        assert "│ show" in shown and "Show everything known of one molecule" in shown
        assert "--buy" in shown and "--diverse" in shown


@pytest.mark.parametrize("name", sorted(ALL))
def test_help_shows_what_was_written_and_no_types_of_a_language(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    done = run(*name.split(), "--help")
    assert done.returncode == 0
    for kind in ("<bool>", "<str>", "<int>", "<float>", "list["):
        assert kind not in done.stdout
    shown = "".join(done.stdout.replace("│", " ").split())
    for parameter in ALL[name].params:
        if getattr(parameter, "help", None) and not parameter.hidden:
            assert "".join(parameter.help.split()) in shown, parameter.name


def test_every_command_that_reports_can_report_as_json() -> None:
    lacking = {name for name, command in ALL.items() if not any("--json" in p.opts for p in command.params)}
    assert lacking == set(WITHOUT_JSON)


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("hits", "--top", "2"), ("hits", "--failed"), ("hits", "--buy", "2", "--no-alerts", "pains"),
        ("models", "list"), ("throughput",), ("compare", "--rounds", "1", "2"), ("report", "--out", "r.html"),
    ],
)  # fmt: skip
def test_json_is_json(campaign: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    split = 2 if words[0] == "models" else 1
    done = run(*words[:split], campaign, *words[split:], "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


@pytest.mark.parametrize("words", [("site", "list"), ("site", "show", "local"), ("receptor", "list")])
def test_json_of_what_needs_no_campaign(words: tuple[str, ...]) -> None:
    done = run(*words, "--json")
    if words[0] == "receptor" and done.returncode:
        pytest.skip("the package dockstring is not installed")
    assert done.returncode == 0 and json.loads(done.stdout)
