"""When a campaign will be over: by its plan until its own tasks say it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from docksieve.data.receipts import Receipt
from docksieve.hpc.sites.read import load_site
from docksieve.workflows.campaign.begin import begin_or_resume
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.planning.estimate import STEPS, CampaignPlan, StepPlan
from docksieve.workflows.progress.forecast import plan_path, planned_steps, seconds_left
from docksieve.workflows.progress.stage import StageStatus
from docksieve.workflows.progress.status import expected_stages, status
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.running.submit import submit
from docksieve.workflows.terminal.tables import status_table
from rich.console import Console

Make = Callable[..., Path]


@pytest.fixture
def campaign(make_campaign: Make) -> Campaign:
    return begin_or_resume(make_campaign(("count = 2", "count = 1")), load_site("inline"))


def write_plan(campaign: Campaign) -> None:
    """Write the plan of a campaign: 2 s a docking, 30 s a teacher, 0.01 s a rescored molecule."""
    steps = dict.fromkeys(STEPS, StepPlan())
    steps |= {
        "dock": StepPlan(tasks=20, units=150, seconds=300.0, wall=300.0),
        "train": StepPlan(tasks=1, units=48, seconds=30.0, wall=30.0),
        "refine": StepPlan(tasks=2, units=100, seconds=1.0, wall=1.0),
        "other": StepPlan(tasks=5, units=0, seconds=1000.0, wall=1000.0),
    }
    plan = CampaignPlan(steps, 1, {}, {}, 0, 0, config=campaign.config.model_dump(mode="json"))
    path = plan_path(Path(campaign.state["config_file"]))
    path.write_text(json.dumps(plan.to_json()))


def test_without_rates_and_plan_nothing_is_said(campaign: Campaign) -> None:
    assert seconds_left(campaign, (), expected_stages(campaign), 1) == (None, False)
    assert status(campaign).seconds_left is None


def test_before_there_are_rates_the_plan_says_it(campaign: Campaign) -> None:
    write_plan(campaign)
    assert planned_steps(campaign)["dock"].seconds == pytest.approx(2.0)
    # Two targets: 60 molecules each in the seed sample, 15 in the round; 100 molecules of a shortlist; a teacher.
    left, by_plan = seconds_left(campaign, (), expected_stages(campaign), 1)
    assert by_plan and left == pytest.approx(2 * (60 + 15) * 2.0 + 30.0 + 1.0)
    eight, _ = seconds_left(campaign, (), expected_stages(campaign), 8)
    # 16 tasks of 8 molecules, then 4 of them: half of eight workers have nothing to do. The shortlist is two tasks.
    assert eight == pytest.approx(120 * 2.0 / 8 + 30 * 2.0 / 4 + 30.0 + 1.0 / 2)
    found = status(campaign)
    assert found.by_plan and found.seconds_left == pytest.approx(left)
    out = Console(file=io.StringIO(), width=200)
    out.print(status_table(replace(found, state="running")))
    assert "by the plan" in out.file.getvalue()  # type: ignore[attr-defined]


def test_a_plan_of_another_file_does_not_count(campaign: Campaign) -> None:
    write_plan(campaign)
    path = plan_path(Path(campaign.state["config_file"]))
    values = json.loads(path.read_text())
    values["config"]["start"]["molecules"] = 61
    path.write_text(json.dumps(values))
    assert planned_steps(campaign) == {}
    path.write_text("{")
    assert planned_steps(campaign) == {}
    path.write_text("[]")
    assert planned_steps(campaign) == {}


def test_what_ran_counts_by_molecules_and_the_rest_by_the_plan(campaign: Campaign) -> None:
    write_plan(campaign)
    docking = StageStatus(
        "round-00/dock", 16, 4, 1, 0, 11, rows=32, seconds=160.0, molecules=120, under_way=3
    )
    waiting = [stage for stage in expected_stages(campaign) if not stage.startswith("round-00")]
    left, by_plan = seconds_left(campaign, (docking,), waiting, 1)
    assert by_plan  # a docking took 5 s, where the plan said 2
    assert left == pytest.approx((120 - 35) * 5.0 + 30 * 5.0 + 30.0 + 1.0)


def test_the_final_docking_is_not_taken_to_be_as_fast_as_the_rounds_where_the_plan_knows(
    campaign: Campaign,
) -> None:
    spec = {**campaign.targets["A"], "engine": "vina"}
    docking = Campaign(campaign.root, campaign.config, {**campaign.state, "targets": {"A": spec}})
    done = StageStatus("round-00/dock", 8, 8, 0, 0, 0, rows=60, seconds=60.0, molecules=60)
    slow = seconds_left(docking, (done,), ("final/dock",), 1)
    assert slow == (5 * 1.0, False)
    write_plan(campaign)
    path = plan_path(Path(campaign.state["config_file"]))
    values = json.loads(path.read_text())
    values["steps"]["final"] = {"tasks": 5, "units": 5, "seconds": 100.0, "error": 0.0, "wall": 100.0}
    path.write_text(json.dumps(values))
    assert seconds_left(docking, (done,), ("final/dock",), 1) == (5 * 20.0, True)


@pytest.mark.slow
def test_a_campaign_that_is_half_done_says_when_it_will_be_over(make_campaign: Make) -> None:
    class Stops(Silent):
        def stage_begun(self, stage: str, total: int, done: int) -> None:
            if stage == "round-02/train":
                raise KeyboardInterrupt

        def task_ended(self, stage: str, receipt: Receipt) -> None:
            assert receipt.done

    file = make_campaign()
    with pytest.raises(KeyboardInterrupt):
        submit(file, "inline", Stops())
    left = status(file).seconds_left
    took = sum(stage.seconds for stage in status(file).stages if stage.stage.startswith("round-01"))
    assert left is not None and left == pytest.approx(took, rel=0.5)
    submit(file, "inline")
    assert status(file).seconds_left == 0.0
