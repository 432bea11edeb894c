"""How far predictions can be trusted, in sentences and tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from docksieve.data.receipts import Receipt
from docksieve.workflows.report.trust import chart_grid, trust_details, trust_words

CUT = {
    "goal": {"recall": 0.9, "best": 0.01, "confidence": 0.95},
    "best": 0.02,
    "method": "order statistics",
    "fraction": 0.1,
    "estimate": 0.05,
    "low": 0.03,
    "held_out": 1_234,
    "met": True,
    "promised": True,
}
FOUND = {
    "goal": CUT["goal"],
    "student": CUT,
    "teacher": {**CUT, "best": 0.01, "fraction": 0.04, "method": "depth model", "met": False},
    "keep": 1_000,
    "keep_by": "goal",
    "needed": 1_000,
    "dock_for_goal": 400,
    "gate": True,
    "sweep": 0,
    "notes": [],
}


def receipt(kind: str, **more: Any) -> Receipt:
    return Receipt(task=kind, kind=kind, fingerprint="", **more)


def facts(rounds: int, **more: Any) -> Any:
    stages: dict[str, list[Receipt]] = more.pop("stages", {})
    nothing: dict[str, Any] = {
        "untaught": lambda group: {},
        "cut": lambda group, target: None,
        "finished": lambda stage: stages.get(stage, []),
        "rounds": rounds,
    }
    return SimpleNamespace(**(nothing | more))


def test_a_target_without_a_model_was_drawn_at_random() -> None:
    untaught = {"round-01": {"A": "12 scores, 20 needed"}, "round-02": {}}
    assert list(trust_words(facts(2, untaught=untaught.__getitem__), "A")) == [
        "There was no model of A in round 1 (12 scores, 20 needed): its molecules were drawn at random."
    ]


def test_the_last_cut_and_what_is_novel() -> None:
    refine = [
        receipt("refine", counts={"molecules": 700, "novel": 20}),
        receipt("refine", counts={"molecules": 300}),
    ]
    cuts = {"round-01": FOUND, "round-02": None}
    lines = list(
        trust_words(facts(2, cut=lambda group, target: cuts[group], stages={"round-01/refine": refine}), "A")
    )
    assert lines[0].startswith(
        "Round 1: the fast model (student) has scored the whole library, and its best 1,000 molecules go on to the "
        "slower, more exact one (teacher)"
    )
    assert "To find 90 % of the best 1 % with 95 % confidence, the teacher's best" in lines[0]
    assert lines[1] == (
        "Of the 1,000 molecules that the teacher of round 1 scored, 20 are unlike everything that it has learnt from "
        "(column novel of the hits): its figures for these are less reliable."
    )
    assert len(lines) == 2
    refine[0] = receipt("refine", counts={"molecules": 700, "novel": 1})
    *_, one = trust_words(facts(1, cut=lambda group, target: FOUND, stages={"round-01/refine": refine}), "A")
    assert "1 is unlike everything" in one and "its figures for this one are less reliable" in one


def test_earlier_teachers_are_named_with_how_well_they_rank() -> None:
    one = {
        "target": "kinase",
        "model": "0123456789abcdef",
        "spearman": {"A": 0.614},
        "kept": True,
        "log_evidence": 12.3,
    }
    two = {
        "target": "channel",
        "model": "fedcba98",
        "spearman": {"A": -0.021},
        "kept": False,
        "log_evidence": -2.0,
    }
    report = {"targets": {"A": {}}, "sources": [one, two]}
    stages = {"round-01/train": [receipt("train", facts={"report": report})]}
    used, left = trust_words(facts(1, stages=stages), "A")
    assert used.startswith(
        "Earlier teacher of kinase (0123456789ab) used: it ranks the molecules docked here with a"
    )
    assert "0.61 for A" in used and used.endswith(".")
    assert left.startswith("Earlier teacher of channel (fedcba98) not used") and "-0.02 for A" in left
    assert list(trust_words(facts(1, stages=stages), "B")) == []


def test_the_table_of_cuts() -> None:
    (text,) = trust_details(facts(1, cut=lambda group, target: FOUND), "A")
    for words in (
        '<th scope="row">1, sent to the teacher</th>',
        "90 % of the best 2 %",
        '<td class="number">95 %</td>',
        "3 to 10 %",
        "3 to 4 %",
        "depth model",
        "1,234",
    ):
        assert words in text, words
    assert trust_details(facts(1), "A") == []


def test_charts_stand_side_by_side() -> None:
    assert chart_grid([]) == []
    assert chart_grid(["<b/>", "<i/>"]) == ['<div class="charts"><b/><i/></div>']
