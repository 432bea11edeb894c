"""Answers to a query, printed or written to a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from rich.table import Table
from rich.text import Text

from ...data.errors import InputError, unknown_name
from ...screening.queries.answer import FunnelStep
from ...screening.queries.columns import COLUMNS, ON_REQUEST
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
from ..campaign.campaign import open_campaign
from ..campaign.filters import leaves_out
from ..hits.ask import ask, failures
from ..hits.provenance import made_by
from ..progress.left_out import left_out_lines, read_left_out
from ..progress.receipts import CampaignReceipts
from ..progress.status import status
from .tables import console, plain_table

if TYPE_CHECKING:
    pass

TERMINAL_COLUMNS = (
    "rank", "target", "id", "final_score", "docked_score", "predicted_mean", "predicted_spread", "docked_round",
)  # fmt: skip


def print_hits(
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
    if show_funnel and leaves_out(opened):
        for line in left_out_lines(opened, read_left_out(opened.ledger)):
            notes.print(Text(line), soft_wrap=True)
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


def print_failed(campaign: Path, query: HitQuery, kind: str, out: Path | None) -> None:
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
    receipts = CampaignReceipts(open_campaign(campaign))
    opened = receipts.campaign
    targets: Sequence[str | None] = query.targets or (None,)
    table = pa.concat_tables(
        [failures(opened, target, query.top, query.where, receipts=receipts) for target in targets]
    )
    notes = console(stderr=True)
    state = status(opened, receipts).state
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
