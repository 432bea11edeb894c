"""Questions to a leaderboard; where it holds too few answers, to the whole library behind it.

The file is in order of score: a question reads it from the top and stops when it has its answer. If it does not hold
enough molecules that meet the conditions, the library is gone through, shard by shard, for the rest: the answer is the
same, later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...data.errors import FormatError
from ...data.libraries.library import Library, Shard
from ...data.schema import PROPERTY_COLUMNS
from ...data.spaces.source import MoleculeSource
from ...data.spaces.space import Space
from ..ranking.leaderboard import (
    ANSWER_SCHEMA,
    SCREENED_COLUMNS,
    ScreenedSources,
    last_listed,
    leaderboard_facts,
)
from .conditions import Condition, Where, column, files, literal, not_understood, pattern, read_where
from .rankings import LIPINSKI, Ranking, opened, ranked_across
from .score_tables import HitSources

_NO_WHERE = Where("true", "", frozenset())


@dataclass(frozen=True)
class ScreenedHits:
    """An answer.

    Attributes
    ----------
    table : pyarrow.Table
        ``rank``, ``row``, ``id``, ``smiles``, ``predicted_mean``, ``predicted_spread`` and the properties, best first.
        ``rank`` is the place among all molecules with a prediction, null for those that are not in the leaderboard.
    complete : bool
        Whether these are the best of the library that meet the conditions. False: the leaderboard held too few
        and the library was not gone through.
    widened : bool
        Whether the library was gone through.

    Examples
    --------
    >>> from pathlib import Path
    >>> sources = docksieve.ScreenedSources(
    ...     leaderboard=Path("campaign/leaderboards/round-02/EGFR.parquet"),
    ...     predictions=sorted(Path("campaign/predictions/round-02").glob("*.parquet")),
    ...     library=docksieve.Library.open("library"),
    ... )
    >>> answer = docksieve.screened_hits(sources, top=3)
    >>> answer.table["rank"].to_pylist(), answer.complete, answer.widened
    ([1, 2, 3], True, False)
    """

    table: pa.Table
    complete: bool
    widened: bool


def screened_hits(
    sources: ScreenedSources,
    top: int = 1000,
    where: str | None = None,
    widen: bool = True,
    threads: int | None = None,
) -> ScreenedHits:
    """Return the best ``top`` molecules of the library by the student's prediction that meet a condition.

    Parameters
    ----------
    sources : ScreenedSources
    top : int
    where : str, optional
        An SQL condition on the columns of the answer, for example ``"weight < 450 and logp between 1 and 4"``.
    widen : bool
        Go through the library if the leaderboard holds too few.
    threads : int, optional
        All cores by default.

    Returns
    -------
    ScreenedHits

    Raises
    ------
    InputError
        If ``where`` is not a condition on these columns.

    Examples
    --------
    >>> from pathlib import Path
    >>> sources = docksieve.ScreenedSources(
    ...     leaderboard=Path("campaign/leaderboards/round-02/EGFR.parquet"),
    ...     predictions=sorted(Path("campaign/predictions/round-02").glob("*.parquet")),
    ...     library=docksieve.Library.open("library"),
    ... )
    >>> answer = docksieve.screened_hits(sources, top=3, where="weight < 250 AND rings = 2")
    >>> max(answer.table["weight"].to_pylist()) < 250
    True
    """
    condition = read_where(where, ANSWER_SCHEMA, pa.schema([]))
    ranked = leaderboard_ranking(sources, {}, threads)
    try:
        pieces = list(ranked.stream([Condition(where or "", condition.sql)], where or "", 65_536, top))
    finally:
        ranked.close()
    found = pa.concat_tables([ANSWER_SCHEMA.empty_table(), *(_answer_columns(piece) for piece in pieces)])
    if found.num_rows == top or is_whole(sources):
        return ScreenedHits(found, complete=True, widened=False)
    if not widen or not sources.predictions:
        return ScreenedHits(found, complete=False, widened=False)
    more = best_beyond(sources, condition.sql, top - found.num_rows, threads=threads, where=condition)
    return ScreenedHits(pa.concat_tables([found, _answer_columns(more)]), complete=True, widened=True)


def _answer_columns(table: pa.Table) -> pa.Table:
    return table.select(list(SCREENED_COLUMNS)).cast(ANSWER_SCHEMA)


def is_whole(sources: ScreenedSources) -> bool:
    """Return whether the leaderboard lists every molecule that has a prediction."""
    return bool(
        pq.read_metadata(sources.leaderboard).num_rows == leaderboard_facts(sources.leaderboard)["scored"]
    )


def leaderboard_ranking(
    sources: ScreenedSources,
    constants: Mapping[str, str],
    threads: int | None,
    columns: Sequence[str] = SCREENED_COLUMNS,
) -> Ranking:
    """Return a leaderboard as a ranking.

    Parameters
    ----------
    sources : ScreenedSources
    constants : mapping of str to str
        Further columns, as SQL, that are the same for all molecules.
    threads : int, optional
    columns : sequence of str
        Of an answer.

    Raises
    ------
    FormatError
        If the file is no leaderboard, or belongs to another library.
    """
    about = leaderboard_facts(sources.leaderboard)
    if about["library"] != sources.library.fingerprint:
        raise FormatError(f"{sources.leaderboard} belongs to another library than {sources.library.path}.")
    connection = opened(threads)
    _lock(connection, [sources.leaderboard])
    relation = f"(SELECT *, {_derived(constants)} FROM {files([sources.leaderboard])})"
    stored = connection.sql(f"SELECT * FROM {relation} LIMIT 0").to_arrow_table().schema
    return Ranking(about["target"], connection, relation, stored, tuple(columns), sorted=True)


def across_leaderboards(
    leaderboards: Sequence[tuple[HitSources, ScreenedSources]],
    constants: Sequence[Mapping[str, str]],
    selective: bool,
    threads: int | None,
    columns: Sequence[str],
) -> Ranking:
    """Return a ranking across targets by what the student said.

    Selective: of the molecules in the first target's leaderboard. Worst of several: of those in all leaderboards; no
    other is among the best of each.

    Parameters
    ----------
    leaderboards : sequence of (HitSources, ScreenedSources)
        In the order of the question.
    constants : sequence of mapping of str to str
        Of each target, as in :func:`leaderboard_ranking`.
    selective : bool
    threads : int, optional
    columns : sequence of str
        Of an answer.
    """
    connection = opened(threads)
    tables = []
    for place, ((item, sources), fixed) in enumerate(zip(leaderboards, constants, strict=True)):
        about = leaderboard_facts(sources.leaderboard)
        name = f"part_{place}"
        if selective and place == 1:
            rows = pq.read_table(leaderboards[0][1].leaderboard, columns=["row"])["row"]
            values = leaderboard_scores(sources, f"mean:{item.target}", rows.to_numpy())
            found = pa.table({"row": rows, "value": pa.array(values.astype(np.float64), from_pandas=True)})
            connection.register(f"{name}_found", found)
            query = f"SELECT *, {literal(item.target)} AS target FROM {name}_found"
        else:
            derived = ", ".join(f"{value} AS {column(key)}" for key, value in fixed.items())
            query = (
                f"SELECT *, predicted_mean::DOUBLE AS value, {derived} FROM {files([sources.leaderboard])}"
            )
        connection.execute(f"CREATE TEMP TABLE {name} AS {query}")
        tables.append((item, name, f"100 * (1 - (rank - 1) / {int(about['scored'])})"))
    return ranked_across(tables, connection, selective, columns)


def best_beyond(
    sources: ScreenedSources,
    condition: str,
    count: int,
    constants: Mapping[str, str] | None = None,
    threads: int | None = None,
    where: Where = _NO_WHERE,
) -> pa.Table:
    """Return the best ``count`` molecules that meet a condition and are not in the leaderboard.

    Shard by shard: first which rows meet the condition, reading only the columns that it names; then their scores;
    and in the end the molecules.

    Parameters
    ----------
    sources : ScreenedSources
    condition : str
        SQL, understood already.
    count : int
    constants : mapping of str to str
        As in :func:`leaderboard_ranking`.
    threads : int, optional
    where : Where
        The user's part of the condition, for messages.

    Returns
    -------
    pyarrow.Table
        Columns of the leaderboard and the constants; ``rank`` is null.
    """
    about = leaderboard_facts(sources.leaderboard)
    by_name = {path.stem: path for path in sources.predictions}
    chosen: tuple[NDArray[np.float32], NDArray[np.int64]] = (np.empty(0, np.float32), np.empty(0, np.int64))
    last = last_listed(sources.leaderboard)
    sign = 1.0 if about["lower_is_better"] else -1.0
    with opened(threads) as connection:
        shards = sources.library.shards if isinstance(sources.library, Library) else ()
        _lock(connection, [*sources.predictions, *(shard.path for shard in shards)])
        for shard in shards:
            if shard.name not in by_name:
                raise FormatError(f"There are no predictions of {shard.path}.")
            rows = _rows_that_meet(
                connection, shard, by_name[shard.name], about["target"], condition, constants, where
            )
            scores = scores_at(by_name[shard.name], f"mean:{about['target']}", rows, shard)
            known = ~np.isnan(scores)
            if last is not None:
                known &= (sign * scores > sign * last[0]) | ((scores == last[0]) & (rows > last[1]))
            merged = (np.concatenate([chosen[0], scores[known]]), np.concatenate([chosen[1], rows[known]]))
            best = np.lexsort((merged[1], sign * merged[0]))[:count]
            chosen = (merged[0][best], merged[1][best])
    return _molecules(sources.library, about["target"], chosen, by_name, constants or {})


def _rows_that_meet(
    connection: duckdb.DuckDBPyConnection,
    shard: Shard,
    predictions: Path,
    target: str,
    condition: str,
    constants: Mapping[str, str] | None,
    where: Where,
) -> NDArray[np.int64]:
    """Return the rows of a shard that meet the condition, in order."""
    derived = _derived(constants or {})
    molecules = f"SELECT *, {derived} FROM {files([shard.path])}"
    try:
        try:
            sql = f'SELECT "row" FROM ({molecules}) WHERE {condition}'
            found = connection.sql(sql).to_arrow_table()
        except duckdb.BinderException:  # it asks about predictions, too
            mean, spread = column(f"mean:{target}"), "NULL::FLOAT"
            if f"spread:{target}" in pq.read_schema(predictions).names:
                spread = column(f"spread:{target}")
            found = connection.sql(
                f'SELECT "row" FROM (SELECT m.*, NULL::BIGINT AS rank, {mean} AS predicted_mean, {spread} AS '
                f'predicted_spread FROM ({molecules}) m JOIN {files([predictions])} p ON m."row" = p."row") '
                f"WHERE {condition}"
            ).to_arrow_table()
    except duckdb.Error as error:
        if not where.text or isinstance(error, duckdb.IOException):
            raise
        raise not_understood(
            where.text, error, list(SCREENED_COLUMNS)
        ) from None  # a cast can fail on a value
    return np.sort(found["row"].to_numpy())


def scores_at(predictions: Path, name: str, rows: NDArray[np.int64], shard: Shard) -> NDArray[np.float32]:
    """Return one column of a prediction file at some rows of its shard; NaN where it is null or missing.

    Raises
    ------
    FormatError
        If the file has not as many rows as the shard.
    """
    with pq.ParquetFile(predictions) as file:
        if file.metadata.num_rows != shard.rows:
            raise FormatError(
                f"{predictions} has {file.metadata.num_rows} rows, {shard.path} has {shard.rows}.",
                "Submit the campaign again.",
            )
        if name not in file.schema_arrow.names or not len(rows):
            return np.full(len(rows), np.nan, np.float32)
        values = file.read([name], use_threads=False)[name].to_numpy(zero_copy_only=False)
    return np.asarray(values[rows - shard.first_row], np.float32)


def leaderboard_scores(sources: ScreenedSources, name: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return one column of the prediction files for any rows of the library, in the order asked."""
    by_name = {path.stem: path for path in sources.predictions}
    values = np.full(len(rows), np.nan, np.float32)
    if isinstance(sources.library, Space):
        return _kept_scores(sources.predictions, name, rows)
    for shard in sources.library.shards:
        mine = np.flatnonzero((rows >= shard.first_row) & (rows < shard.first_row + shard.rows))
        if len(mine) and shard.name in by_name:
            values[mine] = scores_at(by_name[shard.name], name, rows[mine], shard)
    return values


