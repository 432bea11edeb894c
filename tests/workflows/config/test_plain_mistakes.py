"""Numbers in quotation marks are refused wherever a number belongs, and lists of dockings are read."""

from __future__ import annotations

import pytest
from docksieve.data.errors import ConfigError
from docksieve.workflows.config.campaign_file import CampaignConfig, parse_config
from docksieve.workflows.config.plain_mistakes import plain_mistakes

GOOD = """\
[campaign]
name = "screen"
[library]
path = "library"
[targets.A]
engine = "vina"
receptor = "a.pdbqt"
[rounds]
count = 3
dock = 100
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "dock = 100",
            'dock = "100"',
            ["line 10", "[rounds] dock must be", "without quotation marks: dock = 100"],
        ),
        ("count = 3", 'count = "3"', ["line 9", "[rounds] count must be a whole number (given: '3')"]),
        ("count = 3", "count = true", ["line 9", "[rounds] count must be a whole number (given: True)"]),
        ("dock = 100", 'dock = [100, "50"]', ["line 10", "[rounds] dock", "'50'"]),
        ("dock = 100", "dock = [100, true]", ["line 10", "[rounds] dock", "True"]),
        ("dock = 100", "dock = []", ["line 10", "[rounds] dock"]),
        ("dock = 100", "dock = [100, 0]", ["line 10", "[rounds] dock", "greater than or equal to 1"]),
        ("dock = 100", "dock = 0", ["line 10", "[rounds] dock", "greater than or equal to 1"]),
        ("dock = 100", 'dock = "many"', ["line 10", "[rounds] dock must be a whole number or a list"]),
        ("dock = 100", 'keep = "0.2"', ["line 10", "[rounds] keep"]),
        ("dock = 100", 'epsilon = "0.2"', ["line 10", "[rounds] epsilon must be a number", "epsilon = 0.2"]),
        ("[rounds]", 'box_size = "22"\n[rounds]', ["line 8", "[targets.A] box_size", "box_size = 22"]),
        ("[rounds]", 'box_size = [22, 22, "22"]\n[rounds]', ["line 8", "[targets.A] box_size"]),
        ("[rounds]", 'spacing = "0.4"\n[rounds]', ["line 8", "[targets.A] spacing"]),
        (
            "[rounds]",
            'search = { exhaustiveness = "8" }\n[rounds]',
            ["line 8", "[targets.A.search] exhaustiveness", "exhaustiveness = 8"],
        ),
        (
            "[rounds]",
            '[targets.A.ligand]\nprotonate = "yes"\n[rounds]',
            ["line 9", "protonate must be true or false"],
        ),
        (
            "[rounds]",
            "[targets.A.ligand]\nprotonate = 1\n[rounds]",
            ["line 9", "protonate must be true or false"],
        ),
        ("[rounds]", '[teacher]\nfolds = "5"\n[rounds]', ["line 9", "[teacher] folds"]),
        ("[rounds]", '[teacher.mlp]\nepochs = "5"\n[rounds]', ["line 9", "[teacher.mlp] epochs"]),
        ("[rounds]", '[student]\nwidth = "64"\n[rounds]', ["line 9", "[student] width"]),
        ("[rounds]", '[decide]\nthreshold = "-9"\n[rounds]', ["line 9", "[decide] threshold"]),
        ("[rounds]", '[decide]\nthreshold = { A = "-9" }\n[rounds]', ["line 9", "[decide.threshold] A"]),
    ],
)
def test_what_is_no_number_is_refused_with_file_line_and_key(old: str, new: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(GOOD.replace(old, new), "mine.toml")
    for words in ["mine.toml", *said]:
        assert words in str(error.value)


def test_texts_stay_texts() -> None:
    text = GOOD.replace("[rounds]", 'box = "12"\nsearch = "fast"\n[rounds]\nkeep = "auto"')
    config = parse_config(text.replace('"screen"', '"2024"'), "mine.toml")
    assert (config.campaign.name, config.targets["A"].box, config.rounds.keep) == ("2024", "12", "auto")  # type: ignore[union-attr]


def test_a_list_says_how_many_each_round_docks() -> None:
    rounds = parse_config(GOOD.replace("dock = 100", "dock = [200, 50]"), "mine.toml").rounds
    assert [rounds.dock_in(number) for number in (1, 2, 3, 4)] == [200, 50, 50, 50]
    assert rounds.dock_in_all == 300
    plain = parse_config(GOOD, "mine.toml").rounds
    assert (plain.dock, plain.dock_in(7), plain.dock_in_all) == (100, 100, 300)
    assert plain.model_dump(mode="json")["dock"] == 100  # as older versions recorded it


def test_each_mistake_has_its_place_and_its_words() -> None:
    values = {
        "campaign": {"name": "EDIT: a name"},
        "rounds": {"count": "3", "epsilon": True, "keep": "auto", "dock": [100, 50]},
        "targets": {"A": {"engine": "vina", "receptor": "EDIT", "box_size": "22"}},
    }
    found = dict(plain_mistakes(values, CampaignConfig))
    assert found.pop(("campaign", "name")).endswith("Write there: a name.")
    assert found.pop(("targets", "A", "receptor")).endswith("Write there: what is yours.")
    assert found.pop(("rounds", "count")).endswith(
        "(given: '3'). Write it without quotation marks: count = 3"
    )
    assert "[rounds] epsilon must be a number" in found.pop(("rounds", "epsilon"))
    assert "[targets.A] box_size" in found.pop(("targets", "A", "box_size"))
    assert found == {}
