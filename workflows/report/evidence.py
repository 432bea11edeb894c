"""The section of a report about what could make its figures too good: leakage, and goals set afterwards."""

from __future__ import annotations

from ..controls.shuffle import read_control, scores_hash
from ..controls.words import HEAD, control_rows, control_words
from ..html.page import paragraph, section, table, tag
from .facts import Facts

CONTROL = "`docksieve control shuffle CAMPAIGN` teaches the teacher shuffled scores, of which it must learn nothing."


def evidence_section(facts: Facts) -> str:
    """Return the section."""
    return section("evidence", "Checks against chance and leakage", *_control(facts))


def leakage(facts: Facts) -> list[str]:
    """Return what the last control found to be wrong."""
    found = read_control(facts.root)
    return [] if found is None else list(found["leakage"])


def _control(facts: Facts) -> list[str]:
    found = read_control(facts.root)
    title = tag("h3", "Shuffled scores")
    if found is None:
        return [title, paragraph(f"Not done. {CONTROL}", "soft")]
    parts = [
        title,
        *(paragraph(text, "wrong" if text in found["leakage"] else "") for text in control_words(found)),
    ]
    if found["scores"] != scores_hash(facts.campaign):
        parts.append(paragraph("More was docked since: do the control again.", "soft"))
    share = 100 * found["false_alarms"]
    words = (
        "Intervals of shuffled scores are so wide that a false alarm in any line has a probability of about "
        f"{share:.0f} %; those of the true scores are 95 %."
    )
    return [
        *parts,
        table("Taught true and shuffled scores", HEAD, control_rows(found), left=3),
        paragraph(words, "soft"),
    ]
