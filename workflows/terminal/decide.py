"""Whether to go on, in words and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from ...data.words import plural
from ...screening.decisions.scoring import chance_words
from ..text import core_time
from .grid import Column, Grid, numbers

if TYPE_CHECKING:
    from ..deciding.decision import Answer

STYLES = {"go": "bold green", "stop": "bold red", "ask for more": "bold yellow", "cannot say": "bold"}


def decision_view(answer: Answer) -> Group:
    """Return what the next dockings bring, and the verdict."""
    decision, known = answer.decision, answer.evidence
    lines: list[Text | Grid] = [
        Text.assemble(
            f"{answer.target}: ", (decision.verdict, STYLES[decision.verdict]), f". {decision.reason}"
        ),
        *map(Text, criteria_words(answer)),
    ]
    if decision.outlooks:
        head = numbers("next dockings", "hits (80 %)", "chance of a better best", "chance of success", "cost")
        table = Grid([*head, Column("verdict")])
        for item in decision.outlooks:
            table.add(
                f"{item.dockings:,}",
                f"{item.hits:,.1f} ({item.hits_low:,.0f}-{item.hits_high:,.0f})",
                chance_words(item.improves),
                chance_words(item.success),
                core_time(3600 * item.core_hours),
                item.verdict,
            )
        lines.append(table)
        shift, scale = decision.shift, decision.scale
        lines.append(
            Text(
                f"Learnt from {plural(decision.picked, 'picked molecule')} in "
                f"{plural(decision.batches, 'batch', 'batches')}: scores come out {shift[0]:+.2f} spreads (standard "
                f"deviations of a prediction; {shift[1]:+.2f} to {shift[2]:+.2f}) worse than predicted, errors are "
                f"{scale[0]:.2f} times the spread ({scale[1]:.2f} to {scale[2]:.2f}). "
                f"{plural(len(known.mean), 'candidate')} of round {known.round}. "
                f"{known.failed:,} of {plural(known.docked, 'docking')} failed so far; as large a share of the next "
                "is taken to fail."
            )
        )
    return Group(*lines, *map(Text, answer.notes), Text(answer.learning))


def criteria_words(answer: Answer) -> list[str]:
    """Return the criteria in words, and when they were set."""
    rules, unit = answer.decision.criteria, answer.unit
    wanted = []
    if rules.hits:
        wanted.append(f"{rules.hits:,} or more hits, scores of {rules.threshold:g} {unit} or better")
    if rules.improve:
        wanted.append(f"a best score better by {rules.improve:g} {unit}")
    return [
        f"Success: {' and '.join(wanted)}. Go from {rules.go:g} on, stop at {rules.stop:g}.",
        f"These {answer.origin}.",
    ]
