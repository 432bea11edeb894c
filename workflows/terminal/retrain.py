"""What retraining did, in words and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ..retraining.retrain import RetrainResult


def print_retrain(console: Console, result: RetrainResult) -> None:
    """Print what was imported, both models' figures, and what was decided."""
    report = result.imported
    console.print(
        f"{report.lines:,} lines: {report.used:,} molecules used, {report.repeated:,} lines repeat a molecule, "
        f"{report.unscored:,} have no score, {report.unreadable:,} cannot be read.",
        highlight=False,
    )
    if report.unknown:
        console.print(
            f"{report.unknown:,} of the used are not in the library: they train, but cannot be hits."
        )
    for what, lines in report.examples.items():
        more = " ..." if len(lines) == 20 else ""
        console.print(Text(f"  {what}: line {', '.join(map(str, lines))}{more}"))
    table = Table("target", "sealed molecules", "model", "RMSE (95 %)", "Spearman (95 %)")
    for target, item in result.comparison.items():
        table.add_row(
            Text(target), str(item.molecules), "present", str(item.rmse_present), str(item.spearman_present)
        )
        table.add_row("", "", "candidate", str(item.rmse_candidate), str(item.spearman_candidate))
    console.print(table)
    for target, item in result.comparison.items():
        console.print(Text(f"{target}: RMSE of the candidate minus the present model's: {item.difference}"))
    verdict = ("Promoted", "bold green") if result.promoted else ("Not promoted", "bold yellow")
    console.print(Text.assemble(verdict, f" {result.name}: {result.reason}."))
    if result.promoted:
        console.print(
            "The imported scores train every later round: raise [rounds] count and submit again.",
            markup=False,
        )


def print_models(console: Console, cards: list[dict[str, Any]]) -> None:
    """Print one line per model; a star marks the one in force."""
    table = Table("", "name", "kind", "model", "parent", "targets")
    for card in cards:
        cells = (
            "*" if card["present"] else "",
            card["name"],
            str(card.get("kind", "")),
            str(card["id"])[:12],
            str(card.get("parent", ""))[:12],
            ", ".join(_target_names(card)),
        )
        table.add_row(*map(Text, cells))
    console.print(table)


def _target_names(card: dict[str, Any]) -> list[str]:
    targets = card.get("targets", [])
    return [item["name"] if isinstance(item, dict) else str(item) for item in targets]
