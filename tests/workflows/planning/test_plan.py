"""Plans: what the trial leaves behind, what is counted, and how figures follow from what was measured."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.errors import FormatError, LibraryError
from docksieve.data.receipts import Receipt
from docksieve.workflows.config.campaign_file import read_config
from docksieve.workflows.planning.estimate import estimate, plan_from_json, scores_by_round
from docksieve.workflows.planning.plan import campaign_of, kept_plan, plan, plan_path, taken
from docksieve.workflows.planning.trial import Measured
from docksieve.workflows.running.submit import submit
from docksieve.workflows.terminal.plan import plan_table
from docksieve.workflows.terminal.trial import TrialObserver
from rich.console import Console

Make = Callable[..., Path]


def text_of(*arguments: object) -> str:
    out = Console(file=io.StringIO(), width=200)
    out.print(plan_table(*arguments))  # type: ignore[arg-type]
    return out.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_plan_counts_what_the_campaign_then_does(make_campaign: Make) -> None:
    path = make_campaign()
    before = set(path.parent.iterdir())
    found = plan(path, "inline", dockings=20)
    assert set(path.parent.iterdir()) - before == {plan_path(path)}, "the trial cleans up after itself"
    assert plan_from_json(json.loads(plan_path(path).read_text())) == found == kept_plan(path, "inline")
    assert campaign_of(path) is None
    campaign = submit(path, "inline")
    assert campaign_of(path) == campaign.root
    done = taken(campaign.root)
    for step in ("dock", "label", "distil", "screen", "rank", "final"):
        assert found.steps[step].tasks == done[step].tasks, step
        if step != "final":
            assert found.steps[step].units == done[step].units, step
    assert found.dockings == {"A": 60 + 2 * 15, "B": 60 + 2 * 15}, "tables are not docked again"
    value, low, high = found.wall
    assert low <= value <= high
    written = sum(
        item.stat().st_size for item in (campaign.root / "predictions").rglob("*") if item.is_file()
    )
    assert written > 0 and found.disk > 0
    shown = text_of(found, done)
    assert "core time so far" in shown and "nan" not in shown
    assert "Memory" in text_of(found)


def receipt(task: str, rows: int, seconds: float) -> Receipt:
    stages = {"total": seconds, "train": seconds, "predict": seconds}
    return Receipt(task=task, kind=task.split("/")[1], fingerprint="", rows_in=rows, seconds=stages)


def test_the_final_search_has_its_own_cost_in_the_sentence(make_campaign: Make, tmp_path: Path) -> None:
    (tmp_path / "egfr.pdbqt").write_text("")
    text = make_campaign().read_text()
    begin, end = text.index("[targets.A]"), text.index("[targets.B]")
    vina = '[targets.A]\nengine = "vina"\nreceptor = "egfr.pdbqt"\n'
    config = read_config(make_campaign((text[begin:end], vina), ("count = 2", "count = 0")))
    measured = Measured(
        receipts=[
            receipt("round-00/dock/A/batch-00000", 10, 20.0),
            receipt("round-00/dock/B/batch-00000", 10, 10.0),
            receipt("final/dock/A/batch-00000", 1, 30.0),
            receipt("final/dock/A/batch-00001", 1, 50.0),
        ]
    )
    found = estimate(config, rows=400, shards=2, workers=5, measured=measured)
    assert (found.dockings, found.final_dockings) == ({"A": 65, "B": 60}, {"A": 5})
    assert found.docking_cost("A") == pytest.approx(60 * 2.0 + 5 * 40.0)
    assert (found.steps["final"].tasks, found.steps["final"].wall) == (5, pytest.approx(40.0))
    shown = text_of(found)
    assert (
        "A: 60 dockings of 2 core-seconds each and 5 in the final docking of 40 each, 5.33 min of core time"
        in shown
    )
    assert "B: 60 dockings of 1 core-seconds each, 60 s of core time" in shown
    older = {key: value for key, value in found.to_json().items() if not key.startswith("final_")}
    assert plan_from_json(json.loads(json.dumps(older))).final_dockings == {}


@pytest.mark.slow
def test_a_trial_draws_no_conclusions(make_campaign: Make) -> None:
    out = Console(file=io.StringIO(), width=200)
    plan(make_campaign(), "inline", dockings=20, observer=TrialObserver(out, []))
    said = out.file.getvalue()  # type: ignore[attr-defined]
    assert "A trial in small" in said and "20 molecules are docked per target" in said
    assert "trial     train the teacher" in said  # what comes after the campaign's own steps has lines too
    for word in (
        "pearson",
        "spearman",
        "r2",
        "promised",
        "keep ",
        "Complete",
        "docksieve hits",
        "teacher round",
    ):
        assert word not in said.replace("say how much to keep", ""), word


def test_everything_is_in_proportion_to_the_trial(make_campaign: Make) -> None:
    config = read_config(make_campaign(("count = 2", "count = 3")))
    measured = Measured(
        receipts=[
            receipt("round-00/dock/A/batch-00000", 10, 20.0),
            receipt("round-00/dock/A/batch-00001", 10, 40.0),
            receipt("round-00/dock/B/batch-00000", 10, 10.0),
            receipt("round-01/rank", 1000, 1.0),
        ],
        teachers={100: (2.0, 0.01), 400: (32.0, 0.04)},
        screened=[receipt("trial/screen/s", 1000, 0.5)],
        label_seconds=0.002,
    )
    found = estimate(config, rows=1_000_000, shards=4, workers=2, measured=measured)
    assert found.docking_seconds == {"A": 3.0, "B": 1.0}
    assert found.steps["dock"].units == 2 * (60 + 3 * 15)
    assert found.steps["dock"].seconds == pytest.approx(105 * 3.0 + 105 * 1.0)
    assert found.steps["screen"].units == 3_000_000
    assert found.steps["screen"].seconds == pytest.approx(3_000_000 * 0.0005)
    assert found.steps["screen"].wall == pytest.approx(found.steps["screen"].seconds / 2)
    assert found.steps["distil"].seconds == pytest.approx(3 * 200 * 0.002)
    assert scores_by_round(config, 2) == [48, 78, 108]
    # Training goes with the square of the scores here: 2 s for 100 and 32 s for 400; predicting with their number.
    assert found.steps["train"].seconds == pytest.approx(sum(32 * (n / 400) ** 2 for n in (48, 78, 108)))
    assert found.steps["label"].seconds == pytest.approx(200 * sum(0.0001 * n for n in (80, 80, 108)))
    assert any("not timed" in note for note in found.notes) is False
    few = estimate(
        config, 1_000_000, 4, 2, Measured(measured.receipts, {40: (1.0, 0.01)}, measured.screened, 0.002)
    )
    assert any("40 scores were not timed" in note for note in few.notes)


@pytest.mark.slow
def test_a_campaign_without_rounds_and_one_of_high_demands_can_be_planned(make_campaign: Make) -> None:
    found = plan(make_campaign(("count = 2", "count = 0"), name="plain"), "inline", dockings=20)
    assert found.steps["screen"].tasks == 0 and found.steps["dock"].units == 2 * 60
    demanding = make_campaign(("[run]", "[teacher]\nmin_scores = 40\n\n[run]"), name="demanding")
    assert plan(demanding, "inline", dockings=20).steps["train"].tasks == 2


def test_a_plan_is_for_a_file_as_it_was(make_campaign: Make) -> None:
    path = make_campaign(("count = 2", "count = 0"))
    found = plan(path, "inline", dockings=20)
    assert kept_plan(path, "inline") == found
    assert kept_plan(path, "local") is None
    path.write_text(path.read_text().replace("molecules = 60", "molecules = 70"))
    assert kept_plan(path, "inline") is None
    plan_path(path).write_text("{}")
    with pytest.raises(FormatError, match="no plan"):
        kept_plan(path, "inline")


def test_what_would_stop_the_campaign_stops_the_plan(make_campaign: Make, small_inputs: Path) -> None:
    path = make_campaign((str(small_inputs / "library"), str(small_inputs / "nothing")))
    with pytest.raises(LibraryError):
        plan(path, "inline")
    assert not plan_path(path).exists()
