"""Which molecules of a library meet a question's conditions: asked of batches of its columns, each by itself.

The conditions are those of :class:`~.query.HitQuery`, read and put by the same code; only that nothing is ranked, and
every molecule is looked at. Columns that no condition asks about are not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.errors import InputError
from ...data.schema import LIBRARY_SCHEMA
from ..chemistry.smarts import read_pattern
from .conditions import Condition, Where, bare, conjuncts, not_understood, read_where, stored_conditions
from .filters import COMPUTED, KINDS, Batch, Step, dear_steps, quick_steps
from .query import HitQuery
from .rankings import LIPINSKI

CONDITIONS = ("where", "has", "has_not", "no_alerts", "rules")
"""Keys of a question that a library can be asked about."""
_VIOLATIONS = "lipinski_violations"
_VIOLATIONS_NEED = ("weight", "logp", "donors", "acceptors")
_STORED = pa.schema([*LIBRARY_SCHEMA, pa.field(_VIOLATIONS, pa.int32())])
_CHANCE = ("random", "uuid", "gen_random_uuid", "now", "current_date", "current_timestamp", "today")


def library_query(values: Mapping[str, Any], asked: str = "--where", without: Sequence[str] = ()) -> HitQuery:
    """Return the question that keys of a campaign file, or options, make; it is checked as far as words go.

    Parameters
    ----------
    values : mapping
        Of :data:`CONDITIONS`; others are not looked at.
    asked : str
        Where the condition stands, for messages.
    without : sequence of str
        Columns of a library that there are not yet.

    Raises
    ------
    InputError
        If a catalogue or a rule is unknown, a condition asks about something else than one molecule, or about a
        column that a library does not have.
    """
    given = {name: values.get(name) for name in CONDITIONS if values.get(name)}
    made = HitQuery(
        **{name: value if name == "where" else tuple(value) for name, value in given.items()}  # type: ignore[arg-type]
    )
    LibraryFilter(made, asked, without)
    return made


class LibraryFilter:
    """The conditions of a question, ready to be put to batches of a library.

    Parameters
    ----------
    query : HitQuery
        ``where``, ``has``, ``has_not``, ``no_alerts`` and ``rules`` count; nothing else is looked at.
    asked : str
        Where the condition stands, for messages: ``--where``, ``[library] where``.
    without : sequence of str
        Columns of a library that there are not yet.

    Attributes
    ----------
    words : list of str
        The conditions, in the order in which they are put.
    columns : list of str
        Columns of the library that they need.

    Raises
    ------
    InputError
        If a condition or a SMARTS is not understood; close names are suggested for an unknown column.

    Examples
    --------
    >>> from docksieve.screening.queries.library_filter import LibraryFilter
    >>> sieve = LibraryFilter(docksieve.HitQuery(where="heavy_atoms < 16", has_not=("C#N",)))
    >>> sieve.words, sieve.columns
    (['heavy_atoms < 16', 'has not C#N'], ['smiles', 'heavy_atoms'])
    """

    def __init__(self, query: HitQuery, asked: str = "--where", without: Sequence[str] = ()) -> None:
        self._asked = asked
        self._columns = pa.schema([item for item in _STORED if item.name not in without])
        computed = pa.schema([(name, KINDS.get(name, pa.string())) for name in COMPUTED])
        understood = self._read(query.where, computed)
        _check_one_molecule(understood, asked)
        parts = [self._read(text, computed) for text in conjuncts(query.where)]
        self._stored = [
            *stored_conditions(query),
            *(Condition(bare(part.text), part.sql) for part in parts if not part.late),
        ]
        late = [part for part in parts if part.late]
        has, has_not = ([read_pattern(text) for text in texts] for texts in (query.has, query.has_not))
        self._quick: list[Step] = quick_steps(has, has_not, query, None)
        self._dear: list[Step] = dear_steps(query, late, None)
        self._where = query.where or ""
        self.words = [item.words for item in self._stored]
        self.words += [step.words for step in (*self._quick, *self._dear)]
        names = _asked_about([*(item.sql for item in self._stored), *(part.sql for part in late)], computed)
        self._violations = _VIOLATIONS in names
        names |= set(_VIOLATIONS_NEED) if self._violations else set()
        names |= {"smiles"} if self._quick or self._dear else set()
        self.columns = [name for name in LIBRARY_SCHEMA.names if name in names]

    def _read(self, where: str | None, computed: pa.Schema) -> Where:
        return read_where(where, self._columns, computed, self._asked, "the library")

    def __bool__(self) -> bool:
        return bool(self.words)

    def mask(self, batch: pa.RecordBatch | pa.Table) -> tuple[NDArray[np.bool_], list[int]]:
        """Put all conditions to some molecules.

        Parameters
        ----------
        batch : pyarrow RecordBatch or Table
            With :attr:`columns`.

        Returns
        -------
        kept : array of bool, shape (n,)
            True where every condition is met. What is not known (a property that is null) meets none.
        left : list of int
            How many molecules each condition leaves after those before it.

        Raises
        ------
        InputError
            If the condition fails on a value, as a cast can.
        """
        kept, left = None, []
        for kept in self._narrowing(batch):
            left.append(int(kept.sum()))
        return (np.ones(len(batch), np.bool_) if kept is None else kept), left

    def first_failed(self, batch: pa.RecordBatch | pa.Table) -> list[str]:
        """Return for each molecule the first condition that it does not meet, in words; empty where it meets all."""
        found = np.full(len(batch), "", object)
        before = np.ones(len(batch), np.bool_)
        for words, kept in zip(self.words, self._narrowing(batch), strict=True):
            found[before & ~kept] = words
            before = kept
        return [str(words) for words in found]

    def _narrowing(self, batch: pa.RecordBatch | pa.Table) -> Iterator[NDArray[np.bool_]]:
        """Yield, condition after condition, which molecules have met all so far."""
        table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        kept = np.ones(table.num_rows, np.bool_)
        if self._violations:
            table = _query(f"SELECT *, {LIPINSKI} AS {_VIOLATIONS} FROM hits", table)
        if self._stored:
            tests = ", ".join(f"coalesce(({item.sql}), false)" for item in self._stored)
            try:
                answers = _query(f"SELECT {tests} FROM hits", table)
            except duckdb.Error as error:
                names = self._columns.names
                raise not_understood(self._where, error, names, self._asked, "the library") from None
            for answer in answers.columns:
                kept = kept & answer.to_numpy()
                yield kept
        for step in (*self._quick, *self._dear):
            # A step sees only what is left: what the ones before it have left out costs nothing.
            part = Batch.of(table.filter(pa.array(kept)))
            step.narrow(part)
            kept = kept.copy()
            kept[kept] = part.kept
            yield kept


@dataclass(frozen=True)
class LibrarySieve:
    """Conditions that molecules must meet to get into a library (``docksieve library build --where``).

    Attributes
    ----------
    conditions : mapping
        Of :data:`CONDITIONS`.

    Raises
    ------
    InputError
        As :class:`LibraryFilter`, when it is made.
    """

    conditions: Mapping[str, Any]

    def __post_init__(self) -> None:
        _made(json.dumps(self.conditions, sort_keys=True))

    def refused(self, molecules: pa.Table) -> list[tuple[int, str]]:
        """Return the places of the molecules that meet not all conditions, and the first that each fails."""
        sieve = _made(json.dumps(self.conditions, sort_keys=True))
        kept, _ = sieve.mask(molecules)
        out = np.flatnonzero(~kept)
        if not len(out):
            return []
        # Which condition it was is asked of those that are refused alone, one condition after the other.
        reasons = sieve.first_failed(molecules.take(pa.array(out)))
        return list(zip(out.tolist(), reasons, strict=True))


@cache
def _made(conditions: str) -> LibraryFilter:
    """Return the filter of conditions (JSON), read once in a worker's life; rows have no number before the end."""
    return LibraryFilter(library_query(json.loads(conditions), without=("row",)), without=("row",))


