"""Ranked hits: one question to all scores and predictions of a campaign, answered by DuckDB on the files.

Docked scores, final scores and predictions stand in columns of their own, never mixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...data.errors import InputError
from ...data.schema import PROPERTY_COLUMNS
from .conditions import column as _column
from .conditions import files, not_understood, number
from .conditions import literal as _literal

RankBy = Literal["auto", "final", "docked", "predicted", "combined"]
RANKINGS: tuple[str, ...] = ("auto", "final", "docked", "predicted", "combined")

HIT_COLUMNS = (
    "rank",
    "target",
    "id",
    "smiles",
    "final_score",
    "docked_score",
    "predicted_mean",
    "predicted_spread",
    "similarity",
    "novel",
    "unit",
    "docked_round",
    "predicted_round",
    "model",
    "pose",
    "final_pose",
    "row",
    *PROPERTY_COLUMNS,
)
FAILURE_COLUMNS = ("target", "stage", "id", "smiles", "failure", "message", "row")


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
    teacher_round : int or None
        Whose teacher ranks what was not docked: a ranking has one. The latest of ``refined`` if None.
    """

    target: str
    unit: str
    lower_is_better: bool
    docked: Mapping[int, Sequence[Path]] = field(default_factory=dict)
    final: Sequence[Path] = ()
    refined: Mapping[int, Sequence[Path]] = field(default_factory=dict)
    selections: Sequence[Path] = ()
    models: Mapping[int, str] = field(default_factory=dict)
    teacher_round: int | None = None

    @property
    def ranked_by_round(self) -> int | None:
        """The round whose teacher ranks; None where nothing is predicted."""
        known = [number for number, paths in self.refined.items() if paths]
        return self.teacher_round if self.teacher_round in known else max(known, default=None)


def rank_into(
    connection: duckdb.DuckDBPyConnection, table: str, sources: HitSources, by: str, caution: float = 1.0
) -> str:
    """Make a table of all ranked molecules of one target, and say what they are ranked by.

    Parameters
    ----------
    connection : DuckDB connection
    table : str
        Its name; columns :data:`HIT_COLUMNS`, then ``combined_score``.
    sources : HitSources
    by : str
        ``docked``: molecules with a docked score, by it; ``final``: the same, those with a final score first, by
        that; ``predicted``: every molecule of the latest shortlist, by the prediction of its teacher; ``auto``: final
        if there are final scores, else docked if there are any, else predicted; ``combined``: every molecule that was
        docked or stands in the latest shortlist, by its docked score or, where it has none, by the teacher's
        mean made worse by ``caution`` spreads. Predictions of two teachers are not put into one order.
    caution : float
    """
    _create_views(connection, sources)
    chosen = _resolve(connection, by)
    connection.execute(f"CREATE TEMP TABLE {table} AS {_ranking_sql(sources, chosen, caution)}")
    return chosen


