"""The molecules of a ranking, in order, whichever files they lie in; what a question is put to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.errors import InputError
from ...data.words import plural
from .conditions import Condition, column, not_understood
from .conditions import number as number_sql
from .query import HitQuery
from .score_tables import HIT_COLUMNS, HitSources, _create_views, docking_attempts, rank_into

LIPINSKI = "((weight > 500)::INT + (logp > 5)::INT + (donors > 5)::INT + (acceptors > 10)::INT)"
PERCENT_RANK = "100 * percent_rank() OVER (ORDER BY {goodness})"
DOCKED_SCHEMA = pa.schema(
    [
        ("docked_score", pa.float64()),
        ("docked_round", pa.int32()),
        ("pose", pa.string()),
        ("final_score", pa.float64()),
        ("final_pose", pa.string()),
        ("failure", pa.string()),
    ]
)


@dataclass
class Ranking:
    """Molecules in the order of a ranking, on a DuckDB connection that may open their files and nothing else.

    Attributes
    ----------
    name : str
        The target, or the targets.
    connection : DuckDB connection
    relation : str
        A table expression with the column ``rank`` and all of ``stored``.
    stored : pyarrow.Schema
    columns : tuple of str
        Those of an answer.
    sorted : bool
        Whether rows come in order of ``rank`` by themselves.
    docked : DockedScores or None
        Columns that are not in ``relation`` but are looked up by row.
    score : str
        The column whose values make the order; ``final_score`` gives way to ``docked_score`` where there is none.
    tried, failed : array of int64
        Rows of the library of which a docking was tried, and those of which none gave a score.
    predicted : bool
        Whether predictions have a part in the order: else nothing that failed, or was not docked, is in it.
    lower_is_better : bool
        Of the (first) target's scores.
    notes : list of str
        What a reader of the answer has to know.
    """

    name: str
    connection: duckdb.DuckDBPyConnection
    relation: str
    stored: pa.Schema
    columns: tuple[str, ...]
    sorted: bool = False
    docked: DockedScores | None = None
    score: str = "predicted_mean"
    tried: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    failed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    predicted: bool = True
    lower_is_better: bool = True
    notes: list[str] = field(default_factory=list)

    def conditions(self, query: HitQuery) -> list[Condition]:
        """Return the conditions of a question that depend on what was docked, and on which end of a score is good."""
        found = []
        selective = query.preferred
        if selective and selective.floor is not None and selective.floor != "seed":
            sign = "<=" if self.lower_is_better else ">="
            sql = f"{column(score_column(selective.target))} {sign} {number_sql(selective.floor)}"
            found.append(Condition(f"score for {selective.target} {selective.floor:.4g} or better", sql))
        if self.predicted and query.undocked and len(self.tried):
            found.append(Condition("not docked yet", f'"row" NOT IN ({_listed(self.tried)})'))
        elif self.predicted and len(self.failed) and not query.with_failed:
            found.append(Condition("docking has not failed", f'"row" NOT IN ({_listed(self.failed)})'))
        return found

    def stream(
        self, conditions: Sequence[Condition], where: str, rows: int, limit: int | None
    ) -> Iterator[pa.Table]:
        """Yield the molecules that meet all conditions, best first, ``rows`` at a time.

        ``where`` is the user's part of them, for messages.
        """
        sql = " AND ".join(["true", *(f"({item.sql})" for item in conditions)])
        names = ", ".join(f'"{name}"' for name in self.stored.names)
        order = "" if self.sorted else " ORDER BY rank"
        bound = "" if limit is None else f" LIMIT {int(limit)}"
        try:
            query = f"SELECT {names} FROM {self.relation} WHERE {sql}{order}{bound}"
            for batch in self.connection.sql(query).to_arrow_reader(rows):
                yield pa.Table.from_batches([batch])
        except (duckdb.Error, pa.ArrowException) as error:
            if not where or isinstance(error, duckdb.IOException):
                raise
            raise not_understood(where, error, self.stored.names) from None  # a cast can fail on a value

    def left(self, conditions: Sequence[Condition]) -> list[int]:
        """Return how many molecules there are, and how many each condition leaves after those before it."""
        so_far, counts = "true", ["count(*)"]
        for item in conditions:
            so_far = f"{so_far} AND ({item.sql})"
            counts.append(f"count(*) FILTER (WHERE {so_far})")
        found = self.connection.execute(f"SELECT {', '.join(counts)} FROM {self.relation}").fetchone()
        return [int(count) for count in found or ()]

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class DockedScores:
    """Docked and final scores of one target, looked up by row.

    Parameters
    ----------
    sources : HitSources

    Attributes
    ----------
    attempts : tuple of array of int64
        As :func:`docking_attempts` returns them.
    """

    def __init__(self, sources: HitSources) -> None:
        with duckdb.connect() as connection:
            _create_views(connection, sources)
            self._table = connection.sql(
                'SELECT d."row" AS "row", d.score AS docked_score, d.round::INT AS docked_round, d.pose AS pose, '
                "f.score AS final_score, f.pose AS final_pose, d.failure AS failure "
                'FROM docked d LEFT JOIN final f ON f."row" = d."row" '
                'WHERE d."row" IS NOT NULL ORDER BY d."row"'
            ).to_arrow_table()
            self.attempts = docking_attempts(connection)
        self._rows = self._table["row"].to_numpy()

    def of(self, rows: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
        """Return the columns of :data:`DOCKED_SCHEMA` for some rows of the library; nulls where not docked."""
        wanted = rows.to_numpy()
        places = np.searchsorted(self._rows, wanted)
        found = np.zeros(len(wanted), np.bool_)
        inside = places < len(self._rows)
        found[inside] = self._rows[places[inside]] == wanted[inside]
        index = pa.array(np.where(found, places, 0), mask=~found)
        return {item.name: self._table[item.name].take(index).cast(item.type) for item in DOCKED_SCHEMA}


def ranked_by_files(sources: HitSources, by: str, caution: float, threads: int | None) -> Ranking:
    """Return the ranking of one target by its docked scores, predictions of shortlists, or both."""
    connection = opened(threads)
    chosen = rank_into(connection, "hits", sources, by, caution)
    columns = (*HIT_COLUMNS, "combined_score") if chosen == "combined" else HIT_COLUMNS
    tried, failed = docking_attempts(connection)
    notes = left_behind(connection, sources) if chosen in ("predicted", "combined") else []
    ranked = from_table(connection, sources.target, columns)
    ranked.score = {"predicted": "predicted_mean"}.get(chosen, f"{chosen}_score")
    ranked.tried, ranked.failed, ranked.predicted = tried, failed, chosen in ("predicted", "combined")
    ranked.notes += notes
    return ranked


def left_behind(connection: duckdb.DuckDBPyConnection, sources: HitSources) -> list[str]:
    """Return a note on molecules that only teachers before the one that ranks have predicted; empty if none.

    Parameters
    ----------
    connection : DuckDB connection
        With the views that :func:`~docksieve.screening.queries.score_tables.rank_into` makes.
    sources : HitSources
    """
    latest = sources.ranked_by_round
    if latest is None or len(sources.refined) < 2:
        return []
    found = connection.execute(
        f'SELECT count(DISTINCT "row") FROM refined_all WHERE round <> {latest} AND "row" NOT IN '
        f'(SELECT "row" FROM refined_all WHERE round = {latest} AND "row" IS NOT NULL)'
    ).fetchone()
    left = int(found[0]) if found else 0
    if not left:
        return []
    return [
        f"{sources.target}: predictions are those of the teacher of round {latest}; {plural(left, 'more molecule')} "
        "that only teachers of other rounds scored are not in this list (--round N lists those of round N)."
    ]


def _listed(rows: NDArray[np.int64]) -> str:
    return ", ".join(map(str, rows.tolist()))


def opened(threads: int | None) -> duckdb.DuckDBPyConnection:
    """Return a connection with at most so many threads."""
    connection = duckdb.connect()
    if threads:
        connection.execute(f"SET threads = {int(threads)}")
    return connection


def from_table(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str]) -> Ranking:
    """Return the ranking in the table ``hits`` of a connection, which opens no file from now on."""
    connection.execute(f"CREATE TEMP VIEW ranked AS SELECT *, {LIPINSKI} AS lipinski_violations FROM hits")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    stored = connection.sql("SELECT * FROM ranked LIMIT 0").to_arrow_table().schema
    return Ranking(name, connection, "ranked", stored, tuple(columns))


def across_files(
    sources: Sequence[HitSources], by: str, caution: float, selective: bool, threads: int | None
) -> Ranking:
    """Return a ranking across targets by docked scores, predictions of shortlists, or both.

    Parameters
    ----------
    sources : sequence of HitSources
        The targets, in the order of the question.
    by : str
        Which scores are compared; ``auto`` means ``combined``. For the target that is to be avoided a prediction counts
        as better by ``caution`` spreads, for all others as worse.
    caution : float
    selective : bool
    threads : int, optional
    """
    connection = opened(threads)
    tables, notes = [], []
    tried, failed = [], []
    for number, item in enumerate(sources):
        chosen = rank_into(connection, f"hits_{number}", item, "combined" if by == "auto" else by, caution)
        attempts = docking_attempts(connection)
        tried.append(attempts[0])
        failed.append(attempts[1])
        notes += left_behind(connection, item) if chosen in ("predicted", "combined") else []
        value = {"combined": "combined_score", "predicted": "predicted_mean"}.get(chosen, f"{chosen}_score")
        if chosen == "combined" and selective and number == 1:
            better = "-" if item.lower_is_better else "+"
            hopeful = f"predicted_mean::DOUBLE {better} {number_sql(caution)} * coalesce(predicted_spread, 0)"
            value = f"coalesce(docked_score, {hopeful})"
        connection.execute(f"CREATE TEMP VIEW part_{number} AS SELECT *, {value} AS value FROM hits_{number}")
        tables.append((item, f"part_{number}", PERCENT_RANK))
    columns = (*HIT_COLUMNS, "combined_score") if chosen == "combined" else HIT_COLUMNS
    ranked = ranked_across(tables, connection, selective, columns)
    ranked.tried, ranked.failed = (np.unique(np.concatenate(parts)) for parts in (tried, failed))
    ranked.predicted = chosen in ("predicted", "combined")
    ranked.notes += notes
    return ranked


def ranked_across(
    tables: Sequence[tuple[HitSources, str, str]],
    connection: duckdb.DuckDBPyConnection,
    selective: bool,
    columns: Sequence[str] = HIT_COLUMNS,
) -> Ranking:
    """Rank molecules across targets.

    Parameters
    ----------
    tables : sequence of (HitSources, str, str)
        Each target; its table on the connection: columns of an answer, and ``value``, the score that counts; and SQL
        for a molecule's percentile, 100 being the best, with the place ``{goodness}``.
    connection : DuckDB connection
    selective : bool
        True: by how much better the first target's score is than the second's. False: by the worst of all scores, as
        percentiles among the ranked molecules of each target where units or directions differ.
    columns : sequence of str
        Of an answer.

    Raises
    ------
    InputError
        If selectivity is asked of scores in different units.
    """
    units = {(item.unit, item.lower_is_better) for item, *_ in tables}
    names = [item.target for item, *_ in tables]
    lower = tables[0][0].lower_is_better
    if selective and len(units) > 1:
        raise InputError(
            f"Scores of {names[0]} and {names[1]} cannot be subtracted: their units or directions differ "
            f"({', '.join(f'{i.unit}, {_direction(i)}' for i, *_ in tables)}).",
            f"Use --worst-over {','.join(names)}, which compares percentiles, or rank by {names[0]} alone.",
        )
    one_scale = len(units) == 1
    parts = []
    for item, table, percentile in tables:
        goodness = "-value" if item.lower_is_better else "value"
        scaled = goodness if one_scale else percentile.format(goodness=goodness)
        parts.append(f"SELECT *, {scaled} AS goodness FROM {table} WHERE value IS NOT NULL")
    scores = ", ".join(
        f"max(value) FILTER (WHERE target = '{name}') OVER same AS \"{score_column(name)}\"" for name in names
    )
    back = "" if not one_scale else "-" if lower else ""
    if selective:
        made, kept = "selectivity", f"target = '{names[0]}'"
        wanted = (
            f"round(max(goodness) FILTER (WHERE target = '{names[0]}') OVER same - "
            f"max(goodness) FILTER (WHERE target = '{names[1]}') OVER same, 6)"
        )
        order = "selectivity DESC"
    else:
        made, kept = "worst_score", "place = 1"
        wanted = f"{back}min(goodness) OVER same"
        order = f"worst_score {'ASC' if back else 'DESC'}"
    answer = [*columns, *(score_column(name) for name in names), made]
    connection.execute(
        f"""
        CREATE TEMP TABLE hits AS
        WITH long AS ({" UNION ALL BY NAME ".join(parts)}), wide AS (
            SELECT * EXCLUDE (rank), {scores}, {wanted} AS {made}, count(*) OVER same AS targets,
                row_number() OVER (PARTITION BY "row" ORDER BY goodness, target) AS place
            FROM long WINDOW same AS (PARTITION BY "row")
        )
        SELECT row_number() OVER (ORDER BY {order}, "row") AS rank, * EXCLUDE (targets, place, goodness, value)
        FROM wide WHERE targets = {len(names)} AND {kept}
        """
    )
    ranked = from_table(connection, f"{' over ' if selective else ' and '}".join(names), answer)
    ranked.score, ranked.lower_is_better = made, lower
    if not one_scale:
        ranked.notes.append(
            "The targets' scores have different units: worst_score is a percentile (100: the best of those ranked)."
        )
    return ranked


def score_column(target: str) -> str:
    """Return the column that holds a target's score in an answer across targets."""
    return f"score_{target}"


def _direction(sources: HitSources) -> str:
    return "lower is better" if sources.lower_is_better else "higher is better"


def with_columns(table: pa.Table, columns: dict[str, Any]) -> pa.Table:
    """Return ``table`` with columns added, or replaced where there are such."""
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.append_column(name, values) if place < 0 else table.set_column(place, name, values)
    return table
