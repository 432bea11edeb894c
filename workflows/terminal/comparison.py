"""A comparison of campaigns in words and tables."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from ...data.words import plural
from ...screening.metrics.overlap import Agreement
from ..hits.compare import KINDS, Comparison
from .grid import Column, Grid, numbers

_MOST_DIFFERENCES = 40


def comparison_view(found: Comparison, every: bool = False) -> Group:
    """Return what two campaigns, or rounds, share and in what they differ.

    Parameters
    ----------
    found : Comparison
    every : bool
        List all differences, however many.
    """
    parts: list[Text | Grid] = [Text(f"{found.first}  against  {found.second}", style="bold")]
    parts += [Text(note) for note in found.notes]
    for target, agreements in found.agreements.items():
        if not agreements:
            parts.append(Text(f"{target}: nothing is ranked on both sides yet."))
        for kind, item in agreements.items():
            parts += [Text(""), Text(f"{target}, {KINDS[kind]}: {_summary(item)}"), _overlaps(item)]
    parts.append(Text(""))
    parts += _differences(found, every)
    return Group(*parts)


def _summary(item: Agreement) -> str:
    counts = f"{item.first:,} and {plural(item.second, 'molecule')}"
    if item.correlation is None:
        return f"{counts}, {item.compared:,} scored in both: too few, or all alike, for a rank correlation"
    figure = f"{item.correlation.value:.3f} ({item.correlation.low:.3f} to {item.correlation.high:.3f})"
    return f"{counts}; rank correlation {figure} over {item.compared:,} scored in both"


def _overlaps(item: Agreement) -> Grid:
    table = Grid(numbers("best", "in both", "share", "of the first, ranked by the second"))
    for overlap in item.overlaps:
        table.add(f"{overlap.depth:,}", f"{overlap.shared:,}", f"{overlap.share:.0%}", f"{overlap.known:,}")
    return table


def _differences(found: Comparison, every: bool) -> list[Text | Grid]:
    if not found.differences:
        return [Text("Settings, targets, library and versions are the same.")]
    shown = found.differences if every else found.differences[:_MOST_DIFFERENCES]
    columns = [Column("what", wraps=True), Column(found.first, wraps=True), Column(found.second, wraps=True)]
    table = Grid(columns, "What differs")
    for item in shown:
        table.add(item.what, _value(item.first), _value(item.second))
    more = len(found.differences) - len(shown)
    return [table, Text(f"{more} more; --all lists them.")] if more else [table]


def _value(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
