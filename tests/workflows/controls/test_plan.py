"""An analysis plan is written once, beforehand, and the report says whether it was kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.errors import CampaignError, ConfigError
from docksieve.data.store import read_json, sha256_json, write_json
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.cli.main import main
from docksieve.workflows.controls.kept import judge_plan
from docksieve.workflows.controls.plan import read_plan, read_plan_file, unaltered, write_plan
from docksieve.workflows.report.report import write_report
from docksieve.workflows.running.submit import submit

QUICK = (
    ("count = 2", "count = 1"),
    ("labels = 200", "labels = 120"),
    ("sealed = 0.2", "sealed = 0.4"),
    ("[student]", '[teacher]\nkind = "kernel"\n\n[student]'),
)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "threshold is None"),
        ({"threshold": 0.5, "metric": "luck"}, "metric is 'luck'"),
        ({"threshold": 0.5, "best": 1.5}, "best is 1.5"),
        ({"threshold": 0.5, "kept": 0}, "kept is 0"),
        ({"threshold": 0.5, "stop_after": 0}, "stop_after is 0"),
    ],
)
def test_errors_name_the_key(
    make_campaign: Callable[..., Path], settings: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        write_plan(make_campaign(), settings)


def test_a_file_gives_the_same_and_unknown_keys_are_named(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text('[analysis]\nmetric = "spearman"\nthreshold = 0.5\n')
    assert read_plan_file(tmp_path / "plan.toml") == {"metric": "spearman", "threshold": 0.5}
    (tmp_path / "plan.toml").write_text("treshold = 0.5\n")
    with pytest.raises(ConfigError, match="unknown key 'treshold'"):
        read_plan_file(tmp_path / "plan.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_plan_file(tmp_path / "none.toml")


@pytest.mark.slow
def test_a_plan_written_beforehand_is_kept_and_one_written_afterwards_says_so(
    make_campaign: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make_campaign(*QUICK)
    words = [
        "plan-analysis",
        str(file),
        "--metric",
        "spearman",
        "--threshold",
        "0.5",
        "-o",
        str(tmp_path / "p.json"),
    ]
    monkeypatch.setattr(sys, "argv", ["docksieve", *words])
    main()
    campaign = submit(file, "inline")
    plan = read_plan(campaign.root)
    assert plan is not None and plan == read_json(tmp_path / "p.json") and unaltered(plan)
    assert plan["beforehand"] and plan["stop_after"] == 1
    points = judge_plan(campaign, plan, 1, True)
    assert [point.answer for point in points] == ["yes"] * 5, points
    page, _ = write_report(campaign.root)
    assert "Planned and kept" in page.read_text()

    assert judge_plan(campaign, {**plan, "stop_after": 2}, 1, True)[-1].answer == "no"
    assert judge_plan(campaign, plan, 1, False)[-1].answer == "open"
    strict = {**plan, "metric": "rmse", "threshold": 1e-9}
    assert judge_plan(campaign, strict, 1, True)[2].answer == "no"
    assert judge_plan(campaign, strict, 1, True)[0].answer == "no"  # altered: not what was written

    with pytest.raises(CampaignError, match="written already"):
        write_plan(campaign.root, {"threshold": 0.9})
    (campaign.root / "analysis-plan.json").unlink()
    late = write_plan(campaign.root, {"threshold": 0.9})
    assert not late["beforehand"] and late["scores_known"]["A"] > 60
    assert judge_plan(campaign, late, 1, True)[0].answer == "no"

    card = campaign.root / "models/round-01/teacher/card.json"
    value = read_json(card)
    value = {**value, "data_sha256": "0"}
    del value["card_sha256"]
    write_json(card, {**value, "card_sha256": sha256_json(value)})
    held = judge_plan(open_campaign(campaign.root), late, 1, True)[1]
    assert held.answer == "no"
