"""What retraining did, in words and tables."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from ...data.receipts import plain_json
from ...data.words import agree, plural
from ..campaign.imports import import_name, use_words
from .grid import Column, Grid

if TYPE_CHECKING:
    from ..retraining.agreement import Agreement
    from ..retraining.model_choice import ModelChange
    from ..retraining.retrain import RetrainResult, TargetImport


def print_retrain(console: Console, result: RetrainResult) -> None:
    """Print what was imported, how it fits what is known, both models' figures, and what was decided."""
    for item in result.targets.values():
        _print_import(console, item, several=len(result.targets) > 1)
    head = ("target", "molecules", "model", "RMSE (95 %)", "Spearman (95 %)")
    table = Grid([Column(name, wraps=name == "target") for name in head])
    shown = [
        (f"{target}: {what}", compared)
        for target, judged in result.judged.items()
        for what, compared in (
            ("test set of the seed sample", judged.test_set),
            ("rest of the seed sample, cross-validated", judged.cross_validated),
            ("imported, kept from training (does not decide)", judged.imported),
        )
        if compared is not None
    ]
    for name, both in shown:
        present = (both.rmse_present, both.spearman_present)
        candidate = (both.rmse_candidate, both.spearman_candidate)
        table.add(name, f"{both.molecules:,}", "present", *present)
        table.add("", "", "candidate", *candidate)
    console.print(table)
    verdict = ("Promoted", "bold green") if result.promoted else ("Not promoted", "bold yellow")
    console.print(Text.assemble(verdict, f" {result.name}: {result.reason}."), soft_wrap=True)
    if result.promoted:
        said = (
            "The imported scores train every later round: raise [rounds] count and submit again. "
            f"`docksieve retrain CAMPAIGN --drop import-{result.number:03d}` takes them back."
        )
    else:
        said = (
            f"The scores are kept as import-{result.number:03d}, and no round learns from them. "
            f"`docksieve models use CAMPAIGN {result.name}` uses model and scores all the same."
        )
    console.print(Text(said), soft_wrap=True)


def retrain_json(result: RetrainResult) -> dict[str, Any]:
    """Return what was imported, how it fits, both models' figures and the verdict as JSON values."""
    return dict(plain_json({**asdict(result), "import": import_name(result.number)}))


def _print_import(console: Console, item: TargetImport, several: bool) -> None:
    """Print what became of the lines of one target, and how its scores fit what is known."""
    report, found = item.report, item.agreement
    begin = f"{item.target} (column {item.column}): " if several else ""
    say = functools.partial(console.print, soft_wrap=True)
    say(
        Text(
            f"{begin}{plural(report.lines, 'line')}: {plural(report.used, 'molecule')} used, "
            f"{plural(report.repeated, 'line')} {agree(report.repeated, 'repeats', 'repeat')} a molecule, "
            f"{report.unscored:,} have no score, {report.unreadable:,} cannot be read."
        )
    )
    outside = report.unknown
    more = (
        f"; {plural(outside, 'molecule')} that {agree(outside, 'is', 'are')} not "
        f"{agree(outside, 'trains', 'train')}, but cannot be {agree(outside, 'a hit', 'hits')}"
        if outside
        else ""
    )
    say(Text(f"  {report.in_library:,} of the lines are of molecules in the library{more}."))
    for note in item.notes:
        say(Text(f"  {note}"))
    for what, lines in report.examples.items():
        dots = " ..." if len(lines) == 20 else ""
        say(Text(f"  {what}: line {', '.join(map(str, lines))}{dots}"))
    for line in agreement_words(found):
        say(Text(f"  {line}"))
    for finding in found.findings:
        say(Text.assemble(("  Suspicious: ", "bold yellow"), f"{finding.words} {finding.cure}"))


def agreement_words(found: Agreement) -> Iterator[str]:
    """Yield how imported scores compare with what is known, in sentences."""
    known = (
        ""
        if found.known_low != found.known_low
        else f"; the campaign has docked scores from {found.known_low:.4g} to {found.known_high:.4g}"
    )
    yield f"Scores from {found.low:.4g} to {found.high:.4g}{known}."
    for count, what, figures in (
        (
            found.docked,
            "docked in this campaign too",
            (found.docked_rank, found.docked_slope, found.docked_offset),
        ),
        (
            found.predicted,
            "new to the present model, which predicts them",
            (found.rank, found.slope, found.offset),
        ),
    ):
        rank, slope, offset = figures
        if rank == rank:
            yield (
                f"{count:,} molecules were {what}: rank correlation {rank:.2f}, slope {slope:.2f}, mean difference "
                f"{offset:+.2f}."
            )
        elif count:
            yield f"{count:,} molecules were {what}: too few to compare."
    if not found.docked and not found.predicted:
        yield "None of the molecules is known to the campaign: there is nothing to compare the scores with."


def print_imports(console: Console, cards: list[dict[str, Any]]) -> None:
    """Print one line per import: which rounds learn from it."""
    if not cards:
        console.print("No scores were imported yet.")
        return
    head = ("import", "file", "target", "molecules", "used for training", "candidate")
    table = Grid([Column(name, wraps=name == "used for training") for name in head])
    for card in cards:
        cells = (
            import_name(int(card["number"])),
            Path(card["file"]).name,
            card["target"],
            f"{card['report']['used']:,}",
            use_words(card),
            card["model"],
        )
        table.add(*cells)
    console.print(table)


def print_change(console: Console, change: ModelChange) -> None:
    """Print which model is in force now, and what rounds to come learn from."""
    was = "as before" if change.model == change.before else f"until now {change.before}"
    lines = [f"Model in force: {change.model} ({was}), until round {change.next_round} has its own."]
    if change.used:
        lines.append(f"Round {change.next_round} and later ones learn from {', '.join(change.used)}.")
    lines += [
        f"Round {change.next_round} and later ones do not learn from {name}. Nothing is lost: "
        f"`docksieve retrain CAMPAIGN --use {name}` brings it back."
        for name in change.dropped
    ]
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def print_models(console: Console, cards: list[dict[str, Any]]) -> None:
    """Print one line per model; a star marks the one in force."""
    table = Grid([Column(name) for name in ("in force", "name", "kind", "model", "parent", "targets")])
    for card in cards:
        cells = (
            "*" if card["present"] else "",
            card["name"],
            str(card.get("kind", "")),
            str(card["id"])[:12],
            str(card.get("parent", ""))[:12],
            ", ".join(_target_names(card)),
        )
        table.add(*cells)
    console.print(table)


def _target_names(card: dict[str, Any]) -> list[str]:
    targets = card.get("targets", [])
    return [item["name"] if isinstance(item, dict) else str(item) for item in targets]
