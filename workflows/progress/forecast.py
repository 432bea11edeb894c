"""When a campaign will be over: from what its tasks took so far, and before there is that, from its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...data.errors import FormatError
from ...data.store import read_json
from ..campaign.campaign import Campaign
from ..campaign.ledger import round_number
from .stage import StageStatus

ALONE = ("train", "distil", "cut", "rank", "acquire", "sample", "select", "hits")
"""Steps that are one task: more workers do not make them faster."""


def plan_path(config_path: Path) -> Path:
    """Return where the plan of a campaign file is kept."""
    return config_path.with_suffix(".plan.json")


class Planned(NamedTuple):
    """What a plan says of a step.

    Attributes
    ----------
    seconds : float
        Core-seconds of a molecule, or of a task that is alone in its stage.
    molecules : float
        Of a round, in the mean.
    """

    seconds: float
    molecules: float


def planned_steps(campaign: Campaign) -> dict[str, Planned]:
    """Return what the campaign's plan says, by step: ``dock``, ``train`` ..., and ``final`` for the final docking.

    Empty where no plan was made for the campaign file as it is.
    """
    path = plan_path(Path(str(campaign.state.get("config_file", ""))))
    try:
        found: Mapping[str, Any] = read_json(path)
        if found["config"] != campaign.config.model_dump(mode="json"):
            return {}
        steps = {name: step for name, step in found["steps"].items() if step["tasks"]}
        return {
            name: Planned(
                step["seconds"] / (step["tasks"] if name in ALONE else step["units"] or step["tasks"]),
                step["units"] / max(campaign.config.rounds.count, 1),
            )
            for name, step in steps.items()
            if name != "other"
        }
    except (FormatError, OSError, KeyError, TypeError, AttributeError):
        return {}  # no plan, or one of another version: status does without


def seconds_left(
    campaign: Campaign, stages: Sequence[StageStatus], waiting: Sequence[str], workers: int
) -> tuple[float | None, bool]:
    """Return the seconds to the end, None where there is nothing to go by, and whether the plan was asked.

    Steps that some tasks have done cost what they cost; the others what the plan says; without one, the final docking
    costs a molecule what the rounds' does, and what never ran, nothing.
    """
    measured = _measured(stages)
    planned = planned_steps(campaign)
    if not measured and not planned:
        return None, False
    left, from_plan = 0.0, False
    known = {stage.stage: stage for stage in stages}
    for name in [*known, *waiting]:
        stage = known.get(name)
        step = _step(name)
        tasks, units = _work(campaign, name, stage, known, planned.get(step))
        if not tasks:
            continue
        each = measured.get(step)
        if each is None and step in planned:
            from_plan = True
            each = planned[step].seconds
        if each is None:
            each = measured.get("dock", 0.0) if step == "final" else 0.0
        alone = step in ALONE
        left += each * (tasks if alone else units) / (1 if alone else max(1, min(workers, tasks)))
    return left, from_plan


def _step(stage: str) -> str:
    return "final" if stage == "final/dock" else stage.partition("/")[2]


def _measured(stages: Sequence[StageStatus]) -> dict[str, float]:
    """Return the seconds of a molecule, by step, or of a task that is alone in its stage; those of the latest stage."""
    found: dict[str, float] = {}
    for stage in stages:
        step = _step(stage.stage)
        count = stage.done if step in ALONE else stage.rows or stage.done
        if stage.done and count:
            found[step] = stage.seconds / count
    return found


def _work(
    campaign: Campaign,
    name: str,
    stage: StageStatus | None,
    known: Mapping[str, StageStatus],
    planned: Planned | None,
) -> tuple[int, int]:
    """Return how many tasks and molecules of a stage are still to be done; about, where they are not known yet."""
    if stage is not None:
        if stage.done == stage.total:
            return 0, 0
        tasks = stage.total - stage.done
        in_all = stage.molecules or round(stage.rows / stage.done * stage.total if stage.done else 0) or tasks
        return tasks, max(0, in_all - stage.rows - stage.under_way)
    group, _, step = name.partition("/")
    if step in ALONE:
        return 1, 1
    config, number = campaign.config, round_number(group)
    earlier = [other for other in known.values() if other.stage.partition("/")[2] == step and other.molecules]
    if step == "dock":
        docking = [
            spec for spec in campaign.targets.values() if number is not None or spec["engine"] != "table"
        ]
        each = (
            config.final.molecules
            if number is None
            else (config.rounds.dock_in(number) if number else config.start.molecules)
        )
        batch = 1 if number is None else config.run.dock_batch
        return len(docking) * -(-each // batch), len(docking) * each
    if step == "screen":
        rows = int(campaign.state["library"]["rows"])
        return (earlier[-1].total if earlier else 1), rows
    if step == "label":
        rows = min(config.rounds.labels, int(campaign.state["library"]["rows"]))
        return -(-rows // config.run.predict_batch), rows
    if earlier:
        return earlier[-1].total, earlier[-1].molecules
    shortlisted = round(planned.molecules) if planned else 0
    return max(1, -(-shortlisted // config.run.predict_batch)), shortlisted
