"""The report of a campaign: one HTML file that needs nothing else, and its summary in a few sentences."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any

from ...data.store import write_bytes
from ..campaign.campaign import open_campaign
from ..campaign.damage import reads_campaigns
from ..deciding.decision import Answer
from ..html.page import contents as listed
from ..html.page import page as whole_page
from ..html.page import pairs, paragraph, section, table, tag, together
from ..html.svg import escape
from ..text import core_time, duration, interval, percent, times_word
from .ahead import ahead_words, answers, audit_section, audits, decide_section
from .cost import cost_section
from .evidence import evidence_section, leakage
from .facts import Facts, read_facts
from .figures import write_figures
from .funnel import Passage, cross_checks, library_passages, target_passages
from .quality import acquired_with_scores, enrichment, honest_test, retrospect
from .run_sections import commands, commands_section, provenance_section, throughput_section, time_section
from .summary import Findings, about_target, docking_counts, failed_tasks, fewer, missing, overview, totals
from .target_sections import funnel, target_section
from .timing import Times, read_times


@reads_campaigns
def write_report(
    campaign: str | Path, out: str | Path | None = None, figures: str | Path | None = None
) -> tuple[Path, str]:
    """Write the report of a campaign, finished or not.

    Parameters
    ----------
    campaign : path
        Its folder or its TOML file.
    out : path, optional
        The HTML file, or a folder for ``report.html``; the campaign's by default.
    figures : path, optional
        A folder for the figures, each as an SVG file; none are written by default.

    Returns
    -------
    path : Path
        The file written.
    summary : str
        The same in a few sentences, as rich markup (text from the campaign is escaped).

    Raises
    ------
    CampaignError, FormatError
        If there is no campaign, or a table that a receipt vouches for cannot be read.

    Examples
    --------
    >>> path, summary = docksieve.write_report("campaign", out="report.html")
    >>> path.name, "JAK2" in summary
    ('report.html', True)
    """
    contents = contents_of(read_facts(open_campaign(campaign)))
    path = Path(out) if out is not None else contents.facts.root
    path = path / "report.html" if path.is_dir() else path
    page = html(contents)
    write_bytes(path, page.encode("utf-8"))
    if figures is not None:
        write_figures(page, Path(figures))
    return path, summary(contents)


MANY_TARGETS = 3
"""Of more targets than this, the summary gives a table."""

_HEADED = re.compile(r'<h3 id="([^"]+)">([^<]*)</h3>')
_MINUS = re.compile(r"(?<=[ (])-(?=\d+\.\d\d\b)")


@dataclass(frozen=True)
class Contents:
    """All that a report says.

    Attributes
    ----------
    facts : Facts
    times : Times or None
    building : list of Passage
        From input lines to the library.
    passages : dict of str to list of Passage
        From the library to the hits, by target.
    findings : dict of str to Findings
    problems : list of str
        Sums that do not add up, and files that contradict each other.
    """

    facts: Facts
    times: Times | None
    building: list[Passage]
    passages: Mapping[str, list[Passage]]
    findings: Mapping[str, Findings]
    problems: list[str]

    @cached_property
    def audits(self) -> list[dict[str, Any]]:
        """The audits, finished or not."""
        return audits(self.facts)

    @cached_property
    def answers(self) -> list[Answer]:
        """The decisions, where there are criteria."""
        return answers(self.facts)


def contents_of(facts: Facts) -> Contents:
    """Work out everything that the report says, and check that its numbers add up."""
    seed = facts.campaign.seed
    building = [] if facts.library is None else library_passages(facts.library)
    passages = {target: target_passages(facts, target) for target in facts.campaign.targets}
    findings = {
        target: Findings(
            honest_test(acquired_with_scores(facts, target), seed),
            enrichment(facts, target),
            retrospect(facts, target),
        )
        for target in facts.campaign.targets
    }
    every = [*((item, "") for item in building)]
    every += [(item, f"{target}: ") for target, found in passages.items() for item in found]
    problems = [name + item.problem for item, name in every if item.problem]
    return Contents(facts, read_times(facts), building, passages, findings, problems + cross_checks(facts))


def html(contents: Contents) -> str:
    """Return the page."""
    facts, name = contents.facts, contents.facts.campaign.config.campaign.name
    anchors = {target: f"target-{index}" for index, target in enumerate(facts.campaign.targets)}
    targets = {to: _target(contents, target, to) for target, to in anchors.items()}
    links = {
        "summary": "Summary",
        "library": "Library",
        **{to: f"Target {target}" for target, to in anchors.items()},
    }
    ahead = {"audit": audit_section(contents.audits), "decide": decide_section(contents.answers)}
    links |= {key: text for key, text in (("audit", "Audit"), ("decide", "Going on")) if ahead[key]}
    links |= {"evidence": "Checks", "time": "Time", "throughput": "Throughput", "cost": "Cost"}
    links |= {"provenance": "Environment and provenance", "next": "How to go on"}
    body = [
        tag("header", _heading(contents)),
        *_notices(contents),
        listed((to, text, _parts(targets.get(to, ""))) for to, text in links.items()),
        _tiles(contents),
        section("summary", "Summary", *_summary_html(contents)),
        _library(contents),
        *targets.values(),
        *ahead.values(),
        evidence_section(facts),
        time_section(facts, contents.times),
        throughput_section(facts),
        cost_section(facts, contents.times),
        provenance_section(facts),
        commands_section(facts),
        tag(
            "footer",
            paragraph(f"Written by docksieve on {_date(facts.written)} from the receipts in {facts.root}."),
        ),
    ]
    return whole_page(f"{name}: report", body)


def _target(contents: Contents, target: str, anchor: str) -> str:
    """Return the section of one target; with many, what is said of it stands here and not in the summary."""
    facts = contents.facts
    said = _about(contents, target) if len(facts.campaign.targets) > MANY_TARGETS else ""
    return target_section(facts, target, anchor, said, contents.passages[target], contents.findings[target])


def _parts(section: str) -> list[tuple[str, str]]:
    """Return anchor and title of the headings within a section."""
    return [(anchor, unescape(title)) for anchor, title in _HEADED.findall(section)]


def _heading(contents: Contents) -> str:
    facts = contents.facts
    state = facts.status.state
    title = tag(
        "h1", escape(facts.campaign.config.campaign.name) + " " + tag("span", escape(state), f"state {state}")
    )
    when = f"Begun {_date(float(facts.campaign.state['created']))}"
    if state == "complete" and contents.times is not None:
        when += f", complete {_date(contents.times.ended)}"
    return title + paragraph(f"{when}.", "soft")


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _notices(contents: Contents) -> list[str]:
    """Return what the reader must know before anything else."""
    facts, shown = contents.facts, []
    if contents.problems:
        shown.append(
            _listed("wrong", "These numbers do not add up. Do not rely on them:", contents.problems, "alert")
        )
    if leaks := leakage(facts):
        shown.append(_listed("wrong", "Test molecules leaked into training:", leaks, "alert"))
    failed = failed_tasks(facts)
    if failed:
        shown.append(_listed("wrong", "Tasks failed:", failed))
    if facts.library_problem:
        shown.append(_listed("notice", "What is said of the library is incomplete:", [facts.library_problem]))
    left = missing(facts)
    if left:
        text = f"The campaign is {facts.status.state}: these are the results so far. Still missing:"
        shown.append(_listed("notice", text, left))
    return shown


def _listed(class_: str, text: str, items: Sequence[str], role: str = "note") -> str:
    listed = tag("ul", "".join(tag("li", escape(item)) for item in items))
    return tag("div", tag("strong", escape(text)) + listed, class_, role=role)


def _tiles(contents: Contents) -> str:
    facts, times = contents.facts, contents.times
    counts = totals(facts)
    tiles: list[tuple[str, object]] = [("molecules in the library", f"{facts.rows:,}")]
    tiles.append(("dockings" if not counts["final"] else "dockings, final ones included", _all(counts)))
    if failed := counts["tried"] - counts["scored"]:
        tiles.append(("dockings without a score", f"{failed:,} ({percent(failed / counts['tried'], 0)})"))
    ratios = [ratio for target in facts.campaign.targets if (ratio := fewer(facts, target))]
    if ratios:
        words = "fewer dockings than molecules" + (", per target" if len(facts.campaign.targets) > 1 else "")
        tiles.append((words, times_word(min(ratios)).replace(" times", " ×")))
    for target in list(facts.campaign.targets)[:4]:
        tiles += _best_tile(facts, target)
    if times is not None:
        tiles.append(("time in which tasks ran", together(duration(times.busy))))
        if any(spec["engine"] != "table" for spec in facts.campaign.targets.values()):
            tiles.append(("core time spent on docking", together(_short_core_time(times.docking_seconds))))
    return pairs(tiles, "tiles")


def _short_core_time(seconds: float) -> str:
    """Return core time without the word core, and the unit short: a tile is narrow."""
    words = core_time(seconds).replace("core-", "")
    for long, short in (("hours", "h"), ("minutes", "min"), ("seconds", "s")):
        words = words.replace(long, short)
    return words


def _all(counts: Mapping[str, int]) -> str:
    return f"{counts['tried'] + counts['final']:,}"


def _best_tile(facts: Facts, target: str) -> list[tuple[str, object]]:
    """Return the best score of a target: its best final score where there is one."""
    spec, rows = facts.campaign.targets[target], facts.hits[target].slice(0, 1).to_pylist()
    for key, word in (("final_score", "final"), ("docked_score", "docked")):
        if rows and rows[0][key] is not None:
            return [
                (f"best {word} score, {target} ({spec['unit']})", f"{rows[0][key]:.2f}".replace("-", "−"))
            ]
    return []


def _summary_html(contents: Contents) -> list[str]:
    facts = contents.facts
    parts = [paragraph(" ".join(overview(facts, contents.times)))]
    if len(facts.campaign.targets) > MANY_TARGETS:
        return [
            *parts,
            table("Targets", _TARGET_HEAD, [_target_row(contents, name) for name in facts.campaign.targets]),
        ]
    return [*parts, *(_about(contents, target) for target in facts.campaign.targets)]


def _about(contents: Contents, target: str) -> str:
    lines = about_target(contents.facts, target, contents.findings[target])
    return tag("ul", "".join(tag("li", escape(_MINUS.sub("−", line))) for line in lines))


_TARGET_HEAD = (
    "target",
    "dockings",
    "failed",
    "times fewer",
    "best docked",
    "best final",
    "hits per pick, times the seed's",
    "per score",
)


def _target_row(contents: Contents, target: str) -> tuple[str, ...]:
    facts = contents.facts
    tried, scored, _ = docking_counts(facts, target)
    ratio, found = fewer(facts, target), contents.findings[target].enrichment
    rows = facts.hits[target].slice(0, 1).to_pylist() or [{"docked_score": None, "final_score": None}]
    best = ("–" if rows[0][key] is None else f"{rows[0][key]:.2f}" for key in ("docked_score", "final_score"))
    ratios = (None, None) if found is None else (found.ratio, found.ratio_per_score)
    times_more = ("–" if x is None else interval(x, digits=1).replace("95 % interval ", "") for x in ratios)
    return (
        target,
        f"{tried:,}",
        f"{tried - scored:,}",
        f"{ratio:,.1f}" if ratio else "–",
        *best,
        *times_more,
    )


def _library(contents: Contents) -> str:
    if not contents.building:
        return section("library", "Library", paragraph("The library cannot be opened now.", "soft"))
    words = "From the lines of the input to the molecules of the library."
    return section("library", "Library", paragraph(words, "soft"), funnel(contents.building))


def summary(contents: Contents) -> str:
    """Return the report in a few sentences, as plain text."""
    facts = contents.facts
    lines = [f"{facts.campaign.config.campaign.name}: {facts.status.state}"]
    lines += [*contents.problems, *leakage(facts)]
    lines += [f"failed {text}" for text in failed_tasks(facts)]
    lines += [facts.library_problem] if facts.library_problem else []
    lines += [f"Missing: {text}" for text in missing(facts)]
    lines.append(" ".join(overview(facts, contents.times)))
    for target in facts.campaign.targets:
        lines += [f"- {line}" for line in about_target(facts, target, contents.findings[target])]
    lines += [f"- {line}" for line in ahead_words(contents.audits, contents.answers)]
    command, what = commands(facts)[0]
    lines.append(f"Next ({what}): {command}")
    return "\n".join(lines)
