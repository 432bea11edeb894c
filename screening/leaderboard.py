"""The best of a screened library, with what questions are asked about: a file in score order, and its reader.

A library's properties lie in its shards, its scores in the predictions, and the best molecules anywhere in
both: putting a question to them means reading everything. So the best million are copied once, in order of
score, with their properties. A question reads that file from the top and stops when it has its answer. If the
file does not hold enough molecules that meet the conditions, the library is gone through, shard by shard, for
the rest: the answer is the same, later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..data.errors import FormatError, InputError
from ..data.library import Library
from ..data.schema import LIBRARY_SCHEMA, PROPERTY_COLUMNS
from ..data.scorekeys import MISSING_KEY
from ..data.store import atomic_path
from .rank import best_rows, cut_key, scores_within

LEADERBOARD_ROWS = 1_000_000
"""Molecules of a leaderboard: some 90 MB; conditions that one molecule in a thousand meets still find 1,000."""

VERSION = 1
_GROUP_ROWS = 32_768
_MOLECULE = ["row", "id", "smiles", *PROPERTY_COLUMNS]

LEADERBOARD_SCHEMA = pa.schema(
    [
        pa.field("rank", pa.int64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("smiles", pa.string(), nullable=False),
        pa.field("predicted_mean", pa.float32(), nullable=False),
        pa.field("predicted_spread", pa.float32()),
        *[LIBRARY_SCHEMA.field(name) for name in PROPERTY_COLUMNS],
    ]
)
SCREENED_COLUMNS = tuple(LEADERBOARD_SCHEMA.names)
_ANSWER_SCHEMA = pa.schema([field.with_nullable(True) for field in LEADERBOARD_SCHEMA])


def write_leaderboard(
    path: str | Path,
    predictions: Sequence[str | Path],
    histogram: NDArray[np.int64],
    library: Library,
    target: str,
    lower_is_better: bool,
    rows: int = LEADERBOARD_ROWS,
) -> int:
    """Write the best ``rows`` molecules of one target, best first, ties by row.

    Parameters
    ----------
    path : path
    predictions : sequence of path
        One file per shard of the library, in any order, with the same rows.
    histogram : array of int64, shape (65536,)
        Of the target over all of them (:func:`~docksieve.screening.rank.merge_histograms`).
    library : Library
    target : str
    lower_is_better : bool
    rows : int

    Returns
    -------
    int
        Molecules written: fewer where fewer have a prediction.

    Raises
    ------
    FormatError
        If the files hold other molecules than the histogram promises.
    """
    # Which they are is settled on rows and scores alone: scores may tie by the million.
    best = best_rows(predictions, histogram, f"mean:{target}", rows, lower_is_better)
    chosen = np.sort(best["row"].to_numpy())
    worst = cut_key(histogram, rows)
    pieces = [
        piece
        for file in (predictions if worst >= 0 else ())
        for piece in _molecules_within(Path(file), library, target, worst, lower_is_better, chosen)
    ]
    scored = int(histogram[:MISSING_KEY].sum())
    table = pa.concat_tables([LEADERBOARD_SCHEMA.empty_table().drop_columns(["rank"]), *pieces])
    scores = table["predicted_mean"].to_numpy()
    order = np.lexsort((table["row"].to_numpy(), scores if lower_is_better else -scores))
    table = table.take(pa.array(order))
    ranks = pa.array(np.arange(1, table.num_rows + 1))
    about = {
        "version": VERSION,
        "target": target,
        "lower_is_better": lower_is_better,
        "scored": scored,
        "library": library.fingerprint,
    }
    table = table.add_column(0, LEADERBOARD_SCHEMA.field("rank"), ranks).cast(LEADERBOARD_SCHEMA)
    with atomic_path(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata({"docksieve.leaderboard": json.dumps(about)}),
            temporary,
            compression="zstd",
            row_group_size=_GROUP_ROWS,
            column_encoding={"rank": "DELTA_BINARY_PACKED"},
            use_dictionary=[name for name, kind in PROPERTY_COLUMNS.items() if pa.types.is_integer(kind)],
        )
    return table.num_rows


def _molecules_within(
    file: Path,
    library: Library,
    target: str,
    worst: int,
    lower_is_better: bool,
    chosen: NDArray[np.int64],
) -> Iterator[pa.Table]:
    """Yield the molecules of those of the sorted rows ``chosen`` that are in one prediction file, without ranks."""
    found = []
    for rows, scores, _ in scores_within(file, f"mean:{target}", worst, lower_is_better):
        places = np.searchsorted(chosen, rows)
        kept = chosen[np.minimum(places, len(chosen) - 1)] == rows
        found.append((rows[kept], scores[kept]))
    if not any(len(rows) for rows, _ in found):
        return
    rows = np.concatenate([each[0] for each in found])
    scores = np.concatenate([each[1] for each in found])
    table = library.take(rows, _MOLECULE)
    table = table.add_column(3, LEADERBOARD_SCHEMA.field("predicted_mean"), pa.array(scores))
    yield table.add_column(4, LEADERBOARD_SCHEMA.field("predicted_spread"), _spread_at(file, target, rows))


def _spread_at(file: Path, target: str, rows: NDArray[np.int64]) -> pa.Array:
    """Return the spread of some rows of a prediction file; nulls if the model gives none."""
    column = f"spread:{target}"
    with pq.ParquetFile(file) as opened:
        if column not in opened.schema_arrow.names:
            return pa.nulls(len(rows), pa.float32())
        table = opened.read(["row", column], use_threads=False)
    places = np.searchsorted(table["row"].to_numpy(), rows)
    return table[column].combine_chunks().take(pa.array(places))


@dataclass(frozen=True)
class ScreenedSources:
    """What the student said of a whole library about one target.

    Attributes
    ----------
    leaderboard : Path
        Written by :func:`write_leaderboard`.
    predictions : sequence of Path
        One file per shard of the library, named as the shard; may be empty, then only the leaderboard answers.
    library : Library
    """

    leaderboard: Path
    predictions: Sequence[Path]
    library: Library


@dataclass(frozen=True)
class ScreenedHits:
    """An answer.

    Attributes
    ----------
    table : pyarrow.Table
        Columns :data:`SCREENED_COLUMNS`, best first. ``rank`` is the place among all molecules with a prediction,
        null for those that are not in the leaderboard.
    complete : bool
        Whether these are the best of the library that meet the conditions. False: the leaderboard held too few
        and the library was not gone through.
    widened : bool
        Whether the library was gone through.
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
        An SQL condition on :data:`SCREENED_COLUMNS`, for example ``"weight < 450 and logp between 1 and 4"``.
    widen : bool
        Go through the library if the leaderboard holds too few.
    threads : int, optional
        All cores by default.

    Raises
    ------
    InputError
        If ``where`` is not a condition on these columns.
    """
    about = _about(sources.leaderboard)
    if about["library"] != sources.library.fingerprint:
        raise FormatError(f"{sources.leaderboard} belongs to another library than {sources.library.path}.")
    condition = checked_condition(where)
    # No ORDER BY: the file is in order, and reading stops at the limit.
    query = f"SELECT {_NAMES} FROM {_file(sources.leaderboard)} WHERE {condition} LIMIT {int(top)}"
    with _reading([sources.leaderboard], threads) as connection:
        found = _answer(connection, query, where)
    listed = pq.read_metadata(sources.leaderboard).num_rows
    if found.num_rows == top or listed == about["scored"]:
        return ScreenedHits(found, complete=True, widened=False)
    if not widen or not sources.predictions:
        return ScreenedHits(found, complete=False, widened=False)
    files = [*sources.predictions, *(shard.path for shard in sources.library.shards)]
    with _reading(files, threads) as connection:
        more = _beyond(connection, sources, about, where, top - found.num_rows)
    return ScreenedHits(pa.concat_tables([found, more]), complete=True, widened=True)


def _beyond(
    connection: duckdb.DuckDBPyConnection,
    sources: ScreenedSources,
    about: dict[str, Any],
    where: str | None,
    count: int,
) -> pa.Table:
    """Return the best ``count`` molecules that meet ``where`` and are not in the leaderboard.

    Shard by shard, so that no more than one is held; what the worst of the best so far cannot beat is not looked
    at.
    """
    lower = about["lower_is_better"]
    at_least, worse, direction = ("<=", ">", "ASC") if lower else (">=", "<", "DESC")
    mean, spread = _quoted(f"mean:{about['target']}"), _quoted(f"spread:{about['target']}")
    molecule = ", ".join(f"l.{_quoted(name)}" for name in ("id", "smiles", *PROPERTY_COLUMNS))
    condition = checked_condition(where)
    wanted = [f"{mean} IS NOT NULL"]
    if (last := _last_listed(sources.leaderboard)) is not None:
        score = _double(last[0])
        wanted.append(f'({mean} {worse} {score} OR ({mean} = {score} AND "row" > {last[1]}))')
    by_name = {path.stem: path for path in sources.predictions}
    best = _ANSWER_SCHEMA.empty_table()
    bound = ""
    for shard in sources.library.shards:
        if shard.name not in by_name:
            raise FormatError(f"There are no predictions of {shard.path}.")
        file = by_name[shard.name]
        has_spread = f"spread:{about['target']}" in pq.read_schema(file).names
        query = f"""
            WITH scores AS (
                SELECT "row", {mean} AS predicted_mean,
                    {spread if has_spread else "NULL::FLOAT"} AS predicted_spread
                FROM {_file(file)} WHERE {" AND ".join([*wanted, bound] if bound else wanted)}
            ), joined AS (
                SELECT NULL::BIGINT AS rank, s."row", s.predicted_mean, s.predicted_spread, {molecule}
                FROM {_file(shard.path)} l JOIN scores s ON l."row" = s."row"
            )
            SELECT {_NAMES} FROM joined WHERE {condition}
            ORDER BY predicted_mean {direction}, "row" LIMIT {int(count)}
        """
        found = _answer(connection, query, where)
        if not found.num_rows:
            continue
        best = pa.concat_tables([best, found])
        scores = best["predicted_mean"].to_numpy()
        order = np.lexsort((best["row"].to_numpy(), scores if lower else -scores))[:count]
        best = best.take(pa.array(order)).combine_chunks()
        if best.num_rows == count:
            bound = f"{mean} {at_least} {_double(best['predicted_mean'][-1].as_py())}"
    return best


def _about(path: Path) -> dict[str, Any]:
    try:
        known = pq.read_schema(path).metadata or {}
        about: dict[str, Any] = json.loads(known[b"docksieve.leaderboard"])
    except FileNotFoundError:
        raise FormatError(f"{path} is missing.") from None
    except (KeyError, ValueError, OSError) as error:
        raise FormatError(f"{path} is not a leaderboard: {error}.") from None
    if about.get("version") != VERSION:
        raise FormatError(
            f"{path} has leaderboard version {about.get('version')!r}; this version reads {VERSION}."
        )
    return about


def _last_listed(path: Path) -> tuple[float, int] | None:
    """Return score and row of the worst molecule of a leaderboard."""
    with pq.ParquetFile(path) as file:
        if not file.metadata.num_rows:
            return None
        table = file.read_row_group(file.num_row_groups - 1, ["predicted_mean", "row"])
    return float(table["predicted_mean"][-1].as_py()), int(table["row"][-1].as_py())


def checked_condition(where: str | None) -> str:
    """Return ``where`` as it can stand in a query, after it was understood without access to any file.

    Raises
    ------
    InputError
        If it is no condition on :data:`SCREENED_COLUMNS`.
    """
    if where is None or not where.strip():
        return "true"
    with duckdb.connect() as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        connection.register("hits", LEADERBOARD_SCHEMA.empty_table())
        try:
            # As a filter it has to be one expression: nothing that ends the query or a bracket and goes on.
            connection.table("hits").filter(where).fetchall()
        except duckdb.Error as error:
            raise _not_understood(where, error) from None
    return f"({where}\n)"


def _not_understood(where: str, error: duckdb.Error) -> InputError:
    return InputError(
        f"--where {where!r} is not understood: {str(error).splitlines()[0]}.",
        f"It is an SQL condition on the columns {', '.join(SCREENED_COLUMNS)}.",
    )


@contextmanager
def _reading(files: Sequence[Path], threads: int | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to DuckDB so that a query may read ``files`` and nothing else."""
    with duckdb.connect() as connection:
        if threads:
            connection.execute(f"SET threads = {int(threads)}")
        names = [name for path in files for name in (str(path), _pattern(path))]
        connection.execute(f"SET allowed_paths = [{', '.join(map(_literal, names))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _answer(connection: duckdb.DuckDBPyConnection, query: str, where: str | None) -> pa.Table:
    try:
        return connection.sql(query).to_arrow_table().cast(_ANSWER_SCHEMA)
    except duckdb.Error as error:
        if not where or isinstance(error, duckdb.IOException):
            raise
        raise _not_understood(where, error) from None  # a cast can fail on a value


def _file(path: Path) -> str:
    """Return a table expression for one Parquet file: its name taken literally, its folders as no columns."""
    return f"read_parquet({_literal(_pattern(path))}, hive_partitioning = false)"


def _pattern(path: Path) -> str:
    """Return the pattern that matches this path alone: DuckDB takes every name for a pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _double(value: float) -> str:
    return f"'{value!r}'::DOUBLE"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_NAMES = ", ".join(map(_quoted, SCREENED_COLUMNS))
