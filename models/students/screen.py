"""Inference over a library shard: Parquet in, every score, histogram and the best out, in bounded memory.

Four things go on at once: row groups are decoded ahead, batches are scored (several at a time, by threads of the
CPU or on a device that copies in, computes and copies out at the same time), what was scored is written, and
the driver of it all here only hands things over, in the order of the shard.

Imports neither rdkit nor parsl nor dask: it runs wherever numpy, pyarrow, numba and torch do.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...data.errors import FormatError, ModelError
from ...data.receipts import Stopwatch
from ...data.store import atomic_path, write_table
from ..devices.device import Meter, checked_device, describe_device
from ..inference.engine import InferenceEngine, open_engine, release
from ..inference.score_tally import BEST_SCHEMA, HISTOGRAM_SCHEMA
from ..network.ngrams import StringBatch
from .accounting import ScreenResult
from .shards import PredictionWriter, read_ahead
from .student import Student, StudentScorer

__all__ = [
    "BEST_SCHEMA", "HISTOGRAM_SCHEMA", "ScreenResult", "predict_table", "predictions_schema", "screen_shard",
]  # fmt: skip

THREADS_PER_READER = 12
"""Threads that score what one thread decodes (which is twenty times as fast), with a margin."""

DEVICE_READERS = 2
"""Least threads that decode for a device: each about 12 million molecules a second."""


def predictions_schema(student: Student) -> pa.Schema:
    """Return the columns of the predictions file: row, ``mean:<target>`` ..., ``spread:<target>`` ..."""
    fields = [pa.field("row", pa.int64(), nullable=False)]
    fields += [pa.field(f"mean:{target}", pa.float32()) for target in student.targets]
    if student.settings.spread:
        fields += [pa.field(f"spread:{target}", pa.float32()) for target in student.targets]
    return pa.schema(fields)


def screen_shard(
    shard: str | os.PathLike[str],
    student: Student,
    predictions: str | os.PathLike[str],
    histogram: str | os.PathLike[str],
    best: str | os.PathLike[str],
    best_count: int = 1000,
    batch_rows: int | None = None,
    threads: int = 1,
    device: str = "cpu",
    path: str = "auto",
    wanted: NDArray[np.bool_] | None = None,
) -> ScreenResult:
    """Score every molecule of a shard.

    Parameters
    ----------
    shard : path
        Parquet with columns ``row`` (int64, rising), ``id`` and ``smiles`` (strings).
    student : Student
    predictions : path
        Written: one row per row of the shard, in order; ``row``, then ``mean:<target>`` and, if the student
        has it, ``spread:<target>`` (float32, null where there is no SMILES).
    histogram : path
        Written: ``target``, ``key`` (``docs/formats.md``), ``count``. Counts of a target, those without a prediction
        included, add up to the shard's rows.
    best : path
        Written: ``target``, ``row`` and ``mean`` of the ``best_count`` best of each target, best first, ties by row.
    best_count : int
    batch_rows : int, optional
        Molecules per batch, if not what suits the device.
    threads : int
        On the CPU, threads that score; on another device, threads that decode.
    device : str
        ``cpu``, or what torch calls another one (``cuda``, ``cuda:1``).
    path : str
        ``auto``, or ``kernel`` (compiled, CPU only), ``torch``, ``fused`` (Triton).
    wanted : array of bool, shape (n,), optional
        Molecules to score; all others are written as if they had no SMILES. All, if not given.

    Returns
    -------
    ScreenResult
        Neither ``batch_rows`` nor ``threads`` changes a bit of what is written on the CPU; on another device
        scores agree with the CPU's to the tolerance of its precision (``docs/models.md``).

    Raises
    ------
    FormatError
        If the shard is missing, damaged or lacks a column; nothing is written.
    ModelError
        If the device is not there, or a number is out of range.
    DeviceError
        If the device fails, or scores differently from the CPU; nothing is written.

    Examples
    --------
    >>> student = docksieve.load_bundle("campaign/models/round-02/student")
    >>> shard = docksieve.Library.open("library").shards[0]
    >>> result = docksieve.screen_shard(shard.path, student, "predictions.parquet", "histogram.parquet", "best.parquet")
    >>> result.rows
    192
    >>> docksieve.merge_histograms(["histogram.parquet"], "EGFR").sum()
    np.int64(192)
    """
    if (batch_rows is not None and batch_rows < 1) or best_count < 0 or threads < 1:
        raise ModelError("screen_shard needs batch_rows >= 1, best_count >= 0 and threads >= 1.")
    shard, predictions = Path(shard), Path(predictions)
    checked = checked_device(device)
    meter, watch = Meter(checked), Stopwatch()
    reading, writing = Stopwatch(), Stopwatch()
    engine = open_engine(student, threads, device, path, best_count)
    try:
        batches = read_ahead(shard, batch_rows or engine.batch_rows, _readers(threads, engine), reading)
        first = next(batches, None)  # a shard that cannot be read leaves no temporary file either
        with (
            atomic_path(predictions) as temporary,
            PredictionWriter(temporary, predictions_schema(student), writing) as writer,
        ):
            rows = _stream(first, batches, engine, writer, shard, wanted)
        tally = engine.tally()
    finally:
        release(engine)
    with writing("write"):
        write_table(histogram, tally.histogram_table())
        write_table(best, tally.best_table())
    used = {**meter.read(), "busy_seconds": round(engine.busy_seconds, 6)}
    seconds = {"read": reading.seconds.get("read", 0.0), **engine.seconds, "write": writing.seconds["write"]}
    return ScreenResult(
        rows=rows,
        missing=tally.missing,
        predictions=(rows - tally.missing) * len(student.targets),
        seconds={**seconds, "total": watch.seconds["total"]},
        bytes_read=shard.stat().st_size,
        bytes_written=sum(Path(path).stat().st_size for path in (predictions, histogram, best)),
        bytes_moved=engine.moved,
        device=describe_device(device, threads),
        path=engine.path,
        used=used,
        notes=tuple(engine.notes),
    )


def _readers(threads: int, engine: InferenceEngine) -> int:
    return 1 + threads // THREADS_PER_READER if engine.path == "kernel" else max(threads, DEVICE_READERS)


def _stream(
    first: pa.RecordBatch | None,
    batches: Any,
    engine: InferenceEngine,
    writer: PredictionWriter,
    shard: Path,
    wanted: NDArray[np.bool_] | None = None,
) -> int:
    """Send every batch through the engine to the writer; return how many rows there were."""
    waiting: deque[tuple[pa.Array, NDArray[np.bool_], Any]] = deque()
    total = 0

    def pass_on() -> None:
        rows, valid, ticket = waiting.popleft()
        writer.put(rows, engine.result(ticket), valid)

    batch = first
    while batch is not None:
        rows = batch.column("row")
        if rows.null_count:
            raise FormatError(
                f"Column 'row' of the shard {shard} has nulls.", "Restore it or build it again."
            )
        smiles = batch.column("smiles")
        if wanted is not None:  # a batch at a time: nothing of this is done where all are wanted
            smiles = pc.if_else(pa.array(wanted[total : total + len(batch)]), smiles, None)
        strings = StringBatch.from_arrow(smiles)
        waiting.append((rows, strings.valid, engine.submit(strings, rows.to_numpy())))
        total += len(batch)
        if len(waiting) > engine.depth:
            pass_on()
        batch = next(batches, None)
    while waiting:
        pass_on()
    return total


def predict_table(
    student: Student, table: pa.Table, threads: int = 1, device: str = "cpu", path: str = "auto"
) -> pa.Table:
    """Return the predictions of a table in memory with columns ``row`` and ``smiles``, as a shard's are laid out."""
    strings = StringBatch.from_arrow(table.column("smiles"))
    with StudentScorer(student, threads, device, path) as scorer:
        values = scorer.score(strings)
    missing = ~strings.valid
    columns = [pa.array(np.ascontiguousarray(values[:, k]), mask=missing) for k in range(values.shape[1])]
    return pa.table([table.column("row").cast(pa.int64()), *columns], schema=predictions_schema(student))
