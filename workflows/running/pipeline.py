"""The stages of a campaign: which tasks each has, with which settings and inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from ...data.errors import CampaignError
from ...data.libraries.library import Library
from ...data.receipts import Receipt, read_receipt
from ...data.spaces.source import MoleculeSource
from ...data.store import FileRecord
from ...hpc.sites.site import Site
from ..campaign.campaign import Campaign
from ..campaign.filters import leaves_out
from ..campaign.ledger import Task, chooser, round_name
from ..config.campaign_file import CampaignConfig
from ..progress.left_out import FILTER, LeftOut, check_enough, read_left_out
from ..tasks.final import final_batches
from ..tasks.settings import (
    AcquireSettings,
    CutSettings,
    DistilSettings,
    DockSettings,
    LabelSettings,
    RankSettings,
    RoundSettings,
    SampleSettings,
    SelectSettings,
    TaskSettings,
    TrainSettings,
)
from .filter_stage import filter_tasks, of_library


class RunsStages(Protocol):
    """What the pipeline hands its stages to: ``StageRunner``, or one that only looks at them."""

    def run(self, stage: str, tasks: Sequence[Task]) -> None:
        """Run those of ``tasks`` that are not done yet."""


class Pipeline:
    """The stages of one campaign: which tasks each has, with which settings and inputs."""

    def __init__(self, campaign: Campaign, library: MoleculeSource, runner: RunsStages, site: Site) -> None:
        self.campaign = campaign
        self.config: CampaignConfig = campaign.config
        self.library = library
        self.ledger = campaign.ledger
        self._run = runner.run
        self.runtime: dict[str, Any] = {"library": str(library.path)}
        device, threads = site.screening
        self._screening = {**self.runtime, "device": device, "threads": threads}
        self.targets = campaign.targets
        self.directions = {name: bool(spec["lower_is_better"]) for name, spec in self.targets.items()}
        self.units = {name: spec["unit"] for name, spec in self.targets.items()}

    @property
    def _whole(self) -> Library:
        """The library, where every molecule of it is written down."""
        assert isinstance(self.library, Library)
        return self.library

    def filter(self) -> None:
        """Say which molecules of the library may be docked, where some are left out from the start.

        Raises
        ------
        CampaignError
            If too few are left to go on.
        """
        if not leaves_out(self.campaign):
            return
        self._run(FILTER, filter_tasks(self.campaign, self._whole, self.runtime))
        check_enough(self.campaign, self._left_out)

    @cached_property
    def _left_out(self) -> LeftOut | None:
        """What the campaign leaves out of its library; read when its tasks are done."""
        return read_left_out(self.ledger) if leaves_out(self.campaign) else None

    @property
    def _may_dock(self) -> dict[str, int]:
        """Molecules of the library that each target may dock."""
        if self._left_out is None:
            return dict.fromkeys(self.targets, self.library.rows)
        return dict(self._left_out.may_dock)

    @property
    def _filters(self) -> list[FileRecord]:
        """The files that say which molecules may be docked; none where all may."""
        return self.ledger.outputs(FILTER, "filters/") if self._left_out is not None else []

    def sample(self) -> None:
        """Choose the seed sample."""
        settings = SampleSettings(
            molecules=self.config.start.molecules,
            method=self.config.start.method,
            seed=self.campaign.seed,
            targets=tuple(self.targets),
            batch=self.config.run.dock_batch,
            library=self.library.fingerprint,
        )
        self._run("round-00/sample", [self._task("round-00/sample", "sample", settings, self._filters)])

    def dock(self, group: str, protocol: Literal["screen", "final"]) -> None:
        """Dock every selected batch of ``group`` (a round, or ``final``)."""
        batches = self.ledger.outputs(f"{group}/{chooser(group)}", f"selections/{group}/")
        tasks = []
        for batch in batches:
            target, name = Path(batch.path).parts[-2:]
            settings = DockSettings(
                target=target,
                group=group,
                spec=self.targets[target],
                seed=self.campaign.seed,
                protocol=protocol,
            )
            inputs = (batch, *self.campaign.target_records(target))
            tasks.append(self._task(f"{group}/dock/{target}/{Path(name).stem}", "dock", settings, inputs))
        self._run(f"{group}/dock", tasks)

    def train(self, number: int) -> None:
        """Train the teacher of a round on all scores of the rounds before it."""
        name = round_name(number)
        parent = self._model_id(round_name(number - 1), "train") if number > 1 else ""
        settings = TrainSettings(
            model=f"{name}/teacher",
            teacher=self.campaign.teacher_settings,
            lower_is_better=self.directions,
            units=self.units,
            seed=self.campaign.seed,
            sealed=self.config.start.sealed,
            threads=self.campaign.state["threads"],
            parent=parent,
        )
        inputs = (*self.scores(number), *self.campaign.source_records())
        self._run(f"{name}/train", [self._task(f"{name}/train", "train", settings, inputs)])

    def scores(self, before: int) -> tuple[FileRecord, ...]:
        """Return the scores tables of all rounds before ``before``, and what was imported or audited by then."""
        audited = self.campaign.audited_scores(before)
        return (*self._docked(before), *self.campaign.imported_scores(before), *audited)

    def _docked(self, before: int) -> list[FileRecord]:
        return [
            record
            for number in range(before)
            for record in self.ledger.outputs(f"{round_name(number)}/dock", "scores/")
        ]

    def _docked_counts(self, before: int) -> dict[str, int]:
        """Return how many molecules were docked per target in the rounds before ``before``."""
        counts = dict.fromkeys(self.targets, 0)
        for record in self._docked(before):
            counts[Path(record.path).parts[-2]] += record.rows or 0
        return counts

    def _costs(self, name: str, number: int) -> dict[str, Any]:
        """Return what a docking of each target and a prediction of the teacher took so far, in core-seconds."""
        spent = dict.fromkeys(self.targets, 0.0)
        tried = dict.fromkeys(self.targets, 0)
        for earlier in range(number):
            for receipt in self.ledger.receipts(f"{round_name(earlier)}/dock"):
                target = receipt.task.split("/")[2]
                spent[target] += receipt.seconds.get("dock", 0.0)
                tried[target] += receipt.rows_in
        labels = [receipt for receipt in self.ledger.receipts(f"{name}/label") if receipt.done]
        predicted = sum(receipt.rows_in for receipt in labels)
        predicting = sum(receipt.seconds.get("predict", 0.0) for receipt in labels)
        return {
            "docking_seconds": {target: spent[target] / tried[target] for target in spent if tried[target]},
            "predicting_seconds": predicting / predicted if predicted else None,
        }

    def _taught(self, name: str) -> dict[str, bool]:
        """Return ``lower_is_better`` of the targets that the teacher of a round has learnt."""
        known = self._receipt(f"{name}/train").facts["targets"]
        return {target: lower for target, lower in self.directions.items() if target in known}

    def _aim(self, name: str) -> dict[str, Any] | None:
        """Return what the round aims at; None where each target is by itself, or one is not learnt yet."""
        aim = self.config.rounds.aim
        if aim is None or not set(aim.targets) <= set(self._taught(name)):
            return None
        scales = {(self.units[target], self.directions[target]) for target in aim.targets}
        return {"kind": aim.kind, "targets": list(aim.targets), "one_unit": len(scales) == 1}

    def label(self, name: str) -> None:
        """Let the teacher label a random sample of the library."""
        rows = self.library.rows if self._left_out is None else self._left_out.any
        count, batch = min(self.config.rounds.labels, rows), self.config.run.predict_batch
        inputs = (*self._bundle(name, "train"), *self._filters)
        tasks = []
        for index in range(-(-count // batch)):
            settings = LabelSettings(
                labels=count,
                batch=batch,
                index=index,
                seed=self.campaign.seed,
                round=name,
                library=self.library.fingerprint,
            )
            tasks.append(self._task(f"{name}/label/batch-{index:05d}", "label", settings, inputs))
        self._run(f"{name}/label", tasks)

    def distil(self, name: str, number: int) -> None:
        """Train the student on the teacher's labels."""
        taught = self._taught(name)
        settings = DistilSettings(
            model=f"{name}/student",
            student=self.campaign.state["config"]["student"],
            lower_is_better=taught,
            units={target: self.units[target] for target in taught},
            seed=self.campaign.seed,
            threads=self.campaign.state["threads"],
        )
        inputs = (
            *self.ledger.outputs(f"{name}/label"),
            *self._bundle(name, "train"),
            *self.scores(number),
        )
        self._run(f"{name}/distil", [self._task(f"{name}/distil", "distil", settings, inputs)])

    def screen(self, name: str, number: int) -> None:
        """Let the student score every shard of the library."""
        student = self._bundle(name, "distil")
        filters = {Path(record.path).stem: record for record in self._filters}
        tasks = []
        for shard in self._whole.shards:
            inputs = (of_library(shard), *student, *([filters[shard.name]] if filters else []))
            tasks.append(
                Task(f"{name}/screen/{shard.name}", "screen", RoundSettings(name), inputs, self._screening)
            )
        self._run(f"{name}/screen", tasks)

    def cut(self, name: str, number: int) -> None:
        """Say how much the student and the teacher must keep.

        Molecules docked in earlier rounds stay among the best, so room is made for as many.
        """
        rounds, goal, taught = self.config.rounds, self.config.cut, self._taught(name)
        docked = self._docked_counts(number)
        passed = self._receipt(f"{name}/distil").facts["report"]["gate"]
        settings = CutSettings(
            round=name,
            recall=goal.recall,
            best=goal.best,
            confidence=goal.confidence,
            widest=self._share(goal.widest),
            sweep=goal.sweep if number == rounds.count else 0,
            keep=rounds.keep if rounds.keep == "auto" else self._share(rounds.keep),
            dock=rounds.dock_in(number),
            docked=max(docked.values()),
            budget={target: rounds.dock_in(number) + docked[target] for target in taught},
            gate={target: bool(passed[target]["passed"]) for target in taught},
            rows=self.library.rows,
            lower_is_better=taught,
            method=self.config.start.method,
            seed=self.campaign.seed,
            may_dock={} if self._left_out is None else self._may_dock,
        )
        inputs = (
            *self.ledger.outputs(f"{name}/train", "heldout/"),
            *self.ledger.outputs(f"{name}/distil", "heldout/"),
            *self._bundle(name, "distil"),
            *self.ledger.outputs(f"{name}/label"),
        )
        runtime = {**self.runtime, **self._costs(name, number)}
        self._run(f"{name}/cut", [Task(f"{name}/cut", "cut", settings, tuple(inputs), runtime)])

    def _share(self, share: float) -> float:
        """Return the share of the library that may go on to the teacher, where ``share`` is asked for."""
        return share

    def rank(self, name: str, number: int) -> None:
        """Keep the student's best, as many as the cut says, and always enough that are not docked yet."""
        settings = RankSettings(
            round=name,
            keep=self._keep(name, number),
            lower_is_better=self._taught(name),
            batch=self.config.run.predict_batch,
            aim=self._aim(name),
        )
        inputs = [
            record
            for record in self.ledger.outputs(f"{name}/screen")
            if record.path.startswith(("predictions/", "histograms/"))
        ]
        self._run(f"{name}/rank", [self._task(f"{name}/rank", "rank", settings, inputs)])

    def _keep(self, name: str, number: int) -> dict[str, int]:
        """Return how many molecules of each target go on to the teacher."""
        cuts = self._receipt(f"{name}/cut").facts["cuts"]
        room = max(self._docked_counts(number).values())
        return {
            target: min(max(found["keep"], found["sweep"] + room), self._may_dock[target])
            for target, found in cuts.items()
        }

    def refine(self, name: str) -> None:
        """Let the teacher predict the shortlist."""
        teacher = self._bundle(name, "train")
        tasks = [
            self._task(
                f"{name}/refine/{Path(batch.path).stem}", "refine", RoundSettings(name), (batch, *teacher)
            )
            for batch in self.ledger.outputs(f"{name}/rank", "shortlists/")
        ]
        self._run(f"{name}/refine", tasks)

    def _acquisition(self, name: str, number: int) -> AcquireSettings:
        """Return the settings of a round's acquisition."""
        rounds = self.config.rounds
        cuts = self._receipt(f"{name}/cut").facts["cuts"]
        return AcquireSettings(
            round=name,
            acquisition=rounds.acquisition,
            beta=rounds.beta,
            xi=rounds.xi,
            epsilon=rounds.epsilon,
            diversity=rounds.diversity,
            dock=rounds.dock_in(number),
            sweep={target: found["sweep"] for target, found in cuts.items() if found["sweep"]},
            seed=self.campaign.seed,
            lower_is_better=self.directions,
            taught=tuple(cuts),
            library=self.library.fingerprint,
            batch=self.config.run.dock_batch,
            # A campaign of an older version has no such key, and goes on as it began.
            avoid_failures=bool(self.campaign.state["config"]["rounds"].get("avoid_failures", False)),
            # So has it no share for exploring.
            explore=float(self.campaign.state["config"]["rounds"].get("explore", 0.0)),
            aim=self._aim(name),
        )

    def acquire(self, name: str, number: int) -> None:
        """Choose what to dock next: a batch, or in a sweep all that the goal needs, the best by prediction."""
        settings = self._acquisition(name, number)
        cuts = settings.taught
        inputs = (*self.ledger.outputs(f"{name}/refine"), *self._docked(number))
        if set(cuts) != set(self.targets) or len(set(self._may_dock.values())) > 1:
            # Some are drawn at random, or may not dock all that is on the shortlist.
            inputs = (*inputs, *self._filters)
        self._run(f"{name}/acquire", [self._task(f"{name}/acquire", "acquire", settings, inputs)])

    def select(self) -> None:
        """Take the best docked molecules of each target for the final docking."""
        docking = {name: spec for name, spec in self.targets.items() if spec["engine"] != "table"}
        settings = SelectSettings(
            molecules=self.config.final.molecules,
            lower_is_better={name: self.directions[name] for name in docking},
            batch=final_batches(docking, self.config.final.molecules, self.config.run.dock_batch),
        )
        inputs = self._docked(self.config.rounds.count + 1)
        task = self._task("final/select", "select", settings, inputs)
        # An earlier version made batches as large as those of the rounds: where it chose already, its choice stands.
        earlier = replace(task, settings=replace(settings, batch=self.config.run.dock_batch))
        chosen = read_receipt(self.campaign.root, task.name)
        if chosen is not None and chosen.done and chosen.fingerprint == earlier.fingerprint:
            task = earlier
        self._run("final/select", [task])

    def hits(self) -> None:
        """Write the ranked hits."""
        stages = [stage for stage in self.campaign.stages() if stage.endswith(("/dock", "/refine"))]
        inputs = [
            record
            for stage in stages
            for record in self.ledger.outputs(stage)
            if record.path.startswith(("scores/", "refined/"))
        ]
        self._run("final/hits", [self._task("final/hits", "hits", TaskSettings(), inputs)])

    def _task(self, name: str, kind: str, settings: TaskSettings, inputs: Sequence[FileRecord] = ()) -> Task:
        return Task(name, kind, settings, tuple(inputs), self.runtime)

    def _bundle(self, name: str, step: str) -> tuple[FileRecord, ...]:
        return tuple(self.ledger.outputs(f"{name}/{step}", "models/"))

    def _model_id(self, name: str, step: str) -> str:
        receipt = self._receipt(f"{name}/{step}")
        return str(receipt.facts["model"])

    def _receipt(self, stage: str) -> Receipt:
        for receipt in self.ledger.receipts(stage):
            return receipt
        raise CampaignError(f"The receipt of {stage} is missing.", "Submit the campaign again.")
