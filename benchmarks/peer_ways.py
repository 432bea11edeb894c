"""From a file of SMILES to a file of the best 1 %: how ``benchmarks/peers.py`` lets models do their work."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from docksieve.data.schema import DEFAULT_SHARD_ROWS, STREAM_ROWS
from docksieve.models.students.screen import screen_shard
from docksieve.models.students.student import Student
from docksieve.screening.ranking.top_k import best_rows, merge_histograms
from peer_models import BATCH
from scale import shard_ranges

TARGET = "4UNN"
BEST = 0.01
Way = Callable[[Path, int, Path], None]
"""(SMILES file, molecules to take from its start, folder to write to) -> nothing, but a ranked file."""


def read_smiles(path: Path, count: int) -> list[str]:
    with path.open() as handle:
        return [line.rstrip("\n") for line in itertools.islice(handle, count)]


def read_column(path: Path, count: int) -> pa.ChunkedArray:
    """Return the same as a column, without a Python object for each molecule."""
    options = pacsv.ReadOptions(column_names=["smiles"], use_threads=False)
    # Tabs and quotes do not occur in SMILES: a line is a value.
    parse = pacsv.ParseOptions(delimiter="\t", quote_char=False)
    parts, found = [], 0
    with pacsv.open_csv(path, read_options=options, parse_options=parse) as reader:
        while found < count:
            parts.append(reader.read_next_batch().column(0))
            found += len(parts[-1])
    return pa.chunked_array(parts).slice(0, count)


def write_ranked(out: Path, smiles: Sequence[str], scores: np.ndarray) -> None:
    """Write the best 1 % of the molecules, best first."""
    count = max(1, round(BEST * len(scores)))
    best = np.argpartition(scores, count - 1)[:count]
    best = best[np.argsort(scores[best], kind="stable")]
    lines = [f"{row}\t{smiles[row]}\t{scores[row]:.4f}\n" for row in best]
    (out / "ranked.tsv").write_text("".join(lines))


def in_memory(score: Callable[[list[str]], np.ndarray], batch: int = BATCH) -> Way:
    """Return the way of models that score a list of SMILES, ``batch`` of them at a time."""

    def way(path: Path, count: int, out: Path) -> None:
        smiles = read_smiles(path, count)
        parts = [score(smiles[start : start + batch]) for start in range(0, len(smiles), batch)]
        write_ranked(out, smiles, np.concatenate(parts))

    return way


def student_way(student: Student) -> Way:
    """Return the way of a student: text to shards, screen, global ranking, the SMILES of the best."""

    def way(path: Path, count: int, out: Path) -> None:
        smiles = read_column(path, count)
        folders = [out / name for name in ("predictions", "histograms", "leaders")]
        written: list[list[Path]] = []
        for first, rows in shard_ranges(count, DEFAULT_SHARD_ROWS):
            numbers = pa.array(np.arange(first, first + rows))
            columns = {"row": numbers, "id": numbers.cast(pa.string()), "smiles": smiles.slice(first, rows)}
            shard = out / f"{first}.parquet"
            options_ = {"compression": "zstd", "compression_level": 1, "use_dictionary": False}
            pq.write_table(pa.table(columns), shard, row_group_size=STREAM_ROWS, **options_)
            written.append([folder / shard.name for folder in folders])
            screen_shard(shard, student, *written[-1])
        histogram = merge_histograms([paths[1] for paths in written], TARGET)
        best = max(1, round(BEST * count))
        ranked = best_rows([paths[0] for paths in written], histogram, f"mean:{TARGET}", best, True)
        names = smiles.take(ranked["row"]).to_pylist()
        values = zip(ranked["row"].to_pylist(), names, ranked["score"].to_pylist(), strict=True)
        (out / "ranked.tsv").write_text(
            "".join(f"{row}\t{name}\t{score:.4f}\n" for row, name, score in values)
        )

    return way
