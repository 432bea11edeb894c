"""Answers to a query, printed or written to a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
from rich.console import Console
from rich.table import Table

from ..data.errors import InputError
from ..screening.hits_export import FORMATS, export_hits, sdf_records, smiles_lines
from .folder import open_campaign
from .hits import failures, hits
from .retrain import RetrainResult
from .status import status
from .terminal import console, hits_as_table


def deliver_hits(
    campaign: Path,
    top: int | None,
    target: str | None,
    where: str | None,
    by: str,
    kind: str,
    out: Path | None,
    failed: bool,
) -> None:
    """Print hits (or failed dockings), or write them to a file.

    Raises
    ------
    InputError
        If the format is unknown, or is binary and no file is named.
    """
    if kind not in FORMATS:
        raise InputError(f"{kind!r} is not a format.", f"Choose one of {', '.join(FORMATS)}.")
    opened = open_campaign(campaign)
    table = failures(opened, target) if failed else hits(opened, top, target, where, by)  # type: ignore[arg-type]
    state = status(opened).state
    notes = console(stderr=True)
    if state != "complete":
        notes.print(f"The campaign is {state}: this is what is finished by now.")
    if table.num_rows == 0:
        notes.print(
            "There are no such molecules" + (f" where {where}" if where else "") + " (yet).", markup=False
        )
    if out is not None:
        chosen = kind if kind != "table" else out.suffix.lstrip(".").lower()
        if failed and chosen in ("sdf", "smi"):
            raise InputError("Failed dockings have no poses.", "Use csv, parquet or json.")
        export_hits(table, chosen, out, opened.root)
        notes.print(f"Wrote {table.num_rows:,} molecules to {out}.", highlight=False)
    else:
        _print(table, kind, opened.root, failed)


def _print(table: pa.Table, kind: str, root: Path, failed: bool) -> None:
    if kind == "table":
        console().print(_plain_table(table) if failed else hits_as_table(table))
    elif kind == "csv":
        pa_csv.write_csv(table, sys.stdout.buffer)
    elif kind == "json":
        print(json.dumps(table.to_pylist(), indent=1))
    elif kind == "smi":
        print(smiles_lines(table), end="")
    elif kind == "sdf":
        for record in sdf_records(table, root):
            print(record, end="")
    else:
        raise InputError("Parquet is not text.", "Name a file with --out.")


def _plain_table(table: pa.Table) -> Table:
    shown = Table(*table.column_names)
    for row in table.to_pylist():
        shown.add_row(*("-" if value is None else str(value) for value in row.values()))
    return shown


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
        console.print(f"  {what}: line {', '.join(map(str, lines))}" + (" ..." if len(lines) == 20 else ""))
    table = Table("target", "sealed molecules", "model", "RMSE (95 %)", "Spearman (95 %)")
    for target, item in result.comparison.items():
        table.add_row(
            target, str(item.molecules), "present", str(item.rmse_present), str(item.spearman_present)
        )
        table.add_row("", "", "candidate", str(item.rmse_candidate), str(item.spearman_candidate))
    console.print(table)
    for target, item in result.comparison.items():
        console.print(f"{target}: RMSE of the candidate minus the present model's: {item.difference}")
    verdict = "[bold green]Promoted[/]" if result.promoted else "[bold yellow]Not promoted[/]"
    console.print(f"{verdict} {result.name}: {result.reason}.", highlight=False)
    if result.promoted:
        console.print(
            "The imported scores train every later round: raise [rounds] count and submit again.",
            markup=False,
        )


def print_models(console: Console, cards: list[dict[str, Any]]) -> None:
    """Print one line per model; a star marks the one in force."""
    table = Table("", "name", "kind", "model", "parent", "targets")
    for card in cards:
        table.add_row(
            "*" if card["present"] else "",
            card["name"],
            str(card.get("kind", "")),
            str(card["id"])[:12],
            str(card.get("parent", ""))[:12],
            ", ".join(_target_names(card)),
        )
    console.print(table)


def _target_names(card: dict[str, Any]) -> list[str]:
    targets = card.get("targets", [])
    return [item["name"] if isinstance(item, dict) else str(item) for item in targets]
