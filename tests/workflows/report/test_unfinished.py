"""Reports of campaigns that are under way, interrupted, failed or moved."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.receipts import Receipt, read_receipt, write_receipt
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.report import contents_of, write_report
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.running.submit import submit

from .pages import parsed


class Interrupting(Silent):
    """Interrupts the driver in the middle of the first round's docking."""

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        if stage == "round-01/dock":
            raise KeyboardInterrupt


@pytest.mark.slow
def test_an_interrupted_campaign_says_what_is_missing(
    make_campaign: Callable[..., Path], tmp_path: Path
) -> None:
    file = make_campaign()
    with pytest.raises(KeyboardInterrupt):
        submit(file, "inline", Interrupting())
    path, summary = write_report(file, tmp_path / "elsewhere" / "mine.html")
    assert path == tmp_path / "elsewhere" / "mine.html"
    page = parsed(path)
    assert "The campaign is stopped" in page.words
    assert "round-01/dock: 1 of 4 tasks done" in page.words
    assert "not begun: round-02/train" in page.words
    assert "do not add up" not in page.words
    facts = read_facts(open_campaign(file))
    found = {item.title: item for item in contents_of(facts).passages["A"]}["Round 1: docking"]
    assert [(c.label, c.count) for c in found.changes if c.label == "not docked yet"] == [
        ("not docked yet", -7)
    ]
    assert f"docksieve submit {file}" in summary


@pytest.mark.parametrize(
    "after", ["round-00/sample", "round-00/dock", "round-01/train", "round-01/screen", "round-01/rank"]
)
def test_a_report_can_be_written_at_any_moment(copied: Path, after: str) -> None:
    """Whatever comes after a stage is taken away, as if the campaign had only come so far."""
    from docksieve.workflows.campaign.ledger import Ledger

    stages = Ledger(copied).stages()
    for stage in stages[stages.index(after) + 1 :]:
        (copied / "plan" / f"{stage.replace('/', '.')}.json").unlink()
        shutil.rmtree(copied / "receipts" / stage, ignore_errors=True)
        (copied / "receipts" / f"{stage}.json").unlink(missing_ok=True)
    page = parsed(write_report(copied)[0])
    assert "do not add up" not in page.words
    assert "Still missing" in page.words


def test_a_campaign_that_has_just_begun_has_a_report(copied: Path) -> None:
    shutil.rmtree(copied / "plan")
    page = parsed(write_report(copied)[0])
    assert "nothing is docked yet" in page.words
    assert "do not add up" not in page.words


@pytest.mark.slow
def test_a_failed_task_is_reported_with_its_message(copied: Path) -> None:
    receipt = read_receipt(copied, "round-02/distil")
    assert receipt is not None
    value = receipt.to_json()
    value["failure"] = {"code": "X", "message": "a <b>bad</b> day [red]", "retryable": False, "traceback": ""}
    write_receipt(copied, Receipt.from_json(value))
    path, summary = write_report(copied)
    assert "round-02/distil: a <b>bad</b> day [red]" in parsed(path).words
    assert "<b>bad" not in path.read_text()
    assert "a <b>bad</b> day [red]" in summary


def test_a_library_that_was_moved_does_not_stop_the_report(
    make_campaign: Callable[..., Path], small_inputs: Path
) -> None:
    home = make_campaign().parent
    shutil.copytree(small_inputs / "library", home / "mine")
    file = make_campaign((str(small_inputs / "library"), "mine"), ("count = 2", "count = 0"))
    campaign = submit(file, "inline")
    (home / "mine").rename(home / "gone")
    page = parsed(write_report(campaign.root)[0])
    assert "The library of the campaign" in page.words and "is not at" in page.words
    assert "do not add up" not in page.words


def test_a_campaign_that_goes_on_meanwhile_does_not_look_wrong(copied: Path) -> None:
    """The facts are those of one moment, whatever is written (here: taken away) while they are read."""
    facts = read_facts(open_campaign(copied))
    for path in (copied / "receipts" / "round-02").rglob("*.json"):
        path.unlink()
    (copied / "plan" / "round-02.dock.json").unlink()
    contents = contents_of(facts)
    assert contents.problems == []
    assert "Round 2: docking" in [item.title for item in contents.passages["A"]]
