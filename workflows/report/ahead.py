"""The sections of a report about what was missed, and about whether more dockings are worth it."""

from __future__ import annotations

from typing import Any

from ...data.errors import DocksieveError
from ...screening.decisions.scoring import chance_words
from ..campaign.audits import audit_name, audit_words, goal_words, read_audits
from ..deciding.criteria import criteria_of
from ..deciding.decision import Answer, answer
from ..html.page import paragraph, section, table
from ..progress.receipts import CampaignReceipts
from ..text import core_time, percent
from .facts import Facts


def audits(facts: Facts) -> list[dict[str, Any]]:
    """Return the audits of a campaign, finished or not."""
    return read_audits(facts.root)


def audit_section(cards: list[dict[str, Any]]) -> str:
    """Return what audits prove and what models expected, in columns of their own; empty if there was none."""
    if not cards:
        return ""
    head = (
        "audit",
        "of",
        "the best being",
        "audited: at least",
        "if failures are none",
        "plain estimate",
        "modelled beforehand",
        "confidence",
        "docked",
        "missed hits",
        "failed",
    )
    words = (
        "Audited recall rests on dockings of molecules that were not picked, drawn with known probabilities: its bound "
        "assumes nothing of the models. Modelled recall is what the models themselves expected before, and is no "
        "evidence. What was picked in later rounds can only add to an audited recall."
    )
    parts = [paragraph(words, "soft"), table("Recall", head, [_row(card) for card in cards], left=3)]
    parts += [paragraph(audit_words(card), "soft") for card in cards if card["result"] is None]
    if len(cards) > 1:
        parts.append(
            paragraph(
                "Each bound holds with its own confidence; the best of several holds with less.", "soft"
            )
        )
    notes = [
        f"{audit_name(card['number'])}: {note}"
        for card in cards
        if card["result"]
        for note in card["result"]["recall"]["notes"]
    ]
    return section("audit", "Audit: what was missed", *parts, *(paragraph(note, "soft") for note in notes))


def _row(card: dict[str, Any]) -> tuple[str, ...]:
    result = card["result"]
    found: dict[str, Any] = result["recall"] if result else {}
    shares = [found.get(key) for key in ("lower", "lower_if_failures_are_none", "estimate")]
    counts = (found.get(key) for key in ("dockings", "hits", "failed"))
    return (
        audit_name(card["number"]),
        card["target"],
        goal_words(card),
        *("–" if value is None else percent(value) for value in (*shares, card["plan"]["modelled_recall"])),
        percent(card["confidence"]),
        *("–" if value is None else f"{value:,}" for value in counts),
    )


def answers(facts: Facts) -> list[Answer]:
    """Return the decisions by the criteria of ``[decide]``; none if it has none."""
    receipts = CampaignReceipts(facts.campaign)
    chosen = {target: criteria_of(facts.campaign, target) for target in facts.campaign.targets}
    try:
        return [answer(receipts, target, item) for target, item in chosen.items() if item is not None]
    except (DocksieveError, FileNotFoundError):  # a running campaign may be writing what a decision needs
        return []


def decide_section(found: list[Answer]) -> str:
    """Return the forecast of each target and what follows by the criteria; empty if there are none."""
    if not found:
        return ""
    parts: list[str] = []
    for item in found:
        rules = item.decision.criteria
        goal = (
            f"{rules.hits:,} or more hits ({rules.threshold:g} {item.unit} or better)" if rules.hits else ""
        )
        better = f"a best score better by {rules.improve:g} {item.unit}" if rules.improve else ""
        parts.append(paragraph(verdict_words(item)))
        parts.append(
            paragraph(
                f"Success: {' and '.join(word for word in (goal, better) if word)}. Go from {rules.go:g} on, stop at "
                f"{rules.stop:g}. These {item.origin}.",
                "soft",
            )
        )
        if item.decision.outlooks:
            head = ("next dockings", "hits", "80 %", "better best", "success", "cost", "verdict")
            rows = [
                (
                    f"{line.dockings:,}",
                    f"{line.hits:,.1f}",
                    f"{line.hits_low:,.0f} to {line.hits_high:,.0f}",
                    chance_words(line.improves),
                    chance_words(line.success),
                    core_time(3600 * line.core_hours),
                    line.verdict,
                )
                for line in item.decision.outlooks
            ]
            parts.append(table(f"What the next dockings bring, {item.target}", head, rows))
        parts += [paragraph(note, "soft") for note in (*item.notes, item.learning)]
    return section("decide", "Whether to go on", *parts)


def verdict_words(item: Answer) -> str:
    """Return the verdict in a sentence."""
    return f"{item.target}: {item.decision.verdict}. {item.decision.reason}"


def ahead_words(cards: list[dict[str, Any]], found: list[Answer]) -> list[str]:
    """Return the same in sentences, for the terminal."""
    return [
        *(audit_words(card) for card in cards),
        *(f"{verdict_words(item)} These {item.origin}." for item in found),
    ]
