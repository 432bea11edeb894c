"""Shards of a library read ahead, and the predictions of one written, both in threads of their own."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...data.errors import FormatError
from ...data.receipts import Stopwatch

COLUMNS = {
    "row": (pa.int64(),),
    "id": (pa.string(), pa.large_string()),
    "smiles": (pa.string(), pa.large_string()),
}
"""What a shard must have; only ``row`` and ``smiles`` are read."""

STREAM_ROWS = 262_144
"""Row groups larger than this are read in pieces by one thread, so that memory stays bounded."""

GROUP_ROWS = 131_072
"""Rows of a row group of predictions: the file is the same whatever batches the scores came in."""

WAITING = 2
"""Batches that may wait to be written."""


def open_shard(path: str | os.PathLike[str]) -> pq.ParquetFile:
    """Return the shard, its schema checked.

    Raises
    ------
    FormatError
        If it is missing, is no Parquet, or lacks a column.
    """
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError:
        raise FormatError(f"The shard {path} is missing.") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise FormatError(f"The shard {path} is not a readable Parquet file: {error}.") from None
    for name, kinds in COLUMNS.items():
        index = file.schema_arrow.get_field_index(name)
        if index < 0 or file.schema_arrow.field(index).type not in kinds:
            found = "is missing" if index < 0 else f"is {file.schema_arrow.field(index).type}"
            file.close()
            raise FormatError(
                f"Column {name!r} of the shard {path} {found}, expected {kinds[0]}.",
                "Shards are made by `docksieve library build`.",
            )
    return file


def read_ahead(
    path: str | os.PathLike[str], batch_rows: int, threads: int, watch: Stopwatch
) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a shard in order, ``threads`` threads decoding those to come.

    Parameters
    ----------
    path : path
    batch_rows : int
        At most so many rows in each.
    threads : int
        With several, each decodes row groups of its own; at most one more than ``threads`` wait.
    watch : Stopwatch
        Told the seconds that decoding took, under ``read``.

    Raises
    ------
    FormatError
        If the shard is missing, damaged or lacks a column.
    """
    with open_shard(path) as file, contextlib.ExitStack() as stack:
        metadata = file.metadata
        largest = max((metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)), default=0)
        jobs: Iterator[Callable[[], list[pa.RecordBatch]]]
        if threads == 1 or largest > STREAM_ROWS:
            threads, jobs = 1, _streamed(file, batch_rows)
        else:
            jobs = _grouped(path, metadata, batch_rows, stack)
        lock = threading.Lock()

        def timed(job: Callable[[], list[pa.RecordBatch]]) -> list[pa.RecordBatch]:
            begun = time.perf_counter()
            found = job()
            with lock:
                watch.add("read", time.perf_counter() - begun)
            return found

        coming: deque[Future[list[pa.RecordBatch]]] = deque()
        with ThreadPoolExecutor(threads, "docksieve-read") as pool:
            try:
                for job in jobs:
                    coming.append(pool.submit(timed, job))
                    if len(coming) > threads + 1:
                        found = coming.popleft().result()
                        if not found:
                            break  # a stream does not know its end beforehand
                        yield from found
                while coming:
                    yield from coming.popleft().result()
            except (pa.ArrowInvalid, OSError) as error:
                raise FormatError(
                    f"The shard {path} is damaged: {error}.", "Restore it or build it again."
                ) from None
            finally:
                for future in coming:
                    future.cancel()


def _streamed(file: pq.ParquetFile, batch_rows: int) -> Iterator[Callable[[], list[pa.RecordBatch]]]:
    """Yield, without end, a job that decodes the next batch; after the last one it finds nothing."""
    stream = file.iter_batches(batch_size=batch_rows, columns=["row", "smiles"], use_threads=False)

    def following() -> list[pa.RecordBatch]:
        batch = next(stream, None)
        return [] if batch is None else [batch]

    while True:
        yield following


def _grouped(
    path: str | os.PathLike[str], metadata: pq.FileMetaData, batch_rows: int, stack: contextlib.ExitStack
) -> Iterator[Callable[[], list[pa.RecordBatch]]]:
    """Yield a job for each row group; every thread opens the file for itself, as one may not serve two at once."""
    own = threading.local()

    def group(index: int) -> list[pa.RecordBatch]:
        if not hasattr(own, "file"):
            own.file = stack.enter_context(pq.ParquetFile(path, metadata=metadata))
        table = own.file.read_row_group(index, columns=["row", "smiles"], use_threads=False)
        # An empty answer would end the reading: an empty row group has nothing to say.
        return list(table.to_batches(max_chunksize=batch_rows)) or [_nothing(table)]

    for index in range(metadata.num_row_groups):
        yield functools.partial(group, index)


def _nothing(table: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=table.schema)


class PredictionWriter:
    """Writes scores in the order in which they come, in a thread of its own.

    A context manager: leaving it waits for the thread, and raises what befell it.

    Parameters
    ----------
    path : path
    schema : pyarrow.Schema
        ``row``, then one float32 column per output.
    watch : Stopwatch
        Told the seconds of writing, under ``write``.
    """

    def __init__(self, path: Path, schema: pa.Schema, watch: Stopwatch) -> None:
        self._schema, self._watch = schema, watch
        floats = [name for name in schema.names if name != "row"]
        self._file = pq.ParquetWriter(
            path,
            schema,
            use_dictionary=False,
            column_encoding={"row": "DELTA_BINARY_PACKED", **dict.fromkeys(floats, "BYTE_STREAM_SPLIT")},
            compression="zstd",
            compression_level=1,  # a thirtieth of what scoring costs; without it the files are a quarter larger
        )
        self._kept: list[pa.RecordBatch] = []
        self._kept_rows = 0
        self._pool = ThreadPoolExecutor(1, "docksieve-write")
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> PredictionWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._waiting.append(self._pool.submit(self._write, 1))
                while self._waiting:
                    self._waiting.popleft().result()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._file.close()

    def put(self, rows: pa.Array, values: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
        """Have a batch written; waits while :data:`WAITING` others do.

        Parameters
        ----------
        rows : array of int64, shape (n,)
        values : array of float32, shape (n, outputs)
            Not to be altered afterwards.
        valid : array of bool, shape (n,)
            Rows where it is False are null.
        """
        while len(self._waiting) >= WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._take, rows, values, valid))

    def _take(self, rows: pa.Array, values: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
        with self._watch("write"):
            missing = None if valid.all() else ~valid
            columns = [pa.array(np.ascontiguousarray(column), mask=missing) for column in values.T]
            self._kept.append(pa.record_batch([rows, *columns], schema=self._schema))
            self._kept_rows += len(rows)
        self._write(GROUP_ROWS)

    def _write(self, least: int) -> None:
        """Write full row groups while at least ``least`` rows are kept."""
        if self._kept_rows < least:
            return
        with self._watch("write"):
            table = pa.Table.from_batches(self._kept, self._schema).combine_chunks()
            full = len(table) if least < GROUP_ROWS else len(table) - len(table) % GROUP_ROWS
            self._file.write_table(table.slice(0, full), row_group_size=GROUP_ROWS)
            self._kept, self._kept_rows = table.slice(full).to_batches(), len(table) - full