def _kept_scores(predictions: Sequence[Path], name: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return one column of the predictions of a space, whose files hold the kept products only; NaN for others."""
    values = np.full(len(rows), np.nan, np.float32)
    for path in predictions:
        if name not in pq.read_schema(path).names:
            continue
        table = pq.read_table(path, columns=["row", name])
        known = table["row"].to_numpy()  # sorted
        places = np.minimum(np.searchsorted(known, rows), max(len(known) - 1, 0))
        mine = known[places] == rows if len(known) else np.zeros(len(rows), bool)
        values[mine] = table[name].to_numpy()[places[mine]]
    return values


def _molecules(
    library: MoleculeSource,
    target: str,
    chosen: tuple[NDArray[np.float32], NDArray[np.int64]],
    by_name: Mapping[str, Path],
    constants: Mapping[str, str],
) -> pa.Table:
    scores, rows = chosen
    known = ScreenedSources(Path(), list(by_name.values()), library)
    table = library.take(rows, ["row", "id", "smiles", *PROPERTY_COLUMNS])
    table = table.append_column("rank", pa.nulls(len(rows), pa.int64()))
    table = table.append_column("predicted_mean", pa.array(scores, pa.float32()))
    spread = leaderboard_scores(known, f"spread:{target}", rows)
    table = table.append_column("predicted_spread", pa.array(spread, pa.float32(), from_pandas=True))
    with duckdb.connect() as connection:
        connection.register("found", table.append_column("place", pa.array(np.arange(len(rows)))))
        names = ", ".join(map(column, SCREENED_COLUMNS))
        return connection.sql(
            f"SELECT * EXCLUDE (place) FROM (SELECT {names}, place, {_derived(constants)} FROM found) ORDER BY place"
        ).to_arrow_table()


def _derived(constants: Mapping[str, str]) -> str:
    made = {"lipinski_violations": LIPINSKI, **constants}
    return ", ".join(f"{value} AS {column(name)}" for name, value in made.items())


def _lock(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Let a connection read ``paths`` and nothing else."""
    names = [name for path in paths for name in (str(path), pattern(str(path)))]
    connection.execute(f"SET allowed_paths = [{', '.join(map(literal, names))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
