"""``docksieve init`` writes a campaign file that is valid whatever it is called and whatever it names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from docksieve.data.errors import ConfigError
from docksieve.screening.docking.ligand_settings import LigandSettings
from docksieve.screening.docking.vina import VinaTarget
from docksieve.workflows.cli.main import app
from docksieve.workflows.config.annotations import bare, fields_of
from docksieve.workflows.config.campaign_file import CampaignConfig, parse_config, read_config
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
    done = CliRunner().invoke(app, ["init", str(file), "--library", library, "--receptor", "dockstring:EGFR"])
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
    parse_config(campaign_template(name, "library", f"{stem}.toml", "a.pdbqt"), "x")


def test_a_file_name_with_a_line_break_stays_in_its_comment() -> None:
    parse_config(campaign_template("x", "library", 'a\nb = "c".toml', "a.pdbqt"), "x")


@pytest.mark.parametrize("name", ["a b", "-x", "é", "x" * 65])
def test_a_name_that_is_given_is_not_changed_but_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a campaign"):
        campaign_template(name, "library", "x.toml")
    assert CliRunner().invoke(app, ["init", str(tmp_path / "c.toml"), f"--name={name}"]).exit_code != 0
    assert not (tmp_path / "c.toml").exists()


def test_a_library_that_is_not_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="UTF-8"):
        campaign_template("x", "\udcff", "x.toml")


def test_the_example_target_must_be_edited_and_the_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    said = CliRunner().invoke(app, ["init", str(file)]).output
    lines = file.read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if line.startswith("receptor = ")]
    assert f"line {number} " in said
    with pytest.raises(ConfigError) as error:
        read_config(file)
    assert f"c.toml, line {number}: [targets.TARGET] receptor is still the example" in str(error.value)
    assert "dockstring:EGFR for a first try" in str(error.value)
    file.write_text("\n".join([*lines[: number - 1], 'receptor = "mine.pdbqt"', *lines[number:]]))
    target = read_config(file).targets["TARGET"]
    assert isinstance(target, VinaTarget) and target.receptor == "mine.pdbqt"


def test_a_receptor_that_is_given_needs_no_editing(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    done = CliRunner().invoke(app, ["init", str(file), "--receptor", "a b.pdbqt", "--target", "kinase-2"])
    assert done.exit_code == 0, done.output
    assert "Look at its library and target" in done.output
    target = read_config(file).targets["kinase-2"]
    assert isinstance(target, VinaTarget) and target.receptor == "a b.pdbqt"
    with pytest.raises(ConfigError, match="cannot be the name of a target"):
        campaign_template("x", "library", "x.toml", "a.pdbqt", "a.b")


def uncommented(text: str) -> str:
    """Take the sign away from every line that holds a key or a section."""
    return re.sub(r"^# (?=\[|[a-z_]+ = )", "", text, flags=re.MULTILINE)


def test_every_section_and_key_stands_there_with_its_default() -> None:
    text = campaign_template("x", "library", "x.toml", "a.pdbqt")
    # Examples: without a box the one beside the receptor is taken, and a single target is nothing to aim with.
    full = uncommented(text).replace("box = {", "# box = {").replace("aim = {", "# aim = {")
    written = tomllib.loads(full)
    plain, everything = parse_config(text, "x"), parse_config(full, "x")
    assert everything.decide is not None
    assert (
        everything.model_copy(update={"decide": None, "campaign": plain.campaign, "library": plain.library})
        == plain
    )
    written["rounds"]["aim"] = None
    for section, field in CampaignConfig.model_fields.items():
        kind = bare(field.annotation)
        for key, inner in fields_of(kind).items():
            if not fields_of(bare(inner)):  # settings of single kinds of teacher are in docs/models.md
                assert key in written[section], f"[{section}] {key} is not in the template"
    target = written["targets"]["TARGET"]
    assert set(fields_of(VinaTarget)) - {"box"} == set(target)
    assert set(fields_of(LigandSettings)) == set(target["ligand"])
