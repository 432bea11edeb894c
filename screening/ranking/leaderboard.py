"""The best of a screened library, with what questions are asked about: a file in score order.

A library's properties lie in its shards, its scores in the predictions, and the best molecules anywhere in
both: putting a question to them means reading everything. So the best million are copied once, in order of
score, with their properties. A question reads that file from the top and stops when it has its answer. If the
file does not hold enough molecules that meet the conditions, the library is gone through, shard by shard, for
the rest: the answer is the same, later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from ...data.errors import FormatError
from ...data.schema import LIBRARY_SCHEMA, PROPERTY_COLUMNS
from ...data.score_keys import MISSING_KEY
from ...data.spaces.source import MoleculeSource
from ...data.store import atomic_path
from .top_k import best_rows, cut_key, scores_within

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
ANSWER_SCHEMA = pa.schema([field.with_nullable(True) for field in LEADERBOARD_SCHEMA])


class TakesMolecules(Protocol):
    """A library, or products of a space that were made: molecules by row."""

    @property
    def fingerprint(self) -> str:
        """Identity of the library or space."""
        ...

    def take(self, rows: ArrayLike, columns: Sequence[str] | None = None) -> pa.Table:
        """Return rows by number, in the order asked."""
        ...


def write_leaderboard(
    path: str | Path,
    predictions: Sequence[str | Path],
    histogram: NDArray[np.int64],
    library: TakesMolecules,
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
        Of the target over all of them (:func:`merge_histograms`).
    library : Library
    target : str
    lower_is_better : bool
    rows : int
        At most so many.

    Returns
    -------
    int
        Molecules written: fewer where fewer have a prediction.

    Raises
    ------
    FormatError
        If the files hold other molecules than the histogram promises.

    Examples
    --------
    >>> from pathlib import Path
    >>> predictions = sorted(Path("campaign/predictions/round-02").glob("*.parquet"))
    >>> histograms = sorted(Path("campaign/histograms/round-02").glob("*.parquet"))
    >>> docksieve.write_leaderboard(
    ...     "best.parquet", predictions, docksieve.merge_histograms(histograms, "EGFR"),
    ...     docksieve.Library.open("library"), "EGFR", lower_is_better=True, rows=50,
    ... )
    50
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
    library: TakesMolecules,
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
    if table.num_rows < len(rows):  # products of a space that could not be made
        there = np.isin(rows, table["row"].to_numpy())
        rows, scores = rows[there], scores[there]
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
        The one that was screened.

    Examples
    --------
    >>> from pathlib import Path
    >>> sources = docksieve.ScreenedSources(
    ...     leaderboard=Path("campaign/leaderboards/round-02/EGFR.parquet"),
    ...     predictions=sorted(Path("campaign/predictions/round-02").glob("*.parquet")),
    ...     library=docksieve.Library.open("library"),
    ... )
    >>> docksieve.screened_hits(sources, top=1).table.num_rows
    1
    """

    leaderboard: Path
    predictions: Sequence[Path]
    library: MoleculeSource


def leaderboard_facts(path: Path) -> dict[str, Any]:
    """Return what a leaderboard says of itself: target, direction, molecules scored, the library's fingerprint.

    Raises
    ------
    FormatError
        If it is none, or of an unknown version.
    """
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


def last_listed(path: Path) -> tuple[float, int] | None:
    """Return score and row of the worst molecule of a leaderboard."""
    with pq.ParquetFile(path) as file:
        if not file.metadata.num_rows:
            return None
        table = file.read_row_group(file.num_row_groups - 1, ["predicted_mean", "row"])
    return float(table["predicted_mean"][-1].as_py()), int(table["row"][-1].as_py())
