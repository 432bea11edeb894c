"""Sections about the run: time, rates, provenance and the commands to go on with, against files and receipts."""

from __future__ import annotations

import shlex
from types import SimpleNamespace
from typing import Any

from docksieve.data.errors import CampaignError
from docksieve.data.store import write_json
from docksieve.data.version import __version__
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.progress.throughput import Throughput
from docksieve.workflows.report import run_sections
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.timing import read_times

from .pages import Page


def said(facts: Any) -> list[tuple[str, str]]:
    return run_sections.commands(facts)


def test_the_commands_name_this_campaign_and_can_be_pasted(finished: Campaign) -> None:
    facts = read_facts(finished)
    found = said(facts)
    file = finished.state["config_file"]
    first, what = found[0]
    words = shlex.split(first)
    assert words[:3] == ["docksieve", "submit", str(file)] and words[3] == "--site"
    assert what == "add a round: raise [rounds] count in the file first"
    for command, _ in found[1:]:
        words = shlex.split(command)
        assert words[0] == "docksieve" and words[2] == str(finished.root)
    commands = {what: shlex.split(command) for command, what in found}
    assert commands["teach it scores from elsewhere"][3:] == ["--scores", "new.csv", "--target", "A"]
    assert commands["those that meet a condition"][3:5] == ["--where", "weight < 400"]


def test_a_campaign_that_runs_is_watched_and_one_that_stopped_goes_on(finished: Campaign) -> None:
    facts: Any = SimpleNamespace(
        root=finished.root, campaign=finished, status=SimpleNamespace(state="running")
    )
    assert said(facts)[0] == (f"docksieve status {finished.root} --watch", "watch it")
    facts.status.state = "stopped"
    command, what = said(facts)[0]
    assert command.startswith(f"docksieve submit {finished.state['config_file']} --site ")
    assert what == "go on where it stopped (name the site it runs on)"


def test_the_time_of_every_kind_is_that_of_its_receipts(finished: Campaign) -> None:
    facts = read_facts(finished)
    page = Page(run_sections.time_section(facts, read_times(facts)))
    rows = page.words.split("share ", 1)[1]
    docked = [r for stage in facts.receipts if stage.endswith("/dock") for r in facts.finished(stage)]
    molecules = sum(receipt.rows_in for receipt in docked)
    assert f"dock {len(docked)} 0 {molecules} " in rows
    assert "1 worker process on " in page.words
    assert "No task is finished yet." in run_sections.time_section(facts, None)


def test_rates_are_shown_as_they_are_and_unknown_ones_as_a_dash(monkeypatch: Any) -> None:
    known = Throughput(
        "round-01", 3, 1_200, 2_400, "a GPU", 2.0, 4.0, 600.0, 300.4, 250.0, 150.0,
        {"model": 0.25, "disk": 0.75}, held_rate=200.0,
    )  # fmt: skip
    unknown = Throughput("all", 0, 0, 0, "cpu", 0, 0, *[float("nan")] * 4, {"model": 1.0})  # type: ignore[arg-type]
    workers = [
        Throughput(f"round-01 worker {n}", 1, 1, 1, "cpu", 1, 1, 1.0, 1.0, 1.0, 1.0, {"model": 1.0})
        for n in range(17)
    ]
    facts: Any = SimpleNamespace(campaign=None)
    monkeypatch.setattr(run_sections, "throughput", lambda campaign: [known, *workers, unknown])
    page = Page(run_sections.throughput_section(facts))
    assert "round 1 a GPU 3 1,200 2,400 600 300 250 200 150 disk (75 %)" in page.words
    assert "all cpu 0 0 0 – – – – – model (100 %)" in page.words
    assert "worker" not in page.words.split("bound by")[1].split("all cpu")[0]  # too many to list

    def none(campaign: object) -> None:
        raise CampaignError("Nothing was screened.")

    monkeypatch.setattr(run_sections, "throughput", none)
    assert "Nothing was screened." in Page(run_sections.throughput_section(facts)).words


def test_provenance_is_that_of_the_files(copied: Any) -> None:
    write_json(
        copied / "imports" / "0001" / "card.json",
        {"file": "/x/new.csv", "target": "A", "report": {"used": 1234}, "first_round": None},
    )
    campaign = open_campaign(copied)
    page = Page(run_sections.provenance_section(read_facts(campaign)))
    for words in (
        f"campaign small ({campaign.state['id']})",
        f"folder {copied}",
        "seed 11",
        f"begun with docksieve {__version__}",
        f"library fingerprint {campaign.state['library']['fingerprint']}",
        "in.smi 400 400 400 0 0",
        "Target A as it was frozen",
        "Target B as it was frozen",
        "All settings, defaults included",
    ):
        assert words in page.words, words
    models = [path.parent.name for path in (copied / "models").rglob("card.json")]
    assert len(models) >= 4 and all(name in page.words for name in models)


def test_another_campaign_file_is_not_shown_as_this_ones(copied: Any, tmp_path: Any) -> None:
    campaign = open_campaign(copied)
    (tmp_path / "moved.toml").write_text("[campaign]\nname = 'other'\n")
    campaign.state["config_file"] = str(tmp_path / "moved.toml")
    assert "Campaign file" not in Page(run_sections.provenance_section(read_facts(campaign))).words
