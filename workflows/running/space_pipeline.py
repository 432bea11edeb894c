"""The stages of a campaign on a combinatorial space: those of a library, with tasks that make products when needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from ...data.spaces.space import MANIFEST, Space
from ...data.store import FileRecord, record_file
from ...hpc.sites.site import Site
from ..campaign.campaign import Campaign
from ..campaign.filters import limits_by_target
from ..campaign.ledger import LIBRARY_PREFIX, Task
from ..tasks.settings import SampleSettings, TaskSettings
from ..tasks.space_settings import (
    FactorTaskSettings,
    SearchSettings,
    SpaceAcquireSettings,
    SpaceSampleSettings,
)
from .pipeline import Pipeline, RunsStages

OF_PRODUCTS = {
    "sample": "sample-products",
    "label": "label-products",
    "rank": "rank-products",
    "refine": "rescore-products",
}
"""Kinds of tasks that do in a space what others do in a library."""


class SpacePipeline(Pipeline):
    """The stages of a campaign whose library is a combinatorial space."""

    def __init__(self, campaign: Campaign, space: Space, runner: RunsStages, site: Site) -> None:
        super().__init__(campaign, space, runner, site)
        self.space = space
        self.limits = limits_by_target(self.targets)

    def filter(self) -> None:
        """Do nothing: what docking refuses is left out where products are made."""

    @property
    def _may_dock(self) -> dict[str, int]:
        return dict.fromkeys(self.targets, self.space.rows)

    @property
    def _filters(self) -> list[FileRecord]:
        return []

    def _task(self, name: str, kind: str, settings: TaskSettings, inputs: Sequence[FileRecord] = ()) -> Task:
        if isinstance(settings, SampleSettings):
            values = {item.name: getattr(settings, item.name) for item in fields(settings)}
            settings = SpaceSampleSettings(**values, limits=self.limits)
        return super()._task(name, OF_PRODUCTS.get(kind, kind), settings, inputs)

    def distil(self, name: str, number: int) -> None:
        """Train the factor model on the teacher's labels."""
        recorded = self.campaign.state["config"]
        settings = FactorTaskSettings(
            model=f"{name}/factors",
            factors=recorded["factors"],
            student=recorded["student"],
            lower_is_better=self._taught(name),
            seed=self.campaign.seed,
            threads=self.campaign.state["threads"],
        )
        inputs = (*self.ledger.outputs(f"{name}/label"), *self._space_records())
        self._run(f"{name}/distil", [super()._task(f"{name}/distil", "distil-factors", settings, inputs)])

    def _space_records(self) -> list[FileRecord]:
        """Return the files of the space as inputs of tasks."""
        records = [record_file(self.space.path / MANIFEST, self.space.path), *self.space.records()]
        return [replace(record, path=LIBRARY_PREFIX + record.path) for record in records]

    def screen(self, name: str, number: int) -> None:
        """Let the factor model find the best products of every part of the space."""
        # The model holds all that the search needs of the blocks; the manifest says which numbers are whose.
        inputs = (*self._space_records()[:1], *self._bundle(name, "distil"))
        keep = self._keep(name, number)
        tasks = [
            Task(
                f"{name}/screen/{shard.name}",
                "search",
                SearchSettings(name, shard.name, keep),
                inputs,
                self._screening,
            )
            for shard in self.space.shards
        ]
        self._run(f"{name}/screen", tasks)

    def _share(self, share: float) -> float:
        return min(share, self.config.factors.most / self.space.rows)

    def acquire(self, name: str, number: int) -> None:
        """Choose what to dock next, of products that were made, and write the leaderboards of these."""
        plain = self._acquisition(name, number)
        values: dict[str, Any] = {item.name: getattr(plain, item.name) for item in fields(plain)}
        settings = SpaceAcquireSettings(**values, limits=self.limits, kept=self._keep(name, number))
        inputs = (
            *self.ledger.outputs(f"{name}/refine"),
            *self._docked(number),
            *self.ledger.outputs(f"{name}/screen"),
        )
        self._run(f"{name}/acquire", [super()._task(f"{name}/acquire", "acquire-products", settings, inputs)])
