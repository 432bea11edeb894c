"""What is printed is what is meant: no text is read as markup, and counts are those of the whole stage."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from docksieve.data.receipts import Failure, Receipt
from docksieve.data.statistics import Interval
from docksieve.hpc.sites.read import load_site
from docksieve.screening.metrics.paired import PairedComparison
from docksieve.workflows.campaign.begin import begin_or_resume
from docksieve.workflows.progress.stage import StageStatus
from docksieve.workflows.progress.status import CampaignStatus
from docksieve.workflows.retraining.agreement import Agreement, Finding
from docksieve.workflows.retraining.promotion import Judged
from docksieve.workflows.retraining.retrain import RetrainResult, TargetImport
from docksieve.workflows.terminal.observer import TerminalObserver
from docksieve.workflows.terminal.retrain import print_models, print_retrain
from docksieve.workflows.terminal.tables import plain_table, status_table
from rich.console import Console

SMILES = ["Cc1cc[nH]c1CC(=O)N1CCOCC1", "C[n+]1ccccc1", "c1:o:c:c:c:1", "[13CH4]", "[/]C"]


def printed(*items: object, width: int = 200) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(*items)
    return out.getvalue()


@pytest.fixture(params=[True, False], ids=["terminal", "log file"])
def screen(request: pytest.FixtureRequest) -> Console:
    return Console(file=io.StringIO(), width=120, force_terminal=request.param, color_system=None)


def said(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def docked(name: str, **failures: int) -> Receipt:
    return Receipt(name, "dock", "x", rows_in=8, facts={"failures": failures})


def test_a_failure_with_brackets_does_not_end_the_campaign(screen: Console) -> None:
    observer = TerminalObserver(screen, ["docksieve", "submit", "/data/[x]/[/b].toml"])
    observer.stage_begun("round-00/dock", 2, 0)
    for message in ("in [/data/x]", "receptor [bold]A[/bold] :warning: \\[nH]"):
        failure = Failure("DockingError", message)
        observer.task_ended("round-00/dock", Receipt("round-00/dock/A/b[/0]", "dock", "x", failure=failure))
    observer.stage_ended("round-00/dock")
    assert "failed round-00/dock/A/b[/0]: in [/data/x]\n" in said(screen)
    assert "receptor [bold]A[/bold] :warning: \\[nH]\n" in said(screen)
    assert "2 tasks failed" in said(screen)


def test_names_and_commands_are_printed_as_they_are(
    screen: Console, make_campaign: Callable[..., Path]
) -> None:
    site = load_site("inline")
    campaign = begin_or_resume(make_campaign(), site)
    long = "/scratch/" + "x" * 200 + "/[/a]/[bold]c.toml"
    observer = TerminalObserver(screen, ["docksieve", "submit", long])
    observer.begun(campaign, campaign.open_library(), site, 0)
    assert f"  docksieve submit '{long}'\n" in said(screen)
    assert f"Campaign campaign in {campaign.root}\n" in said(screen)


def test_failure_counts_are_those_of_the_stage(screen: Console) -> None:
    observer = TerminalObserver(screen, [])
    observer.stage_begun("round-00/dock", 3, 0)
    observer.task_ended("round-00/dock", docked("a", embed=1, timeout=2))
    observer.task_ended("round-00/dock", docked("b", timeout=1))
    observer.task_ended("round-00/dock", docked("c"))
    observer.stage_ended("round-00/dock")
    assert "dockings without a score: 4 (timeout 3, embed 1)" in said(screen)
    observer.stage_begun("round-01/dock", 1, 0)
    observer.task_ended("round-01/dock", docked("d"))
    observer.stage_ended("round-01/dock")
    assert said(screen).count("without a score") == 1


def test_an_acquisition_that_falls_short_says_so(screen: Console) -> None:
    observer = TerminalObserver(screen, [])
    facts = {"A": {"asked": 15, "chosen": 15}, "B": {"asked": 15, "chosen": 3}}
    observer.stage_begun("round-01/acquire", 1, 0)
    observer.task_ended("round-01/acquire", Receipt("round-01/acquire", "acquire", "x", facts=facts))
    observer.stage_ended("round-01/acquire")
    assert "B: only 3 of 15 molecules" in said(screen)
    assert "A: only" not in said(screen)


def test_what_a_teacher_attends_to_is_said(screen: Console) -> None:
    observer = TerminalObserver(screen, [])
    ranked = {"ranked_as_they_are": 0.43, "ranked_drawn_together": 0.72}
    report = {
        "targets": {},
        "focus": {
            "A": {"drawn_together": True, **ranked},
            "B": {"drawn_together": False, **ranked},
            "C": {"drawn_together": True},
        },
        "data": {"failed dockings written as scores, left out": {"C": "9 of 90 scores look like failures."}},
    }
    facts = {"report": report, "model": "abc", "untaught": {}}
    receipt = Receipt("round-01/train", "train", "x", facts=facts, counts={"molecules": 90})
    observer.stage_begun("round-01/train", 1, 0)
    observer.task_ended("round-01/train", receipt)
    observer.stage_ended("round-01/train")
    shown = " ".join(said(screen).split())
    assert "A: bad scores drawn together" in shown and "0.72 instead of 0.43" in shown
    assert "B: bad" not in shown and "C: bad" not in shown
    assert "C: 9 of 90 scores look like failures. They are left out." in shown


@pytest.mark.parametrize("width", [200, 60])
def test_hits_are_printed_as_they_are(width: int) -> None:
    count = len(SMILES)
    scores = {name: [-7.125] * count for name in ("final_score", "docked_score", "predicted_mean")}
    table = pa.table(
        {
            "rank": range(1, count + 1),
            "target": ["[/A]"] * count,
            "id": ["[red]1"] * count,
            **scores,
            "predicted_spread": pa.nulls(count, pa.float32()),
            "docked_round": [0] * count,
            "smiles": SMILES,
        }
    )
    shown = printed(plain_table(table, decimals=2), width=width)
    assert all(smiles in shown for smiles in SMILES)
    assert "[/A]" in shown and "[red]1" in shown and "-7.12" in shown
    if (
        width == 60
    ):  # a SMILES has a line of its own where its row has no room for it, and nothing is cut away
        assert all(f"    {smiles}" in shown.splitlines() for smiles in SMILES)
        assert "…" not in shown and max(map(len, shown.splitlines())) <= width


def test_status_prints_names_and_failures(tmp_path: Path) -> None:
    failed = StageStatus("round-00/dock", 4, 3, 1, 0, 0, 24, 9.0, {"timeout": 3, "embed": 1})
    fine = StageStatus("round-01/dock", 1, 1, 0, 0, 0, 8, 3.0)
    root = tmp_path / "run [bold] [nH]"
    status = CampaignStatus(root, "stopped", (failed, fine), ("final/hits",), "", None)
    shown = printed(status_table(status))
    assert "run [bold] [nH]: stopped" in shown
    assert "round-00/dock: dockings without a score: 4 (timeout 3, embed 1)" in shown
    assert shown.count("without a score") == 1


def test_a_verdict_with_brackets_is_printed() -> None:
    figure = Interval(1.0, 0.5, 1.5)
    compared = PairedComparison(9, figure, figure, figure, figure, figure)
    blank = dict.fromkeys(("lines", "used", "repeated", "unscored", "unreadable", "unknown", "in_library"), 0)
    report: Any = SimpleNamespace(**blank, examples={"[/what]": [1, 2]})
    nothing = float("nan")
    finding = Finding("offset", "warn", "They differ [/so].", "Check [/it].")
    agreed = Agreement(0, 0, 0, *[nothing] * 11, findings=(finding,))
    item = TargetImport("T[/x]", "[/column]", report, agreed, ("[/note]",))
    result = RetrainResult(
        "r[/1]", report, 0.5, {}, {"T[/x]": Judged(compared)}, False, "worse for [/x]", {"T[/x]": item}, 1
    )
    out = Console(file=io.StringIO(), width=200)
    print_retrain(out, result)
    card = {"present": True, "name": "m[/1]", "kind": "teacher", "id": "abc", "targets": [{"name": "[/t]"}]}
    print_models(out, [card])
    assert all(
        text in said(out)
        for text in (
            "T[/x]",
            "r[/1]: worse for [/x].",
            "[/what]: line 1, 2",
            "[/note]",
            "They differ [/so]. Check [/it].",
            "m[/1]",
            "[/t]",
        )
    )