def docking_attempts(connection: duckdb.DuckDBPyConnection) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the library rows of which a docking was tried, and those of which none gave a score.

    Parameters
    ----------
    connection : DuckDB connection
        With the views that :func:`rank_into` makes.
    """
    found = connection.sql(
        'SELECT "row", score IS NULL AS failed FROM docked WHERE "row" IS NOT NULL'
    ).to_arrow_table()
    rows = np.asarray(found["row"].to_numpy(), np.int64)
    return rows, rows[found["failed"].to_numpy().astype(np.bool_)]


def failed_dockings(sources: HitSources, top: int | None = None, where: str | None = None) -> pa.Table:
    """Return the dockings of one target that gave no score, with their code and message.

    Parameters
    ----------
    sources : HitSources
    top : int or None
        How many; None for all.
    where : str, optional
        An SQL condition on the columns, for example ``"failure = 'timeout'"``.

    Returns
    -------
    pyarrow.Table
        Columns :data:`FAILURE_COLUMNS`, by stage (``round-00`` ... ``final``) and ``row``.

    Raises
    ------
    InputError
        If ``where`` is not a condition on these columns.
    """
    with duckdb.connect() as connection:
        _create_views(connection, sources)
        connection.execute(
            f"""
            CREATE TEMP TABLE failures AS
            SELECT
                {_literal(sources.target)} AS target,
                CASE WHEN round IS NULL THEN 'final' ELSE printf('round-%02d', round) END AS stage,
                id, smiles, failure, message, "row",
                row_number() OVER (ORDER BY round NULLS LAST, "row") AS place
            FROM (SELECT * FROM docked_all UNION ALL SELECT *, NULL AS round FROM final_all)
            WHERE failure IS NOT NULL
            """
        )
        return _answer(connection, "failures", "place", FAILURE_COLUMNS, top, where)


def _answer(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    order: str,
    columns: Sequence[str],
    top: int | None,
    where: str | None,
) -> pa.Table:
    """Return ``columns`` of the first ``top`` rows of ``table`` for which ``where`` holds."""
    connection.execute("SET enable_external_access = false")  # a condition reads no files
    relation = connection.table(table)
    try:
        if where:
            relation = relation.filter(where)
        relation = relation.order(_column(order)).project(", ".join(_column(name) for name in columns))
        if top is not None:
            relation = relation.limit(top)
        return relation.to_arrow_table()  # values are computed here: a cast can still fail
    except duckdb.Error as error:
        if not where:
            raise
        raise not_understood(where, error, list(columns)) from None


def _resolve(connection: duckdb.DuckDBPyConnection, by: str) -> str:
    if by not in RANKINGS:
        raise InputError(
            f"Hits cannot be ranked by {by!r}.", f"Choose one of {', '.join(RANKINGS)} or screened."
        )
    if by != "auto":
        return by
    for name, view in (("final", "final"), ("docked", "docked")):
        found = connection.sql(f"SELECT 1 FROM {view} WHERE score IS NOT NULL LIMIT 1").fetchall()
        if found:
            return name
    return "predicted"


def _create_views(connection: duckdb.DuckDBPyConnection, sources: HitSources) -> None:
    """Name what the files hold.

    ``docked_all`` and ``final_all`` have every docking, ``docked`` and ``final`` one per molecule;
    ``refined_all`` and ``molecules_all`` have the shortlists, which may be very long.
    """
    scores = '"row", id, smiles, score, unit, pose, failure, message'
    empty_scores = (
        "NULL::BIGINT AS \"row\", '' AS id, '' AS smiles, NULL::DOUBLE AS score, '' AS unit, "
        "NULL::VARCHAR AS pose, NULL::VARCHAR AS failure, NULL::VARCHAR AS message"
    )
    mine = f"target = {_literal(sources.target)}"
    docked = [
        f"SELECT {scores}, {number} AS round FROM {files(paths)} WHERE {mine}"
        for number, paths in sources.docked.items()
        if paths
    ]
    final = [f"SELECT {scores} FROM {files(sources.final)} WHERE {mine}"] if sources.final else []
    mean, spread = _column(f"mean:{sources.target}"), _column(f"spread:{sources.target}")
    refined = [
        f'SELECT "row", id, smiles, {mean} AS mean, {spread} AS spread, {_novelty(paths[0])}, {number} AS round, '
        f"{_literal(sources.models.get(number, ''))} AS model FROM {files(paths)}"
        for number, paths in sources.refined.items()
        if paths
    ]
    empty_refined = (
        "NULL::BIGINT AS \"row\", '' AS id, '' AS smiles, NULL::FLOAT AS mean, NULL::FLOAT AS spread, "
        "NULL::FLOAT AS similarity, NULL::BOOLEAN AS novel, 0 AS round, '' AS model"
    )
    properties = ", ".join(_column(name) for name in PROPERTY_COLUMNS)
    nothing = ", ".join(
        f"NULL::{'FLOAT' if pa.types.is_floating(kind) else 'SMALLINT'} AS {_column(name)}"
        for name, kind in PROPERTY_COLUMNS.items()
    )
    shortlists = [path for paths in sources.refined.values() for path in paths]
    known = [*sources.selections, *shortlists]
    molecules = [f'SELECT "row", {properties} FROM {files(known)}'] if known else []
    _gather(connection, "docked_all", docked, f"{empty_scores}, 0 AS round", "TABLE")
    _gather(connection, "final_all", final, empty_scores, "TABLE")
    _gather(connection, "refined_all", refined, empty_refined)
    _gather(connection, "molecules_all", molecules, f'NULL::BIGINT AS "row", {nothing}')
    for name, order in (("docked", "score IS NULL, round"), ("final", "score IS NULL, pose")):
        # A molecule docked twice for one purpose is one hit, whatever befell the campaign.
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {name}_all "
            f'QUALIFY row_number() OVER (PARTITION BY "row" ORDER BY {order}) = 1'
        )


def _novelty(path: Path) -> str:
    """Return the columns that tell how near a molecule is to what was docked; tables of old have none."""
    if "similarity" in pq.read_schema(path).names:
        return "similarity, novel"
    return "NULL::FLOAT AS similarity, NULL::BOOLEAN AS novel"


def _gather(
    connection: duckdb.DuckDBPyConnection, name: str, parts: list[str], empty: str, kind: str = "VIEW"
) -> None:
    body = " UNION ALL ".join(parts) if parts else f"SELECT {empty} WHERE false"
    connection.execute(f"CREATE OR REPLACE TEMP {kind} {name} AS {body}")


def _ranking_sql(sources: HitSources, by: str, caution: float = 1.0) -> str:
    """Return the query for all hits.

    Unless predictions have a part in the ranking, only docked molecules are looked up in the shortlists, which hold
    up to tens of millions of others.
    """
    direction = "ASC" if sources.lower_is_better else "DESC"
    order = {
        "docked": f"docked_score {direction} NULLS LAST",
        "final": f"final_score {direction} NULLS LAST, docked_score {direction} NULLS LAST",
        "predicted": f"predicted_mean {direction} NULLS LAST",
        "combined": f"combined_score {direction} NULLS LAST",
    }[by]
    everything = by in ("predicted", "combined")
    ranked = {"predicted": "predicted_mean", "combined": "combined_score"}.get(by, "docked_score")
    worse = "+" if sources.lower_is_better else "-"
    cautious = f"r.mean::DOUBLE {worse} {number(caution)} * coalesce(r.spread, 0)"
    latest = -1 if sources.ranked_by_round is None else sources.ranked_by_round
    one_teacher = {
        "predicted": f"WHERE r.round = {latest}",
        "combined": f"WHERE d.score IS NOT NULL OR r.round = {latest}",
    }.get(by, "")
    only = "" if everything else 'WHERE "row" IN (SELECT "row" FROM docked_all)'
    join = "FULL OUTER" if everything else "LEFT"
    properties = ", ".join(f"m.{_column(name)}" for name in PROPERTY_COLUMNS)
    return f"""
        WITH refined AS (
            SELECT * FROM refined_all {only}
            QUALIFY row_number() OVER (PARTITION BY "row" ORDER BY round = {latest} DESC, round DESC) = 1
        ), molecules AS (
            SELECT * FROM molecules_all {only}
            QUALIFY row_number() OVER (PARTITION BY "row") = 1
        ), joined AS (
            SELECT
                {_literal(sources.target)} AS target,
                coalesce(d.id, r.id) AS id,
                coalesce(d.smiles, r.smiles) AS smiles,
                f.score AS final_score,
                d.score AS docked_score,
                r.mean AS predicted_mean,
                r.spread AS predicted_spread,
                r.similarity AS similarity,
                r.novel AS novel,
                {_literal(sources.unit)} AS unit,
                d.round AS docked_round,
                r.round AS predicted_round,
                r.model AS model,
                d.pose AS pose,
                f.pose AS final_pose,
                d.failure AS failure,
                coalesce(d."row", r."row") AS "row",
                {properties},
                coalesce(d.score, {cautious}) AS combined_score
            FROM docked d
            {join} JOIN refined r ON d."row" = r."row"
            LEFT JOIN final f ON f."row" = d."row"
            LEFT JOIN molecules m ON m."row" = coalesce(d."row", r."row")
            {one_teacher}
        )
        SELECT row_number() OVER (ORDER BY {order}, "row") AS rank, * FROM joined WHERE {ranked} IS NOT NULL
    """
