"""Answers to a query, printed or written to a file."""

from __future__ import annotations

import datetime
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...data.errors import InputError
from ...screening.queries.answer import FunnelStep
from ...screening.queries.columns import COLUMNS, ON_REQUEST, unknown_name
from ...screening.queries.export import (
    FORMATS,
    PoseProblems,
    export_hits,
    sdf_records,
    smiles_lines,
    write_csv,
)
from ...screening.queries.query import HitQuery
from ...screening.queries.score_tables import HIT_COLUMNS
from ..campaign.campaign import Campaign, open_campaign
from ..hits.ask import ask, failures
from ..progress.status import Standing, status
from .tables import console, plain_table

if TYPE_CHECKING:
    from ..retraining.retrain import RetrainResult

TERMINAL_COLUMNS = (
    "rank", "target", "id", "final_score", "docked_score", "predicted_mean", "predicted_spread", "docked_round",
)  # fmt: skip


def deliver_hits(
    campaign: Path,
    query: HitQuery,
    kind: str,
    out: Path | None,
    command: Sequence[str] = (),
    show_funnel: bool = False,
    remarks: Sequence[str] = (),
) -> None:
    """Print the answer to a question, or write it to a file.

    Parameters
    ----------
    campaign : Path
    query : HitQuery
    kind : str
        One of ``screening.queries.export.FORMATS``; for a file its ending decides if none is given.
    out : Path or None
    command : sequence of str
        What made the file; written into it.
    show_funnel : bool
        Say how many molecules each condition leaves, also where enough were found.
    remarks : sequence of str
        Further notes for the reader.

    Raises
    ------
    InputError
        If the format is unknown, or is binary and no file is named, or the question makes no sense.
    FormatError
        If a pose cannot be read; everything else was written by then.
    """
    chosen = _format_of(kind, out)
    opened = open_campaign(campaign)
    if show_funnel:
        query = replace(query, top=None, diverse=None, pool=None)
    answer = ask(opened, query)
    notes = console(stderr=True)
    for note in (*remarks, *answer.notes):
        notes.print(Text(note), soft_wrap=True)
    if len(answer) == 0:
        condition = f" where {query.where}" if query.where else ""
        notes.print(Text(f"There are no such molecules{condition} (yet)."))
    for line in funnel_lines(answer.funnel):
        notes.print(Text(line), soft_wrap=True)
    if show_funnel:
        return
    if out is None:
        _print(answer.table, kind, opened.root, _shown(answer.table) if kind == "table" else None)
        return
    problems = export_hits(answer.table, chosen, out, opened.root, made_by(command, opened))
    notes.print(Text(f"Wrote {len(answer):,} molecules to {out}."), soft_wrap=True)
    if error := problems.as_error(len(answer)):
        raise error


def deliver_failed(campaign: Path, query: HitQuery, kind: str, out: Path | None) -> None:
    """Print dockings that gave no score, or write them to a file; only ``top``, ``targets`` and ``where`` are asked.

    Raises
    ------
    InputError
        If the question or the format makes no sense for failed dockings.
    """
    chosen = _format_of(kind, out)
    if chosen in ("sdf", "smi"):
        raise InputError(f"Failed dockings have no poses to write as {chosen}.", "Use csv, parquet or json.")
    if query != HitQuery(top=query.top, targets=query.targets, where=query.where):
        raise InputError(
            "Failed dockings have no score to be ranked by: they are listed by stage.",
            "With --failed go --top, --target and --where only.",
        )
    standing = Standing(open_campaign(campaign))
    opened = standing.campaign
    targets: Sequence[str | None] = query.targets or (None,)
    table = pa.concat_tables(
        [failures(opened, target, query.top, query.where, standing=standing) for target in targets]
    )
    notes = console(stderr=True)
    state = status(opened, standing).state
    if state != "complete":
        notes.print(f"The campaign is {state}: this is what is finished by now.")
    if table.num_rows == 0:
        condition = f" where {query.where}" if query.where else ""
        notes.print(Text(f"There are no such molecules{condition} (yet)."))
    if query.top is not None and query.top in _rows_by_target(table):
        notes.print(f"At most {query.top} failed dockings per target are listed; --top 0 lists all.")
    if out is None:
        _print(table, kind, opened.root, plain_table(table, decimals=2) if kind == "table" else None)
        return
    export_hits(table, chosen, out, opened.root)
    notes.print(Text(f"Wrote {table.num_rows:,} molecules to {out}."), soft_wrap=True)


