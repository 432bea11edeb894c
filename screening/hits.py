"""Ranked hits: one question to all scores and predictions of a campaign, answered by DuckDB on the files.

Docked scores, final scores and predictions stand in columns of their own, never mixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa

from ..data.errors import InputError
from ..data.schema import PROPERTY_COLUMNS

RankBy = Literal["auto", "final", "docked", "predicted"]
RANKINGS: tuple[str, ...] = ("auto", "final", "docked", "predicted")

HIT_COLUMNS = (
    "rank",
    "target",
    "id",
    "smiles",
    "final_score",
    "docked_score",
    "predicted_mean",
    "predicted_spread",
    "unit",
    "docked_round",
    "predicted_round",
    "model",
    "pose",
    "final_pose",
    "row",
    *PROPERTY_COLUMNS,
)
FAILURE_COLUMNS = ("target", "id", "smiles", "failure", "message", "docked_round", "row")


@dataclass(frozen=True)
class HitSources:
    """Files of one target that hits are made of.

    Attributes
    ----------
    target : str
    unit : str
    lower_is_better : bool
    docked : dict of int to paths
        Scores tables by round.
    final : sequence of Path
        Scores tables of the final docking.
    refined : dict of int to paths
        The teacher's predictions on the shortlist, by round.
    selections : sequence of Path
        Selection batches, which hold the molecules' properties.
    models : dict of int to str
        Teacher of each round.
    """

    target: str
    unit: str
    lower_is_better: bool
    docked: Mapping[int, Sequence[Path]] = field(default_factory=dict)
    final: Sequence[Path] = ()
    refined: Mapping[int, Sequence[Path]] = field(default_factory=dict)
    selections: Sequence[Path] = ()
    models: Mapping[int, str] = field(default_factory=dict)


def ranked_hits(
    sources: HitSources, top: int | None = 100, by: RankBy = "auto", where: str | None = None
) -> pa.Table:
    """Return the best molecules of one target.

    Parameters
    ----------
    sources : HitSources
    top : int or None
        How many; None for all.
    by : str
        ``docked``: molecules with a docked score, by it. ``final``: the same, those with a final score
        first, by that. ``predicted``: every molecule of a shortlist, by the latest prediction of the
        teacher. ``auto``: final if there are final scores, else docked if there are any, else predicted.
    where : str, optional
        An SQL condition on the columns, for example ``"weight < 450 and docked_score < -9"``.

    Returns
    -------
    pyarrow.Table
        Columns :data:`HIT_COLUMNS`. ``rank`` counts before ``where``; ties go to the smaller ``row``.

    Raises
    ------
    InputError
        If ``where`` is not a condition on these columns.
    """
    with duckdb.connect() as connection:
        _create_views(connection, sources)
        chosen = _resolve(connection, by)
        connection.execute(f"CREATE TEMP TABLE hits AS {_ranking_sql(sources, chosen)}")
        connection.execute("SET enable_external_access = false")  # a condition reads no files
        relation = connection.table("hits")
        if where:
            relation = _filtered(relation, where)
        relation = relation.order("rank")
        if top is not None:
            relation = relation.limit(top)
        return relation.to_arrow_table()


def failed_dockings(sources: HitSources) -> pa.Table:
    """Return every docking that gave no score, with its code and message (:data:`FAILURE_COLUMNS`)."""
    with duckdb.connect() as connection:
        _create_views(connection, sources)
        return connection.sql(
            f"SELECT {_literal(sources.target)} AS target, id, smiles, failure, message, "
            'round AS docked_round, "row" FROM docked WHERE failure IS NOT NULL ORDER BY round, "row"'
        ).to_arrow_table()


def _filtered(relation: duckdb.DuckDBPyRelation, where: str) -> duckdb.DuckDBPyRelation:
    try:
        filtered = relation.filter(where)
        filtered.limit(0).fetchall()  # names are bound here, so that errors come here too
        return filtered
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        raise InputError(
            f"--where {where!r} is not understood: {first_line}.",
            f"It is an SQL condition on the columns {', '.join(HIT_COLUMNS)}.",
        ) from None


def _resolve(connection: duckdb.DuckDBPyConnection, by: RankBy) -> str:
    if by not in RANKINGS:
        raise InputError(f"Hits cannot be ranked by {by!r}.", f"Choose one of {', '.join(RANKINGS)}.")
    if by != "auto":
        return by
    for name, view in (("final", "final"), ("docked", "docked")):
        found = connection.sql(f"SELECT 1 FROM {view} WHERE score IS NOT NULL LIMIT 1").fetchall()
        if found:
            return name
    return "predicted"


def _create_views(connection: duckdb.DuckDBPyConnection, sources: HitSources) -> None:
    scores = '"row", id, smiles, score, unit, pose, failure, message'
    empty_scores = (
        "NULL::BIGINT AS \"row\", '' AS id, '' AS smiles, NULL::DOUBLE AS score, '' AS unit, "
        "NULL::VARCHAR AS pose, NULL::VARCHAR AS failure, NULL::VARCHAR AS message"
    )
    mine = f"target = {_literal(sources.target)}"
    docked = [
        f"SELECT {scores}, {number} AS round FROM {_files(paths)} WHERE {mine}"
        for number, paths in sources.docked.items()
        if paths
    ]
    _view(connection, "docked", docked, f"{empty_scores}, 0 AS round")
    final = [f"SELECT {scores} FROM {_files(sources.final)} WHERE {mine}"] if sources.final else []
    _view(connection, "final", final, empty_scores)
    mean, spread = _column(f"mean:{sources.target}"), _column(f"spread:{sources.target}")
    refined = [
        f'SELECT "row", id, smiles, {mean} AS mean, {spread} AS spread, {number} AS round, '
        f"{_literal(sources.models.get(number, ''))} AS model FROM {_files(paths)}"
        for number, paths in sources.refined.items()
        if paths
    ]
    _view(
        connection,
        "refined_all",
        refined,
        "NULL::BIGINT AS \"row\", '' AS id, '' AS smiles, NULL::FLOAT AS mean, NULL::FLOAT AS spread, "
        "0 AS round, '' AS model",
    )
    connection.execute(
        "CREATE TEMP VIEW refined AS SELECT * FROM refined_all "
        'QUALIFY row_number() OVER (PARTITION BY "row" ORDER BY round DESC) = 1'
    )
    properties = ", ".join(_column(name) for name in PROPERTY_COLUMNS)
    nothing = ", ".join(f"NULL AS {_column(name)}" for name in PROPERTY_COLUMNS)
    shortlists = [path for paths in sources.refined.values() for path in paths]
    known = [*sources.selections, *shortlists]
    selections = [f'SELECT "row", {properties} FROM {_files(known)}'] if known else []
    _view(connection, "molecules_all", selections, f'NULL::BIGINT AS "row", {nothing}')
    connection.execute(
        "CREATE TEMP VIEW molecules AS SELECT * FROM molecules_all "
        'QUALIFY row_number() OVER (PARTITION BY "row") = 1'
    )


def _view(connection: duckdb.DuckDBPyConnection, name: str, parts: list[str], empty: str) -> None:
    body = " UNION ALL ".join(parts) if parts else f"SELECT {empty} WHERE false"
    connection.execute(f"CREATE TEMP VIEW {name} AS {body}")


def _ranking_sql(sources: HitSources, by: str) -> str:
    direction = "ASC" if sources.lower_is_better else "DESC"
    order = {
        "docked": f"docked_score {direction} NULLS LAST",
        "final": f"final_score {direction} NULLS LAST, docked_score {direction} NULLS LAST",
        "predicted": f"predicted_mean {direction} NULLS LAST",
    }[by]
    kept = "predicted_mean IS NOT NULL" if by == "predicted" else "docked_score IS NOT NULL"
    properties = ", ".join(f"m.{_column(name)}" for name in PROPERTY_COLUMNS)
    return f"""
        WITH joined AS (
            SELECT
                {_literal(sources.target)} AS target,
                coalesce(d.id, r.id) AS id,
                coalesce(d.smiles, r.smiles) AS smiles,
                f.score AS final_score,
                d.score AS docked_score,
                r.mean AS predicted_mean,
                r.spread AS predicted_spread,
                {_literal(sources.unit)} AS unit,
                d.round AS docked_round,
                r.round AS predicted_round,
                r.model AS model,
                d.pose AS pose,
                f.pose AS final_pose,
                coalesce(d."row", r."row") AS "row",
                {properties}
            FROM docked d
            FULL OUTER JOIN refined r ON d."row" = r."row"
            LEFT JOIN final f ON f."row" = d."row"
            LEFT JOIN molecules m ON m."row" = coalesce(d."row", r."row")
        )
        SELECT row_number() OVER (ORDER BY {order}, "row") AS rank, * FROM joined WHERE {kept}
    """


def _files(paths: Sequence[Path]) -> str:
    names = ", ".join(_literal(str(path)) for path in paths)
    return f"read_parquet([{names}], union_by_name = true)"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _column(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
