"""Answers to a query, printed or written to a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
from rich.text import Text

from ...data.errors import InputError, unknown_name
from ...data.words import agree, plural
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
from ..progress.status import so_far, status
from .grid import Column, Grid
from .tables import console, plain_table

TERMINAL_COLUMNS = (
    "rank", "target", "id", "final_score", "docked_score", "predicted_mean", "predicted_spread", "docked_round",
)  # fmt: skip
SHORT_NAMES = {
    "final score": "final",
    "docked score": "docked",
    "predicted mean": "predicted",
    "predicted spread": "+-",
    "docked round": "round",
    "combined score": "combined",
}
"""Headings of scores, whose title says that they are scores."""
WORDS = {
    "final": "by the score of the final docking, then by that of the rounds",
    "docked": "by docking score",
    "predicted": "by the prediction of the teacher",
    "combined": "by docking score, else by the cautious prediction of the teacher",
    "screened": "by the prediction of the student, the whole library",
}


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
        notes.print(Text(_nothing(query)), soft_wrap=True)
    if show_funnel and leaves_out(opened):
        for line in left_out_lines(opened, read_left_out(opened.ledger)):
            notes.print(Text(line), soft_wrap=True)
    for line in funnel_lines(answer.funnel):
        notes.print(Text(line), soft_wrap=True)
    if show_funnel:
        return
    if out is None:
        _print(answer.table, kind, opened.root, _shown(answer.table, query) if kind == "table" else None)
        return
    problems = export_hits(answer.table, chosen, out, opened.root, made_by(command, opened))
    notes.print(Text(f"Wrote {plural(len(answer), 'molecule')} to {out}."), soft_wrap=True)
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
    for note in so_far(status(opened, receipts)):
        notes.print(Text(note), soft_wrap=True)
    if table.num_rows == 0:
        notes.print(Text(_nothing(query, "failed dockings")), soft_wrap=True)
    if query.top is not None and query.top in _rows_by_target(table):
        notes.print(f"At most {query.top} failed dockings per target are listed; --top 0 lists all.")
    if out is None:
        _print(table, kind, opened.root, plain_table(table, decimals=2) if kind == "table" else None)
        return
    export_hits(table, chosen, out, opened.root)
    notes.print(Text(f"Wrote {plural(table.num_rows, 'molecule')} to {out}."), soft_wrap=True)


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
        ranked = f"{plural(steps[0].left, 'molecule')} {agree(steps[0].left, 'is', 'are')} ranked"
        lines.append(f"{target}: {ranked}; left by each condition:")
        lines += [
            f"  {step.left:>{width},}  {step.condition}  (-{before.left - step.left:,})"
            for before, step in pairwise(steps)
        ]
    return lines


def print_columns() -> None:
    """Print every column of hits with its unit and meaning."""
    for title, items in (
        ("In every answer", COLUMNS),
        ("Where the question asks for them or makes them", ON_REQUEST),
    ):
        table = Grid([Column("column"), Column("unit", wraps=True), Column("what", wraps=True)], title)
        for item in items:
            table.add(item.name, item.unit, item.what)
        console().print(table)


def _shown(hits: pa.Table, query: HitQuery) -> Grid:
    """Return hits for a terminal: the columns that the question made among the usual ones, without empty ones."""
    extra = [name for name in hits.column_names if name not in HIT_COLUMNS]
    if "scaffold" in extra and "scaffold" not in query.add:  # what made the picks differ is in files
        extra.remove("scaffold")
    names = [name for name in (*TERMINAL_COLUMNS, *extra, "smiles") if hits[name].null_count < hits.num_rows]
    if "predicted_low" in names and "predicted_spread" in names:
        names.remove("predicted_spread")  # the interval is what it was for
    targets = hits["target"].unique().to_pylist()
    if len(targets) == 1:
        names.remove("target")
    shown = plain_table(hits.select(names), decimals=2, title=_title(hits, query, targets, names))
    shown.columns = [replace(item, name=SHORT_NAMES.get(item.name, item.name)) for item in shown.columns]
    return shown


def _title(hits: pa.Table, query: HitQuery, targets: Sequence[str], names: Sequence[str]) -> str:
    """Return what the table holds: targets, unit, and who ranked."""
    if not hits.num_rows:
        return ""
    units = ", ".join(hits["unit"].unique().to_pylist())
    if query.preferred:
        order = f"by how much better for {query.preferred.target} than for {query.preferred.over}"
    elif query.worst_over:
        order = f"by the worst of the scores for {', '.join(query.across)}"
    else:
        order = WORDS.get(query.by) or WORDS[_chosen(hits)]
    rounds = hits["predicted_round"].drop_null().unique().to_pylist()
    said = " (+-: standard deviation of the prediction)" if "predicted_spread" in names else ""
    who = f" of round {rounds[0]}" if len(rounds) == 1 and "prediction" in order else ""
    return f"{', '.join(targets)}: {order}{who}; scores in {units}{said}"


def _chosen(hits: pa.Table) -> str:
    """Return what ``auto`` came to."""
    for name in ("final", "docked"):
        if hits[f"{name}_score"].null_count < hits.num_rows:
            return name
    return "predicted"


def _nothing(query: HitQuery, what: str = "molecules") -> str:
    """Return what to say of an empty answer."""
    if query.where:
        return f"No {what} meet the condition {query.where} so far."
    return f"There are no {what} to list so far."


def _rows_by_target(table: pa.Table) -> list[int]:
    return [int(item["counts"]) for item in table["target"].value_counts().to_pylist()]


def _print(table: pa.Table, kind: str, root: Path, shown: Grid | None) -> None:
    if shown is not None:
        if shown.rows:
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
