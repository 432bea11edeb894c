"""What retraining did, in words and tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from ...data.receipts import plain_json
from ...data.words import agree, plural
from .grid import Column, Grid

if TYPE_CHECKING:
    from ..retraining.retrain import RetrainResult


def print_retrain(console: Console, result: RetrainResult) -> None:
    """Print what was imported, both models' figures, and what was decided."""
    report = result.imported
    console.print(
        f"{plural(report.lines, 'line')}: {plural(report.used, 'molecule')} used, {report.repeated:,} repeated, "
        f"{report.unscored:,} without a score, {report.unreadable:,} that cannot be read."
    )
    if report.unknown:
        console.print(
            f"{plural(report.unknown, 'molecule')} of these {agree(report.unknown, 'is', 'are')} not in the library: "
            "good for training, but never a hit."
        )
    for what, lines in report.examples.items():
        more = " ..." if len(lines) == 20 else ""
        console.print(Text(f"  {what}: line {', '.join(map(str, lines))}{more}"))
    head = ("target", "molecules of the test set", "model", "RMSE (95 %)", "Spearman (95 %)")
    table = Grid([Column(name) for name in head])
    for target, item in result.comparison.items():
        table.add(target, item.molecules, "present", item.rmse_present, item.spearman_present)
        table.add(target, item.molecules, "candidate", item.rmse_candidate, item.spearman_candidate)
    console.print(table)
    for target, item in result.comparison.items():
        console.print(Text(f"{target}: RMSE of the candidate minus the present model's: {item.difference}"))
    verdict = ("Promoted", "bold green") if result.promoted else ("Not promoted", "bold yellow")
    console.print(Text.assemble(verdict, f" {result.name}: {result.reason}."))
    if result.promoted:
        console.print("The imported scores train every later round: raise [rounds] count and submit again.")


def retrain_json(result: RetrainResult) -> dict[str, Any]:
    """Return what was imported, both models' figures and the verdict as JSON values."""
    comparison = {target: asdict(item) for target, item in result.comparison.items()}
    value = {
        "model": result.name,
        "promoted": result.promoted,
        "reason": result.reason,
        "imported": vars(result.imported),
        "comparison": comparison,
    }
    return dict(plain_json(value))


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
