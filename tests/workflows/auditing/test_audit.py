"""Audits of a campaign whose table knows every score: draws, bounds against the truth, resuming, errors, words."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from docksieve.data.errors import CampaignError, InputError
from docksieve.data.libraries.library import Library
from docksieve.data.receipts import Receipt, write_receipt
from docksieve.data.score_keys import score_keys
from docksieve.data.store import read_json, read_table
from docksieve.screening.auditing.design import AuditDesign
from docksieve.screening.auditing.planning import unstratified_dockings
from docksieve.workflows.auditing.audit import audit
from docksieve.workflows.auditing.plan import Goal, make_plan
from docksieve.workflows.auditing.population import count_unpicked, draw_unpicked
from docksieve.workflows.auditing.result import judge
from docksieve.workflows.auditing.snapshot import Snapshot, read_scores, read_snapshot
from docksieve.workflows.campaign.audits import audit_words, read_audits
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.cli.main import app
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.progress.status import status
from docksieve.workflows.report.report import write_report
from docksieve.workflows.running.engine import Cancelled, InlineRunner
from docksieve.workflows.running.submit import submit
from docksieve.workflows.terminal.audit import plan_view, result_view
from rich.console import Console
from typer.testing import CliRunner

SCORE = -6.8


@pytest.fixture(scope="module")
def finished(campaign_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    (folder / "campaign.toml").write_text(campaign_text.replace("count = 2", "count = 1"))
    return submit(folder / "campaign.toml", "inline").root


@pytest.fixture
def campaign(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "small")
    shutil.copy(finished.parent / "campaign.toml", tmp_path)
    return tmp_path / "small"


@pytest.fixture(scope="module")
def snapshot(finished: Path) -> Snapshot:
    return read_snapshot(open_campaign(finished), "A")


@pytest.fixture(scope="module")
def truth(small_inputs: Path, small_library: Library) -> np.ndarray:
    """Score of every molecule of the library by row; NaN where the table has none."""
    smiles = small_library.take(np.arange(small_library.rows), ["id"])["id"].to_pylist()
    lines = (small_inputs / "in.smi").read_text().splitlines()
    text_of = {name: text for text, name in (line.split() for line in lines)}
    with (small_inputs / "a.csv").open() as handle:
        table = {row["smiles"]: float(row["score"]) for row in csv.DictReader(handle)}
    return np.array([table.get(text_of[name], np.nan) for name in smiles])


def picked_rows(snapshot: Snapshot) -> np.ndarray:
    table = read_scores(snapshot.campaign.root, snapshot.picked)
    return np.asarray(table["row"].to_numpy())


def goal(budget: int = 60, **changed: Any) -> Goal:
    return Goal(
        **{
            "budget": budget,
            "recall": 0.9,
            "best": 0.1,
            "score": None,
            "confidence": 0.95,
            "seed": 1,
            **changed,
        }
    )


def test_the_population_is_what_was_not_docked(snapshot: Snapshot, small_library: Library) -> None:
    picked = picked_rows(snapshot)
    counts = count_unpicked(snapshot.predictions, "mean:A", picked, True)
    assert counts.sum() == small_library.rows - len(picked)
    plan = make_plan(snapshot, goal())
    assert sum(plan.design.sizes) == counts.sum() and plan.design.dockings == 60
    assert plan.picked == len(picked) and plan.audited == 0


def test_a_draw_is_of_its_strata_and_every_molecule_has_its_chance(snapshot: Snapshot) -> None:
    picked = picked_rows(snapshot)
    counts = count_unpicked(snapshot.predictions, "mean:A", picked, True)
    total = np.cumsum(counts)
    edge = int(np.searchsorted(total, 100))
    sizes = (int(total[edge]), int(total[-1] - total[edge]))
    design = AuditDesign(sizes, (40, 20), (1.0, 1.0))
    tables = [read_table(path, ["row", "mean:A"]) for path in snapshot.predictions]
    rows = np.concatenate([table["row"].to_numpy() for table in tables])
    values = np.concatenate([table["mean:A"].to_numpy() for table in tables])
    best = set(rows[score_keys(values, True) <= edge].tolist()) - set(picked.tolist())
    assert len(best) == sizes[0]
    times = np.zeros(len(rows))
    for seed in range(200):
        drawn = draw_unpicked(snapshot.predictions, "mean:A", picked, True, (edge, 65535), design, seed)
        assert [len(item.rows) for item in drawn] == [40, 20]
        assert set(drawn[0].rows.tolist()) <= best and not set(drawn[1].rows.tolist()) & best
        assert np.array_equal(drawn[0].predicted, values[drawn[0].rows])
        for item in drawn:
            times[item.rows] += 1
    assert not times[picked].any()
    first, rest = sorted(best), sorted(set(rows.tolist()) - best - set(picked.tolist()))
    for members, share in ((first, 40 / sizes[0]), (rest, 20 / sizes[1])):
        seen = times[members] / 200
        error = np.sqrt(share * (1 - share) / 200)
        assert abs(seen.mean() - share) < 1e-9
        assert np.abs(seen - share).max() < 4.5 * error
    again = draw_unpicked(snapshot.predictions, "mean:A", picked, True, (edge, 65535), design, 199)
    assert np.array_equal(again[0].rows, drawn[0].rows) and np.array_equal(again[1].rows, drawn[1].rows)


@pytest.mark.parametrize("score", [None, SCORE])
def test_the_bound_holds_for_the_recall_that_the_table_knows(
    snapshot: Snapshot, truth: np.ndarray, score: float | None
) -> None:
    picked = picked_rows(snapshot)
    plan = make_plan(snapshot, goal(score=score))
    card = plan.to_json(snapshot)
    mine = truth[picked]
    if score is None:
        last = np.sort(truth[~np.isnan(truth)])[39]
        better, ties = int((mine < last).sum()), int((mine == last).sum())
        true = (better + min(ties, 40 - int((truth < last).sum()))) / 40
    else:
        true = int((mine <= score).sum()) / int((truth <= score).sum())
    assert 0.05 < true < 0.99
    wrong, bounds = 0, []
    for seed in range(60):
        drawn = draw_unpicked(
            snapshot.predictions, "mean:A", plan.known, True, plan.last_keys, plan.design, seed
        )
        found = judge(snapshot.campaign, card, mine, np.empty(0), [truth[item.rows] for item in drawn])
        assert found.lower <= found.lower_if_failures_are_none
        wrong += found.lower > true + 1e-9
        bounds.append(found.lower)
    assert wrong <= 7  # of 60 at 95 %: more has a probability below 2 %
    assert np.mean(bounds) > 0.2 * true, "a bound that says nothing holds too"


def test_an_audit_docks_what_was_drawn_and_says_what_it_proves(campaign: Path, truth: np.ndarray) -> None:
    before = set(hits(campaign, top=None, target="A")["row"].to_pylist())
    plans: list[dict[str, Any]] = []
    found = audit(campaign, 60, "A", best=0.1, site="inline", on_plan=plans.append)
    card = read_audits(campaign)[0]
    assert found.fresh and card["result"] == found.card["result"]
    assert plans[0]["result"] is None and plans[0]["batches"], "the draw is written before anything is docked"
    drawn = [read_table(campaign / item["path"]) for item in card["batches"]]
    rows = np.concatenate([table["row"].to_numpy() for table in drawn])
    assert len(rows) == 60 == len(set(rows.tolist())) and not set(rows.tolist()) & before
    shares = {item["probability"] for item in card["strata"]}
    assert set(np.concatenate([table["probability"].to_numpy() for table in drawn]).tolist()) <= shares
    scores = [read_table(campaign / item["path"]) for item in card["result"]["scores"]]
    docked = {
        row: score
        for table in scores
        for row, score in zip(*(table[n].to_pylist() for n in ("row", "score")), strict=True)
    }
    assert set(docked) == set(rows.tolist())
    for row, score in docked.items():
        assert (score is None and np.isnan(truth[row])) or score == truth[row]
    assert (
        sum(item["drawn"] for item in card["result"]["strata"]) == 60 == card["result"]["recall"]["dockings"]
    )
    assert sum(item["failed"] for item in card["result"]["strata"]) == sum(v is None for v in docked.values())
    # hits and the stages of the campaign are as they were
    assert set(hits(campaign, top=None, target="A")["row"].to_pylist()) == before
    assert status(campaign).state == "complete"
    assert status(campaign).audits == (audit_words(card),)


def test_the_same_command_shows_a_finished_audit_and_another_adds_to_it(campaign: Path) -> None:
    first = audit(campaign, 40, "A", best=0.1, site="inline")
    again = audit(campaign, 40, "A", best=0.1, site="inline")
    assert (
        not again.fresh and again.card["result"] == first.card["result"] and len(read_audits(campaign)) == 1
    )
    second = audit(campaign, 40, "A", best=0.1, seed=5, site="inline")
    assert second.card["number"] == 2 and second.card["audited_before"] == 40
    rows = [
        {row for item in card["batches"] for row in read_table(campaign / item["path"])["row"].to_pylist()}
        for card in read_audits(campaign)
    ]
    assert not rows[0] & rows[1]
    total = sum(item["size"] for item in second.card["strata"]) + 40 + second.card["picked"]
    assert total == second.card["library"] == 400
    text, _ = write_report(campaign)
    page = text.read_text()
    assert "audited: at least" in page and "modelled beforehand" in page and "audit-002" in page


def test_two_campaigns_that_are_the_same_draw_the_same(
    campaign: Path, finished: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(finished, twin)
    cards = [audit(folder, 30, "B", score=7.0, site="inline").card for folder in (campaign, twin)]
    for key in ("strata", "draw_seed", "batches", "plan"):
        left, right = (dict(card[key]) if key == "plan" else card[key] for card in cards)
        assert left == right
    assert cards[0]["result"]["recall"] == cards[1]["result"]["recall"]


def test_an_interrupted_audit_goes_on(campaign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = InlineRunner.run

    def cut_short(self: InlineRunner, tasks: Any, watch: Any) -> Any:
        for index, receipt in enumerate(whole(self, tasks, watch)):
            yield receipt
            if index == 1:
                raise Cancelled("The campaign was cancelled.")

    with monkeypatch.context() as patch:
        patch.setattr(InlineRunner, "run", cut_short)
        with pytest.raises(Cancelled):
            audit(campaign, 40, "A", best=0.1, site="inline")
    assert "not finished" in status(campaign).audits[0]
    assert open_campaign(campaign).audited_scores(99) == []
    with pytest.raises(CampaignError, match=r"audit-001 of A is not finished.*--budget 40"):
        audit(campaign, 41, "A", best=0.1, site="inline")
    receipts = sorted((campaign / "receipts" / "audit-001").rglob("*.json"))
    first = [path.read_bytes() for path in receipts]
    assert len(receipts) == 2
    done = audit(campaign, 40, "A", best=0.1, site="inline")
    assert done.fresh and done.card["result"]["recall"]["dockings"] == 40
    assert [path.read_bytes() for path in receipts] == first, "finished tasks are kept"


@pytest.mark.slow
def test_later_rounds_learn_from_an_audit_and_finished_ones_stay(campaign: Path) -> None:
    path = campaign.parent / "campaign.toml"
    audit(campaign, 50, "A", best=0.1, site="inline")
    receipts = {item: item.read_bytes() for item in (campaign / "receipts").rglob("*.json")}
    submit(path, "inline")
    assert all(item.read_bytes() == text for item, text in receipts.items()), "nothing is done again"
    path.write_text(path.read_text().replace("count = 1", "count = 2"))
    opened = submit(path, "inline")
    (first,) = opened.ledger.receipts("round-01/train")
    (second,) = opened.ledger.receipts("round-02/train")
    assert not any("audit-001" in record.path for record in first.inputs)
    taught = [record for record in second.inputs if record.path.startswith("scores/audit-001/")]
    assert sum(record.rows or 0 for record in taught) == 50
    assert second.counts["molecules"] > first.counts["molecules"] + 40
    assert second.counts["sealed"] == first.counts["sealed"], "no audited molecule is in the test set"
    # the same options after another round are another audit, and know what was docked meanwhile
    later = audit(campaign, 50, "A", best=0.1, site="inline").card
    assert later["number"] == 2 and later["round"] == 2 and later["picked"] > 75


def test_what_makes_no_sense_is_refused(campaign: Path, make_campaign: Callable[..., Path]) -> None:
    def refused(said: str, *arguments: Any, kind: type[Exception] = InputError, **options: Any) -> None:
        with pytest.raises(kind, match=said):
            audit(campaign, *arguments, site="inline", **options)

    refused("--budget is 0", 0, "A")
    refused("several targets.*--target: A, B", 10)
    refused("no target 'C'", 10, "C")
    refused(r"only 325 molecules are not docked.*325 at most", 326, "A")
    refused("two ways", 10, "A", best=0.1, score=-7.0)
    refused("--recall must be between", 10, "A", recall=1.0)
    refused("--confidence must be between", 10, "A", confidence=0.0)
    refused("--best is a share", 10, "A", best=0.0)
    assert not (campaign / "audits").exists() and not (campaign / "selections" / "audit-001").exists()
    known = campaign / "scores" / "round-01" / "A" / "batch-00000.parquet"
    known.unlink()
    refused(r"batch-00000\.parquet is missing", 10, "A", kind=CampaignError)
    early = make_campaign(("count = 2", "count = 0"))
    submit(early, "inline")
    with pytest.raises(CampaignError, match="not screened its library yet"):
        audit(early, 10, "A", site="inline")


def test_everything_docked_and_no_score_are_said(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    import docksieve.workflows.auditing.plan as module

    real = module.count_unpicked
    monkeypatch.setattr(module, "count_unpicked", lambda *arguments: real(*arguments) * 0)
    with pytest.raises(CampaignError, match="All 400 molecules of the library are docked"):
        make_plan(snapshot, goal())


def test_a_target_without_scores_is_said(campaign: Path) -> None:
    receipt = campaign / "receipts" / "round-01" / "train.json"
    card = read_json(receipt)
    card["facts"]["targets"] = ["B"]
    write_receipt(campaign, Receipt.from_json(card))
    with pytest.raises(CampaignError, match="no predictions of 'A'"):
        audit(campaign, 10, "A", site="inline")


def test_words_fit_a_terminal_of_80_columns(campaign: Path) -> None:
    runner = CliRunner()
    planned = runner.invoke(app, ["audit", str(campaign), "--budget", "50", "--target", "A", "--plan-only"])
    assert planned.exit_code == 0, planned.output
    assert f"{unstratified_dockings(0.95, 0.0025):,}" in planned.output and not (campaign / "audits").exists()
    done = runner.invoke(
        app, ["audit", str(campaign), "--budget=50", "--target=A", "--best=0.1", "--site=inline", "--json"]
    )
    card = json.loads(done.stdout)
    for view in (plan_view(card), result_view(card)):
        narrow = Console(width=80, record=True, file=None, quiet=False)
        with narrow.capture() as shown:
            narrow.print(view)
        lines = shown.get().splitlines()
        assert max(map(len, lines)) <= 80 and "…" not in shown.get()
    text = re.sub(r"\s+", " ", shown.get())
    assert (
        "Recall at least" in text
        and "if molecules that fail are no hits" in text
        and "teach every round" in text
    )
