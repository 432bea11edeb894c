"""The funnel from input lines to hits: every loss has a name, and every sum is checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...data.score_keys import MISSING_KEY
from ...data.spaces.source import MoleculeSource
from ...data.spaces.space import Space
from ...data.words import plural
from ...screening.docking.failures import meaning_of
from ..campaign.filters import leaves_out
from ..campaign.ledger import round_name
from ..progress.left_out import read_left_out
from .facts import Docked, Facts, reject_reasons


@dataclass(frozen=True)
class Change:
    """What is added between two counts (or, negative, lost), and why.

    ``rest`` marks a loss that was not counted but is what remains: it can only be negative.
    """

    label: str
    count: int
    note: str = ""
    rest: bool = False


@dataclass(frozen=True)
class Passage:
    """One step of the funnel.

    Attributes
    ----------
    title : str
    before, after : tuple of (str, int)
        What goes in and what comes out.
    changes : tuple of Change
        All that lies between; those of count 0 are left out.
    """

    title: str
    before: tuple[str, int]
    changes: tuple[Change, ...]
    after: tuple[str, int]

    @property
    def problem(self) -> str:
        """What does not add up; empty if it does."""
        total = self.before[1] + sum(change.count for change in self.changes)
        if any(change.rest and change.count > 0 for change in self.changes):
            total -= sum(change.count for change in self.changes if change.rest)
        if total == self.after[1]:
            return ""
        return (
            f"{self.title}: {self.before[1]:,} {self.before[0]} and the changes listed come to {total:,}, "
            f"but there are {self.after[1]:,} {self.after[0]}."
        )


def passage(title: str, before: tuple[str, int], after: tuple[str, int], *changes: Change) -> Passage:
    """Return a passage without the changes that are none."""
    return Passage(title, before, tuple(change for change in changes if change.count), after)


def library_passages(library: MoleculeSource) -> list[Passage]:
    """Return how the lines of the input became the molecules of the library."""
    if isinstance(library, Space):
        return _space_passages(library)
    lines = records = blank = comments = headers = 0
    mixed = False
    for source in library.manifest["sources"]:
        of_lines = (
            source.get("layout", {}).get("kind", "text") == "text"
            and source.get("line_unit", "line") == "line"
        )
        mixed |= not of_lines
        lines += source["lines"] if of_lines else source["records"]
        records += source["records"]
        if of_lines:
            blank, comments = blank + source["blank"], comments + source["comments"]
            headers += source["headers"]
    counts = library.manifest["counts"]
    what = "input lines and records" if mixed else "input lines"
    reading = passage(
        "Reading",
        (what, lines),
        ("records", records),
        Change("blank lines", -blank),
        Change("comments", -comments),
        Change("headers", -headers),
    )
    reasons = reject_reasons(library)
    rejected = [
        Change(f"rejected: {code.replace('_', ' ')}", -count) for code, count in reasons.most_common()
    ]
    unnamed = counts["rejected"] - sum(reasons.values())
    building = passage(
        "Library",
        ("records", counts["records"]),
        ("distinct molecules", counts["accepted"]),
        *rejected,
        Change("rejected: no reason on record", -unnamed),
        Change("duplicates", -counts["duplicates"], "the same molecule after standardisation"),
    )
    return [reading, building]


def _space_passages(space: Space) -> list[Passage]:
    """Return how the building blocks that were offered became those of a space."""
    files = [file for item in space.manifest["reactions"] for file in item["files"]]
    offered, usable = (sum(int(file[name]) for file in files) for name in ("offered", "rows"))
    reasons = reject_reasons(space)
    # Lines that are no building block at all were never offered to a reaction.
    lines = sum(reasons.values()) - (offered - usable)
    rejected = [
        Change(f"rejected: {code.replace('_', ' ')}", -count) for code, count in reasons.most_common()
    ]
    before = ("building blocks offered, in each place of each reaction", offered + lines)
    return [passage("Building blocks", before, ("usable building blocks", usable), *rejected)]


def target_passages(facts: Facts, target: str) -> list[Passage]:
    """Return how the library became the hits of ``target``, as far as the campaign has come."""
    steps = _seed(facts, target)
    tried: list[np.ndarray] = [facts.docked("round-00", target).rows]
    for number in range(1, facts.rounds + 1):
        group = round_name(number)
        steps += _round(facts, target, group, np.concatenate(tried))
        tried.append(facts.docked(group, target).rows)
    return [*steps, *_ending(facts, target)]


def _seed(facts: Facts, target: str) -> list[Passage]:
    if not facts.finished("round-00/sample"):
        return []
    docked = facts.docked("round-00", target)
    out = _left_out(facts, target)
    lost = sum(change.count for change in out)
    rest = Change("not drawn", docked.selected - facts.rows - lost, "the rest of the library", rest=True)
    drawn = passage("Seed sample", ("library", facts.rows), ("seed sample", docked.selected), *out, rest)
    return [drawn, _docking("Seed docking", "seed sample", docked)]


def _left_out(facts: Facts, target: str, group: str = "") -> list[Change]:
    """Return what is left out from the start; with ``group``, of the shards that its student has scored."""
    if not leaves_out(facts.campaign):
        return []
    shards = {r.task.rpartition("/")[2] for r in facts.finished(f"{group}/screen")} if group else None
    found = read_left_out(facts.campaign.ledger, shards)
    return [
        Change(words, -count, "a condition of [library]")
        if words
        else Change(f"refused by docking: {code.replace('_', ' ')}", -count, meaning_of(code))
        for words, count, code in found.losses(target)
    ]


def _docking(title: str, what: str, docked: Docked) -> Passage:
    waiting = Change("not docked yet", -docked.waiting)
    after = ("docked with a score", len(docked.scores))
    return passage(title, (what, docked.selected), after, waiting, *_failures(docked.failures))


def _failures(failures: Mapping[str, int]) -> list[Change]:
    ordered = sorted(failures.items(), key=lambda item: (-item[1], item[0]))
    return [Change(f"failed: {code.replace('_', ' ')}", -count, meaning_of(code)) for code, count in ordered]


def _round(facts: Facts, target: str, group: str, tried: np.ndarray) -> list[Passage]:
    """Return the screen, the teacher's look at the shortlist and the docking of one round."""
    title = group.replace("round-0", "Round ").replace("round-", "Round ")
    screens = facts.finished(f"{group}/screen")
    if target in facts.untaught(group):
        return _unguided(facts, target, group, title)
    if not screens:
        return []
    blind = sum(receipt.counts["unpredictable"] for receipt in screens)
    lost = [
        Change("not screened yet", -facts.unscreened(group)),
        Change(f"the {facts.fast_model} could not predict", -blind),
        *_left_out(facts, target, group),
    ]
    histogram = facts.histogram(group, target)
    assert histogram is not None
    counted = int(histogram[:MISSING_KEY].sum())
    start, why = ("library", facts.rows), "predicted too poor for the shortlist"
    if any(receipt.kind == "search" for receipt in screens):  # of a space, only the best are written down
        counted = facts.rows - facts.unscreened(group)
        start, why = ("space", facts.rows), "the factor model holds them worse than the shortlist; never made"
    ranked = facts.finished(f"{group}/rank")
    if not ranked:
        return [passage(f"{title}: screen", start, ("predicted so far", counted), *lost)]
    kept = int(ranked[0].facts["cuts"][target]["kept"])
    below = Change("below the cut", kept - counted, why, rest=True)
    steps = [passage(f"{title}: screen", start, ("on the shortlist", kept), *lost, below)]
    union = int(ranked[0].rows_out)
    steps.append(_choice(facts, target, group, title, (kept, union), tried))
    if facts.finished(f"{group}/acquire"):
        steps.append(_docking(f"{title}: docking", "acquired", facts.docked(group, target)))
    return steps


