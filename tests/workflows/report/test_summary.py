"""A report in sentences: the words that a reader of terminal or page gets, and the numbers in them."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.receipts import Failure, Receipt
from docksieve.screening.metrics.paired import Estimate
from docksieve.workflows.progress.stage import StageStatus
from docksieve.workflows.report.quality import Enrichment, HonestTest, Retrospect
from docksieve.workflows.report.summary import (
    Findings,
    about_target,
    docking_counts,
    failed_tasks,
    fewer,
    missing,
    overview,
    totals,
)

NOTHING = Findings(None, None, None)


def facts(state: str = "complete", engine: str = "vina", final: int = 10, **more: Any) -> Any:
    """Facts of a campaign of 1,000 molecules and one round, 40 and 50 of which were docked, two in vain."""
    docked = {
        ("round-00", "A"): (40, 39),
        ("round-01", "A"): (50, 49),
        ("final", "A"): (final, final),
    }

    def of(group: str, target: str) -> Any:
        tried, scored = docked.get((group, target), (0, 0))
        return SimpleNamespace(tried=tried, scores=np.zeros(scored), failures=Counter())

    best = {"id": ["Z7"], "final_score": [-11.234], "docked_score": [-10.5]}
    return SimpleNamespace(
        campaign=SimpleNamespace(
            targets={"A": {"engine": engine, "unit": "kcal/mol", "lower_is_better": True}},
            config=SimpleNamespace(start=SimpleNamespace(method="random")),
            stages=list,
            ledger=SimpleNamespace(stages=list),
        ),
        status=SimpleNamespace(state=state, stages=(), waiting=()),
        rows=1_000,
        fast_model="student",
        rounds=0,
        groups=lambda: ["round-00", "round-01"],
        docked=of,
        hits={"A": pa.table(best)},
        receipts={},
        finished=lambda stage: [],
        **more,
    )


def test_dockings_are_counted_with_the_final_ones() -> None:
    assert docking_counts(facts(), "A") == (90, 88, 10)
    assert fewer(facts(), "A") == 10.0
    assert totals(facts()) == {"tried": 90, "scored": 88, "final": 10}


def test_a_target_in_words() -> None:
    assert list(about_target(facts(), "A", NOTHING)) == [
        "A: 90 dockings of screened molecules (88 with a score, 2 failed), and 10 final dockings: "
        "10.0 times fewer than the 1,000 of the library.",
        "Best molecule: Z7, final -11.23 and docked -10.50 kcal/mol.",
        "A docked score is itself uncertain: repeated runs of one molecule differ by some tenths of a kcal/mol, and "
        "the best of many noisy scores flatter themselves; near neighbours in the ranking are a toss-up.",
        "How many of the library's best molecules were missed is not known: that would take docking them all.",
    ]


def test_a_campaign_that_goes_on_says_so_far() -> None:
    first, *_ = about_target(facts("running", final=1), "A", NOTHING)
    assert first.startswith(
        "A: 90 dockings of screened molecules (88 with a score, 2 failed), and 1 final docking, so far:"
    )


def test_nothing_docked_is_said() -> None:
    empty = facts()
    empty.docked = lambda group, target: SimpleNamespace(tried=0, scores=np.zeros(0))
    assert list(about_target(empty, "A", NOTHING)) == ["A: nothing is docked yet."]
    assert fewer(empty, "A") is None


def test_what_was_measured_in_words() -> None:
    share = Estimate(0.4, 0.3, 0.5)
    findings = Findings(
        HonestTest(
            50, Estimate(0.3, 0.1, 0.5), Estimate(0.8, 0.7, 0.9), Estimate(-0.2, -0.4, 0.0), 0.66, 0.94
        ),
        Enrichment(
            -9.5,
            (4, 40),
            (20, 50),
            Estimate(0.1, 0.05, 0.2),
            share,
            Estimate(4, 1.5, 10),
            39,
            25,
            Estimate(0.8, 0.6, 0.9),
            Estimate(7.8, 3, 20),
        ),
        Retrospect(best=10, scored=1_000, docked=90, by_score=0.8, strictly_better=9, found=7),
    )
    lines = list(about_target(facts(engine="table"), "A", findings))
    assert lines[2] == (
        "Of the molecules picked by prediction, 40 % (95 % interval 30 to 50 %) score as well as the best 10 % of the "
        "random seed sample (-9.50 or better; 20 of 50 picks against 4 of 40): 4.0 (95 % interval 1.5 to 10.0) times "
        "as often. These figures count every pick; 25 of the picks and 1 of the seed sample failed to dock. Per score: "
        "80 % (95 % interval 60 to 90 %) of 25, 7.8 (95 % interval 3.0 to 20.0) times as often."
    )
    assert lines[3] == (
        "The table knows every score, so what was missed is known too: 80.0 % of the best 10 scores were found by 90 "
        "dockings, failed ones counted: 9.0 % of the 1,000 scored molecules (7 of the 9 molecules strictly better than "
        "the last of them)."
    )
    assert lines[4] == (
        "Predictions made before docking, on the 50 acquired molecules with a score: error (RMSE) 0.80 (95 % "
        "interval 0.70 to 0.90) kcal/mol, docked minus predicted -0.20 (95 % interval -0.40 to 0.00) on average, "
        "Spearman 0.30 (95 % interval "
        "0.10 to 0.50) (low by nature: all of them were predicted to be good); 66 % lie within one spread (the "
        "prediction's standard deviation; 68 % expected), 94 % within two (95 %)."
    )
    chosen = facts()
    chosen.campaign.config.start.method = "diverse"
    assert "the seed sample (chosen diverse, not at random)" in list(about_target(chosen, "A", findings))[3]


def screened(molecules: int) -> Receipt:
    return Receipt(task="t", kind="screen", fingerprint="", counts={"molecules": molecules})


def test_the_overview_tells_molecules_passes_and_time() -> None:
    stages = {"round-01/screen": [screened(600), screened(400)], "round-02/screen": [screened(990)]}
    campaign = facts()
    campaign.receipts, campaign.finished = stages, lambda stage: stages[stage]
    times: Any = SimpleNamespace(elapsed=7_200.0, busy=3_600.0, workers=2, docking_seconds=5_400.0)
    assert list(overview(campaign, times)) == [
        "Library of 1,000 molecules against 1 target (A).",
        "The student scored 1,990 molecules in 2 passes over the library.",
        "Tasks ran for 1 h 0 min (pauses of 1 h 0 min in all not counted) on 2 worker processes.",
        "Docking took 1.5 core-hours, preparation of the ligands included.",
    ]
    table = facts(engine="table")
    busy: Any = SimpleNamespace(elapsed=100.0, busy=99.0, workers=1, docking_seconds=30.0)
    assert list(overview(table, busy))[1:] == [
        "The library has not been screened yet.",
        "Tasks ran for 1 min 39 s on 1 worker process.",
        "Nothing was docked: scores were looked up in a table, which took 30 core-seconds.",
    ]


def test_what_is_missing_is_listed() -> None:
    assert missing(facts()) == []
    stopped = facts("stopped")
    stopped.status.damage = ("hits/hits.parquet is missing.",)
    stopped.status.stages = (
        StageStatus("round-01/dock", 10, 4, 2, 1, 3, 40, 1.0),
        StageStatus("round-01/train", 1, 1, 0, 0, 0, 40, 1.0),
    )
    stopped.status.waiting = tuple(f"s{number}" for number in range(8))
    assert missing(stopped) == [
        "damaged: hits/hits.parquet is missing.",
        "round-01/dock: 4 of 10 tasks done, 2 running, 1 failed",
        "not begun: s0, s1, s2, s3, s4, s5 and 2 more",
    ]


@pytest.mark.parametrize(("count", "more"), [(2, []), (12, ["and 2 more"])])
def test_failed_tasks_are_listed_up_to_ten(count: int, more: list[str]) -> None:
    broken = facts()
    broken.receipts = {
        "round-01/dock": [screened(3)]
        + [
            Receipt(task=f"d{n}", kind="dock", fingerprint="", failure=Failure("X", f"no {n}"))
            for n in range(count)
        ]
    }
    assert failed_tasks(broken) == [f"d{n}: no {n}" for n in range(min(count, 10))] + more
