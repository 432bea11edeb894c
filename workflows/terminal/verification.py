"""What a verification found, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..controls.words import HEAD, control_rows, control_words
from ..text import plural
from ..verifying.findings import Verification

_MOST = 40


def print_verification(console: Console, found: Verification) -> None:
    """Print counts, what is wrong with its cure, what was repeated, and the verdict."""
    counts = found.counts
    console.print(
        f"{counts.get('receipts', 0):,} receipts ({counts.get('chained', 0):,} chained), "
        f"{counts.get('files', 0):,} files of {counts.get('bytes', 0) / 1e6:,.1f} MB, "
        f"{counts.get('models', 0):,} models",
        highlight=False,
    )
    for note in found.notes:
        console.print(f"[dim]{escape(note)}[/]", highlight=False)
    if found.repeated:
        same = sum(item.identical for item in found.repeated)
        equal = sum(item.equal for item in found.repeated) - same
        console.print(
            f"{plural(len(found.repeated), 'task')} done again: {same:,} gave the same bits, "
            f"{equal:,} the same but for times, {len(found.repeated) - same - equal:,} something else",
            highlight=False,
        )
    for item in found.findings[:_MOST]:
        console.print(
            f"[red]{item.kind}[/] [bold]{escape(item.path)}[/]: {escape(item.problem)} {escape(item.cure)}",
            highlight=False,
        )
    if len(found.findings) > _MOST:
        console.print(f"... and {len(found.findings) - _MOST:,} more (--json lists all)")
    state = "complete" if found.complete else "not complete"
    verdict = (
        "[green]Nothing is wrong[/]" if found.ok else f"[red]{len(found.findings):,} things are wrong[/]"
    )
    console.print(f"{verdict}; the campaign is {state}.", highlight=False)


def print_control(console: Console, found: Mapping[str, Any]) -> None:
    """Print what the label-shuffle control found."""
    table = Table()
    for name in HEAD:
        table.add_column(name)
    for row in control_rows(found):
        table.add_row(*map(escape, row))
    console.print(table)
    for text in control_words(found):
        console.print(escape(text), style="red" if text in found["leakage"] else "", highlight=False)