def _format_of(kind: str, out: Path | None) -> str:
    """Return the format that is meant: the ending of the file decides where none is given."""
    if kind not in FORMATS:
        raise unknown_name(f"{kind!r} is not a format.", kind, FORMATS)
    chosen = out.suffix.lstrip(".").lower() if out is not None and kind == "table" else kind
    if out is not None and chosen not in FORMATS[1:]:
        raise InputError(
            f"The ending of {out} is not a format for a file.",
            f"End it with .{', .'.join(FORMATS[1:])}, or give --format.",
        )
    return chosen


def made_by(command: Sequence[str], campaign: Campaign) -> str | None:
    """Return what a file says of how it was made; None for no command."""
    if not command:
        return None
    from ... import __version__

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    name, number = campaign.config.campaign.name, str(campaign.state["id"])[:12]
    return f"{shlex.join(command)}  # docksieve {__version__}, {today}, campaign {name} {number}"


def funnel_lines(funnel: Sequence[FunnelStep]) -> list[str]:
    """Return how many molecules each condition left, a line each; nothing where there was no condition."""
    lines = []
    for target in dict.fromkeys(step.target for step in funnel):
        steps = [step for step in funnel if step.target == target]
        if len(steps) == 1:
            continue
        width = max(len(f"{step.left:,}") for step in steps)
        lines.append(f"{target}: {steps[0].left:,} molecules are ranked; left by each condition:")
        lines += [
            f"  {step.left:>{width},}  {step.condition}  (-{before.left - step.left:,})"
            for before, step in pairwise(steps)
        ]
    return lines


def print_columns() -> None:
    """Print every column of hits with its unit and meaning."""
    table = Table("column", "unit", "what")
    for item in COLUMNS:
        table.add_row(Text(item.name), Text(item.unit), Text(item.what))
    table.add_section()
    for item in ON_REQUEST:
        table.add_row(Text(item.name), Text(item.unit), Text(item.what))
    console().print(table)
    console().print("Those below the line are there where the question asks for them or makes them.")


def _shown(hits: pa.Table) -> Table:
    """Return hits as a table that fits a terminal: the columns that the question made among the usual ones."""
    extra = [name for name in hits.column_names if name not in HIT_COLUMNS]
    return plain_table(hits.select([*TERMINAL_COLUMNS, *extra, "smiles"]), decimals=2)


def _rows_by_target(table: pa.Table) -> list[int]:
    return [int(item["counts"]) for item in table["target"].value_counts().to_pylist()]


def _print(table: pa.Table, kind: str, root: Path, shown: Table | None) -> None:
    if shown is not None:
        console().print(shown)
    elif kind == "csv":
        write_csv(table, sys.stdout.buffer)
    elif kind == "json":
        print(json.dumps(table.to_pylist(), indent=1))
    elif kind == "smi":
        print(smiles_lines(table), end="")
    elif kind == "sdf":
        problems = PoseProblems()
        for record in sdf_records(table, root, problems):
            print(record, end="")
        if error := problems.as_error(table.num_rows):
            raise error
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


def deliver_card(campaign: Path, molecule: str, neighbours: int, as_json: bool, out: Path | None) -> None:
    """Print everything known of one molecule, and write its drawing or its page.

    Raises
    ------
    InputError
        If the molecule is not found, is ambiguous, or the file has another ending than ``.svg`` or ``.html``.
    """
    from ...data.store import write_bytes
    from ..hits.card import hit_card
    from ..hits.card_text import card_lines, card_page

    if out is not None and out.suffix not in (".svg", ".html"):
        raise InputError(f"{out} is neither a drawing nor a page.", "End it with .svg or .html.")
    card = hit_card(campaign, molecule, neighbours)
    if as_json:
        print(json.dumps(card.to_json(), indent=1))
    else:
        for line in card_lines(card):
            console().print(Text(line), soft_wrap=True)
    if out is not None:
        from ...screening.chemistry.drawing import drawing

        write_bytes(out, (drawing(card.smiles) if out.suffix == ".svg" else card_page(card)).encode())
        console(stderr=True).print(Text(f"Wrote {out}."), soft_wrap=True)
