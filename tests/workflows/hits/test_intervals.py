"""Intervals beside predictions: recalibrated on what a campaign picked, in docking scores, never on its own score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.screening.calibration.history import PickedHistory
from docksieve.screening.calibration.picked import LEAST, Batch
from docksieve.screening.queries.query import HitQuery
from docksieve.workflows.calibration.history import CampaignIntervals, Picked, Scale, read_intervals
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.hits.ask import ask
from docksieve.workflows.hits.card import hit_card
from docksieve.workflows.hits.card_text import card_sections
from docksieve.workflows.hits.intervals import interval_of
from docksieve.workflows.progress.receipts import CampaignReceipts
from docksieve.workflows.running.submit import submit

DOCK = 40


@pytest.fixture(scope="module")
def finished(campaign_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("intervals")
    text = campaign_text.replace("keep = 0.2", "keep = 0.6").replace("dock = 15", f"dock = {DOCK}")
    (folder / "campaign.toml").write_text(text)
    return submit(folder / "campaign.toml", "inline").root


@pytest.mark.slow
def test_intervals_hold_most_docked_scores_and_say_what_they_rest_on(finished: Path) -> None:
    answer = ask(finished, HitQuery(by="predicted", targets=("A",), top=None))
    rows = answer.table.to_pylist()
    waiting = [row for row in rows if row["docked_round"] is None and row["predicted_round"] == 2]
    own = [row for row in rows if row["docked_round"] == 2 and row["predicted_round"] == 2]
    taught = [
        row
        for row in rows
        if row["docked_round"] is not None and row["docked_round"] < row["predicted_round"]
    ]
    assert waiting and len(own) == DOCK
    for row in waiting:
        assert row["predicted_high"] is None or row["predicted_low"] < row["predicted_high"]
        assert row["predicted_low"] is not None, "lower is better: that end is not open"
    held = [row["predicted_low"] <= row["docked_score"] <= (row["predicted_high"] or np.inf) for row in own]
    assert np.mean(held) > 0.7
    assert all(row["predicted_low"] is None and row["predicted_high"] is None for row in taught)
    (note,) = [text for text in answer.notes if "95 % intervals" in text]
    assert f"recalibrated on {DOCK} molecules that round 2 picked" in note
    assert f"recalibrated on {DOCK} molecules picked before round 2" in note


@pytest.mark.slow
def test_no_score_of_its_own_moves_a_molecules_interval(finished: Path) -> None:
    known = read_intervals(CampaignReceipts(open_campaign(finished)), "A")
    assert sorted(known.picked) == [1, 2] and [len(item.rows) for item in known.picked.values()] == [
        DOCK,
        DOCK,
    ]
    assert known.calibration(1, docked=True) is None and known.calibration(1, docked=False) is not None
    assert f"fewer than {LEAST}" in known.basis(1, docked=True)
    second = known.picked[2]
    scale = known.scales[2]
    np.testing.assert_allclose(scale.to_scores(scale.of_scores(np.array([-9.0]))), [-9.0])
    np.testing.assert_allclose(second.batch.docked, scale.of_scores(second.scores))


@pytest.mark.slow
def test_a_card_and_a_ranking_by_docked_scores(finished: Path) -> None:
    predicted = ask(finished, HitQuery(by="predicted", targets=("A",), top=None)).table.to_pylist()
    row = next(item for item in predicted if item["docked_round"] is None and item["predicted_round"] == 2)
    record = hit_card(finished, row["id"]).targets["A"]["teacher"][-1]
    assert record["interval"]["low"] == pytest.approx(row["predicted_low"])
    said = str(card_sections(hit_card(finished, row["id"])))
    assert "95 % of such dock between" in said and "molecules that round 2 picked" in said
    docked = ask(finished, HitQuery(by="docked", targets=("A",)))
    assert "predicted_low" not in docked.table.column_names


def test_a_molecule_docked_before_its_prediction_has_no_interval() -> None:
    generator = np.random.default_rng(3)
    mean = generator.normal(-9, 0.5, DOCK)
    docked = mean + generator.normal(0.4, 0.6, DOCK)
    batch = Batch(mean, np.full(DOCK, 0.5), docked)
    picked = Picked(np.arange(DOCK), [str(row) for row in range(DOCK)], docked, batch)
    known = CampaignIntervals("A", {1: picked}, PickedHistory({1: batch}), {1: Scale(), 2: Scale()})
    record = {"round": 1, "mean": -9.0, "spread": 0.5}
    found = interval_of(known, record, [])
    (low,), (high,) = known.interval(1, [-9.0], [0.5], docked=False) or ([], [])
    assert found == {"low": low, "high": high, "basis": known.basis(1, docked=False)} and low < -9.0 < high
    assert interval_of(known, record, [0]) == {} == interval_of(known, {**record, "spread": None}, [])
    assert list(interval_of(known, record, [1])) == ["basis"], "no batch before the first tells of it"
