"""Answers to a query, printed or written to a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..data.errors import InputError
from ..screening.hits_export import FORMATS, export_hits, sdf_records, smiles_lines, write_csv
from .folder import open_campaign
from .hits import failures, hits
from .retrain import RetrainResult
from .status import Standing, status
from .terminal import console, hits_as_table, plain_table


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
        If the format is unknown, or is binary and no file is named, or the question makes no sense for failed
        dockings.
    """
    if kind not in FORMATS:
        raise InputError(f"{kind!r} is not a format.", f"Choose one of {', '.join(FORMATS)}.")
    chosen = out.suffix.lstrip(".").lower() if out is not None and kind == "table" else kind
    if failed:
        _check_failed(by, chosen)
    standing = Standing(open_campaign(campaign))
    opened = standing.campaign
    if failed:
        table = failures(opened, target, top, where, standing=standing)
    else:
        table = hits(opened, top, target, where, by, standing=standing)  # type: ignore[arg-type]
    state = status(opened, standing).state
    notes = console(stderr=True)
    if state != "complete":
        notes.print(f"The campaign is {state}: this is what is finished by now.")
    if table.num_rows == 0:
        condition = f" where {where}" if where else ""
        notes.print(Text(f"There are no such molecules{condition} (yet)."))
    if failed and top is not None and top in _rows_by_target(table):
        notes.print(f"At most {top} failed dockings per target are listed; --top 0 lists all.")
    if out is not None:
        export_hits(table, chosen, out, opened.root)
        notes.print(Text(f"Wrote {table.num_rows:,} molecules to {out}."), soft_wrap=True)
    else:
        _print(table, kind, opened.root, failed)


def _check_failed(by: str, kind: str) -> None:
    if kind in ("sdf", "smi"):
        raise InputError(f"Failed dockings have no poses to write as {kind}.", "Use csv, parquet or json.")
    if by != "auto":
        raise InputError(
            "Failed dockings have no score to be ranked by: they are listed by stage.",
            "Leave out --by, or --failed.",
        )


def _rows_by_target(table: pa.Table) -> list[int]:
    return [int(item["counts"]) for item in table["target"].value_counts().to_pylist()]


def _print(table: pa.Table, kind: str, root: Path, failed: bool) -> None:
    if kind == "table":
        console().print(plain_table(table, decimals=2) if failed else hits_as_table(table))
    elif kind == "csv":
        write_csv(table, sys.stdout.buffer)
    elif kind == "json":
        print(json.dumps(table.to_pylist(), indent=1))
    elif kind == "smi":
        print(smiles_lines(table), end="")
    elif kind == "sdf":
        for record in sdf_records(table, root):
            print(record, end="")
    else:
        raise InputError("Parquet is not text.", "Name a file with --out.")


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
