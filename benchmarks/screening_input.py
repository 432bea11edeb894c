"""What the benchmarks of inference screen: a student of random weights, and shards of real or made-up SMILES.

Weights do not change the speed, and random ones need no training; scores of random weights mean nothing.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from docksieve.data.schema import LIBRARY_SCHEMA, STREAM_ROWS
from docksieve.models.inference.device_check import trial_molecules
from docksieve.models.network.network import Weights
from docksieve.models.network.ngrams import StringBatch
from docksieve.models.settings import StudentSettings
from docksieve.models.students.student import Student

REAL = Path(__file__).parents[2] / "shared" / "data" / "libraries" / "zinc250k.smi.gz"


def random_student(settings: StudentSettings, targets: int = 1, seed: int = 0) -> Student:
    random, width, layers = np.random.default_rng(seed), settings.width, settings.layers - 1
    outputs = targets * (2 if settings.spread else 1)

    def draw(*shape: int, scale: float) -> np.ndarray:
        return (random.normal(size=shape) * scale).astype(np.float32)

    floor = np.full(outputs, -np.inf, np.float32)
    floor[targets:] = 0.01
    weights = Weights(
        draw(settings.buckets, width, scale=0.05), draw(width, scale=0.1),
        draw(layers, width, width, scale=width**-0.5), draw(layers, width, scale=0.1),
        draw(width, outputs, scale=width**-0.5), np.full(outputs, -8, np.float32), floor,
    )  # fmt: skip
    return Student(weights, settings, [f"t{k}" for k in range(targets)], [True] * targets, {}, "none", seed)


def molecules(path: Path | None, count: int, seed: int) -> tuple[pa.Array, str]:
    """Return ``count`` SMILES in random order (repeated where there are fewer), and what they are."""
    path = path or (REAL if REAL.exists() else None)
    random = np.random.default_rng(seed)
    if path is None:
        made = trial_molecules(min(count, 200_000), seed)
        texts = [
            bytes(made.data[a:b]).decode() for a, b in zip(made.offsets[:-1], made.offsets[1:], strict=True)
        ]
        column, what = pa.array([text for text in texts if 5 < len(text) < 120]), "joined pieces of molecules"
    else:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt") as lines:
            column = pa.array([line.split()[0] for line in lines if line.strip()])
        what = path.name
    order = np.concatenate([random.permutation(len(column)) for _ in range(-(-count // len(column)))])[:count]
    return column.take(pa.array(order)), what


def write_shard(path: Path, smiles: pa.Array, first: int = 0) -> None:
    """Write a shard as ``docksieve library build`` lays it out (properties made up: they are not read)."""
    count, random = len(smiles), np.random.default_rng(first)
    columns: dict[str, object] = {
        "row": np.arange(first, first + count),
        "id": pa.array([f"ZINC{number:012d}" for number in random.integers(10**12, size=count)]),
        "smiles": smiles,
        "source": np.zeros(count, np.int32),
        "line": np.arange(1, count + 1),
    }
    for field in LIBRARY_SCHEMA:
        if field.name not in columns:
            columns[field.name] = pa.array(random.normal(5, 2, count)).cast(field.type, safe=False)
    table = pa.table([columns[field.name] for field in LIBRARY_SCHEMA], schema=LIBRARY_SCHEMA)
    pq.write_table(
        table, path, compression="zstd", compression_level=3, use_dictionary=["source"], row_group_size=STREAM_ROWS,
        column_encoding={"row": "DELTA_BINARY_PACKED", "line": "DELTA_BINARY_PACKED"},
    )  # fmt: skip


def shape_of(strings: StringBatch, student: Student) -> dict[str, float]:
    """Return mean bytes of SMILES and mean distinct buckets of a molecule."""
    from docksieve.models.network.ngrams import encode

    some = strings.rows(0, min(len(strings), 20_000))
    bags = encode(some, student.settings.ngram, student.settings.buckets)
    return {
        "bytes": float(np.diff(some.offsets).mean()),
        "distinct_buckets": float(np.diff(bags.offsets).mean()),
    }
