"""What an audit will say, and what it said, in words and tables."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group
from rich.text import Text

from ...data.words import plural
from ..campaign.audits import audit_words, goal_words
from ..text import core_time
from .grid import Grid, numbers

UNSEEN = "A molecule that was not picked is seen only if it is drawn: the bound holds wherever hits hide."


def share(value: float | None) -> str:
    """Return a share in percent."""
    return "-" if value is None else f"{100 * value:.1f} %"


def plan_view(card: dict[str, Any]) -> Group:
    """Return what will be drawn and what it buys, before anything is docked."""
    plan, confidence = card["plan"], f"{100 * card['confidence']:.3g} %"
    number = f"audit-{card['number']:03d}" if "number" in card else "Plan of an audit"
    left = sum(item["size"] for item in card["strata"])
    before = f", {card['audited_before']:,} docked by earlier audits" if card["audited_before"] else ""
    cost = plan["core_seconds"]
    lines = [
        f"{number} of {card['target']}: {plural(card['budget'], 'docking')} of {left:,} molecules that are not docked "
        f"({card['picked']:,} picked in rounds{before}), about {core_time(cost)}.",
        f"Asked: which share of {goal_words(card)} was picked? Bound with {confidence} confidence.",
    ]
    strata = Grid(
        numbers("molecules", "drawn", "each stands for", "missed hits guessed"),
        f"Strata (groups from which molecules are drawn), by the prediction of round {card['round']}",
    )
    for item in card["strata"]:
        each = f"{1 / item['probability']:,.1f}" if item["probability"] else "-"
        strata.add(f"{item['size']:,}", f"{item['drawn']:,}", each, f"{item['expected']:,.1f}")
    buys = Grid(
        numbers("misses seen", "recall at least", "at worst"),
        f"What it buys ({plan['found']:,} found, by a guess of the score)",
    )
    for line in plan["if_seen"]:
        buys.add(str(line["seen"]), share(line["likely"]), share(line["worst"]))
    low, high = plan["bound_80"]
    after = [
        f"If the models are right the recall is {share(plan['modelled_recall'])}, and the bound will be about "
        f"{share(plan['expected_bound'])} ({share(low)} to {share(high)} in 4 of 5 draws).",
        f"To guarantee {share(card['recall'])} with no miss seen takes some {plan['random_dockings']:,} dockings, "
        "stratified or not, whatever the size of the library"
        + (
            f" (or the {left:,} that are left, where that is fewer)."
            if plan["random_dockings"] > left
            else "; strata save what each miss costs beyond that."
        ),
        "A docking that fails counts as a miss. If the models are right, "
        + (
            "no number of dockings will show that: too much is expected to be missed, or to fail."
            if plan["needed"] is None
            else f"about {plural(plan['needed'], 'docking')} will show it."
        ),
    ]
    return Group(*map(Text, lines), strata, buys, *map(Text, after))


def result_view(card: dict[str, Any]) -> Group:
    """Return what was found."""
    result = card["result"]
    found = result["recall"]
    table = Grid(numbers("molecules", "drawn", "missed hits", "failed"), "What the dockings showed")
    for item in result["strata"]:
        table.add(*(f"{item[key]:,}" for key in ("size", "drawn", "hits", "failed")))
    lines = [
        f"Recall at least {share(found['lower'])} with {100 * card['confidence']:.3g} % confidence "
        f"(failed dockings counted as missed hits).",
        f"{share(found['lower_if_failures_are_none'])} if molecules that fail are no hits. "
        f"Plain estimate {share(found['estimate'])}; modelled beforehand {share(card['plan']['modelled_recall'])}.",
        f"The wanted {share(card['recall'])} {'is' if result['reached'] else 'is not'} shown.",
        *found["notes"],
        *(
            ["Each audit's bound holds with its own confidence; the best of several holds with less."]
            if card["number"] > 1
            else []
        ),
    ]
    if result["missed"]:
        names = ", ".join(f"{item['id']} ({item['score']:.2f})" for item in result["missed"][:5])
        lines.append(f"Missed hits, the best first: {names}")
    lines.append(
        f"The scores teach every round from {result['first_round']} on: raise [rounds] count and submit again."
    )
    return Group(Text(audit_words(card)), table, *map(Text, lines))


def print_plan(console: Console, card: dict[str, Any]) -> None:
    """Print the plan."""
    console.print(plan_view(card))
    console.print(Text(UNSEEN))


def print_result(console: Console, card: dict[str, Any], fresh: bool) -> None:
    """Print what was found; of an audit that was finished before, how to begin another."""
    console.print(result_view(card))
    if not fresh:
        console.print("It was finished before; another --budget or --seed begins another audit.")
