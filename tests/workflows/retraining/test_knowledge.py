"""What a campaign knows of molecules is read from its own dockings, round by round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.errors import CampaignError
from docksieve.data.receipts import Receipt, write_receipt
from docksieve.data.store import record_file, write_table
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.config.campaign_file import parse_config
from docksieve.workflows.retraining.knowledge import (
    docked_scores,
    is_drawn,
    seed_sample_scores,
    training_receipt,
    what_is_known,
)
from docksieve.workflows.tasks.settings import RoundSettings

SCORES = {
    "round-00": [("CCO", "A", -5.0), ("CCN", "A", None), ("CCO", "B", 3.0)],
    "round-01": [("CCCC", "A", -6.0), ("CCO", "A", -5.5)],
}


@pytest.fixture
def docked(campaign_text: str, tmp_path: Path) -> Campaign:
    """A campaign with nothing but scores and a teacher that has not learnt target A."""
    targets = {"A": {"lower_is_better": True}, "B": {"lower_is_better": False}}
    campaign = Campaign(tmp_path, parse_config(campaign_text, "campaign.toml"), {"targets": targets})
    for group, rows in SCORES.items():
        path = tmp_path / "scores" / group / "A" / "0.parquet"
        path.parent.mkdir(parents=True)
        columns = zip(("smiles", "target", "score"), zip(*rows, strict=True), strict=True)
        write_table(path, pa.table({name: list(values) for name, values in columns}))
        task = Task(f"{group}/dock/A/0", "dock", RoundSettings(group))
        campaign.ledger.plan(f"{group}/dock", [task])
        receipt = Receipt(task.name, "dock", task.fingerprint, outputs=(record_file(path, tmp_path),))
        write_receipt(tmp_path, receipt)
    return campaign


def test_scores_are_those_of_all_rounds_and_the_seed_samples_its_own(docked: Campaign) -> None:
    assert [record.path for record in docked_scores(docked)] == [
        f"scores/{group}/A/0.parquet" for group in SCORES
    ]
    found = seed_sample_scores(docked)
    assert [tuple(row.values()) for row in found.to_pylist()] == [("CCO", "A", -5.0), ("CCO", "B", 3.0)]


def test_own_scores_are_means_and_a_teacher_of_other_targets_says_nothing(
    docked: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docksieve.workflows.retraining import knowledge

    monkeypatch.setattr(knowledge, "read_card", lambda folder: {"targets": [{"name": "B"}], "report": {}})
    imported = np.array([-5.2, -7.0, -4.0])
    known = what_is_known(docked, "round-01/teacher", "A", ["CCO", "CCN", "c1ccccc1"], imported)
    np.testing.assert_array_equal(known.own, [-5.25, np.nan, np.nan])
    assert known.docked.tolist() == [-6.0, -5.25] and known.drawn.tolist() == imported.tolist()
    assert np.isnan(known.mean).all() and np.isnan(known.spread).all() and np.isnan(known.error)


def test_a_teacher_without_a_receipt_is_an_error(docked: Campaign) -> None:
    with pytest.raises(CampaignError, match="receipt of the training of round-01/teacher is missing"):
        training_receipt(docked, "round-01/teacher")


def test_drawn_together_is_read_from_the_card() -> None:
    card = {"report": {"focus": {"A": {"drawn_together": True}, "B": {"drawn_together": False}}}}
    assert is_drawn(card, "A") and not is_drawn(card, "B") and not is_drawn({"report": {}}, "A")
