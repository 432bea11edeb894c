"""The stages of a campaign: which tasks there are, what they read, and that they are the same when made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from docksieve.data.errors import CampaignError
from docksieve.hpc.sites.read import load_site
from docksieve.workflows.campaign.begin import begin_or_resume
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.running.pipeline import Pipeline
from docksieve.workflows.running.walk import walk


class Recorder:
    """Keeps the stages that it is given."""

    def __init__(self) -> None:
        self.stages: dict[str, list[Task]] = {}

    def run(self, stage: str, tasks: Sequence[Task]) -> None:
        self.stages[stage] = list(tasks)


def pipeline(campaign: Campaign) -> tuple[Pipeline, Recorder]:
    recorder = Recorder()
    return Pipeline(campaign, campaign.open_library(), recorder, load_site("inline")), recorder


@pytest.fixture(scope="module")
def walked(finished: Campaign) -> dict[str, list[Task]]:
    made, recorder = pipeline(finished)
    walk(made)
    return recorder.stages


STEPS = ("train", "label", "distil", "cut", "screen", "rank", "refine", "acquire", "dock")


def test_the_stages_come_in_the_order_of_the_ledger(
    finished: Campaign, walked: dict[str, list[Task]]
) -> None:
    rounds = [f"round-0{number}/{step}" for number in (1, 2) for step in STEPS]
    expected = ["round-00/sample", "round-00/dock", *rounds, "final/select", "final/dock", "final/hits"]
    assert list(walked) == expected == finished.stages()


def test_tasks_made_again_are_those_of_the_receipts(
    finished: Campaign, walked: dict[str, list[Task]]
) -> None:
    for stage, tasks in walked.items():
        assert finished.ledger.planned(stage) == [task.name for task in tasks]
        assert [receipt.fingerprint for receipt in finished.ledger.receipts(stage)] == [
            t.fingerprint for t in tasks
        ]


def test_a_teacher_learns_from_all_rounds_before_it_and_none_after(
    finished: Campaign, walked: dict[str, list[Task]]
) -> None:
    for number in (1, 2):
        (task,) = walked[f"round-0{number}/train"]
        rounds = {record.path.split("/")[1] for record in task.inputs if record.path.startswith("scores/")}
        assert rounds == {f"round-0{earlier}" for earlier in range(number)}
    first, second = (finished.ledger.outputs(f"round-0{number}/train", "models/") for number in (1, 2))
    assert {record.path for record in first}.isdisjoint(record.path for record in second)
    (receipt,) = finished.ledger.receipts("round-01/train")
    assert walked["round-02/train"][0].settings.to_json()["parent"] == receipt.facts["model"]
    assert walked["round-01/train"][0].settings.to_json()["parent"] == ""


def test_labels_are_cut_into_slices_and_every_shard_is_screened(
    finished: Campaign, walked: dict[str, list[Task]]
) -> None:
    assert [task.settings.to_json()["index"] for task in walked["round-01/label"]] == [
        0,
        1,
        2,
        3,
    ]  # 200 by 64
    shards = finished.open_library().shards
    assert [task.name.rpartition("/")[2] for task in walked["round-02/screen"]] == [
        shard.name for shard in shards
    ]
    for task, shard in zip(walked["round-02/screen"], shards, strict=True):
        assert task.inputs[0].sha256 == shard.record.sha256
        assert all("round-02/student" in record.path for record in task.inputs[1:])


def test_room_is_made_for_what_is_docked_already(walked: dict[str, list[Task]]) -> None:
    first, second = (walked[f"round-0{number}/cut"][0].settings.to_json() for number in (1, 2))
    assert (first["docked"], second["docked"]) == (60, 75)  # the seed sample; and fifteen of the first round
    assert first["budget"] == {"A": 75, "B": 75} and second["budget"] == {"A": 90, "B": 90}


def test_where_tasks_run_does_not_change_what_they_are(
    finished: Campaign, walked: dict[str, list[Task]]
) -> None:
    recorder = Recorder()
    walk(Pipeline(finished, finished.open_library(), recorder, load_site("local", {"workers": 3})))
    for stage, tasks in recorder.stages.items():
        assert [task.fingerprint for task in tasks] == [task.fingerprint for task in walked[stage]]


def test_a_stage_whose_receipts_are_missing_says_which(make_campaign: Callable[..., Path]) -> None:
    fresh, recorder = pipeline(begin_or_resume(make_campaign(), load_site("inline")))
    fresh.sample()
    fresh.dock("round-00", "screen")
    assert [len(tasks) for tasks in recorder.stages.values()] == [1, 0]  # nothing is chosen yet
    with pytest.raises(
        CampaignError, match=r"The receipt of round-01/train is missing. Submit the campaign again."
    ):
        fresh.distil("round-01", 1)
    with pytest.raises(CampaignError, match="round-01/train"):
        fresh.train(2)


def test_without_a_final_docking_hits_come_at_once(copied: Path) -> None:
    toml = copied / "campaign.json"
    assert toml.exists()
    campaign = open_campaign(copied)
    object.__setattr__(campaign.config, "final", campaign.config.final.model_copy(update={"molecules": 0}))
    made, recorder = pipeline(campaign)
    walk(made)
    assert list(recorder.stages)[-2:] == ["round-02/dock", "final/hits"]
    assert not any(
        record.path.startswith("scores/final") for record in recorder.stages["final/hits"][0].inputs
    )
