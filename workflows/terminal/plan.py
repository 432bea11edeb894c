"""A plan in a terminal: a table by kind of work, totals with their margins, and what was really taken."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group
from rich.text import Text

from ...data.words import plural
from ..planning.estimate import STEPS, CampaignPlan, StepPlan
from ..text import duration, time_words
from .grid import Column, Grid, numbers

WORDS = {
    "dock": "dock",
    "train": "train teachers",
    "label": "label for students",
    "distil": "distil students",
    "screen": "screen the library",
    "rank": "rank the library",
    "refine": "teacher on the shortlist",
    "final": "dock the best again",
    "other": "sample, cut, choose, hits",
}


def plan_table(plan: CampaignPlan, taken: Mapping[str, StepPlan] | None = None) -> Group:
    """Return a plan for a terminal; ``taken``: what the campaign has taken since."""
    columns = ["tasks", "molecules", "core time", "wall"]
    columns += ["core time so far", "wall so far"] if taken else []
    table = Grid([Column("work"), *numbers(*columns)], "What the campaign will take")
    for step in STEPS:
        item = plan.steps[step]
        if not item.tasks:
            continue
        row = [
            f"{item.tasks:,}",
            f"{item.units:,}" if item.units else "-",
            time_words(item.seconds),
            time_words(item.wall),
        ]
        if taken:
            done = taken.get(step, StepPlan())
            row += [time_words(done.seconds), time_words(done.wall)] if done.tasks else ["-", "-"]
        table.add(WORDS[step], *row)
    lines = [
        f"Wall time on {plural(plan.workers, 'worker')}: {_margin(plan.wall)}; busy core time: "
        f"{_margin(plan.core_seconds)} (margins meant to hold for 90 of 100 campaigns).",
        *(_dockings(plan, target) for target in plan.dockings),
        f"Disk: {_bytes(plan.disk)} in the campaign folder. Memory: about {_bytes(plan.memory)} a worker.",
        *plan.notes,
    ]
    if taken:
        spent, wall = (sum(getattr(item, name) for item in taken.values()) for name in ("seconds", "wall"))
        lines.append(
            f"The campaign has taken {time_words(wall)} of wall time and {time_words(spent)} of core time so far."
        )
    if plan.trial_seconds:
        lines.append(f"From a trial of {duration(plan.trial_seconds)}.")
    return Group(table, *map(Text, lines))


def _dockings(plan: CampaignPlan, target: str) -> str:
    """Return what the dockings of a target cost; those of the final docking, which searches longer, apart."""
    final = plan.final_dockings.get(target, 0)
    each = plan.docking_seconds[target]
    words = f"{target}: {plural(plan.dockings[target] - final, 'docking')} of {each:.2g} core-seconds each"
    if final:
        words += f" and {final:,} in the final docking of {plan.final_seconds.get(target, 0.0):.2g} each"
    return f"{words}, {time_words(plan.docking_cost(target))} of core time in all."


def _margin(values: tuple[float, float, float]) -> str:
    value, low, high = map(time_words, values)
    return f"{value} ({low} to {high})"


def _bytes(count: int) -> str:
    for size, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1000:.3g} kB"
