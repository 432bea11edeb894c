"""Inference over a library shard: Parquet in, every score, histogram and the best out, in bounded memory.

Imports neither rdkit nor parsl nor dask: it runs wherever numpy, pyarrow, numba and torch do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..data.errors import FormatError, ModelError
from ..data.receipts import Stopwatch
from ..data.scorekeys import KEYS, score_keys
from ..data.store import atomic_path, write_table
from .ngrams import StringBatch
from .student import Student, StudentScorer, describe_device

HISTOGRAM_SCHEMA = pa.schema(
    [
        pa.field("target", pa.string(), nullable=False),
        pa.field("key", pa.uint16(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
    ]
)

BEST_SCHEMA = pa.schema(
    [
        pa.field("target", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("smiles", pa.string(), nullable=False),
        pa.field("mean", pa.float32(), nullable=False),
    ]
)

_COLUMNS = {
    "row": (pa.int64(),),
    "id": (pa.string(), pa.large_string()),
    "smiles": (pa.string(), pa.large_string()),
}


@dataclass(frozen=True)
class ScreenResult:
    """What screening one shard took.

    Attributes
    ----------
    rows : int
        Rows of the shard, and of the predictions.
    missing : int
        Rows without a prediction (null or empty SMILES).
    predictions : int
        Molecules scored times targets.
    seconds : dict of str to float
        ``read``, ``encode``, ``model``, ``write`` (busy seconds; reading and writing overlap the rest) and
        ``total`` (wall).
    bytes_read, bytes_written : int
    device : dict
        ``kind``, ``name``, ``uuid``, ``threads``.
    """

    rows: int
    missing: int
    predictions: int
    seconds: dict[str, float]
    bytes_read: int
    bytes_written: int
    device: dict[str, Any]


def predictions_schema(student: Student) -> pa.Schema:
    """Return the columns of the predictions file: row, ``mean:<target>`` ..., ``spread:<target>`` ..."""
    fields = [pa.field("row", pa.int64(), nullable=False)]
    fields += [pa.field(f"mean:{target}", pa.float32()) for target in student.targets]
    if student.settings.spread:
        fields += [pa.field(f"spread:{target}", pa.float32()) for target in student.targets]
    return pa.schema(fields)


class BestRows:
    """The best ``count`` molecules of one target so far; ties go to the smaller row."""

    def __init__(self, target: str, lower_is_better: bool, count: int) -> None:
        self.target = target
        self._sign = np.float32(1.0 if lower_is_better else -1.0)
        self._count = count
        self._signed = np.zeros(0, np.float32)
        self._rows = np.zeros(0, np.int64)
        self._table = pa.schema([BEST_SCHEMA.field("id"), BEST_SCHEMA.field("smiles")]).empty_table()

    def add(self, batch: pa.RecordBatch, rows: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        """Take in one batch; NaN scores are passed over."""
        signed = scores * self._sign
        limit = self._signed[-1] if len(self._signed) == self._count and self._count else np.float32(np.inf)
        chosen = np.flatnonzero(signed <= limit)  # NaN compares false
        if len(chosen) > self._count:
            # Everything as good as the count-th stays, so that ties are settled by row below.
            chosen = chosen[signed[chosen] <= np.partition(signed[chosen], self._count - 1)[self._count - 1]]
        if not len(chosen) or not self._count:
            return
        texts = pa.table(
            [batch.column(name).take(pa.array(chosen)).cast(pa.string()) for name in ("id", "smiles")],
            schema=self._table.schema,
        )
        signed = np.concatenate([self._signed, signed[chosen]])
        rows = np.concatenate([self._rows, rows[chosen]])
        order = np.lexsort((rows, signed))[: self._count]
        self._signed, self._rows = signed[order], rows[order]
        self._table = pa.concat_tables([self._table, texts]).combine_chunks().take(pa.array(order))

    def table(self) -> pa.Table:
        """Return the best so far, best first, in the columns of :data:`BEST_SCHEMA`."""
        names = pa.array([self.target] * len(self._rows), pa.string())
        mean = pa.array(self._signed * self._sign, pa.float32())
        columns = [names, pa.array(self._rows), self._table.column("id"), self._table.column("smiles"), mean]
        return pa.table(columns, schema=BEST_SCHEMA)


def _opened(shard: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(shard)
    except FileNotFoundError:
        raise FormatError(f"The shard {shard} is missing.") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise FormatError(f"The shard {shard} is not a readable Parquet file: {error}.") from None
    for name, kinds in _COLUMNS.items():
        index = file.schema_arrow.get_field_index(name)
        if index < 0 or file.schema_arrow.field(index).type not in kinds:
            found = "is missing" if index < 0 else f"is {file.schema_arrow.field(index).type}"
            file.close()
            raise FormatError(
                f"Column {name!r} of the shard {shard} {found}, expected {kinds[0]}.",
                "Shards are made by `docksieve library build`.",
            )
    return file


def _batches(
    file: pq.ParquetFile, batch_rows: int, watch: Stopwatch, shard: Path
) -> Iterator[pa.RecordBatch]:
    """Yield batches, the next being decoded by a thread while the caller works on this one."""
    stream = file.iter_batches(batch_size=batch_rows, columns=list(_COLUMNS), use_threads=False)

    def fetch() -> pa.RecordBatch | None:
        with watch("read"):
            return next(stream, None)

    with ThreadPoolExecutor(1) as reader:
        coming: Future[pa.RecordBatch | None] = reader.submit(fetch)
        while True:
            try:
                batch = coming.result()
            except (pa.ArrowInvalid, OSError) as error:
                raise FormatError(
                    f"The shard {shard} is damaged: {error}.", "Restore it or build it again."
                ) from None
            if batch is None:
                return
            coming = reader.submit(fetch)
            yield batch


class _Outputs:
    """Writer of predictions, and the running histogram and best rows, used by one thread."""

    def __init__(self, writer: pq.ParquetWriter, student: Student, best_count: int) -> None:
        self.writer = writer
        self.schema = predictions_schema(student)
        self.lower = student.lower_is_better
        self.histogram = np.zeros((len(student.targets), KEYS), np.int64)
        self.best = [
            BestRows(target, lower, best_count)
            for target, lower in zip(student.targets, student.lower_is_better, strict=True)
        ]
        self.missing = 0

    def add(self, batch: pa.RecordBatch, values: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
        rows = batch.column("row").to_numpy()
        missing = None if valid.all() else ~valid
        columns = [np.ascontiguousarray(values[:, k]) for k in range(values.shape[1])]
        self.missing += len(valid) - int(valid.sum())
        for index, lower in enumerate(self.lower):
            self.histogram[index] += np.bincount(score_keys(columns[index], lower), minlength=KEYS)
            self.best[index].add(batch, rows, columns[index])
        arrays = [batch.column("row"), *(pa.array(column, mask=missing) for column in columns)]
        self.writer.write_batch(pa.record_batch(arrays, schema=self.schema), row_group_size=len(rows))

    def histogram_table(self, targets: tuple[str, ...]) -> pa.Table:
        index, key = np.nonzero(self.histogram)
        names = pa.array(np.array(targets, dtype=object)[index], pa.string())
        return pa.table([names, key.astype(np.uint16), self.histogram[index, key]], schema=HISTOGRAM_SCHEMA)


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    floats = [name for name in schema.names if name != "row"]
    encodings = {"row": "DELTA_BINARY_PACKED", **dict.fromkeys(floats, "BYTE_STREAM_SPLIT")}
    return pq.ParquetWriter(
        path, schema, use_dictionary=False, column_encoding=encodings, compression="zstd", compression_level=1
    )


def screen_shard(
    shard: str | os.PathLike[str],
    student: Student,
    predictions: str | os.PathLike[str],
    histogram: str | os.PathLike[str],
    best: str | os.PathLike[str],
    best_count: int = 1000,
    batch_rows: int = 65536,
    threads: int = 1,
    device: str = "cpu",
) -> ScreenResult:
    """Score every molecule of a shard.

    Parameters
    ----------
    shard : path
        Parquet with columns ``row`` (int64), ``id`` and ``smiles`` (strings).
    student : Student
    predictions : path
        Written: one row per row of the shard, in order; ``row``, then ``mean:<target>`` and, if the student
        has it, ``spread:<target>`` (float32, null where there is no SMILES).
    histogram : path
        Written: ``target``, ``key`` (:mod:`docksieve.data.scorekeys`), ``count``. Counts of a target,
        :data:`~docksieve.data.scorekeys.MISSING_KEY` included, add up to the shard's rows.
    best : path
        Written: the ``best_count`` best of each target, best first, ties by row.
    best_count, batch_rows, threads : int
    device : str
        ``cpu`` or ``cuda``. On the CPU, scores do not depend on ``batch_rows`` or ``threads`` at all; on
        another device they agree with those to about 1e-5 of the scores' standard deviation.

    Returns
    -------
    ScreenResult

    Raises
    ------
    FormatError
        If the shard is missing, damaged or lacks a column; nothing is written.
    ModelError
        If the device is not there, or a number is out of range.
    """
    if batch_rows < 1 or best_count < 0 or threads < 1:
        raise ModelError("screen_shard needs batch_rows >= 1, best_count >= 0 and threads >= 1.")
    shard, predictions = Path(shard), Path(predictions)
    watch = Stopwatch()
    reading, writing = Stopwatch(), Stopwatch()
    scorer = StudentScorer(student, threads, device)
    rows = 0
    with (
        _opened(shard) as file,
        atomic_path(predictions) as temporary,
        _writer(temporary, predictions_schema(student)) as writer,
        ThreadPoolExecutor(1) as pool,
    ):
        outputs = _Outputs(writer, student, best_count)
        pending: Future[None] | None = None

        def put(batch: pa.RecordBatch, values: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
            with writing("write"):
                outputs.add(batch, values, valid)

        for batch in _batches(file, batch_rows, reading, shard):
            strings = StringBatch.from_arrow(batch.column("smiles"))
            values = scorer.score(strings)
            if pending is not None:
                pending.result()  # at most one batch waits to be written
            pending = pool.submit(put, batch, values, strings.valid)
            rows += len(batch)
        if pending is not None:
            pending.result()
    with writing("write"):
        write_table(histogram, outputs.histogram_table(student.targets))
        write_table(best, pa.concat_tables([item.table() for item in outputs.best]))
    seconds = {"read": reading.seconds.get("read", 0.0), **scorer.seconds, "write": writing.seconds["write"]}
    written = sum(Path(path).stat().st_size for path in (predictions, histogram, best))
    return ScreenResult(
        rows, outputs.missing, (rows - outputs.missing) * len(student.targets),
        {**seconds, "total": watch.seconds["total"]}, shard.stat().st_size, written, describe_device(device, threads),
    )  # fmt: skip


def predict_table(student: Student, table: pa.Table, threads: int = 1, device: str = "cpu") -> pa.Table:
    """Return the predictions of a table in memory with columns ``row`` and ``smiles``, as a shard's are laid out."""
    strings = StringBatch.from_arrow(table.column("smiles"))
    values = StudentScorer(student, threads, device).score(strings)
    missing = ~strings.valid
    columns = [pa.array(np.ascontiguousarray(values[:, k]), mask=missing) for k in range(values.shape[1])]
    return pa.table([table.column("row").cast(pa.int64()), *columns], schema=predictions_schema(student))
