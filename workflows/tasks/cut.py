"""The task that says how much each stage keeps, from predictions for molecules that the models had not seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.errors import CampaignError
from ...data.seeds import derive_seed
from ...data.store import concat
from ...models.teachers.focus import Curve
from ...screening.cuts.cascade import StageCuts, molecules, plan_cascade
from ...screening.cuts.cut import Cut, CutGoal, cut_price
from .context import TaskContext, TaskOutcome
from .factors import predict_labels
from .held_out import docked_scores, read_held_out, recorded_scale
from .settings import CutSettings
from .surrogates import bundle_of

NOT_RANDOM = (
    "The seed sample was chosen to be diverse, not drawn at random: it does not stand for the library, and these "
    "shares are a guess ([start] method)."
)
NOT_DRAWN = "the seed sample was not drawn at random"
FEWEST = 10
"""Fewer held-out dockings say nothing about a cut."""


def cut(context: TaskContext[CutSettings]) -> TaskOutcome:
    """Say per target how much the student and the teacher must keep, and why."""
    settings = context.settings
    goal = CutGoal(settings.recall, settings.best, settings.confidence)
    teacher_file = next(path for path in context.inputs("heldout/") if path.stem.endswith("teacher"))
    student_file = next(
        path for path in context.inputs("heldout/") if path.stem.endswith(("student", "factors"))
    )
    directions: Mapping[str, bool] = settings.lower_is_better
    names = ["row", "smiles", *[f"mean:{target}" for target in directions]]
    with context.watch("read"):
        labels = concat(context.inputs("labels/"), names)
    with context.watch("predict"):
        scored = _scored(context, labels, list(directions))
    facts: dict[str, Any] = {}
    with context.watch("cut"):
        for target, lower in directions.items():
            docked, labelled = read_held_out(teacher_file, target), read_held_out(student_file, target)
            if not labelled.num_rows:
                raise CampaignError(f"No label of {target!r} was held out from the student.")
            if docked.num_rows < FEWEST:
                # Too few dockings of the random sample: nothing is known about the teacher, so nothing is cut.
                facts[target] = _unknown(settings, target, docked.num_rows)
                continue
            mine = np.asarray(labels[f"mean:{target}"].drop_null().to_numpy(), float)
            theirs = np.asarray(scored[:, list(directions).index(target)], float)
            cuts = plan_cascade(
                goal,
                (docked_scores(docked), docked["mean"].to_numpy()),
                (labelled["truth"].to_numpy(), labelled["mean"].to_numpy()),
                (mine, theirs[np.isfinite(theirs)]),
                seed=derive_seed(settings.seed, "cut", settings.round, target) % 2**31,
                lower_is_better=lower,
                budget=None if settings.sweep else settings.budget[target] / rows_of(settings, target),
                rows=rows_of(settings, target),
            )
            curve = recorded_scale(docked, target)
            if curve is not None:
                cuts = dataclasses.replace(cuts, student=_carried_back(cuts.student, curve))
            if settings.method != "random":
                # Whatever the figures say, they are of molecules that do not stand for the library.
                teacher = dataclasses.replace(
                    cuts.teacher,
                    promised=False,
                    reasons=(NOT_DRAWN,),
                    instead=(),
                    dockings_needed=None,
                    dockings_model=None,
                )
                cuts = dataclasses.replace(cuts, teacher=teacher)
            kept = _kept(settings, target, cuts.student.fraction, cuts.teacher.fraction)
            facts[target] = {
                "teacher": _as_json(cuts.teacher),
                "student": _as_json(cuts.student),
                **kept,
                "promised": _promised(cuts, kept, sweep=bool(settings.sweep)),
                "goal": dataclasses.asdict(goal),
                "price": _price(
                    context.runtime, target, cuts.teacher, cuts.student, rows_of(settings, target)
                ),
                "notes": [] if settings.method == "random" else [NOT_RANDOM],
            }
    if _of_space(context):
        facts = {target: {**found, "fast_model": "factor model"} for target, found in facts.items()}
    return TaskOutcome(labels.num_rows, labels.num_rows, facts={"cuts": facts})


def _carried_back(student: Cut, curve: Curve) -> Cut:
    """Return the student's cut with the teacher's means that it speaks of as docking scores, which is what users know.

    ``threshold`` stays as it is: a prediction is compared with it. What is beyond the curve's end is infinitely bad.
    """
    return dataclasses.replace(
        student,
        score=float(curve.undraw(np.asarray(student.score))),
        instead=tuple(_carried_back(other, curve) for other in student.instead),
    )


def _of_space(context: TaskContext[CutSettings]) -> bool:
    """Tell whether a factor model of a combinatorial space stands in place of a student."""
    return any(record.path.endswith("factors.safetensors") for record in context.task.inputs)


def _scored(context: TaskContext[CutSettings], labels: pa.Table, targets: list[str]) -> NDArray[np.float32]:
    """Return what the student, or in a space the factor model, says of the labelled molecules."""
    if _of_space(context):
        return predict_labels(context, labels, targets)
    student = bundle_of(context)
    threads = context.runtime.get("threads", 1)
    scored = student.predict(labels["smiles"].to_pylist(), threads=threads).mean
    return np.asarray(scored[:, [student.targets.index(target) for target in targets]])


def rows_of(settings: CutSettings, target: str) -> int:
    """Return how many molecules of the library a target may dock: what all shares are shares of."""
    return settings.may_dock.get(target, settings.rows)


def _price(
    costs: Mapping[str, Any], target: str, teacher: Cut, student: Cut, rows: int
) -> dict[str, float | None]:
    """Return core-seconds of docking and of the teacher's predictions, if both cuts were followed to the full."""
    docking, predicting = costs.get("docking_seconds", {}).get(target), costs.get("predicting_seconds")
    return {
        "docking_seconds": cut_price(teacher, rows, docking).seconds,
        "predicting_seconds": cut_price(student, rows, predicting).seconds,
    }


