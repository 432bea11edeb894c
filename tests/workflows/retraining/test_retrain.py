"""New scores in: what is read, what is refused, who is promoted, and what later rounds learn from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import CampaignError, InputError
from docksieve.data.store import read_table
from docksieve.screening.metrics.paired import compare_predictions
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.retraining.promotion import Judged
from docksieve.workflows.retraining.retrain import list_models, model_card, present_model, retrain
from docksieve.workflows.running.submit import submit

Make = Callable[..., Path]


@pytest.mark.slow
def test_more_scores_make_a_better_model(campaign: Path, new_scores: Path) -> None:
    before = present_model(open_campaign(campaign))
    result = retrain(campaign, new_scores, "A")
    assert result.imported.lines == 150
    assert result.imported.used + result.imported.repeated == 150
    assert result.imported.unknown == 0
    assert result.agreement > 0.5
    item = result.comparison["A"]
    assert item == result.seed_sample["A"]  # what the file has no part in decides
    assert result.imported.in_library == 150
    assert item.difference.low <= item.difference.value <= item.difference.high
    assert item.rmse_candidate.value < item.rmse_present.value
    assert result.promoted
    opened = open_campaign(campaign)
    assert present_model(opened) == result.name == "retrain-001/teacher"
    cards = {card["name"]: card for card in list_models(opened)}
    assert cards[result.name]["present"] and not cards[before]["present"]
    assert model_card(opened, result.name)["parent"] == cards[before]["id"]


@pytest.mark.slow
def test_a_promoted_import_trains_the_next_round(campaign: Path, new_scores: Path) -> None:
    retrain(campaign, new_scores, "A", promote=True)
    path = campaign.parent / "campaign.toml"
    path.write_text(path.read_text().replace("count = 1", "count = 2"))
    opened = submit(path, "inline")
    (first,) = opened.ledger.receipts("round-01/train")
    (second,) = opened.ledger.receipts("round-02/train")
    assert not any(record.path.startswith("imports/") for record in first.inputs)
    assert any(record.path.startswith("imports/") for record in second.inputs)
    assert second.counts["molecules"] > first.counts["molecules"] + 100
    assert present_model(opened) == "round-02/teacher"


@pytest.mark.slow
def test_a_worse_candidate_is_not_promoted_unless_asked(
    campaign: Path, new_scores: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores that make a worse model are hard to contrive; the comparison is given, the rest is real."""
    truth = np.linspace(-9, -5, 30)
    worse = compare_predictions(truth, truth + 0.1, truth + np.resize([1.0, -1.0], 30), seed=1)
    monkeypatch.setattr(
        "docksieve.workflows.retraining.retrain.compare_models", lambda *arguments: {"A": Judged(worse)}
    )
    result = retrain(campaign, new_scores, "A")
    assert not result.promoted and "A: error larger by more than chance" in result.reason
    assert present_model(open_campaign(campaign)) == "round-01/teacher"
    assert open_campaign(campaign).imported_scores(99) == []  # later rounds do not learn from it either
    again = retrain(campaign, new_scores, "A", promote=True)
    assert again.promoted
    assert present_model(open_campaign(campaign)) == again.name == "retrain-002/teacher"
    assert len(open_campaign(campaign).imported_scores(99)) == 1


@pytest.mark.slow
def test_scores_of_the_wrong_molecules_do_not_vouch_for_themselves(
    campaign: Path, new_scores: Path, tmp_path: Path
) -> None:
    """The scores stand in the wrong rows, ever more of them: the seed sample's sealed molecules see through it."""
    header, *lines = new_scores.read_text().splitlines()
    pairs = [line.rsplit(",", 1) for line in lines]
    scores = np.random.default_rng(1).permutation([float(score) for _, score in pairs])
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text(
        "\n".join([header, *(f"{text},{score}" for (text, _), score in zip(pairs, scores, strict=True))])
        + "\n"
    )
    result = retrain(campaign, shuffled, "A", force=True)
    assert {item.rule for item in result.findings} >= {"unrelated"}
    judged = result.judged["A"]
    assert judged.test_set is not None and judged.cross_validated is not None
    assert judged.cross_validated.molecules > 2 * judged.test_set.molecules
    assert judged.cross_validated.difference.low > 0, "worse on molecules that the file has no part in"
    assert not result.promoted
    assert present_model(open_campaign(campaign)) == "round-01/teacher"


