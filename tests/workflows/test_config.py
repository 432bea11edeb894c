"""The campaign file: what is accepted, and what each mistake is answered."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import ConfigError
from docksieve.workflows.config import parse_config, read_config
from docksieve.workflows.template import campaign_template

GOOD = """\
[campaign]
name = "screen"

[library]
path = "library"

[targets.EGFR]
engine = "vina"
receptor = "dockstring:EGFR"

[rounds]
count = 3
"""


def test_a_short_file_gets_defaults() -> None:
    config = parse_config(GOOD, "campaign.toml")
    assert config.rounds.count == 3
    assert config.rounds.acquisition == "greedy"
    assert config.targets["EGFR"].engine == "vina"
    assert config.campaign.seed == 1


def test_the_template_is_a_valid_campaign_that_states_the_defaults() -> None:
    text = campaign_template("screen", "library", "campaign.toml")
    config = parse_config(text, "campaign.toml")
    bare = parse_config(GOOD.replace("count = 3\n", ""), "campaign.toml")
    assert config == bare


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("count = 3", "cuont = 3", ["line 12", "[rounds]", "'cuont'", "'count'"]),
        ("count = 3", "count = -1", ["line 12", "[rounds] count", "-1"]),
        ("count = 3", 'count = "many"', ["line 12", "[rounds] count", "'many'"]),
        ("[rounds]", "[ronuds]", ["line 11", "'ronuds'", "'rounds'"]),
        ('name = "screen"', 'name = "a/b"', ["line 2", "name", "a/b"]),
        ('[library]\npath = "library"\n', "", ["section [library]", "missing"]),
        ('path = "library"', "", ["line 4", "path", "missing"]),
        ('engine = "vina"', 'engine = "wina"', ["line 7", "engine"]),
        ('receptor = "dockstring:EGFR"', 'receptro = "x"', ["line 9", "'receptro'", "'receptor'"]),
        ("[targets.EGFR]", '[targets."a b"]', ["'a b'", "letters"]),
        ("count = 3", 'acquisition = "gredy"', ["line 12", "gredy", "greedy"]),
    ],
)
def test_mistakes_are_named_with_their_line(old: str, new: str, said: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        parse_config(GOOD.replace(old, new), "campaign.toml")
    for word in said:
        assert word in str(caught.value), f"{word!r} not in {caught.value}"


def test_wrong_settings_of_a_room_are_named(tmp_path: Path) -> None:
    text = GOOD + "\n[student]\nwidth = 100\n"
    with pytest.raises(ConfigError, match=r"line 14: .*width"):
        parse_config(text, "campaign.toml")


def test_not_toml_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not valid TOML"):
        parse_config("[campaign\n", "campaign.toml")
    with pytest.raises(ConfigError, match=r"does not exist.*docksieve init"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "binary.toml")
