"""What a cut and its readers say of scores that a teacher learnt with bad ones drawn together: docking scores."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from docksieve.models.teachers.focus import Curve, recorded_curve
from docksieve.screening.cuts.cascade import plan_cascade
from docksieve.screening.cuts.cut import CutGoal
from docksieve.workflows.deciding.decision import learning_words
from docksieve.workflows.deciding.evidence import read_evidence
from docksieve.workflows.progress.receipts import CampaignReceipts
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.quality import acquired_with_scores
from docksieve.workflows.report.report import contents_of, html, summary
from docksieve.workflows.running.submit import submit
from docksieve.workflows.tasks.cut import _carried_back
from docksieve.workflows.tasks.held_out import docked_scores, learnt_scores, read_held_out, recorded_scale
from docksieve.workflows.text import cut_words
from rdkit import Chem

from tests.workflows.conftest import fake_score, molecules

Make = Callable[..., Path]


def skewed(text: str) -> float:
    """Return a score whose bad half goes on for far: clashes."""
    score = fake_score(text)
    return round(score if score <= -6.0 else score + 3.0 * float(np.expm1(score + 6.0)), 1)


@pytest.mark.slow
def test_a_teacher_that_draws_scores_together_cuts_in_docking_scores(
    make_campaign: Make, small_inputs: Path, tmp_path: Path
) -> None:
    docked = {text: skewed(text) for text in molecules()[5:]}
    with (tmp_path / "skewed.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("smiles", "score"), *docked.items()])
    path = make_campaign(
        ("count = 2", "count = 1"),
        (f'"{small_inputs / "a.csv"}"', f'"{tmp_path / "skewed.csv"}"'),
        ("[student]", '[teacher]\nfocus = "always"\n\n[student]'),
    )
    campaign = submit(path, "inline")
    (trained,) = campaign.ledger.receipts("round-01/train")
    table = read_held_out(campaign.root / "heldout" / "round-01-teacher.parquet", "A")
    curve = recorded_curve(trained.facts["report"]["focus"], "A")
    assert curve is not None and recorded_scale(table, "A") == curve
    assert set(table["how"].to_pylist()) == {"folds", "sealed"}
    # Docking scores, and what the means are to be compared with: sealed molecules like the others.
    canonical = {Chem.CanonSmiles(text): score for text, score in docked.items()}
    wanted = np.array([canonical[text] for text in table["smiles"].to_pylist()])
    told = wanted < 10  # what is worse is taken for a failed docking, and bounded
    np.testing.assert_allclose(docked_scores(table)[told], wanted[told], atol=1e-6)
    np.testing.assert_allclose(learnt_scores(table)[told], curve.draw(wanted)[told], atol=1e-6)
    assert np.abs(wanted - curve.draw(wanted)).max() > 1  # the table is skewed, and this would show

    # The cut names scores that the table has.
    (receipt,) = campaign.ledger.receipts("round-01/cut")
    found = receipt.facts["cuts"]["A"]
    cuts = [found["teacher"], *found["teacher"]["instead"]]
    limits = [cut["score"] for cut in cuts if cut["score"] is not None]
    assert limits and all(np.abs(wanted - limit).min() < 1e-6 for limit in limits)
    assert "nan" not in (words := " ".join(cut_words("A", found))) and "inf " not in words

    # Readers: one scale on both sides, and they say which.
    evidence = read_evidence(CampaignReceipts(campaign), "A")
    errors = learnt_scores(table) - table["mean"].to_numpy()
    assert evidence.errors == pytest.approx((np.sqrt(np.square(errors).mean()),), rel=1e-6)
    assert "drawn together" in learning_words(evidence, "kcal/mol")
    facts = read_facts(campaign)
    acquired = acquired_with_scores(facts, "A")
    np.testing.assert_allclose(acquired["learnt"].to_numpy(), curve.draw(acquired["score"].to_numpy()))
    np.testing.assert_allclose(acquired["predicted"].to_numpy(), acquired["mean"].to_numpy(), rtol=1e-6)
    contents = contents_of(facts)
    assert "drawn together as the teacher learns them" in summary(contents)
    assert "On both axes scores worse than the middle are drawn together" in html(contents)


def test_an_early_file_is_carried_back_along_the_curve_of_the_report() -> None:
    curve, docked = Curve(-6.0, -8.0), np.array([-9.0, -7.0, -5.0, -3.0])
    early = pa.table(
        {
            "truth": np.where([False, False, False, True], docked, curve.draw(docked)),
            "how": ["folds", "folds", "folds", "sealed"],
        }
    )
    np.testing.assert_allclose(docked_scores(early, curve), docked)
    np.testing.assert_allclose(learnt_scores(early, curve), curve.draw(docked))
    np.testing.assert_array_equal(docked_scores(early), early["truth"].to_numpy())
    assert recorded_scale(early, "A") is None


def test_what_is_promised_of_the_teachers_means_is_told_in_docking_scores() -> None:
    generator = np.random.default_rng(3)
    scores = np.concatenate([generator.normal(-7.5, 1.0, 500), generator.uniform(-6.0, 20.0, 500)])
    curve = Curve.of(scores, True)
    assert curve is not None
    drawn = curve.draw(scores)
    mean = drawn + generator.normal(0.0, 0.3, len(drawn))
    student = mean + generator.normal(0.0, 0.2, len(mean))
    goal = CutGoal(0.9, 0.01, 0.95)
    raw, learnt = (
        plan_cascade(goal, (truth, mean), (mean, student), (mean, student), seed=1, rows=1_000_000)
        for truth in (scores, drawn)
    )
    # The same order, so the same promises; only what the cut calls its scores differs.
    assert raw.teacher.fraction == learnt.teacher.fraction and raw.teacher.promised == learnt.teacher.promised
    assert raw.student == learnt.student
    assert curve.draw(np.array([raw.teacher.score])) == pytest.approx([learnt.teacher.score])
    told = _carried_back(raw.student, curve)
    assert told.fraction == raw.student.fraction and told.threshold == raw.student.threshold
    for before, after in zip([raw.student, *raw.student.instead], [told, *told.instead], strict=True):
        assert curve.draw(np.array([after.score])) == pytest.approx([before.score])
