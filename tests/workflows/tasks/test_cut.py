"""What stages keep, in real campaigns: by the goal, by the file, by the gate; sweeps; targets without a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import CampaignError, ConfigError
from docksieve.data.store import read_table
from docksieve.screening.cuts.cascade import vouched_cut
from docksieve.screening.cuts.cut import CutGoal
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.report import contents_of, html, summary
from docksieve.workflows.running.submit import submit
from docksieve.workflows.tasks.cut import _as_json, _unknown
from docksieve.workflows.tasks.held_out import read_held_out
from docksieve.workflows.tasks.settings import CutSettings
from docksieve.workflows.text import cut_words

from tests.workflows.conftest import fake_score

Make = Callable[..., Path]
ONE_ROUND = ("count = 2", "count = 1")


def cuts_of(campaign: Campaign, name: str = "round-01") -> dict[str, dict]:
    (receipt,) = campaign.ledger.receipts(f"{name}/cut")
    return receipt.facts["cuts"]


@pytest.mark.slow
def test_without_a_number_in_the_file_the_goal_decides(make_campaign: Make) -> None:
    goal = "\n[cut]\nrecall = 0.8\nbest = 0.05\nconfidence = 0.8\nwidest = 0.9\n\n[final]"
    campaign = submit(make_campaign(ONE_ROUND, ("keep = 0.2", 'keep = "auto"'), ("[final]", goal)), "inline")
    (ranked,) = campaign.ledger.receipts("round-01/rank")
    for target, found in cuts_of(campaign).items():
        student = found["student"]
        assert found["keep_by"] in ("goal", "widest", "room")
        assert student["low"] <= student["estimate"] <= student["fraction"]
        assert student["goal"]["recall"] == 0.8
        assert found["keep"] >= min(found["needed"], 360)
        assert ranked.facts["cuts"][target]["kept"] == found["keep"]
        words = " ".join(cut_words(target, found))
        assert f"{found['keep']:,} molecules" in words and "nan" not in words
    assert submit(campaign.root.parent / "campaign.toml", "inline").root == campaign.root


@pytest.mark.slow
def test_held_out_predictions_are_of_molecules_that_the_model_did_not_see(make_campaign: Make) -> None:
    campaign = submit(make_campaign(ONE_ROUND), "inline")
    path = campaign.root / "heldout" / "round-01-teacher.parquet"
    everything, seed_sample = read_held_out(path, "A", random_only=False), read_held_out(path, "A")
    assert everything.num_rows == seed_sample.num_rows  # before the first round there is nothing else
    by_how = {how: seed_sample.filter(seed_sample["how"].to_numpy() == how) for how in ("folds", "sealed")}
    assert {text for table in by_how.values() for text in table["smiles"].to_pylist()} == set(
        seed_sample["smiles"].to_pylist()
    )
    (trained,) = campaign.ledger.receipts("round-01/train")
    assert by_how["folds"].num_rows + by_how["sealed"].num_rows == seed_sample.num_rows
    assert by_how["sealed"].num_rows == pytest.approx(
        trained.counts["sealed"], abs=3
    )  # unscored ones have no row
    for text, truth in zip(seed_sample["smiles"].to_pylist(), seed_sample["truth"].to_pylist(), strict=True):
        assert truth == pytest.approx(fake_score(text), abs=0.051)
    # Cross-validated predictions miss; those of a model that has seen the molecule would not.
    errors = np.abs(by_how["folds"]["truth"].to_numpy() - by_how["folds"]["mean"].to_numpy())
    assert errors.mean() > 0.02


@pytest.mark.slow
def test_a_student_below_the_gate_keeps_what_the_data_say(make_campaign: Make) -> None:
    strict = ("epochs = 4", "epochs = 1\nmin_fidelity = 0.999")
    wide = ("[final]", "[cut]\nwidest = 0.8\n\n[final]")
    campaign = submit(make_campaign(ONE_ROUND, strict, wide, ("keep = 0.2", "keep = 0.01")), "inline")
    for target, found in cuts_of(campaign).items():
        assert not found["gate"]
        assert found["keep_by"] in ("goal", "widest")
        assert found["keep"] > 0.01 * 400 + 60
        assert "less faithful" in " ".join(cut_words(target, found))
    assert "less faithful" in summary(contents_of(read_facts(campaign)))


@pytest.mark.slow
def test_a_sweep_docks_all_that_the_goal_needs(make_campaign: Make) -> None:
    goal = "\n[cut]\nrecall = 0.8\nbest = 0.05\nconfidence = 0.6\nwidest = 1.0\nsweep = 200\n\n[final]"
    path = make_campaign(ONE_ROUND, ("[final]", goal))
    campaign = submit(path, "inline")
    found = cuts_of(campaign)["A"]
    assert found["sweep"] == min(found["dock_for_goal"], 200)
    (acquired,) = campaign.ledger.receipts("round-01/acquire")
    chosen = acquired.facts["A"]
    assert chosen["sweep"] == found["sweep"] and chosen["asked"] == chosen["chosen"]
    # The teacher's best so many, every one of them, are docked by the end.
    files = sorted((campaign.root / "refined" / "round-01").glob("*.parquet"))
    refined = [item for path in files for item in read_table(path).to_pylist()]
    best = sorted(refined, key=lambda item: (item["mean:A"], item["row"]))[: found["sweep"]]
    tried = {
        row
        for name in ("round-00", "round-01")
        for record in campaign.ledger.outputs(f"{name}/dock", f"scores/{name}/A/")
        for row in read_table(campaign.root / record.path, ["row"])["row"].to_pylist()
    }
    assert {item["row"] for item in best} <= tried
    assert len(tried) == 60 + chosen["chosen"]
    assert "not docked yet" in " ".join(cut_words("A", found))
    path.write_text(path.read_text().replace("count = 1", "count = 2"))
    with pytest.raises(ConfigError, match=r"round 1 has begun to dock"):
        submit(path, "inline")


@pytest.mark.slow
def test_a_round_that_was_not_the_last_cannot_become_the_sweep(make_campaign: Make) -> None:
    path = make_campaign(("[final]", "\n[cut]\nsweep = 30\n\n[final]"))
    submit(path, "inline")
    path.write_text(path.read_text().replace("count = 2", "count = 1"))
    with pytest.raises(ConfigError, match=r"count cannot be 1 any more.*round 1 has begun to dock"):
        submit(path, "inline")


@pytest.mark.slow
def test_a_diverse_seed_sample_is_not_taken_for_the_library(make_campaign: Make) -> None:
    campaign = submit(
        make_campaign(ONE_ROUND, ("sealed = 0.2", 'sealed = 0.2\nmethod = "diverse"')), "inline"
    )
    for target, found in cuts_of(campaign).items():
        assert not found["promised"] and not found["teacher"]["promised"]
        words = " ".join(cut_words(target, found))
        assert "cannot be promised" in words and "not drawn at random" in words


def _cut(scores: np.ndarray, predicted: np.ndarray, goal: CutGoal, rows: int) -> dict:
    found = _as_json(vouched_cut(scores, predicted, goal, 1, True, predicted, rows))
    return json.loads(json.dumps(found, allow_nan=False))


def _told(teacher: dict, student: dict, **more: object) -> str:
    goal = {"recall": 0.9, "best": 0.001, "confidence": 0.95}
    found = {"keep": 900, "keep_by": "goal", "needed": 900, "dock_for_goal": 500, "sweep": 0, "gate": True}
    return "; ".join(
        cut_words("A", {**found, "teacher": teacher, "student": student, "goal": goal, "notes": [], **more})
    )


def test_a_confidence_is_printed_only_with_a_promise() -> None:
    generator = np.random.default_rng(1)
    scores = generator.normal(size=3000)
    predicted = scores + 0.5 * generator.normal(size=3000)
    promised = _cut(scores, predicted, CutGoal(0.9, 0.05, 0.95), 100_000)
    refused = _cut(scores, predicted, CutGoal(0.9, 0.001, 0.95), 100_000)
    assert promised["promised"] and not refused["promised"]
    assert refused["reasons"] and refused["dockings_model"] == 5_000
    words = _told(refused, promised, promised=False)
    assert (
        "How many dockings find 90 % of the best 0.1 % of the library cannot be promised (3,000 held-out"
        in words
    )
    assert "the best guess, without a confidence" in words
    assert "may be had from 5,000 random dockings on (now 3,000), and for certain from about" in words
    assert "Promised instead of the teacher alone: 83 % of the best 0.1 % with 95 % confidence" in words
    assert "To find 90 %" not in words
    # A sweep in which one stage falls short of its part promises nothing for the whole.
    assert "cannot be promised of this sweep" in _told(promised, promised, promised=False, sweep=100)
    # With nothing but order statistics left, the promise is about molecules beyond a score.
    blind = _cut(scores, generator.normal(size=3000), CutGoal(0.9, 0.001, 0.95), 100_000)
    assert "with a score of" in _told(blind, promised, promised=False)
    # With a handful held out the threshold is infinite, within what is offered instead too.
    assert _cut(scores[:12], predicted[:12], CutGoal(0.95, 0.001, 0.95), 100_000)["threshold"] is None


def test_receipts_of_earlier_versions_are_shown_without_a_confidence_that_was_not_kept() -> None:
    generator = np.random.default_rng(2)
    scores = generator.normal(size=3000)
    now = _cut(scores, scores + 0.5 * generator.normal(size=3000), CutGoal(0.9, 0.05, 0.95), 100_000)
    old = {
        name: value
        for name, value in now.items()
        if name not in ("promised", "reasons", "instead", "dockings_needed")
    }
    assert "with 95 % confidence" in _told(old, old)
    modelled = {**old, "method": "residual model", "met": False}
    words = _told(modelled, modelled)
    assert "cannot be promised (an earlier version" in words and "95 % confidence" not in words


def test_where_nothing_is_known_nothing_is_swept() -> None:
    settings = CutSettings(
        round="round-01",
        recall=0.95,
        best=0.001,
        confidence=0.95,
        widest=0.2,
        sweep=5_000,
        keep="auto",
        dock=10,
        docked=50,
        budget={"A": 60},
        gate={"A": False},
        rows=10_000,
        lower_is_better={"A": True},
        method="random",
        seed=1,
    )
    found = _unknown(settings, "A", 3)
    assert (found["sweep"], found["keep"], found["gate"]) == (0, 2_000, False)
    assert "Nothing is swept" in " ".join(cut_words("A", found))


def _scores_of(path: Path, few: int, value: float | None = None) -> str:
    """Write B's table with scores for the first ``few`` molecules only, or all equal."""
    header, *lines = path.read_text().splitlines()
    kept = lines[:few] if value is None else [f"{line.rsplit(',', 1)[0]},{value}" for line in lines]
    return "\n".join([header, *kept]) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize(("few", "value", "reason"), [(8, None, "with a score"), (0, 3.0, "all of them 3")])
