"""``docksieve init`` writes a campaign file that is valid whatever it is called and whatever it names."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import ConfigError
from docksieve.workflows.cli.main import app
from docksieve.workflows.config.campaign_file import parse_config, read_config
from docksieve.workflows.config.template import campaign_name, campaign_template
from typer.testing import CliRunner


@pytest.mark.parametrize(
    "library",
    [
        r"C:\lib\new",
        'a "quoted" name',
        "it's",
        "/data/{library}",
        "täglich/β-lactams 🧪",
        "tab\there",
        "del\x7f",
    ],
)
def test_any_library_survives_the_file(tmp_path: Path, library: str) -> None:
    file = tmp_path / "my campaign (2).toml"
    done = CliRunner().invoke(app, ["init", str(file), "--library", library])
    assert done.exit_code == 0, done.output
    config = read_config(file)
    assert config.library.path == library
    assert config.campaign.name == "my-campaign-2"


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("campaign", "campaign"),
        ("my campaign", "my-campaign"),
        (".hidden", "hidden"),
        ("écran 2", "cran-2"),
        ("***", "campaign"),
        ("x" * 70, "x" * 64),
    ],
)
def test_a_file_name_becomes_a_campaign_name(stem: str, name: str) -> None:
    assert campaign_name(stem) == name
    parse_config(campaign_template(name, "library", f"{stem}.toml"), "x")


def test_a_file_name_with_a_line_break_stays_in_its_comment() -> None:
    parse_config(campaign_template("x", "library", 'a\nb = "c".toml'), "x")


@pytest.mark.parametrize("name", ["a b", "-x", "é", "x" * 65])
def test_a_name_that_is_given_is_not_changed_but_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a campaign"):
        campaign_template(name, "library", "x.toml")
    assert CliRunner().invoke(app, ["init", str(tmp_path / "c.toml"), f"--name={name}"]).exit_code != 0
    assert not (tmp_path / "c.toml").exists()


def test_a_library_that_is_not_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="UTF-8"):
        campaign_template("x", "\udcff", "x.toml")
