"""Predictions for files of molecules, whatever their size: a row for every molecule, in the order of the files."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ...data.environment import usable_cores
from ...data.molecules.standardise import StandardSettings
from ...data.readers.layout import ReadingSettings
from ...data.readers.records import LineCounts, Record
from ...data.readers.sources import FileSource, open_files
from ...data.version import __version__
from . import molecule_files
from .molecule_files import inputs_of, records_of, standard_of
from .predicted_tables import check_name, open_sink, with_metadata
from .train import paths_of
from .watch import silent

if TYPE_CHECKING:
    from ...models.prediction import Prediction
    from ...models.students.student import Student
    from ...models.teachers.teacher import Teacher

NO_PREDICTION = "features"
"""Code of a molecule that has a standard form, and that the model can make no features of."""


@dataclass(frozen=True)
class PredictedFile:
    """A table of predictions, and what became of every molecule.

    Attributes
    ----------
    out : str
    model : str
        Id of the bundle.
    rows : int
        Molecules that were read, and rows that were written: ``predicted`` and all ``failed``.
    predicted : int
    failed : dict of str to int
        Rows without a prediction, by code; each row says its reason.
    skipped : dict of str to int
        Lines that are no molecules: ``blank``, ``comments``, ``headers``.
    layouts : dict of str to str
        By input: which column was taken for what.
    seconds : float

    Examples
    --------
    >>> done = docksieve.predict_file("campaign/models/round-02/teacher", "vendor.smi", "predictions.csv")
    >>> done.rows, done.predicted, done.failed
    (192, 192, {})
    """

    out: str
    model: str
    rows: int
    predicted: int
    failed: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    layouts: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "molecules_per_second": self.rows / max(self.seconds, 1e-9)}


def predict_file(
    model: str | Path,
    molecules: str | Path | Sequence[str | Path],
    out: str | Path,
    reading: ReadingSettings | None = None,
    standard: StandardSettings | None = None,
    threads: int | None = None,
    device: str = "cpu",
    replace: bool = False,
    watcher: Callable[[str, int, int, str], None] | None = None,
) -> PredictedFile:
    """Predict all molecules of files, and write a row for each, in order.

    Files are read in pieces, so that they may be larger than memory. A molecule that cannot be predicted is a row
    with nulls and its reason, as ``library build`` gives it.

    Parameters
    ----------
    model : path
        Bundle of a teacher or a student.
    molecules : path or sequence of path
        Whatever ``library build`` reads: SMILES, CSV, SDF, Parquet, Feather, compressed or not; ``-`` is standard
        input; a folder of a library.
    out : path
        ``.parquet``, ``.csv`` or ``.csv.gz``; ``-`` is CSV on standard output. It appears whole or not at all.
    reading : ReadingSettings, optional
        Columns and delimiter where they cannot be told.
    standard : StandardSettings, optional
        Of the form that molecules are brought into before they are predicted. Those of a library are taken as they are.
    threads : int, optional
        All cores by default. Predictions do not depend on it beyond rounding.
    device : str
        Of a student: ``cpu``, or what torch calls another one.
    replace : bool
        Whether a file that is there already may be replaced.
    watcher : callable, optional
        Told what is done (text), how much of it, out of how much (0: not known), and a remark.

    Returns
    -------
    PredictedFile
        The table has ``source`` (where there are several inputs), ``line``, ``id``, ``given`` (the SMILES as the file
        has it; null for SDF), ``smiles`` (in standard form), for each target ``mean:TARGET`` and ``spread:TARGET``,
        where the model compares molecules ``similarity`` and ``novel``, and ``failure`` and ``reason``.

    Raises
    ------
    InputError
        If a file cannot be read, or holds no SMILES.
    FormatError
        If the bundle is damaged, or of a version that is not known.
    ConfigError
        If the name of ``out`` does not say how to write, or the file exists already.

    Examples
    --------
    >>> done = docksieve.predict_file("campaign/models/round-02/student", "vendor.smi", "predictions.parquet")
    >>> import pyarrow.parquet
    >>> table = pyarrow.parquet.read_table("predictions.parquet")
    >>> table.num_rows, table["id"][191].as_py(), table["failure"].null_count
    (192, 'A191', 192)
    >>> table.column_names
    ['line', 'id', 'given', 'smiles', 'mean:EGFR', 'mean:JAK2', 'spread:EGFR', 'spread:JAK2', 'failure', 'reason']
    """
    from ...models.bundles.bundle import load_bundle, read_card

    tell = watcher or silent
    check_name(out, replace)
    started = time.perf_counter()
    loaded = load_bundle(model)
    card = read_card(model)
    names = inputs_of(paths_of(molecules))
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="docksieve-")))
        sizes = (molecule_files.CHUNK_BYTES, molecule_files.CHUNK_ROWS)
        files = open_files([path for path, _ in names], reading or ReadingSettings(), *sizes, scratch)
        predictor = stack.enter_context(predictor_of(loaded, threads or usable_cores(), device))
        schema = with_metadata(
            _schema(loaded, predictor.compares, len(files) > 1),
            {
                "model": card["id"],
                "version": __version__,
                "targets": json.dumps(card["targets"], sort_keys=True),
            },
        )
        sink = stack.enter_context(open_sink(out, schema))
        counts, failed, rows = LineCounts(), Counter[str](), 0
        begun = time.perf_counter()
        total = sum(source.progress[1] for source in files)
        before = 0
        for source, (_, ready) in zip(files, names, strict=True):
            for records in records_of(source, counts):
                table, problems = _predicted(records, source, predictor, schema, standard, ready)
                sink.write(table)
                rows += len(records)
                failed.update(problems)
                rate = rows / max(time.perf_counter() - begun, 1e-9)
                tell("Predicting", before + source.progress[0], total, f"{rows:,} molecules, {rate:,.0f}/s")
            before += source.progress[1]
    return PredictedFile(
        out=str(out),
        model=card["id"],
        rows=rows,
        predicted=rows - failed.total(),
        failed=dict(sorted(failed.items())),
        skipped={
            name: value
            for name, value in (
                ("blank", counts.blank),
                ("comments", counts.comments),
                ("headers", counts.headers),
            )
            if value
        },
        layouts={source.name: source.layout.describe() for source in files},
        seconds=time.perf_counter() - started,
    )


class Predictor:
    """A model made ready to be asked about many pieces.

    Attributes
    ----------
    compares : bool
        Whether it tells how similar molecules are to what it learned from.
    """

    compares = False

    def predict(self, smiles: Sequence[str | None]) -> Prediction:
        """Return predictions of molecules in standard form; NaN for None."""
        raise NotImplementedError


class _TeacherPredictor(Predictor):
    def __init__(self, teacher: Teacher, threads: int) -> None:
        from ...models.regressors.regressor import Comparing

        self._teacher, self._threads = teacher, threads
        self.compares = any(isinstance(item.model, Comparing) for item in teacher.members)

    def predict(self, smiles: Sequence[str | None]) -> Prediction:
        return self._teacher.predict(smiles, self._threads, standard=True)


class _StudentPredictor(Predictor):
    def __init__(self, student: Student, scorer: Any) -> None:
        self._student, self._scorer = student, scorer

    def predict(self, smiles: Sequence[str | None]) -> Prediction:
        from ...models.network.ngrams import StringBatch
        from ...models.prediction import Prediction

        values = self._scorer.score(StringBatch.from_strings(smiles))
        count = len(self._student.targets)
        spread = values[:, count:] if self._student.settings.spread else np.full_like(values, np.nan)
        return Prediction(values[:, :count], spread)


@contextlib.contextmanager
def predictor_of(model: Any, threads: int, device: str = "cpu") -> Iterator[Predictor]:
    """Yield a model made ready: its threads and memory are given back at the end."""
    if model.kind == "teacher":
        yield _TeacherPredictor(model, threads)
        return
    from ...models.students.student import StudentScorer

    with StudentScorer(model, threads, device) as scorer:
        yield _StudentPredictor(model, scorer)


def _schema(model: Any, compares: bool, several: bool) -> pa.Schema:
    spread = model.kind == "teacher" or model.settings.spread
    return pa.schema(
        [
            *([("source", pa.string())] if several else []),
            ("line", pa.int64()),
            ("id", pa.string()),
            ("given", pa.string()),
            ("smiles", pa.string()),
            *((f"mean:{target}", pa.float32()) for target in model.targets),
            *((f"spread:{target}", pa.float32()) for target in model.targets if spread),
            *([("similarity", pa.float32()), ("novel", pa.bool_())] if compares else []),
            ("failure", pa.string()),
            ("reason", pa.string()),
        ]
    )


def _predicted(
    records: list[Record],
    source: FileSource,
    predictor: Predictor,
    schema: pa.Schema,
    standard: StandardSettings | None,
    ready: bool,
) -> tuple[pa.Table, Counter[str]]:
    """Return the rows of a piece, and the codes of those without a prediction."""
    sdf = source.layout.kind == "sdf"
    smiles, problems = standard_of(records, sdf, standard, ready)
    found = predictor.predict(smiles)
    lost = ~np.isfinite(found.mean).all(axis=1)
    for row in np.flatnonzero(lost).tolist():
        problems.setdefault(row, (NO_PREDICTION, "the model can make no features of it"))
    columns: dict[str, Any] = {
        "source": [source.name] * len(records),
        "line": [record.line for record in records],
        "id": [record.id or f"{source.stem}:{record.line}" for record in records],
        "given": [None if sdf else record.structure for record in records],
        "smiles": smiles,
        "failure": [problems[row][0] if row in problems else None for row in range(len(records))],
        "reason": [problems[row][1] if row in problems else None for row in range(len(records))],
    }
    targets = [name.removeprefix("mean:") for name in schema.names if name.startswith("mean:")]
    for place, target in enumerate(targets):
        for name, values in (("mean", found.mean), ("spread", found.spread)):
            column = np.where(lost, np.nan, values[:, place]).astype(np.float32)
            columns[f"{name}:{target}"] = pa.array(column, from_pandas=True)
    if found.similarity is not None:
        columns["similarity"] = pa.array(found.similarity, pa.float32(), from_pandas=True)
        novel = np.zeros(len(records), bool) if found.novel is None else found.novel
        columns["novel"] = pa.array(novel, mask=lost)
    return (
        pa.table({name: columns[name] for name in schema.names}, schema=schema),
        Counter(code for code, _ in problems.values()),
    )