def test_a_target_that_no_teacher_can_learn_does_not_stop_the_others(
    make_campaign: Make, small_inputs: Path, tmp_path: Path, few: int, value: float | None, reason: str
) -> None:
    table = tmp_path / "poor.csv"
    table.write_text(_scores_of(small_inputs / "b.csv", few, value))
    campaign = submit(make_campaign((str(small_inputs / "b.csv"), str(table))), "inline")
    for name in ("round-01", "round-02"):
        (trained,) = campaign.ledger.receipts(f"{name}/train")
        assert trained.facts["targets"] == ["A"] and reason in trained.facts["untaught"]["B"]
        (acquired,) = campaign.ledger.receipts(f"{name}/acquire")
        assert acquired.facts["B"] == {"asked": 15, "chosen": 15, "at_random": 15, "taught": False}
        assert acquired.facts["A"]["taught"]
    rows = [
        row
        for name in ("round-00", "round-01", "round-02")
        for record in campaign.ledger.outputs(f"{name}/dock", f"scores/{name}/B/")
        for row in read_table(campaign.root / record.path, ["row"])["row"].to_pylist()
    ]
    assert len(rows) == len(set(rows)) == 60 + 15 + 15, "no molecule is docked twice"
    assert hits(campaign, top=5, target="A").num_rows == 5
    assert hits(campaign, top=None, target="B", by="predicted").num_rows == 0
    screened = hits(campaign, top=5, by="screened")
    assert screened["target"].to_pylist() == ["A"] * 5
    contents = contents_of(read_facts(campaign))
    assert contents.problems == []
    assert "no model" in html(contents)


def test_if_no_target_can_be_learnt_the_campaign_says_so(
    make_campaign: Make, small_inputs: Path, tmp_path: Path
) -> None:
    tables = []
    for name in ("a", "b"):
        table = tmp_path / f"equal_{name}.csv"
        table.write_text(_scores_of(small_inputs / f"{name}.csv", 0, -7.0))
        tables.append((str(small_inputs / f"{name}.csv"), str(table)))
    with pytest.raises(CampaignError, match="there is nothing to learn"):
        submit(make_campaign(*tables), "inline")


@pytest.mark.parametrize("keep", ["0.0", '"some"', "true"])
def test_what_to_keep_is_a_share_or_auto(make_campaign: Make, keep: str) -> None:
    with pytest.raises(ConfigError, match=r"\[rounds\] keep"):
        submit(make_campaign(("keep = 0.2", f"keep = {keep}")), "inline")
