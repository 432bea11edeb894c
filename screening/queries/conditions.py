"""The conditions of a question that are SQL: written by the options, or by the user.

What a user wrote is first understood as a filter on an empty table, by a DuckDB that may open nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import duckdb
import pyarrow as pa

from ...data.errors import InputError, unknown_name
from .query import RULES, HitQuery
from .terms import Window


@dataclass(frozen=True)
class Condition:
    """A condition: for people, and as SQL."""

    words: str
    sql: str


@dataclass(frozen=True)
class Where:
    """The user's own condition.

    Attributes
    ----------
    sql : str
        In brackets; ``true`` if there is none.
    text : str
        As it was given.
    late : frozenset of str
        Columns it asks about that are not in the files but computed; empty: it can be put to the files.
    """

    sql: str
    text: str
    late: frozenset[str]


def stored_conditions(query: HitQuery) -> list[Condition]:
    """Return the conditions on stored columns that the options make, in order."""
    found = [
        Condition(f"{name} {window}", _within(name, window))
        for name, window in query.windows.items()
        if name != "qed"
    ]
    found += [
        Condition(f"{name}'s rule" if name == "veber" else "rule of five", RULES[name])
        for name in query.rules
    ]
    if query.model:
        found.append(Condition(f"model {query.model}", f"starts_with(model, {literal(query.model)})"))
    if query.preferred and query.preferred.margin is not None:
        margin = query.preferred.margin
        found.append(Condition(f"selectivity {margin:g} or more", f"selectivity >= {number(margin)}"))
    return found


def read_where(
    where: str | None, stored: pa.Schema, computed: pa.Schema, asked: str = "--where", of: str = "hits"
) -> Where:
    """Understand a condition.

    Parameters
    ----------
    where : str or None
    stored, computed : pyarrow.Schema
        Columns of the files, and those that can be computed for some molecules.
    asked, of : str
        For messages: where the condition stands, and what the columns are those of.

    Raises
    ------
    InputError
        If it is no condition on these columns; close names are suggested for an unknown one.
    """
    if where is None or not where.strip():
        return Where("true", "", frozenset())
    everything = pa.schema([*stored, *computed])
    with duckdb.connect() as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            _bind(connection, everything, where)
        except duckdb.Error as error:
            raise not_understood(where, error, everything.names, asked, of) from None
        late = frozenset(
            field.name
            for field in computed
            if not _binds(connection, pa.schema([each for each in everything if each != field]), where)
        )
    return Where(f"({where}\n)", where, late)


def bare(text: str) -> str:
    """Return a condition without the brackets around all of it."""
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        depth = 0
        for place, sign in enumerate(text):
            depth += (sign == "(") - (sign == ")")
            if depth == 0 and place < len(text) - 1:
                return text
        return text[1:-1]
    return text


def conjuncts(where: str | None) -> list[str]:
    """Return the conditions that a condition joins by AND, so that each can be put where it costs least.

    Parameters
    ----------
    where : str or None
        Understood already.
    """
    if where is None or not where.strip():
        return []
    with duckdb.connect() as connection:
        query = _answer(connection, "json_serialize_sql", f"SELECT 1 FROM hits WHERE ({where}\n)")
        statement = json.loads(query)
        clause = statement.get("statements", [{}])[0].get("node", {}).get("where_clause") or {}
        if clause.get("type") != "CONJUNCTION_AND":
            return [where]
        found = []
        for child in clause["children"]:
            statement["statements"][0]["node"]["where_clause"] = child
            text = _answer(connection, "json_deserialize_sql", json.dumps(statement))
            found.append(text.partition(" WHERE ")[2])
        return found


def _answer(connection: duckdb.DuckDBPyConnection, function: str, text: str) -> str:
    row = connection.execute(f"SELECT {function}(?)", [text]).fetchone()
    return str(row[0]) if row else ""


def _bind(connection: duckdb.DuckDBPyConnection, schema: pa.Schema, where: str) -> None:
    connection.register("hits", schema.empty_table())
    # As a filter it has to be one expression: nothing that ends the query or a bracket and goes on.
    connection.table("hits").filter(where).fetchall()


def _binds(connection: duckdb.DuckDBPyConnection, schema: pa.Schema, where: str) -> bool:
    try:
        _bind(connection, schema, where)
    except duckdb.Error:
        return False
    return True


def not_understood(
    where: str, error: Exception, columns: list[str], asked: str = "--where", of: str = "hits"
) -> InputError:
    """Return the error for a condition that DuckDB refuses."""
    first_line = str(error).splitlines()[0]
    message = f"{asked} {where!r} is not understood: {first_line}."
    if found := re.search(r'Referenced column "([^"]+)" not found', first_line):
        unknown = f"{asked} {where!r} asks about {found[1]!r}, which is no column of {of}."
        return unknown_name(unknown, found[1], columns)
    return InputError(message, f"It is an SQL condition on the columns {', '.join(columns)}.")


def _within(name: str, window: Window) -> str:
    # Properties are stored in single precision: 0.4 there is not 0.4 in double.
    sides = []
    if window.low is not None:
        sides.append(f"{column(name)} >= {number(window.low, 'FLOAT')}")
    if window.high is not None:
        sides.append(f"{column(name)} <= {number(window.high, 'FLOAT')}")
    return " AND ".join(sides)


def number(value: float, kind: str = "DOUBLE") -> str:
    """Return a number for SQL."""
    return f"'{float(value)!r}'::{kind}"


def literal(text: str) -> str:
    """Return a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def column(name: str) -> str:
    """Return the name of a column for SQL."""
    return '"' + name.replace('"', '""') + '"'


def files(paths: Sequence[str | PathLike[str]]) -> str:
    """Return a table expression for Parquet files: their names taken literally, their folders as no columns."""
    names = ", ".join(literal(pattern(str(path))) for path in paths)
    return f"read_parquet([{names}], union_by_name = true, hive_partitioning = false)"


def pattern(path: str) -> str:
    """Return the pattern that matches this path alone: DuckDB takes every name for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", path)
