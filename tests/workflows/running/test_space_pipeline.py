"""The stages of a campaign on a space, and the filter of one on a library: tasks, with their settings and inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from docksieve.data.enumeration.product_space import SAMPLES
from docksieve.data.libraries.library import Library
from docksieve.data.spaces.build import build_space
from docksieve.data.spaces.space import Space
from docksieve.hpc.sites.read import load_site
from docksieve.workflows.campaign.begin import begin_or_resume
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.running.filter_stage import filter_tasks, of_library
from docksieve.workflows.running.space_pipeline import SpacePipeline
from docksieve.workflows.tasks.settings import FilterSettings
from docksieve.workflows.tasks.space_settings import SpaceSampleSettings


class Recorder:
    """Keeps the stages that it is given."""

    def __init__(self) -> None:
        self.stages: dict[str, list[Task]] = {}

    def run(self, stage: str, tasks: Sequence[Task]) -> None:
        self.stages[stage] = list(tasks)


def test_a_space_has_no_filter_and_its_seed_sample_knows_the_limits(
    make_campaign: Callable[..., Path], small_inputs: Path, tmp_path: Path
) -> None:
    files = {}
    for role in ("acids", "amines"):
        lines = (SAMPLES / f"{role}.smi").read_text().splitlines()[:12]
        (tmp_path / f"{role}.smi").write_text("\n".join(lines) + "\n")
        files[role] = [tmp_path / f"{role}.smi"]
    space = build_space(tmp_path / "space", ["amide"], files, workers=1)
    path = make_campaign((str(small_inputs / "library"), str(tmp_path / "space")))
    campaign = begin_or_resume(path, load_site("inline"))
    recorder = Recorder()
    pipeline = SpacePipeline(campaign, Space(space.path), recorder, load_site("inline"))
    pipeline.limits = {"A": {"max_heavy_atoms": 30}}
    pipeline.filter()
    assert recorder.stages == {}
    pipeline.sample()
    (task,) = recorder.stages["round-00/sample"]
    assert task.kind == "sample-products" and task.inputs == () and task.runtime["library"] == str(space.path)
    settings = task.settings
    assert isinstance(settings, SpaceSampleSettings)
    assert settings.limits == {"A": {"max_heavy_atoms": 30}} and settings.library == space.fingerprint
    assert (settings.molecules, settings.batch, settings.targets) == (60, 8, ("A", "B"))
    # A file of the space that changes changes the tasks that search it.
    records = {record.path: record.sha256 for record in pipeline._space_records()}
    assert set(records) == {"@library/space.json", *(f"@library/{item.path}" for item in space.records())}
    assert pipeline._may_dock == {"A": space.rows, "B": space.rows}
    assert pipeline._share(0.2) == pytest.approx(0.2)  # 100,000 products would be more than there are


def test_a_filter_has_a_task_for_every_shard(
    make_campaign: Callable[..., Path], small_library: Library
) -> None:
    path = make_campaign(("[library]\n", '[library]\nwhere = "logp < 3"\n'))
    campaign = begin_or_resume(path, load_site("inline"))
    tasks = filter_tasks(campaign, small_library, {"library": str(small_library.path)})
    assert [task.name for task in tasks] == [
        f"round-00/filter/{shard.name}" for shard in small_library.shards
    ]
    assert {task.kind for task in tasks} == {"filter"} and sum(task.molecules for task in tasks) == 400
    assert tasks[0].settings == FilterSettings({"where": "logp < 3"}, {}, ("A", "B"), 1)
    for task, shard in zip(tasks, small_library.shards, strict=True):
        (record,) = task.inputs
        assert record == of_library(shard)
        assert record.path == f"@library/{shard.record.path}" and record.rows == shard.rows
        assert task.locate(campaign.root, record) == Path(small_library.path) / shard.record.path
