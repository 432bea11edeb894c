"""The label-shuffle control in words: the verdict is one of two, and agrees with what was found."""

from __future__ import annotations

from typing import Any

from docksieve.workflows.controls.words import HEAD, control_rows, control_words


def found(**more: Any) -> dict[str, Any]:
    near = {"molecules": 1200, "same_compound": 3, "near": 45, "threshold": 0.85}
    return {"leakage": [], "seeds": 3, "duplicates": near, "targets": {}, **more}


def test_without_leakage_the_verdict_names_what_chance_gives() -> None:
    verdict, near = control_words(found())
    assert verdict == (
        "Taught shuffled scores (3 shuffles), the teacher shows no skill: all intervals hold what chance gives "
        "(rank correlation 0, enrichment 1)."
    )
    assert near.startswith(
        "Of 1,200 molecules of the test set, 3 are another form (stereo, charge, tautomer)"
    )
    assert near.endswith("and 45 have a Tanimoto similarity of 0.85 or more to one.")
    assert "(1 shuffle)," in next(iter(control_words(found(seeds=1))))


def test_leakage_takes_the_verdicts_place() -> None:
    said = list(control_words(found(leakage=["one", "two"])))
    assert said[:2] == ["one", "two"] and not any("no skill" in text for text in said)


def test_without_sealed_molecules_nothing_is_said_of_them() -> None:
    assert len(list(control_words(found(duplicates={"molecules": 0})))) == 1


def test_every_test_has_a_line_for_true_and_one_for_shuffled_scores() -> None:
    figures = {
        "spearman": {"value": -0.012, "low": -0.2, "high": 0.1},
        "enrichment": {"value": 1, "low": 0, "high": 2},
    }
    entry = {"molecules": 10, "true": figures, "shuffled": figures}
    rows = list(control_rows(found(targets={"A": {"folds": entry, "sealed": entry}})))
    assert [row[:3] for row in rows[:2]] == [
        ("A, cross-validation", "10", "true"),
        ("A, cross-validation", "10", "shuffled"),
    ]
    assert rows[3][3:] == ("-0.01 (-0.20 to 0.10)", "1.00 (0.00 to 2.00)")
    assert {len(row) for row in rows} == {len(HEAD)}
    assert list(control_rows(found())) == []