def _query(sql: str, table: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET threads = 1")  # a task has one core; and rows come back in their order
        connection.register("hits", table)
        return connection.sql(sql).to_arrow_table()


def _asked_about(conditions: Sequence[str], computed: pa.Schema) -> set[str]:
    """Return the columns without which one of the conditions cannot be put."""
    found: set[str] = set()
    with duckdb.connect() as connection:
        for sql in conditions:
            for field in _STORED:
                others = pa.schema([*(each for each in _STORED if each != field), *computed])
                connection.register("hits", others.empty_table())
                try:
                    connection.execute(f"SELECT 1 FROM hits WHERE {sql}").fetchall()
                except duckdb.Error:
                    found.add(field.name)
    return found


def _check_one_molecule(where: Where, asked: str) -> None:
    """Refuse what does not follow from a molecule's own columns: its answer would change from batch to batch."""
    if not where.text:
        return
    with duckdb.connect() as connection:
        row = connection.execute("SELECT json_serialize_sql(?)", [f"SELECT 1 FROM hits WHERE {where.sql}"])
        tree = str((row.fetchone() or ("",))[0])
    chance = next((name for name in _CHANCE if f'"function_name":"{name}"' in tree), "")
    if '"class":"SUBQUERY"' in tree or chance:
        what = f"the function {chance}()" if chance else "a query of its own"
        raise InputError(
            f"{asked} {where.text!r} holds {what}: whether a molecule is kept must follow from its own columns.",
            f"Write a condition on the columns {', '.join([*_STORED.names, *COMPUTED])}.",
        )
