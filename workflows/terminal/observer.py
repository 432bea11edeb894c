"""Progress of a campaign as lines of a terminal."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from ...data.receipts import Receipt
from ...data.spaces.source import MoleculeSource
from ...data.spaces.space import Space
from ...data.words import agree, plural
from ...hpc.sites.site import Site
from ..campaign.campaign import Campaign
from ..progress.stalled import stalled_words
from ..source_words import source_words
from ..text import cut_line, duration
from .tables import meanings, without_score

QUIET_SECONDS = 30.0


STEP_WORDS = {
    "sample": "choose the seed sample",
    "train": "train the teacher",
    "label": "teacher predicts molecules for the {fast} to learn from (labels)",
    "distil": "teach the {fast} (distil)",
    "cut": "decide how many go on to the teacher (cut)",
    "screen": "{fast} scores every shard",
    "rank": "rank the whole library",
    "refine": "teacher scores the shortlist (refine)",
    "acquire": "choose what to dock next",
    "select": "choose the final ligands",
    "dock": "dock",
    "hits": "write the hits",
}


class TerminalObserver:
    """Tells a person at a terminal, or a log file, what a campaign does.

    Whatever comes from files goes out as :class:`rich.text.Text`, which is never read as markup: in a SMILES
    or a path, ``[nH]`` and ``[/data]`` mean what they say.
    """

    def __init__(self, console: Console, command: list[str]) -> None:
        self._console = console
        self._command = command
        self._progress: Progress | None = None
        self._bar: TaskID | None = None
        self._started = time.monotonic()
        self._stage_started = 0.0
        self._skipped = 0
        self._rows = self._failed = 0
        self._notes: list[str] = []
        self._without_score: Counter[str] = Counter()
        self._total = self._ended = 0
        self._molecules = (0, 0, 0)
        self._told = 0.0
        self._fast = "student"

    def begun(self, campaign: Campaign, library: MoleculeSource, site: Site, orphans: int) -> None:
        """Print what is about to run, and the command that goes on with it if it is interrupted."""
        space = isinstance(library, Space)
        self._fast = "factor model" if space else "student"
        self._say("If this is interrupted, the same command goes on with it:")
        self._say(f"  {shlex.join(self._command)}")
        self._say("Campaign ", (campaign.config.campaign.name, "bold"), f" in {campaign.root}")
        shards = plural(len(library.shards), "part" if space else "file")
        self._say(
            f"{'Space' if space else 'Library'} of {plural(library.rows, 'product' if space else 'molecule')} in "
            f"{shards}{'' if space else ' (shards)'}; targets: "
            f"{', '.join(campaign.targets)}; site {site.name} with {plural(site.worker_count, 'worker')}"
        )
        if orphans:
            self._say(
                f"Ended {plural(orphans, 'process', 'processes')} that a killed driver had left behind."
            )

    def stage_begun(self, stage: str, total: int, done: int) -> None:
        """Open the bar of a stage."""
        self._stage_started = self._told = time.monotonic()
        self._skipped = self._ended = done
        self._total = total
        self._molecules = (0, 0, 0)
        self._rows = self._failed = 0
        self._notes = []
        self._without_score = Counter()
        if self._console.is_terminal:
            described = TextColumn("  {task.description}", markup=False)
            columns = (described, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
            self._bar = self._progress.add_task(self._described(stage), total=total, completed=done)

    def molecules_done(self, stage: str, done: int, total: int) -> None:
        """Count the stage in molecules from here on: a task may be a hundred dockings, and an hour."""
        if not self._molecules[1]:
            self._molecules = (done, total, done)
            if self._progress is not None and self._bar is not None:
                self._progress.reset(self._bar, total=total, completed=done)
        self._molecules = (done, total, self._molecules[2])
        if self._progress is not None and self._bar is not None:
            self._progress.update(self._bar, completed=done)
        else:
            self._sign_of_life(stage)

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        """Move the bar on, and say what a failed task failed of."""
        self._rows += receipt.rows_in
        if receipt.failure is not None:
            self._failed += 1
            self._say("  ", ("failed", "red"), f" {receipt.task}: {receipt.failure.message}")
        self._without_score.update(receipt.facts.get("failures", {}))
        self._notes += self._notes_of(receipt)
        self._ended += 1
        if self._molecules[1]:
            return  # molecules_done comes with it
        if self._progress is not None and self._bar is not None:
            self._progress.advance(self._bar)
        else:
            self._sign_of_life(stage)

    def _sign_of_life(self, stage: str) -> None:
        """Say in a log file, which has no bar, how far the stage is; now and then."""
        now = time.monotonic()
        if now - self._told <= QUIET_SECONDS:
            return
        self._told = now
        done, total, before = self._molecules
        if not total:
            self._say(f"  {self._described(stage)}: {self._ended} of {self._total} tasks")
            return
        each = (now - self._stage_started) / (done - before) if done > before else 0.0
        left = f", about {duration(each * (total - done))} left" if each else ""
        self._say(f"  {self._described(stage)}: {done:,} of {total:,} molecules{left}")

    def stage_ended(self, stage: str) -> None:
        """Close the bar and leave one line about the stage."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        seconds = time.monotonic() - self._stage_started
        were = agree(self._skipped, "was", "were")
        done = f", {plural(self._skipped, 'task')} {were} done before" if self._skipped else ""
        failed = [(f", {plural(self._failed, 'task')} failed", "red")] if self._failed else []
        molecules = f"{plural(self._rows, 'molecule')}, " if self._rows else ""
        self._say(f"  {self._described(stage)}: {molecules}{seconds:.1f} s{done}", *failed)
        for note in self._notes:
            self._note(note)
        if self._without_score:
            self._say(f"      {without_score(self._without_score)}")
            for line in meanings(code for code, _ in self._without_score.most_common()):
                self._say(f"        {line}")

    def ended(self, campaign: Campaign) -> None:
        """Say that the campaign is complete and what to do next."""
        minutes = (time.monotonic() - self._started) / 60
        self._say(("Complete", "bold green"), f" after {minutes:.1f} minutes. Next:")
        for command in ("hits", "report", "throughput"):
            self._say(f"  docksieve {command} {shlex.quote(shown_path(campaign.root))}")

    def _described(self, stage: str) -> str:
        group, _, step = stage.partition("/")
        where = group.replace("round-", "round ")
        return f"{where:9s} {STEP_WORDS.get(step, step).format(fast=self._fast)}"

    def _notes_of(self, receipt: Receipt) -> list[str]:
        """Return what to say of a task when its stage is over."""
        return _notes(receipt)

    def _note(self, text: str) -> None:
        """Print a remark below its stage: in a terminal broken between words, in a log file one line."""
        if self._console.is_terminal:
            self._console.print(Padding(Text(text), (0, 0, 0, 6)))
        else:
            self._say(f"      {text}")

    def _say(self, *parts: str | tuple[str, str]) -> None:
        """Print one line: texts, or (text, style); never wrapped, so that commands and paths can be copied."""
        self._console.print(Text.assemble(*parts), soft_wrap=True)


