"""The section of a report about what could make its figures too good: leakage, and goals set afterwards."""

from __future__ import annotations

import time

from ...data.errors import DocksieveError
from ..controls.kept import judge_plan
from ..controls.plan import read_plan
from ..controls.shuffle import read_control, scores_hash
from ..controls.words import HEAD, control_rows, control_words
from ..html.page import paragraph, section, table, tag
from .facts import Facts

CONTROL = "`docksieve control shuffle CAMPAIGN` teaches the teacher shuffled scores, of which it must learn nothing."


def evidence_section(facts: Facts) -> str:
    """Return the section."""
    return section("evidence", "Checks against chance and leakage", *_control(facts), *_plan(facts))


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


def _plan(facts: Facts) -> list[str]:
    """Return what was planned beforehand, and whether it was kept."""
    title = tag("h3", "Analysis plan")
    try:
        plan = read_plan(facts.root)
        if plan is None:
            words = "None was written. `docksieve plan-analysis CAMPAIGN.toml` writes one, before anything is docked."
            return [title, paragraph(words, "soft")]
        points = judge_plan(facts.campaign, plan, facts.rounds, facts.status.state == "complete")
    except (DocksieveError, KeyError, TypeError) as error:
        return [title, paragraph(f"The plan cannot be judged: {error}", "wrong")]
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(plan["written"]))
    said = paragraph(f"Written {when}, SHA-256 {plan['sha256'][:16]}.", "soft")
    rows = [(point.what, _ANSWERS[point.answer], point.words) for point in points]
    return [title, said, table("Planned and kept", ("planned", "kept", "what the files say"), rows, left=3)]


_ANSWERS = {"yes": "yes", "no": "NO", "open": "not decided"}