def _unguided(facts: Facts, target: str, group: str, title: str) -> list[Passage]:
    """Return the round of a target that no model knew: molecules are drawn at random."""
    if not facts.finished(f"{group}/acquire"):
        return []
    docked = facts.docked(group, target)
    out = _left_out(facts, target)
    missed = docked.selected - facts.rows - sum(change.count for change in out)
    rest = Change("not drawn", missed, "no model knew the target", rest=True)
    drawn = passage(
        f"{title}: drawn at random", ("library", facts.rows), ("drawn", docked.selected), *out, rest
    )
    return [drawn, _docking(f"{title}: docking", "drawn", docked)]


def _choice(
    facts: Facts, target: str, group: str, title: str, shortlist: tuple[int, int], tried: np.ndarray
) -> Passage:
    kept, union = shortlist
    refined = blind = before = 0
    for rows, known in facts.refined(group, target):
        refined += len(rows)
        blind += int((~known).sum())
        before += int(np.isin(rows[known], tried).sum())
    free = refined - blind - before
    changes = [
        Change(
            "shortlisted for another target",
            union - kept if len(facts.campaign.targets) > 1 else 0,
            "the teacher predicts all targets of a molecule",
        ),
        Change("not yet predicted by the teacher", -facts.unrefined(group)),
        Change("the teacher could not predict", -blind),
        Change("docked in an earlier round", -before),
    ]
    name = f"{title}: acquisition"
    if not facts.finished(f"{group}/acquire"):
        return passage(name, ("on the shortlist", kept), ("may be docked", free), *changes)
    chosen = facts.docked(group, target).selected
    changes.append(
        Change("not chosen", chosen - free, "predicted to score worse than those chosen", rest=True)
    )
    return passage(name, ("on the shortlist", kept), ("acquired", chosen), *changes)