def shown_path(path: Path) -> str:
    """Return ``path`` relative to the current folder where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _notes(receipt: Receipt) -> list[str]:
    report = receipt.facts.get("report")
    if receipt.kind == "train" and report:
        return [
            f"teacher {receipt.facts['model']}, learnt from {plural(receipt.counts['molecules'], 'score')}; judged by "
            "molecules that it had not seen (95 % intervals):",
            *_quality(report),
            *_attention(report),
            *source_words(report),
            *(
                f"{target}: no model yet ({reason}); its next molecules are drawn at random"
                for target, reason in receipt.facts["untaught"].items()
            ),
        ]
    if receipt.kind in ("distil", "distil-factors") and report:
        what = "student" if receipt.kind == "distil" else "factor model"
        return [
            f"{what} {receipt.facts['model']}, learnt from the teacher's predictions (labels); how well it agrees:",
            *_quality(report),
        ]
    if receipt.kind == "cut" and receipt.done:
        return [cut_line(target, found) for target, found in receipt.facts["cuts"].items()]
    if receipt.kind in ("acquire", "acquire-products") and receipt.done:
        stalled = [f"{target}: {said}" for target, said in stalled_words(receipt.facts)]
        return [*_short_of(receipt.facts), *stalled]
    return []


def _attention(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each target whose bad scores a teacher drew together or took for failures."""
    for target, focus in report.get("focus", {}).items():
        if focus["drawn_together"] and "ranked_as_they_are" in focus:
            before, after = focus["ranked_as_they_are"], focus["ranked_drawn_together"]
            yield (
                f"{target}: bad scores drawn together, since the better half of held-out molecules is then ranked "
                f"better (rank correlation {after:.2f} instead of {before:.2f})"
            )
    failed = report.get("data", {}).get("failed dockings written as scores, left out", {})
    yield from (f"{target}: {words} They are left out." for target, words in failed.items())


def _short_of(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each target of an acquisition that found fewer molecules than were asked for."""
    for target, fact in facts.items():
        if isinstance(fact, Mapping) and fact.get("chosen", 0) < fact.get("asked", 0):
            yield (
                f"{target}: only {fact['chosen']:,} of {plural(fact['asked'], 'molecule')} asked for could be chosen; "
                "the others of the shortlist are docked already or cannot be predicted"
            )


def _quality(report: dict[str, Any]) -> list[str]:
    """Return one line per target: a teacher's cross-validated figures, or a student's fidelity."""
    targets = report.get("targets") or report.get("fidelity") or {}
    lines = []
    for target, metrics in targets.items():
        known = {name: value for name, value in metrics.items() if _is_metric(value)}
        shown = ", ".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in known.items())
        lines.append(f"{target}: {shown}")
    return lines


def _is_metric(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, dict) and "value" in value)


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['value']:.2f} ({value['low']:.2f} to {value['high']:.2f})"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
