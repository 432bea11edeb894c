"""The demo: a campaign file that is accepted, commands as a user types them, and a stop at the first that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.workflows.cli import demo
from docksieve.workflows.config.campaign_file import parse_config


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the demo runs, without running it."""
    found: list[tuple[str, ...]] = []
    monkeypatch.setattr(demo, "_command", lambda console, *arguments: found.append(arguments))
    return found


def test_its_campaign_file_is_a_valid_one() -> None:
    config = parse_config(demo.campaign_text(), "campaign.toml")
    assert list(config.targets) == ["EGFR"] and config.rounds.count == 2
    assert config.rounds.labels < demo.LIBRARY_SIZE


def test_it_goes_the_whole_way(
    tmp_path: Path, commands: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo"
    demo.run(folder)
    assert [words[0] for words in commands] == [
        "library",
        "submit",
        "status",
        "hits",
        "hits",
        "hits",
        "throughput",
        "report",
    ]
    assert commands[0] == (
        "library",
        "enumerate",
        str(folder / "library"),
        "--limit",
        "120000",
        "--seed",
        "7",
    )
    assert (folder / "campaign.toml").read_text() == demo.campaign_text()
    shown = capsys.readouterr().out
    assert "[targets.EGFR]" in shown and "The demo took 0.0 minutes." in shown


def test_with_a_space_it_builds_that_and_screens_all_of_it(
    tmp_path: Path, commands: list[tuple[str, ...]]
) -> None:
    demo.run(tmp_path, space=True)
    assert commands[0] == ("space", "build", str(tmp_path / "space"))
    config = parse_config((tmp_path / "campaign.toml").read_text(), "campaign.toml")
    assert config.library.path == "space" and (config.factors.epochs, config.factors.most) == (8, 6_000)
    same = parse_config(demo.campaign_text(), "campaign.toml")
    assert (config.rounds, config.start, config.final) == (same.rounds, same.start, same.final)


def test_again_it_goes_on_with_what_is_there(tmp_path: Path, commands: list[tuple[str, ...]]) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "library.json").write_text("{}")
    (tmp_path / "campaign.toml").write_text("# mine\n")
    demo.run(tmp_path)
    assert commands[0][0] == "submit"
    assert (tmp_path / "campaign.toml").read_text() == "# mine\n"


def test_a_command_that_fails_ends_it_with_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console = demo.terminal_console()
    demo._command(console, "--version")
    with pytest.raises(SystemExit) as ended:
        demo._command(console, "status", str(tmp_path / "[nowhere]"))
    assert ended.value.code == 2
    assert f"$ docksieve status {tmp_path}" in capsys.readouterr().out
