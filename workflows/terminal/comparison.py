"""A comparison of campaigns in words and tables."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ...screening.metrics.overlap import Agreement
from ..hits.compare import KINDS, Comparison

_MOST_DIFFERENCES = 40


def comparison_view(found: Comparison, every: bool = False) -> Group:
    """Return what two campaigns, or rounds, share and in what they differ.

    Parameters
    ----------
    found : Comparison
    every : bool
        List all differences, however many.
    """
    parts: list[Text | Table] = [Text(f"{found.first}  against  {found.second}", style="bold")]
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
    counts = f"{item.first:,} and {item.second:,} molecules"
    if item.correlation is None:
        return f"{counts}, {item.compared:,} scored in both: too few, or all alike, for a rank correlation"
    figure = f"{item.correlation.value:.3f} ({item.correlation.low:.3f} to {item.correlation.high:.3f})"
    return f"{counts}; rank correlation {figure} over {item.compared:,} scored in both"


def _overlaps(item: Agreement) -> Table:
    table = Table()
    for name in ("best", "in both", "share", "of the first, ranked by the second"):
        table.add_column(name, justify="right")
    for overlap in item.overlaps:
        table.add_row(
            f"{overlap.depth:,}", f"{overlap.shared:,}", f"{overlap.share:.0%}", f"{overlap.known:,}"
        )
    return table


def _differences(found: Comparison, every: bool) -> list[Text | Table]:
    if not found.differences:
        return [Text("Settings, targets, library and versions are the same.")]
    shown = found.differences if every else found.differences[:_MOST_DIFFERENCES]
    table = Table(title="What differs", title_justify="left")
    table.add_column("what", overflow="fold")
    table.add_column(Text(found.first), overflow="fold")
    table.add_column(Text(found.second), overflow="fold")
    for item in shown:
        table.add_row(Text(item.what), _value(item.first), _value(item.second))
    more = len(found.differences) - len(shown)
    return [table, Text(f"{more} more; --all lists them.")] if more else [table]


def _value(value: object) -> Text:
    if value is None:
        return Text("-")
    return Text(f"{value:.4g}" if isinstance(value, float) else str(value))
