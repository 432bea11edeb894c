"""The funnel adds up and matches the files, and where it does not the report turns red."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from docksieve.data.receipts import Receipt, write_receipt
from docksieve.data.store import read_json, read_table, write_table
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.report import contents_of, write_report

from .pages import Page, parsed


def test_every_sum_of_the_funnel_holds_and_matches_the_files(finished: Campaign) -> None:
    contents = contents_of(read_facts(finished))
    assert contents.problems == []
    by_title = {target: {item.title: item for item in found} for target, found in contents.passages.items()}
    for found in by_title.values():
        assert found["Seed sample"].before == ("library", 400)
        assert found["Seed sample"].after == ("seed sample", 60)
        assert found["Round 1: screen"].before == ("library", 400)
        assert found["Round 1: screen"].after[1] == 80 + 60  # a fifth of the library, and room for the docked
        assert found["Round 1: acquisition"].after == ("acquired", 15)
        assert found["All dockings"].before == ("chosen for docking", 90)
        assert found["Hits"].before[1] == found["Hits"].after[1]
    scored = {target: found["All dockings"].after[1] for target, found in by_title.items()}
    table = read_table(finished.root / "hits" / "hits.parquet")
    assert {t: table.filter(pa.compute.equal(table["target"], t)).num_rows for t in scored} == scored
    assert [item.title for item in contents.building] == ["Reading", "Library"]
    assert contents.building[0].before == ("input lines", 400)


def test_shortlisting_for_another_target_is_accounted_for(finished: Campaign) -> None:
    facts = read_facts(finished)
    (ranked,) = facts.finished("round-01/rank")
    found = {item.title: item for item in contents_of(facts).passages["A"]}["Round 1: acquisition"]
    gained = [change.count for change in found.changes if change.label == "shortlisted for another target"]
    assert sum(gained) == ranked.rows_out - (80 + 60)
    docked = set(facts.docked("round-00", "A").rows.tolist())
    refined = {int(row) for rows, _ in facts.refined("round-01", "A") for row in rows}
    again = [-change.count for change in found.changes if change.label == "docked in an earlier round"]
    assert sum(again) == len(docked & refined)


def test_failed_dockings_are_named_and_counted(finished: Campaign, written: tuple[Path, str]) -> None:
    facts = read_facts(finished)
    lost = sum(facts.docked(group, "A").failures["not_in_table"] for group in facts.groups())
    assert lost == sum(
        facts.docked(group, "A").tried - len(facts.docked(group, "A").scores) for group in facts.groups()
    )
    everything = {item.title: item for item in contents_of(facts).passages["A"]}["All dockings"]
    counts = {change.label: -change.count for change in everything.changes}
    assert counts.get("failed: not in table", 0) == lost
    if lost:
        assert "The score table does not hold this molecule." in parsed(written[0]).words


def test_a_lost_score_turns_the_report_red(copied: Path, vouch: Callable[[Path], None]) -> None:
    facts = read_facts(open_campaign(copied))
    path, _ = facts.outputs("round-01/dock", "scores/round-01/A/")[0]
    table = read_table(path)
    write_table(path, table.slice(1))
    vouch(copied)
    page_path, summary = write_report(copied)
    page = parsed(page_path)
    assert len(page.of("table", "off")) == 2  # the round's docking, and all dockings
    assert "These numbers do not add up." in page.words
    assert "Round 1: docking: 15 acquired and the changes listed come to 15, but there are 14" in page.words
    assert "The final list has" in summary


@pytest.mark.parametrize(
    ("task", "key", "said"),
    [
        ("round-02/screen", "molecules", "molecules screened and 0 are left, of 400"),
        ("round-01/dock/A/batch-00000", "failed", "failures, the receipts"),
        ("round-01/screen", "unpredictable", "Round 1: screen"),
        ("final/hits", "", "The final list has"),
        ("round-02/acquire", "chosen", "molecules were acquired"),
    ],
)
def test_numbers_that_contradict_each_other_turn_the_report_red(
    copied: Path, task: str, key: str, said: str
) -> None:
    path = copied / "receipts" / f"{task}.json"
    path = next(path.with_suffix("").glob("*.json")) if not path.exists() else path
    value = read_json(path)
    if key == "chosen":
        value["facts"]["A"]["chosen"] += 1
    elif key:
        value["counts"][key] += 1
    else:
        value["rows_out"] += 1
    write_receipt(copied, Receipt.from_json(value))
    page_path, summary = write_report(copied)
    page = parsed(page_path)
    assert "These numbers do not add up" in page.words and said in page.words
    assert page.of("div", "wrong") and said in summary


def test_a_passage_that_does_not_add_up_says_so() -> None:
    from docksieve.workflows.report.funnel import Change, passage
    from docksieve.workflows.report.target_sections import funnel

    good = passage("Good", ("lines", 10), ("molecules", 7), Change("blank", -3), Change("none", 0))
    bad = passage("Bad", ("lines", 10), ("molecules", 7), Change("blank", -2))
    assert good.problem == "" and [change.label for change in good.changes] == ["blank"]
    assert "come to 8, but there are 7 molecules" in bad.problem
    drawn = Page(funnel([good, bad]))
    assert len(drawn.of("table", "off")) == 1
    assert "These numbers do not add up." in drawn.words