def _ending(facts: Facts, target: str) -> list[Passage]:
    """Return the sum over all rounds, the final docking and the hits."""
    groups = [facts.docked(group, target) for group in facts.groups()]
    selected = sum(item.selected for item in groups)
    if not selected:
        return []
    scored = sum(len(item.scores) for item in groups)
    failures: Counter[str] = sum((item.failures for item in groups), Counter())
    everything = passage(
        "All dockings",
        ("chosen for docking", selected),
        ("docked with a score", scored),
        Change("not docked yet", -sum(item.waiting for item in groups)),
        *_failures(failures),
    )
    steps = [everything]
    if facts.finished("final/select") and facts.campaign.targets[target]["engine"] != "table":
        final = facts.docked("final", target)
        rest = Change("not among the best", final.selected - scored, rest=True)
        steps.append(
            passage("Final selection", ("docked with a score", scored), ("selected", final.selected), rest)
        )
        steps.append(_docking("Final docking", "selected", final))
    if scored:
        steps.append(
            passage("Hits", ("docked with a score", scored), ("ranked hits", facts.hit_counts[target]))
        )
    return steps


def _round_checks(facts: Facts, group: str) -> list[str]:
    """Compare a round's receipts with its tables."""
    problems = []
    screens = facts.finished(f"{group}/screen")
    seen = sum(receipt.counts["molecules"] for receipt in screens)
    left = facts.unscreened(group)
    if screens and seen + left != facts.rows:
        problems.append(
            f"{group}: the receipts say {plural(seen, 'molecule')} screened and {left:,} are left, of {facts.rows:,}."
        )
    written = sum(rows for _, rows in facts.outputs(f"{group}/screen", "predictions/"))
    kept = sum(receipt.counts.get("kept", receipt.counts["molecules"]) for receipt in screens)
    if written != kept:
        problems.append(f"{group}: {kept:,} predictions were made, but {written:,} are stored.")
    for receipt in facts.finished(f"{group}/acquire"):
        for target in facts.campaign.targets:
            said, stored = int(receipt.facts[target]["chosen"]), facts.docked(group, target).selected
            if said != stored:
                problems.append(
                    f"{target}, {group}: {said:,} molecules were acquired, {stored:,} are stored."
                )
    return problems


def cross_checks(facts: Facts) -> list[str]:
    """Return what receipts, tables and plans say differently; empty if all agree."""
    problems = [
        text for number in range(1, facts.rounds + 1) for text in _round_checks(facts, round_name(number))
    ]
    for target in facts.campaign.targets:
        rows = [facts.docked(group, target).rows for group in facts.groups()]
        every = np.concatenate(rows) if rows else np.empty(0, np.int64)
        twice = len(every) - len(np.unique(every))
        if twice:
            problems.append(f"{target}: {twice:,} molecules were docked in more than one round.")
        for group in [*facts.groups(), "final"]:
            docked = facts.docked(group, target)
            failed = sum(docked.failures.values())
            if failed != docked.failed_as_receipts_say:
                problems.append(
                    f"{target}, {group}: the tables hold {plural(failed, 'failure')}, "
                    f"the receipts {docked.failed_as_receipts_say:,}."
                )
    written = facts.finished("final/hits")
    total = sum(facts.hit_counts.values())
    if written and written[0].rows_out != total:
        problems.append(
            f"The final list has {plural(written[0].rows_out, 'hit')}, the scores make {total:,}."
        )
    if facts.library is not None and facts.library.rows != facts.rows:
        problems.append(
            f"The library has {plural(facts.library.rows, 'molecule')}, the campaign began with {facts.rows:,}."
        )
    return problems
