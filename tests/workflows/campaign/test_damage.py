"""Damaged campaigns: what is missing is named with its cure, and no answer leaves it out without a word."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import CampaignError, DocksieveError, FormatError
from docksieve.data.receipts import read_receipt
from docksieve.screening.queries.query import HitQuery
from docksieve.workflows.campaign import damage
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.campaign.damage import find_damage
from docksieve.workflows.dashboard.progress import progress
from docksieve.workflows.dashboard.watch import Watch
from docksieve.workflows.hits.ask import ask, failures
from docksieve.workflows.hits.card import hit_card
from docksieve.workflows.hits.compare import compare
from docksieve.workflows.progress.status import status
from docksieve.workflows.progress.throughput import throughput
from docksieve.workflows.report.report import write_report
from docksieve.workflows.running.submit import submit

SCORES = "scores/round-01/A/batch-00000.parquet"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3 if path.suffix == ".parquet" else 0] ^= 16
    path.write_bytes(content)


def test_a_whole_campaign_has_no_damage(small_campaign: Path) -> None:
    assert not find_damage(open_campaign(small_campaign), thorough=True)
    assert status(small_campaign).state == "complete"


FILES = (
    SCORES,
    "receipts/round-01/dock/A/batch-00000.json",
    "selections/round-01/A/batch-00000.parquet",
    "refined/round-02/batch-00000.parquet",
    "hits/hits.parquet",
    "receipts/final/hits.json",
    "plan/round-01.dock.json",
)
HARMS = (cut, zero, flip, Path.unlink)


def _pairs() -> Iterator[Any]:
    """Yield every file with every harm; each file once is quick, with the harms in turn."""
    for number, file in enumerate(FILES):
        for other, harm in enumerate(HARMS):
            quick = other == number % len(HARMS)
            yield pytest.param(file, harm, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("file", "harm"), list(_pairs()))
def test_what_is_damaged_is_named_with_its_cure(
    copied: Path, file: str, harm: Callable[[Path], None]
) -> None:
    harm(copied / file)
    found = status(copied)
    assert found.state == "damaged"
    assert any(file in line and "Submit the campaign again" in line for line in found.damage)
    notes = " ".join(ask(copied, HitQuery(targets=("A",), by="docked", top=None)).notes)
    assert "The campaign is damaged" in notes and file in notes
    failures(copied)
    hit_card(copied, "row:7")
    try:
        assert file in write_report(copied)[1]
    except FormatError as refusal:
        assert file in str(refusal) and "Submit the campaign again" in str(refusal)
    assert file in throughput(copied)[-1].notes[-1]
    assert file in " ".join(compare(copied, rounds=(1, 2)).notes)
    watch = Watch(copied)
    assert progress(watch.now())["damage"] == list(found.damage)
    watch.close()


@pytest.mark.slow
def test_submitting_again_cures(copy_small_campaign: Callable[[], Path]) -> None:
    root = copy_small_campaign()
    before = (root / "hits/hits.parquet").read_bytes()
    for file in (SCORES, "plan/round-01.dock.json", "receipts/final/hits.json", "hits/hits.parquet"):
        cut(root / file)
    assert status(root).state == "damaged"
    submit(root.parent / "campaign.toml", "inline")
    assert status(root).state == "complete"
    assert len((root / "hits/hits.parquet").read_bytes()) == len(before)


def test_damage_that_only_reading_shows_is_named(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large file only size and ends are looked at: the rest shows when it is read."""
    monkeypatch.setattr(damage, "SMALL", 0)
    content = bytearray((copied / SCORES).read_bytes())
    content[4:-8] = bytes(len(content) - 12)
    (copied / SCORES).write_bytes(content)
    assert status(copied).state == "complete"
    with pytest.raises(FormatError, match=SCORES) as caught:
        ask(copied, HitQuery(by="docked"))
    assert "Submit the campaign again" in str(caught.value)


def test_a_receipt_that_was_altered_proves_nothing(copied: Path) -> None:
    path = copied / "receipts/round-02/cut.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "rows_in": 7}))
    assert read_receipt(copied, "round-02/cut") is None
    assert "receipts/round-02/cut.json is damaged" in status(copied).damage[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda state: {**state, "targets": []},
        lambda state: {**state, "config": {"campaign": {}}},
        lambda state: {key: value for key, value in state.items() if key != "library"},
        lambda state: [],
    ],
)
def test_nonsense_in_campaign_json_is_one_sentence(copied: Path, change: Callable) -> None:
    path = copied / "campaign.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(FormatError, match=r"campaign\.json is damaged") as caught:
        open_campaign(copied)
    assert "Restore it from a copy" in str(caught.value)


def test_another_beginning_is_seen(copied: Path) -> None:
    path = copied / "campaign.json"
    state = json.loads(path.read_text())
    state["targets"]["A"]["unit"] = "points"
    path.write_text(json.dumps(state))
    assert "campaign.json was altered" in status(copied).damage[0]


def test_without_campaign_json(copied: Path) -> None:
    (copied / "campaign.json").unlink()
    with pytest.raises(CampaignError, match="is missing: it says what the campaign began with"):
        status(copied)


def test_submitting_without_campaign_json_names_it(copy_small_campaign: Callable[[], Path]) -> None:
    root = copy_small_campaign()
    (root / "campaign.json").unlink()
    with pytest.raises(
        CampaignError, match=r"campaign\.json is missing: it says what the campaign began with"
    ):
        submit(root.parent / "campaign.toml", "inline")


def test_the_latest_ranking_is_not_replaced_by_an_earlier_one(copied: Path) -> None:
    (copied / "leaderboards/round-02/A.parquet").unlink()
    with pytest.raises(FormatError, match=r"leaderboards/round-02/A\.parquet is missing"):
        ask(copied, HitQuery(by="screened", targets=("A",)))


def test_an_unfinished_campaign_is_stopped_and_not_damaged(copied: Path) -> None:
    """As it is after its driver was killed in the second round."""
    import shutil

    for stage in ("refine", "acquire", "dock"):
        shutil.rmtree(copied / "receipts/round-02" / stage, ignore_errors=True)
        (copied / f"receipts/round-02/{stage}.json").unlink(missing_ok=True)
        (copied / f"plan/round-02.{stage}.json").unlink()
    shutil.rmtree(copied / "receipts/final")
    shutil.rmtree(copied / "hits")
    for path in (copied / "plan").glob("final.*"):
        path.unlink()
    assert status(copied).state == "stopped"


def test_errors_of_users_stay_what_they_are(copied: Path) -> None:
    cut(copied / SCORES)
    with pytest.raises(DocksieveError, match="has no target 'Z'") as caught:
        ask(copied, HitQuery(targets=("Z",)))
    assert SCORES in str(caught.value)
