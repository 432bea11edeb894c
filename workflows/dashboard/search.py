"""The dashboard's questions to the hits: the one place that knows the query."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...data.errors import DocksieveError, InputError
from ...data.receipts import plain_json
from ...screening.queries.export import export_hits
from ...screening.queries.query import ADDITIONS, CATALOGUES, DIVERSITIES, RANKINGS, RULES, WINDOWS, HitQuery
from ..hits.ask import ask
from ..hits.provenance import made_by
from .command import as_text, command_of
from .watch import Moment

MOST = 10_000
"""Molecules of one answer on the page: sorted and leafed through in memory."""
MOST_EXPORTED = 1_000_000
EXPORTS = {
    "csv": "text/csv",
    "sdf": "chemical/x-mdl-sdfile",
    "smi": "text/plain",
    "parquet": "application/octet-stream",
}
EXPORTS |= {"json": "application/json"}
"""Formats that can be downloaded, and what the browser is told they are."""
PAGE = 500
"""Most molecules sent at a time."""

_KEPT = 16


@dataclass(frozen=True)
class HitsAnswer:
    """An answer, kept.

    Attributes
    ----------
    table : pyarrow.Table
        Best first.
    notes : tuple of str
        What the user must know about it.
    funnel : tuple of (str, str, int)
        Target, condition, molecules left.
    cut : bool
        Whether there may be more than :data:`MOST`.
    """

    table: pa.Table
    notes: tuple[str, ...]
    funnel: tuple[tuple[str, str, int], ...]
    cut: bool


def read_query(text: str | None, most: int) -> HitQuery:
    """Return the question in a URL: JSON of :class:`HitQuery`, and ``text`` to look for in ids and SMILES.

    Raises
    ------
    InputError
        If it is no such JSON, or asks for something that there is not.
    """
    try:
        values = json.loads(text) if text else {}
        if not isinstance(values, dict):
            raise ValueError("not an object")
        looked_for = str(values.pop("text", "") or "").strip()
        query = HitQuery.from_json({"top": most, **values})
    except DocksieveError:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"The question cannot be read: {error}.", "Reset the filters.") from None
    if query.where is not None and not isinstance(query.where, str):
        raise InputError("The condition is not text.", "Reset the filters.")
    top = most if query.top is None else min(query.top, most)
    return replace(query, top=top, where=_with_text(query.where, looked_for))


def _with_text(where: str | None, looked_for: str) -> str | None:
    if not looked_for:
        return where or None
    quoted = "'" + looked_for.lower().replace("'", "''") + "'"
    found = f"(contains(lower(id), {quoted}) OR contains(lower(smiles), {quoted}))"
    return f"({where}\n) AND {found}" if where else found


class Desk:
    """Answers questions about the hits, each once until the campaign has gone on."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[int, str], HitsAnswer] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, moment: Moment, query: HitQuery) -> HitsAnswer:
        """Return the answer to ``query``, from memory if nothing was finished since it was last given."""
        key = (moment.version, json.dumps(query.to_json(), sort_keys=True))
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        found = ask(moment.campaign, query, receipts=moment.campaign_receipts)
        answer = HitsAnswer(
            table=found.table,
            notes=tuple(found.notes),
            funnel=tuple((step.target, step.condition, step.left) for step in found.funnel),
            cut=found.table.num_rows > 0 and query.top is not None and found.table.num_rows >= query.top,
        )
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        return answer

    def page(
        self, moment: Moment, query: HitQuery, sort: str, down: bool, first: int, count: int
    ) -> dict[str, Any]:
        """Return some molecules of an answer as JSON values.

        Parameters
        ----------
        moment : Moment
        query : HitQuery
        sort : str
            A column; empty: as ranked. Molecules without a value come last.
        down : bool
            Whether the largest come first.
        first, count : int
            Which of them, after sorting.
        """
        answer = self.answer(moment, query)
        table = answer.table
        if sort:
            if sort not in table.column_names:
                raise InputError(f"There is no column {sort!r} to sort by.")
            table = _sorted(table, sort, down)
        shown = table.slice(max(0, first), max(0, min(count, PAGE)))
        value = {
            "columns": table.column_names,
            "rows": shown.to_pylist(),
            "first": max(0, first),
            "total": table.num_rows,
            "most": query.top,
            "cut": answer.cut,
            "notes": list(answer.notes),
            "funnel": [list(step) for step in answer.funnel],
            "command": as_text(command_of(query, moment.campaign.root)),
            "state": moment.status.state,
            "version": moment.version,
        }
        return dict(plain_json(value))

    def molecule(self, moment: Moment, target: str, row: int) -> Mapping[str, Any]:
        """Return one hit by its library row.

        Raises
        ------
        InputError
            If it is not among the hits of the target.
        """
        with self._lock:
            kept = [
                answer.table for (version, _), answer in self._answers.items() if version == moment.version
            ]
        for table in reversed(kept):
            found = table.filter(pc.and_(pc.equal(table["row"], row), pc.equal(table["target"], target)))
            if found.num_rows:
                return dict(found.slice(0, 1).to_pylist()[0])
        for by in ("auto", "predicted"):  # docked ones first; then all of the shortlists
            query = HitQuery(by=by, top=1, targets=(target,), where=f'"row" = {int(row)}')
            found = self.answer(moment, query).table
            if found.num_rows:
                return dict(found.to_pylist()[0])
        raise InputError(
            f"Row {row} of the library is not among the hits of {target}.",
            "The campaign may have gone on: search again.",
        )


def _sorted(table: pa.Table, column: str, down: bool) -> pa.Table:
    """Return a table by one column, ties as they stand, rows without a value last."""
    known = table.filter(pc.is_valid(table[column]))
    order = pc.sort_indices(known, [(column, "descending" if down else "ascending")])
    return pa.concat_tables([known.take(order), table.filter(pc.is_null(table[column]))])


def export(moment: Moment, query: HitQuery, kind: str, path: Path) -> int:
    """Write the answer to ``query`` to a file, and return its molecules.

    The command that makes the same file is written in it. A hit whose pose is missing stands in an SDF without it.

    Raises
    ------
    InputError
        If the format is unknown or the question is wrong.
    """
    if kind not in EXPORTS:
        raise InputError(f"{kind!r} is not a format for a file.", f"Choose one of {', '.join(EXPORTS)}.")
    found = ask(moment.campaign, query, receipts=moment.campaign_receipts)
    command = command_of(query, moment.campaign.root)
    export_hits(found.table, kind, path, moment.campaign.root, made_by(command, moment.campaign))
    return int(found.table.num_rows)


def choices(moment: Moment) -> dict[str, Any]:
    """Return what can be asked: for the page's form."""
    return {
        "targets": list(moment.campaign.targets),
        "rankings": list(RANKINGS),
        "windows": list(WINDOWS),
        "rules": list(RULES),
        "catalogues": list(CATALOGUES),
        "diversities": list(DIVERSITIES),
        "additions": list(ADDITIONS),
        "formats": list(EXPORTS),
        "most": MOST,
        "mostExported": MOST_EXPORTED,
    }