@pytest.mark.slow
def test_molecules_the_present_model_learnt_from_do_not_judge_it(campaign: Path, tmp_path: Path) -> None:
    """Somebody docks the acquired molecules again and imports them: none may be in the test set."""
    opened = open_campaign(campaign)
    table = hits(opened, top=None, target="A", by="docked")
    path = tmp_path / "again.csv"
    rows = zip(table["smiles"].to_pylist(), table["docked_score"].to_pylist(), strict=True)
    path.write_text("smiles,score\n" + "".join(f"{smiles},{score}\n" for smiles, score in rows))
    (receipt,) = opened.ledger.receipts("round-01/train")
    result = retrain(campaign, path, "A")
    in_round_one = sum(1 for number in table["docked_round"].to_pylist() if number == 1)
    test_set, imported = result.judged["A"].test_set, result.judged["A"].imported
    assert test_set is not None and test_set.molecules <= receipt.counts["sealed"]
    assert imported is None or imported.molecules <= in_round_one


@pytest.mark.slow
def test_the_same_scores_count_once(campaign: Path, new_scores: Path) -> None:
    retrain(campaign, new_scores, "A", promote=True)
    with pytest.raises(InputError, match="imported already"):
        retrain(campaign, new_scores, "A", promote=True)
    assert len(list((campaign / "imports").iterdir())) == 1


@pytest.mark.slow
def test_every_line_is_accounted_for(campaign: Path, tmp_path: Path) -> None:
    path = tmp_path / "messy.csv"
    lines = [
        "name,SMILES,Docking Score,docking_score",
        "a,O=C(C)NCc1ccccc1,x,-5.1",
        "b,OC(=O)Cc1ccccc1,x,-5.0",  # not in the library
        "c,not a molecule,x,-5.0",
        "d,O=C(C)NCCO,x,",  # no score
        "e,C(=O)(C)NCc1ccccc1,x,-5.3",  # a again, written otherwise, another score
        "f,O=C(c1ccccc1)Nc1ccccc1,x,-7.0",
    ]
    path.write_bytes("\r\n".join(lines).encode() + b"\r\n")
    result = retrain(campaign, path, "A")
    report = result.imported
    assert (report.lines, report.used, report.repeated, report.unscored, report.unreadable) == (6, 3, 1, 1, 1)
    assert report.used + report.repeated + report.unscored + report.unreadable == report.lines
    assert (report.unknown, report.conflicts) == (1, 1)
    assert report.examples["unreadable"] == [4]
    assert report.examples["no score"] == [5]
    assert report.examples["not in the library"] == [3]
    assert report.examples["different scores"] == [2]
    table = read_table(campaign / "imports" / "import-001" / "scores.parquet")
    scores = dict(zip(table["smiles"].to_pylist(), table["score"].to_pylist(), strict=True))
    assert scores["CC(=O)NCc1ccccc1"] == pytest.approx(-5.2)  # the mean of both


@pytest.mark.slow
def test_turned_scores_are_refused_and_can_be_turned_back(
    campaign: Path, new_scores: Path, tmp_path: Path
) -> None:
    turned = tmp_path / "turned.csv"
    turned.write_text(new_scores.read_text().replace(",-", ","))
    with pytest.raises(InputError, match=r"run against the campaign.s own scores.*higher-is-better"):
        retrain(campaign, turned, "A")
    assert not list((campaign / "imports").glob("*"))  # nothing is kept of a refused file
    result = retrain(campaign, turned, "A", lower_is_better=False)
    assert result.agreement > 0.5


def test_bad_requests_are_explained(campaign: Path, new_scores: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"several targets.*--target: A, B"):
        retrain(campaign, new_scores)
    with pytest.raises(InputError, match="no target 'C'"):
        retrain(campaign, new_scores, "C")
    with pytest.raises(InputError, match="does not exist"):
        retrain(campaign, tmp_path / "none.csv", "A")
    with pytest.raises(InputError, match="no column 'nope'"):
        retrain(campaign, new_scores, "A", columns={"score_column": "nope"})
    empty = tmp_path / "empty.csv"
    empty.write_text("smiles,score\nfoo,-3.5\nbar,-4.5\n")
    with pytest.raises(InputError, match="no molecule with a score"):
        retrain(campaign, empty, "A", columns={"smiles_column": "smiles", "score_column": "score"})
    with pytest.raises(InputError, match="no model 'x'"):
        model_card(open_campaign(campaign), "x")


def test_a_campaign_without_a_model_cannot_be_retrained(make_campaign: Make, new_scores: Path) -> None:
    path = make_campaign(("count = 2", "count = 0"))
    submit(path, "inline")
    with pytest.raises(CampaignError, match="no model yet"):
        retrain(path, new_scores, "A")
