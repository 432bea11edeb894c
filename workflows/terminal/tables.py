"""What a campaign looks like in a terminal: a line per stage, a bar for the one that runs, tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pyarrow as pa
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from ...screening.docking.failures import meaning_of
from ..progress.status import CampaignStatus
from ..progress.throughput import Throughput, used_words
from ..text import duration

ENDLESS = 10_000
"""Characters in a line where nobody looks at its width."""


def console(stderr: bool = False) -> Console:
    """Return a console; one that is no terminal (a pipe, a log file) never breaks lines."""
    here = Console(stderr=stderr)
    return here if here.is_terminal else Console(stderr=stderr, width=ENDLESS)


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
    driver = f" ({status.driver})" if status.driver else ""
    title = f"{status.root.name}: {status.state}{driver}{left if status.state == 'running' else ''}"
    table = Table(title=Text(title, style="table.title"), title_justify="left")
    table.add_column("stage", no_wrap=True)
    for name in ("tasks", "done", "running", "failed", "left", "molecules", "per task-second"):
        table.add_column(name, justify="right")
    for stage in status.stages:
        counts = (stage.total, stage.done, stage.running, stage.failed, stage.left)
        rate = f"{stage.rate:,.1f}" if stage.rate == stage.rate else "-"
        table.add_row(stage.stage, *map(str, counts), f"{stage.rows:,}", rate)
    for name in status.waiting:
        table.add_row(name, *["-"] * 7, style="dim")
    lines = [f"{stage.stage}: {without_score(stage.failures)}" for stage in status.stages if stage.failures]
    lines += [f"  {line}" for line in meanings(code for stage in status.stages for code in stage.failures)]
    if status.blocks:
        lines.append(f"Blocks: {'; '.join(status.blocks)}")
    lines += status.left_out
    lines += status.failing
    lines += status.audits
    return Group(table, *map(Text, lines))


def throughput_table(groups: list[Throughput]) -> Group:
    """Return the rates of a campaign's screens as a table, and what all of them used below it."""
    table = Table(title="Molecules screened per device-second", title_justify="left")
    table.add_column("group")
    for name in (
        "tasks",
        "molecules",
        "model only",
        "+ features",
        "end to end",
        "per held second",
        "per wall second",
        "bound by",
    ):
        table.add_column(name, justify="right")
    for item in groups:
        bound = f"{item.bound} ({item.shares[item.bound]:.0%})"
        rates = (item.model_rate, item.features_rate, item.end_to_end_rate, item.held_rate, item.wall_rate)
        shown = ("-" if rate != rate else f"{rate:,.0f}" for rate in rates)
        table.add_row(Text(item.name), str(item.tasks), f"{item.molecules:,}", *shown, bound)
    return Group(table, *map(Text, used_words(groups[-1])))


def plain_table(table: pa.Table, decimals: int) -> Table:
    """Return any table for a terminal: every value in full, numbers to the right, nothing read as markup."""
    shown = Table()
    for field in table.schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        shown.add_column(
            Text(field.name.replace("_", " ")), justify="right" if number else "left", overflow="fold"
        )
    for row in table.to_pylist():
        shown.add_row(*(_cell(value, decimals) for value in row.values()))
    return shown


def _cell(value: object, decimals: int) -> Text:
    if value is None:
        return Text("-")
    return Text(f"{value:.{decimals}f}" if isinstance(value, float) else str(value))
