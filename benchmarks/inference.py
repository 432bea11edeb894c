"""Students on the CPU: molecules per core-second, three rates told apart, and what bounds them.

    python benchmarks/inference.py [--molecules 1000000] [--repeats 5] [--smiles FILE]

``model_only`` starts from counted n-grams in memory, ``model_and_features`` from SMILES in memory, ``end_to_end`` from
a Parquet shard in the page cache and ends with all scores, histogram and the best thousand on disk. Seconds are those
of the processor: of all threads of the process together, decoding and writing included, so that neither other work
on the machine nor waiting for the disk counts. Best and median of the repeats are given. The roofline divides by
what the same core does at most, measured here: a matrix product (operations), sums of rows of an embedding that fits
into the first-level cache (``table_bytes``). Results go to benchmarks/results/inference.json.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from docksieve.data.receipts import Stopwatch
from docksieve.models.inference.engine import BLOCK
from docksieve.models.network.network import Forward
from docksieve.models.network.ngrams import Bags, Encoder, StringBatch, encode
from docksieve.models.settings import StudentSettings
from docksieve.models.students.accounting import roofline, work
from docksieve.models.students.screen import predictions_schema, screen_shard
from docksieve.models.students.shards import PredictionWriter, read_ahead
from docksieve.models.students.student import Student
from machine import provenance
from screening_input import molecules, random_student, shape_of, write_shard

SOME = 65_536
"""Molecules of the rates without files."""


def rates(count: int, repeats: int, action: Callable[[], object]) -> dict[str, float]:
    """Return molecules per processor-second of ``action`` on ``count`` molecules: the best, and the median."""
    action()
    found = []
    for _ in range(repeats):
        begun = time.process_time()
        action()
        found.append(count / (time.process_time() - begun))
    return {"best": round(max(found)), "median": round(statistics.median(found))}


def in_memory(student: Student, strings: StringBatch, repeats: int) -> dict[str, Any]:
    """Return the rates of features, of the model and of both, block by block as the engine takes them."""
    settings, forward = student.settings, Forward(student.weights)
    encoder = Encoder(settings.ngram, settings.buckets)
    blocks = [(k, min(k + BLOCK, len(strings))) for k in range(0, len(strings), BLOCK)]
    output = np.empty((len(strings), student.outputs), np.float32)
    bags: list[Bags] = [encode(strings.rows(*block), settings.ngram, settings.buckets) for block in blocks]

    def features() -> None:
        for block in blocks:
            encoder(strings.rows(*block))

    def model() -> None:
        for block, bag in zip(blocks, bags, strict=True):
            forward(bag, output[slice(*block)])

    def both() -> None:
        for block in blocks:
            forward(encoder(strings.rows(*block)), output[slice(*block)])

    return {
        "features_only": rates(len(strings), repeats, features),
        "model_only": rates(len(strings), repeats, model),
        "model_and_features": rates(len(strings), repeats, both),
    }


def end_to_end(student: Student, shard: Path, folder: Path, threads: int, repeats: int) -> dict[str, Any]:
    outputs = [folder / name for name in ("predictions.parquet", "histogram.parquet", "best.parquet")]
    found = [screen_shard(shard, student, *outputs, threads=threads) for _ in range(repeats)]
    busy = [float(result.rates["per_cpu_second"] or 0) for result in found]
    last = found[-1]
    return {
        "threads": threads,
        "per_core_second": {"best": round(max(busy)), "median": round(statistics.median(busy))},
        "bytes_per_molecule": {
            "read": last.bytes_read / last.rows,
            "written": last.bytes_written / last.rows,
        },
        "peak_memory_mib": round(float(last.used["host_peak_bytes"] or 0) / 2**20),
    }


def files_only(student: Student, shard: Path, folder: Path, repeats: int) -> dict[str, Any]:
    """Return the rates of reading and of writing by themselves."""
    count = sum(len(batch) for batch in read_ahead(shard, 16_384, 1, Stopwatch()))
    scores = np.random.default_rng(0).normal(-8, 1, (count, student.outputs)).astype(np.float32)

    def read() -> None:
        for _ in read_ahead(shard, 16_384, 1, Stopwatch()):
            pass

    def write() -> None:
        with PredictionWriter(folder / "w.parquet", predictions_schema(student), Stopwatch()) as writer:
            start = 0
            for batch in read_ahead(shard, 16_384, 1, Stopwatch()):
                valid = np.ones(len(batch), bool)
                writer.put(batch.column("row"), scores[start : start + len(batch)], valid)
                start += len(batch)

    return {"read": rates(count, repeats, read), "read_and_write": rates(count, repeats, write)}


def limits(repeats: int) -> dict[str, float]:
    """Return what one core does at most: operations of a matrix product; bytes of rows summed in the nearest cache."""
    one = np.random.default_rng(0).normal(size=(768, 768)).astype(np.float32)
    one @ one
    products = []
    for _ in range(3 * repeats):
        begun = time.process_time()
        one @ one
        products.append(2 * 768**3 / (time.process_time() - begun))
    small = random_student(StudentSettings(width=128, buckets=64, layers=1))
    grams = 200
    random = np.random.default_rng(0)
    bags = Bags(
        np.arange(0, grams * 4_001, grams), random.integers(64, size=grams * 4_000).astype(np.int32),
        np.ones(grams * 4_000, np.float32),
    )  # fmt: skip
    output, forward = np.empty((4_000, 2), np.float32), Forward(small.weights)
    near = rates(4_000, 3 * repeats, lambda: forward(bags, output))["best"] * grams * 128 * 4
    return {"operations": max(products), "table_bytes": float(near)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--molecules", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--smiles", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "inference.json")
    arguments = parser.parse_args()
    smiles, what = molecules(arguments.smiles, arguments.molecules, seed=0)
    strings = StringBatch.from_arrow(smiles.slice(0, SOME))
    bounds = limits(arguments.repeats)
    results: dict[str, Any] = {
        **provenance(("docksieve", "numpy", "numba", "llvmlite", "pyarrow", "torch")),
        "molecules": {"what": what, "count": arguments.molecules},
        "limits_of_a_core": bounds,
        "students": {},
    }
    cases = {
        "default": (StudentSettings(), 1),
        "default, 8 targets": (StudentSettings(), 8),
        "width 64": (StudentSettings(width=64), 1),
        "width 256": (StudentSettings(width=256), 1),
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shard = folder / "shard.parquet"
        write_shard(shard, smiles)
        for name, (settings, targets) in cases.items():
            student = random_student(settings, targets)
            shape = shape_of(strings, student)
            found = in_memory(student, strings, arguments.repeats)
            found["shape"] = shape
            found["end_to_end"] = [
                end_to_end(student, shard, folder, threads, arguments.repeats)
                for threads in arguments.threads
            ]
            found["files"] = files_only(student, shard, folder, arguments.repeats)
            needs = work(
                settings, student.outputs, shape["bytes"], shape["distinct_buckets"], "kernel", half=False
            )
            found["roofline"] = roofline(needs, found["model_only"]["best"], bounds)
            results["students"][name] = found
            print(name, json.dumps(found), flush=True)
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