def _promised(cuts: StageCuts, kept: Mapping[str, Any], sweep: bool) -> bool:
    """Return whether the goal's confidence may be printed of docking the teacher's best ``dock_for_goal``.

    In a sweep the student must have let through what it has to, and all of them must be docked.
    """
    if not sweep:
        return cuts.teacher.promised
    return cuts.promised and kept["keep"] >= kept["needed"] and kept["sweep"] >= kept["dock_for_goal"]


def _as_json(found: Cut) -> dict[str, Any]:
    """Return a cut as JSON values; what is infinite (everything is kept) becomes None."""
    values = {name: getattr(found, name) for name in (field.name for field in dataclasses.fields(found))}
    for name in ("threshold", "score"):
        values[name] = values[name] if np.isfinite(values[name]) else None
    return {
        **values,
        "goal": dataclasses.asdict(found.goal),
        "notes": list(found.notes),
        "reasons": list(found.reasons),
        "instead": [_as_json(other) for other in found.instead],
    }


def _unknown(settings: CutSettings, target: str, known: int) -> dict[str, Any]:
    """Return what is kept where nothing is known: as much as may be, and nothing is swept."""
    notes = [
        f"Only {known} molecules of the seed sample are docked and predicted: nothing is known about cuts."
    ]
    if settings.sweep:
        notes.append("Nothing is swept.")
    kept = _kept(settings, target, settings.widest, 1.0)
    return {
        "teacher": None,
        "student": None,
        **kept,
        "promised": False,
        "dock_for_goal": None,
        "sweep": 0,
        "notes": notes,
    }


def _kept(settings: CutSettings, target: str, student: float, teacher: float) -> dict[str, Any]:
    """Return what is kept: ``keep`` molecules by the student, ``dock`` by the teacher, and what bounds them.

    ``by`` is ``goal`` (the data say so), ``file`` (``[rounds] keep``), ``widest`` or ``room`` (enough molecules
    that are not docked yet).
    """
    rows, fixed = rows_of(settings, target), settings.keep
    gate = settings.gate.get(target, True)
    # Of several reasons to keep molecules the one that asks for most decides.
    reasons = {"room": 5 * settings.dock + settings.docked}
    if fixed != "auto":
        # Molecules docked in earlier rounds stay among the best: what the goal needs has them in it, this has not.
        reasons["file"] = molecules(fixed, rows) + settings.docked
    if fixed == "auto" or not gate:
        widest = molecules(settings.widest, rows)
        reasons["widest" if student > settings.widest else "goal"] = min(molecules(student, rows), widest)
    by = max(reasons, key=lambda name: reasons[name])
    keep = min(reasons[by], rows)
    wanted = molecules(teacher, rows)
    return {
        "gate": gate,
        "keep": keep,
        "keep_by": by,
        "needed": molecules(student, rows),
        "dock_for_goal": wanted,
        "sweep": min(wanted, settings.sweep) if settings.sweep else 0,
    }
