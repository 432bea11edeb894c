"""Hits of the whole library by the student's prediction, against a plain look at the same files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import CampaignError, InputError
from docksieve.data.store import read_table
from docksieve.hpc.sites.read import load_site
from docksieve.screening.queries.query import HitQuery
from docksieve.workflows.campaign.begin import begin_or_resume
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.hits.ask import ask, hits

Make = Callable[..., Path]


def plainly(campaign: Campaign, target: str) -> list[dict[str, Any]]:
    """Return every molecule with its prediction of the last round, best first."""
    scores = {
        item["row"]: item[f"mean:{target}"]
        for path in (campaign.root / "predictions" / "round-02").glob("*.parquet")
        for item in read_table(path).to_pylist()
    }
    sign = 1 if campaign.targets[target]["lower_is_better"] else -1
    library = [
        item for shard in campaign.open_library().shards for item in read_table(shard.path).to_pylist()
    ]
    return sorted(
        ({**item, "mean": scores[item["row"]]} for item in library),
        key=lambda item: (sign * item["mean"], item["row"]),
    )


@pytest.mark.parametrize("target", ["A", "B"])
@pytest.mark.parametrize(
    ("where", "plain"),
    [
        (None, lambda item: True),
        ("weight < 230 and acceptors >= 2", lambda item: item["weight"] < 230 and item["acceptors"] >= 2),
    ],
)
def test_the_whole_library_can_be_asked(
    finished: Campaign, target: str, where: str | None, plain: Callable[[dict[str, Any]], bool]
) -> None:
    found = hits(finished, 12, target, where, "screened")  # type: ignore[arg-type]
    expected = [item for item in plainly(finished, target) if plain(item)][:12]
    assert found["id"].to_pylist() == [item["id"] for item in expected]
    assert found["predicted_mean"].to_pylist() == pytest.approx([item["mean"] for item in expected])
    assert set(found["predicted_round"].to_pylist()) == {2}
    (distilled,) = finished.ledger.receipts("round-02/distil")
    assert set(found["model"].to_pylist()) == {distilled.facts["model"]}
    docked = hits(finished, None, target, by="docked")
    known = dict(zip(docked["id"].to_pylist(), docked["docked_score"].to_pylist(), strict=True))
    assert found["docked_score"].to_pylist() == [known.get(name) for name in found["id"].to_pylist()]


def test_all_of_them_are_there(finished: Campaign) -> None:
    query = HitQuery(by="screened", top=None, targets=("A",), with_failed=True)
    everything = ask(finished, query).table
    assert everything.num_rows == 400
    assert everything["rank"].to_pylist() == list(range(1, 401))
    usual = hits(finished, None, "A", by="screened")
    assert usual.num_rows == 400 - len(everything["failure"].drop_null())
    assert usual.schema == hits(finished, 1, "A", by="screened").schema


def test_bad_questions_are_explained(finished: Campaign, make_campaign: Make) -> None:
    with pytest.raises(InputError, match="colour"):
        hits(finished, 5, "A", "colour = 'red'", "screened")
    fresh = begin_or_resume(make_campaign(), load_site("inline"))
    with pytest.raises(CampaignError, match="not been ranked"):
        hits(fresh, 5, "A", by="screened")
