"""What a verification found, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from ...data.words import agree, plural
from ..controls.words import HEAD, control_rows, control_words
from ..verifying.findings import Verification
from .grid import Column, Grid

_MOST = 40


def print_verification(console: Console, found: Verification) -> None:
    """Print counts, what is wrong with its cure, what was repeated, and the verdict."""
    counts = found.counts
    console.print(
        f"{plural(counts.get('receipts', 0), 'receipt')} ({counts.get('chained', 0):,} chained), "
        f"{plural(counts.get('files', 0), 'file')} of {counts.get('bytes', 0) / 1e6:,.1f} MB, "
        f"{plural(counts.get('models', 0), 'model')}"
    )
    for note in found.notes:
        console.print(Text(note, style="dim"))
    if found.repeated:
        same = sum(item.identical for item in found.repeated)
        equal = sum(item.equal for item in found.repeated) - same
        console.print(
            f"{plural(len(found.repeated), 'task')} done again: {same:,} gave the same bits, "
            f"{equal:,} the same but for times, {len(found.repeated) - same - equal:,} something else"
        )
    for item in found.findings[:_MOST]:
        path = (str(item.path), "bold")
        console.print(Text.assemble((item.kind, "red"), " ", path, f": {item.problem} {item.cure}"))
    if len(found.findings) > _MOST:
        console.print(f"... and {len(found.findings) - _MOST:,} more (--json lists all)")
    state = "complete" if found.complete else "not complete"
    wrong = len(found.findings)
    said = f"{plural(wrong, 'thing')} {agree(wrong, 'is', 'are')} wrong"
    verdict = ("Nothing is wrong", "green") if found.ok else (said, "red")
    console.print(Text.assemble(verdict, f"; the campaign is {state}."))


def print_control(console: Console, found: Mapping[str, Any]) -> None:
    """Print what the label-shuffle control found."""
    table = Grid([Column(name) for name in HEAD])
    for row in control_rows(found):
        table.add(*row)
    console.print(table)
    for text in control_words(found):
        console.print(Text(text, style="red" if text in found["leakage"] else ""))
