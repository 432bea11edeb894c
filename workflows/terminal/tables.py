"""What a campaign looks like in a terminal: a line per stage, a bar for the one that runs, tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import pyarrow as pa
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.text import Text

from ...screening.docking.failures import meaning_of
from ..progress.stage import StageStatus
from ..progress.status import CampaignStatus
from ..progress.throughput import Throughput, used_words
from ..text import duration
from .grid import Column, Grid, numbers

ENDLESS = 10_000
"""Characters in a line where nobody looks at its width."""


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class PlainConsole(Console):
    """A console on which ids, names and messages cannot act: what controls a terminal or turns text round is shown."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return the segments of ``renderable``, control characters of their texts made visible."""
        for segment in super().render(renderable, options):
            if segment.control is None and _UNSEEN.search(segment.text):
                yield Segment(_UNSEEN.sub(_visible, segment.text), segment.style)
            else:
                yield segment


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"


def console(stderr: bool = False) -> Console:
    """Return a console that prints every text as it is; one that is no terminal (a pipe, a log file) breaks no lines.

    Ids, SMILES and paths hold brackets and colons: nothing is read as markup or as the name of a picture, and nothing
    is coloured for looking like a number. What is to be bold or red is a ``Text`` with a style.
    """
    here = PlainConsole(stderr=stderr, markup=False, emoji=False, highlight=False)
    if here.is_terminal:
        return here
    return PlainConsole(stderr=stderr, width=ENDLESS, markup=False, emoji=False, highlight=False)


def without_score(failures: Mapping[str, int]) -> str:
    """Return in words how many dockings gave no score, by code, the most frequent first."""
    listed = ", ".join(f"{code} {count:,}" for code, count in Counter(failures).most_common())
    return f"dockings without a score: {sum(failures.values()):,} ({listed})"


def meanings(codes: Iterable[str]) -> list[str]:
    """Return a line per failure code that this version knows: the code, and what it means."""
    return [f"{code}: {meaning}" for code in dict.fromkeys(codes) if (meaning := meaning_of(code))]


def status_table(status: CampaignStatus) -> Group:
    """Return the stages of a campaign as a table, and the dockings without a score below it."""
    left = "" if status.seconds_left is None else f", about {duration(status.seconds_left)} left"
    left += " (what has not run yet, by the plan)" if left and status.by_plan else ""
    driver = f" ({status.driver})" if status.driver else ""
    title = f"{status.root.name}: {status.state}{driver}{left if status.state == 'running' else ''}"
    head = numbers("tasks", "done", "running", "failed", "left", "molecules", "per task-second")
    table = Grid([Column("stage"), *head], title)
    for stage in status.stages:
        counts = (stage.total, stage.done, stage.running, stage.failed, stage.left)
        rate = f"{stage.rate:,.1f}" if stage.rate == stage.rate else "-"
        table.add(stage.stage, *counts, _molecules(stage), rate)
    for name in status.waiting:
        table.add(name, *["-"] * 7, style="dim")
    lines = [f"Damaged: {line}" for line in status.damage]
    lines += status.mixed
    lines += status.dockings
    lines += [f"{stage.stage}: {without_score(stage.failures)}" for stage in status.stages if stage.failures]
    lines += [f"  {line}" for line in meanings(code for stage in status.stages for code in stage.failures)]
    if status.blocks:
        lines.append(f"Blocks (jobs of the scheduler): {'; '.join(status.blocks)}")
    lines += status.left_out
    lines += status.failing
    lines += status.stalled
    lines += status.audits
    lines += status.sources
    return Group(table, *map(Text, lines))


def _molecules(stage: StageStatus) -> str:
    """Return the molecules that are done; of a stage that is not, out of how many."""
    done = stage.rows + stage.under_way
    return f"{done:,} of {stage.molecules:,}" if stage.molecules > done else f"{done:,}"


def throughput_table(groups: list[Throughput]) -> Group:
    """Return the rates of a campaign's screens as a table, and what all of them used below it."""
    rates = ("model only", "+ features", "end to end", "per held second", "per wall second")
    head = [Column("group"), *numbers("tasks", "molecules", *rates), Column("bound by", wraps=True, least=8)]
    table = Grid(head, "Molecules screened per device-second")
    for item in groups:
        bound = f"{item.bound} ({item.shares[item.bound]:.0%})"
        found = (item.model_rate, item.features_rate, item.end_to_end_rate, item.held_rate, item.wall_rate)
        shown = ("-" if rate != rate else f"{rate:,.0f}" for rate in found)
        table.add(item.name, item.tasks, f"{item.molecules:,}", *shown, bound)
    return Group(table, *map(Text, used_words(groups[-1])))


ON_OWN_LINE = (
    "id",
    "other_ids",
    "message",
    "meaning",
    "scaffold",
    "parent",
    "query_match",
    "known_match",
    "smiles",
)
"""Columns whose values stand below their row where it has no room for them, the last of them first."""


def plain_table(table: pa.Table, decimals: int, title: str = "") -> Grid:
    """Return any table for a terminal: every value in full, numbers to the right, nothing read as markup."""
    aside = [name for name in ON_OWN_LINE if name in table.column_names]
    names = [name for name in table.column_names if name not in aside]
    columns = []
    for name in (*names, *aside):
        kind = table.schema.field(name).type
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        below = name in aside
        named = below and name not in ("id", "smiles")
        columns.append(Column(name.replace("_", " "), right=number, below=below, named=named))
    shown = Grid(columns, title)
    for row in table.select([*names, *aside]).to_pylist():
        shown.add(*(_cell(value, decimals) for value in row.values()))
    return shown


def _cell(value: object, decimals: int) -> str:
    if value is None:
        return "-"
    return f"{value:.{decimals}f}" if isinstance(value, float) else str(value)
