"""What a wrong campaign file is answered: every mistake once, with its line and what was meant."""

from __future__ import annotations

import tomllib

import pytest
from docksieve.workflows.config.campaign_file import CampaignConfig
from docksieve.workflows.config.mistakes import explain
from pydantic import ValidationError

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


def explained(text: str) -> str:
    """Return what is said of a campaign file."""
    values = tomllib.loads(text)
    with pytest.raises(ValidationError) as caught:
        CampaignConfig.model_validate(values)
    return explain(caught.value, values, text, "mine.toml", CampaignConfig)


def test_several_mistakes_are_told_together_each_with_its_line() -> None:
    said = explained(GOOD.replace("count = 3", 'cuont = 3\nlabels = "many"\ndock = -2'))
    assert "mine.toml, line 12: [rounds] has no key 'cuont'. Did you mean 'count'?" in said
    assert "mine.toml, line 13: [rounds] labels must be a whole number (given: 'many')." in said
    assert "mine.toml, line 14: [rounds] dock must be " in said and "(given: -2)" in said
    assert said.count("mine.toml") == 3


def test_the_same_word_in_another_section_or_a_comment_is_not_taken_for_it() -> None:
    text = "# count = 9\n" + GOOD.replace("[library]", "[library]\n# [rounds]").replace(
        "count = 3", "count = 0.5"
    )
    assert explained(text).startswith(
        "mine.toml, line 14: [rounds] count must be a whole number (given: 0.5)."
    )


def test_quoted_keys_and_spaces_are_found() -> None:
    assert "line 12" in explained(GOOD.replace("count = 3", '  "count"   =   "x"'))
    assert "line 12" in explained(GOOD.replace("[rounds]\ncount", "[ rounds ]\ncuont"))


def test_a_long_value_is_not_repeated() -> None:
    said = explained(GOOD.replace("count = 3", f'count = "{"x" * 500}"'))
    assert "xxx" not in said and "[rounds] count must be a whole number." in said


def test_a_key_written_in_line_is_found_by_its_section() -> None:
    said = explained(GOOD.replace("[rounds]\ncount = 3\n", "") + 'rounds = { count = "x" }\n')
    assert said.startswith("mine.toml, line 11: [targets.EGFR] has no key 'rounds'.")  # so TOML reads it
    said = explained('rounds = { count = "x" }\n' + GOOD.replace("[rounds]\ncount = 3\n", ""))
    assert said.startswith("mine.toml, line 1: [rounds] count must be a whole number (given: 'x').")


def test_a_file_that_says_nothing_lacks_its_sections() -> None:
    said = explained("")
    for section in ("campaign", "library", "targets"):
        assert f"mine.toml: the section [{section}] is missing." in said


def test_no_target_and_a_target_without_a_section() -> None:
    short = GOOD.replace('[targets.EGFR]\nengine = "vina"\nreceptor = "dockstring:EGFR"', "[targets]")
    assert "line 7: [targets] names no target: a section [targets.NAME] is needed." in explained(short)
    said = explained(short.replace("[targets]", '[targets]\nEGFR = "vina"'))
    assert "[targets] EGFR must be " in said and "A target's keys stand in a section of its own" in said


def test_a_section_that_is_a_value() -> None:
    said = explained("rounds = 3\n" + GOOD.replace("[rounds]\ncount = 3\n", ""))
    assert said.startswith("mine.toml, line 1: rounds must be ") and "(given: 3)" in said


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_numbers_that_are_none(value: str) -> None:
    said = explained(GOOD.replace("count = 3", f"count = 3\nepsilon = {value}"))
    assert "line 13: [rounds] epsilon must be" in said


def test_a_good_file_is_not_spoken_of() -> None:
    assert CampaignConfig.model_validate(tomllib.loads(GOOD)).rounds.count == 3
