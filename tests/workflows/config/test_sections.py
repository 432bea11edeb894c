"""Each section of a campaign file has its defaults, and refuses what makes no sense in it."""

from __future__ import annotations

from typing import Any

import pytest
from docksieve.workflows.config.sections import (
    AimSection,
    CampaignSection,
    CutSection,
    DecideSection,
    FinalSection,
    LibrarySection,
    RoundsSection,
    RunSection,
    Section,
    StartSection,
    TeacherSection,
)
from pydantic import ValidationError


def test_the_defaults() -> None:
    rounds = RoundsSection()
    assert (rounds.count, rounds.labels, rounds.keep, rounds.dock, rounds.aim) == (
        2,
        30_000,
        "auto",
        100,
        None,
    )
    assert (StartSection().molecules, StartSection().sealed, FinalSection().molecules) == (300, 0.1, 50)
    assert (CutSection().recall, CutSection().sweep, RunSection().threads) == (0.95, 0, 0)
    assert TeacherSection().sources == ()


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        (CampaignSection, {"name": "../x"}, "name"),
        (CampaignSection, {"name": "x", "seed": -1}, "seed"),
        (LibrarySection, {"path": "x", "wehre": "logp < 3"}, "wehre"),
        (StartSection, {"molecules": 9}, "molecules"),
        (StartSection, {"sealed": 0.6}, "sealed"),
        (RoundsSection, {"keep": 0.0}, "keep"),
        (RoundsSection, {"dock": []}, "dock"),
        (RoundsSection, {"acquisition": "best"}, "'best' is not one of"),
        (RoundsSection, {"diversity": "random"}, "'random' is not one of"),
        (CutSection, {"recall": 1.0}, "recall"),
        (DecideSection, {"threshold": float("nan")}, "threshold"),
        (DecideSection, {"threshold": -9.0, "go": 0.1, "stop": 0.1}, r"go \(0.1\) must be above stop"),
        (DecideSection, {"threshold": -9.0, "hits": 0}, "success needs a criterion"),
        (DecideSection, {"threshold": -9.0, "improve": {"A": 0.5, "B": -0.5}}, "must not be negative"),
        (RunSection, {"dock_batch": 0}, "dock_batch"),
    ],
)
def test_what_makes_no_sense_is_refused(section: type[Section], values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        section(**values)


def test_rounds_dock_their_own_numbers() -> None:
    rounds = RoundsSection(count=4, dock=(200, 50))
    assert [rounds.dock_in(number) for number in (1, 2, 3, 4)] == [
        200,
        50,
        50,
        50,
    ] and rounds.dock_in_all == 350
    assert RoundsSection(count=3, dock=7).dock_in_all == 21


def test_an_aim_knows_its_kind_and_targets() -> None:
    aim = AimSection(selective=("B", "A"))
    assert (aim.kind, aim.targets) == ("selective", ("B", "A"))
    aim = AimSection(pareto=("A", "B", "C"))
    assert (aim.kind, aim.targets) == ("pareto", ("A", "B", "C"))
    assert RoundsSection(aim=aim).aim == aim
    with pytest.raises(ValidationError, match="a front spreads the batch itself"):
        RoundsSection(aim=aim, diversity="scaffold")


def test_success_may_be_an_improvement_alone() -> None:
    section = DecideSection(threshold={"A": -9.0}, hits=0, improve={"A": 0.5})
    assert section.improve == {"A": 0.5} and section.go == 0.8
