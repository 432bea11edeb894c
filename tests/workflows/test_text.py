"""Figures and sentences for people: right numbers, right units, right words."""

from __future__ import annotations

from typing import Any

import pytest
from docksieve.data.words import agree, plural
from docksieve.screening.metrics.paired import Estimate
from docksieve.workflows.text import (
    core_time,
    cut_line,
    cut_words,
    duration,
    duration_short,
    interval,
    percent,
    time_words,
    times_word,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.123, "0.12 s"), (5, "5 s"), (59, "59 s"), (119, "119 s"), (120, "2 min"), (5_400, "90 min"),
        (7_200, "2 h"), (172_800, "2 days"), (200_000, "2.31 days"),
    ],
)  # fmt: skip
def test_time_is_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert time_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59.4, "59 s"), (60, "1 min 0 s"), (200, "3 min 20 s"), (3_599.6, "1 h 0 min"), (7_265, "2 h 1 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_short_durations_keep_three_figures() -> None:
    assert [duration_short(value) for value in (0.01234, 1.2345, 61)] == ["0.0123 s", "1.23 s", "1 min 1 s"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (12.345, "12.3 core-seconds"),
        (90, "1.5 core-minutes"),
        (3_600, "1.0 core-hours"),
        (9e6, "2,500.0 core-hours"),
    ],
)
def test_core_time(seconds: float, words: str) -> None:
    assert core_time(seconds) == words


def test_estimates_carry_their_interval_where_there_is_one() -> None:
    assert interval(Estimate(0.5, 0.4, 0.625)) == "0.50 (95 % interval 0.40 to 0.62)"
    assert interval(Estimate(12.34, 10, 14), digits=1) == "12.3 (95 % interval 10.0 to 14.0)"
    assert interval(Estimate(0.5, 0.4, 0.6), percent=True) == "50 % (95 % interval 40 to 60 %)"
    assert interval(Estimate(0.5, NAN, NAN)) == "0.50"
    assert interval(Estimate(0.5, NAN, NAN), percent=True) == "50 %"


def test_shares_ratios_and_counts() -> None:
    assert percent(0.1234) == "12.3 %" and percent(0.9, 0) == "90 %"
    assert [times_word(value) for value in (4.44, 19.96, 25.4, 1_234.4)] == [
        "4.4 times",
        "20.0 times",
        "25 times",
        "1,234 times",
    ]
    assert [plural(1, "pass", "passes"), plural(2, "pass", "passes"), plural(2_000, "molecule")] == [
        "1 pass",
        "2 passes",
        "2,000 molecules",
    ]
    assert [agree(count, "is", "are") for count in (0, 1, 2)] == ["are", "is", "are"]


def found(**more: Any) -> dict[str, Any]:
    """What a cut finds: 90 % of the best 1 %, which are 2 % of the teacher's, with 95 % confidence."""
    cut = {
        "goal": {"recall": 0.9, "best": 0.01, "confidence": 0.95},
        "best": 0.02,
        "method": "order statistics",
        "fraction": 0.1,
        "estimate": 0.05,
        "low": 0.03,
        "held_out": 5_000,
        "met": True,
        "promised": True,
    }
    return {
        "goal": cut["goal"],
        "student": cut,
        "teacher": {**cut, "best": 0.01, "fraction": 0.04, "method": "depth model", "met": False},
        "keep": 1_000,
        "keep_by": "goal",
        "needed": 1_000,
        "dock_for_goal": 400,
        "gate": True,
        "sweep": 0,
        "notes": [],
        **more,
    }


def test_a_cut_by_the_goal() -> None:
    price = {"predicting_seconds": 7_200.0, "docking_seconds": 259_200.0}
    assert list(cut_words("A", found(price=price))) == [
        "A: the fast model (student) has scored the whole library, and its best 1,000 molecules go on to the slower, "
        "more exact one (teacher), which takes it about 2 h of one core. For 90 % of the teacher's best 2 % with 95 % "
        "confidence to be among them, 10 % of the library is enough (most likely 5 %, at least 3 %). To find "
        "90 % of the best 1 % with 95 % confidence, the teacher's best 400 molecules would have to be docked (about 3 "
        "days of one core); 4 % of the library is enough (most likely 5 %, at least 3 %)."
    ]


def test_a_terminal_gets_the_outcome_and_no_more() -> None:
    assert cut_line("A", found()) == (
        "A: the fast model (student) sends its best 1,000 molecules to the teacher. Docking the teacher's best 400 "
        "finds 90 % of the best 1 % with 95 % confidence."
    )
    guess = {**found()["teacher"], "promised": False}
    said = cut_line("A", found(teacher=guess, sweep=300, gate=False, notes=["Few scores."]))
    assert "95 %" not in said and "confidence" not in said, "no confidence beside what is not promised"
    assert said.endswith(
        "The student is less faithful to its teacher than [student] min_fidelity and min_recall ask. How many dockings "
        "find 90 % of the best 1 % cannot be promised; the best guess is 5 % of the library (3 % to 4 %). This last "
        "round docks those of the teacher's best 300 that are not docked yet. Few scores."
    )
    nothing = {**guess, "method": "everything"}
    assert cut_line("A", found(teacher=nothing)).endswith(
        "How many dockings find 90 % of the best 1 % cannot be promised."
    )
    assert cut_line("A", found(student=None, teacher=None)).endswith(
        "its best 1,000 molecules to the teacher."
    )


def test_a_cut_of_an_earlier_version_is_not_promised() -> None:
    before = found()
    for stage in ("student", "teacher"):
        before[stage] = {key: value for key, value in before[stage].items() if key != "promised"}
    before["teacher"]["method"] = "residual model"
    (words,) = cut_words("A", before)
    first, second = words.split("How many dockings find 90 % of the best 1 % of the library")
    assert "with 95 % confidence to be among them, 10 % of the library is enough" in first
    assert second.startswith(" cannot be promised (an earlier version took errors not to depend")
    assert (
        "95 %" not in second
        and "the best guess, without a confidence, is 5 % of the library (3 % to 4 %)" in second
    )


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("file", "(as many as [rounds] keep says)."),
        ("widest", "(the most that [cut] widest allows; 5,000 would be needed)."),
        ("room", "(enough for what is docked and will be)."),
    ],
)
def test_why_so_many_are_kept(by: str, words: str) -> None:
    (said,) = cut_words("A", found(keep_by=by, needed=5_000))
    assert f"its best 1,000 molecules go on to the slower, more exact one (teacher) {words}" in said


def test_a_cut_says_what_is_unfaithful_swept_noted_or_unknown() -> None:
    (words,) = cut_words("A", found(gate=False, sweep=300, notes=["Few scores."]))
    assert "less faithful to its teacher than [student] min_fidelity and min_recall ask" in words
    assert words.endswith(
        "it docks those of the teacher's best 300 that are not docked yet (the most that [cut] sweep allows). "
        "Few scores."
    )
    (whole,) = cut_words("A", found(sweep=400))
    assert whole.endswith("the teacher's best 400 that are not docked yet.")
    everything = {**found()["student"], "method": "everything"}
    (words,) = cut_words("A", found(student=everything))
    assert "it takes the whole library, since too few molecules were held out to guarantee less." in words
    unknown = found(student=None, notes=["No model.", "Too few."])
    assert list(cut_words("A", unknown)) == [
        "A: No model. Too few. The best 1,000 molecules by the fast model (student) go on to the exact one (teacher)."
    ]
