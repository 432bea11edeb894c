"""The leaderboard of the latest screen, or of the rounds that are asked for."""

from __future__ import annotations

import pytest
from docksieve.data.errors import CampaignError
from docksieve.data.store import read_table
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.hits.leaderboards import leaderboard_of
from docksieve.workflows.progress.receipts import CampaignReceipts


def test_the_latest_round_or_the_one_asked_for(finished: Campaign) -> None:
    receipts = CampaignReceipts(finished)
    latest, first = leaderboard_of(receipts, "A"), leaderboard_of(receipts, "A", [1])
    assert latest is not None and first is not None
    assert (latest.number, first.number) == (2, 1)
    for found in (latest, first):
        group = f"round-0{found.number}"
        assert found.sources.leaderboard == finished.root / "leaderboards" / group / "A.parquet"
        assert sorted(found.sources.predictions) == sorted((finished.root / "predictions" / group).glob("*"))
        (receipt,) = (r for r in receipts.of(f"{group}/distil") if r.done)
        assert found.model == receipt.facts["model"]
    assert latest.model != first.model
    assert read_table(latest.sources.leaderboard).num_rows <= 400


def test_what_was_not_ranked_is_said(finished: Campaign) -> None:
    receipts = CampaignReceipts(finished)
    with pytest.raises(CampaignError, match=r"not been ranked in round 0 yet"):
        leaderboard_of(receipts, "A", [0])
    assert leaderboard_of(receipts, "a target that was not learnt") is None
