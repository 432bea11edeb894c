"""What is said of earlier teachers: used or not, why, and what they only remembered."""

from __future__ import annotations

from docksieve.workflows.source_words import source_words

ENTRY = {"model": "a" * 32, "target": "JAK2", "spearman": {"LCK": 0.71, "BRAF": 0.4}}


def _said(entry: dict, target: str | None = None, **report: object) -> list[str]:
    return list(source_words({"sources": [ENTRY | entry], **report}, target))


def test_a_source_that_is_used_and_one_that_is_not() -> None:
    (used,) = _said({"log_evidence": 35.2, "kept": True, "learned": 0, "docked": 270, "judged": 270})
    assert "earlier teacher of JAK2 (aaaaaaaaaaaa) used" in used and "0.71 for LCK, 0.40 for BRAF" in used
    assert "35.2 more likely" in used and used.endswith("than without")
    (only,) = _said({"log_evidence": 35.2, "kept": True}, "LCK")  # of an older version
    assert "BRAF" not in only
    (left,) = _said({"log_evidence": -2.0, "kept": False, "learned": None, "docked": 270, "judged": 270})
    assert "not used" in left and "which molecules it learned from is not known" in left


def test_what_it_learned_from_is_said() -> None:
    (used,) = _said({"log_evidence": 9.0, "kept": True, "learned": 99, "docked": 99, "judged": 99})
    assert used.endswith("; it learned from 99 of them: its cross-validated predictions stand there")
    few = {"log_evidence": None, "kept": False, "learned": 96, "docked": 99, "judged": 3}
    (left,) = _said(few)
    assert "only 3 of the molecules docked here are new to it" in left
    _, figures = _said(few, remembered={"molecules": 96, "left_out": True})
    assert figures.startswith("96 molecules that earlier teachers learned from are left out")
    _, figures = _said(few, remembered={"molecules": 96, "left_out": False})
    assert "flatter" in figures
