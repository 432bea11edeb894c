"""Students on a GPU: correctness against double precision, three rates told apart, block sizes, and what bounds them.

    python benchmarks/gpu.py [--shards 8] [--threads 8] [--smiles FILE] [--device cuda]

For each path (``fused``: Triton; ``torch``), in half precision:

- **tolerance**: the largest difference from double precision on fresh random molecules (the seed is the time), in
  standard deviations of an output; a benchmark whose scores are wrong ends there.
- **model_only**: from features on the device, which are counts of all buckets (``of_counts``) or lists of buckets and
  weights (``of_lists``).
- **on_device**: SMILES on the device to scores, histogram and the best, nothing copied.
- **model_and_features**: from SMILES in memory to scores in memory, copies overlapping.
- **end_to_end**: from Parquet shards of a million molecules in the page cache to all files written, per second held and
  per second busy, with energy where the device tells.

The roofline divides measured rates by what the device does at most, measured here too: a half-precision matrix product,
a copy in its memory, a copy over the link from pinned memory. Operations and bytes of a molecule are counted by formula
(``models/accounting.py``). Results go to benchmarks/results/gpu-NAME.json. Without a device nothing is measured.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from docksieve.models.devices.device import checked_device, describe_device
from docksieve.models.inference.device_check import HALF_TOLERANCE, difference, exact_scores
from docksieve.models.inference.device_engine import DeviceEngine
from docksieve.models.inference.device_network import DENSE_BUCKETS, fused_available
from docksieve.models.network.ngrams import StringBatch, encode
from docksieve.models.settings import StudentSettings
from docksieve.models.students.accounting import roofline, work
from docksieve.models.students.screen import screen_shard
from docksieve.models.students.student import Student
from machine import provenance
from screening_input import molecules, random_student, shape_of, write_shard

SHARD = 1_000_000
FRESH = 20_000


def seconds_of(action: Callable[[], object], device: torch.device, least: float = 1.0) -> float:
    """Return the device's seconds for one ``action``, repeated for at least ``least`` seconds."""
    module = torch.get_device_module(device.type)
    for _ in range(3):
        action()
    module.synchronize(device)
    times, spent = 1, 0.0
    while True:
        begun, ended = (module.Event(enable_timing=True) for _ in range(2))
        begun.record()
        for _ in range(times):
            action()
        ended.record()
        module.synchronize(device)
        spent = begun.elapsed_time(ended) / 1000
        if spent >= least:
            return spent / times
        times *= max(2, min(100, int(1.2 * least / max(spent, 1e-6))))


def limits(device: torch.device) -> dict[str, float]:
    """Return what the device does at most per second, by the names of ``accounting.Work``."""
    one, other = (torch.randn(8192, 8192, device=device, dtype=torch.float16) for _ in range(2))
    product = seconds_of(lambda: one @ other, device)
    big = torch.empty(1 << 30, dtype=torch.uint8, device=device)
    target = torch.empty_like(big)
    copy = seconds_of(lambda: target.copy_(big), device)
    pinned = torch.empty(1 << 28, dtype=torch.uint8, pin_memory=True)
    link = seconds_of(lambda: big[: 1 << 28].copy_(pinned, non_blocking=True), device)
    return {
        "operations": 2 * 8192**3 / product,
        "device_bytes": 2 * (1 << 30) / copy,
        "link_bytes": (1 << 28) / link,
    }


def model_only(student: Student, engine: DeviceEngine, strings: StringBatch) -> dict[str, float]:
    """Return the rates of the network from features that lie on the device."""
    network, device = engine._network, engine.device
    found = {}
    with torch.inference_mode():
        rows = 16_384
        bags = encode(strings.rows(0, rows), network.ngram, network.buckets)
        buckets, offsets = (
            torch.tensor(bags.buckets, device=device),
            torch.tensor(bags.offsets, device=device).int(),
        )
        weights = torch.tensor(bags.weights, device=device).to(network._embedding.dtype)

        def of_lists() -> torch.Tensor:
            sums = torch.nn.functional.embedding_bag(
                buckets,
                network._embedding,
                offsets,
                mode="sum",
                per_sample_weights=weights,
                include_last_offset=True,
            )
            return network.outputs(network._activated(sums + network._bias.to(sums.dtype)))

        found["of_lists"] = rows / seconds_of(of_lists, device)
        if network.buckets <= DENSE_BUCKETS:
            counts = torch.zeros((rows, network.buckets), dtype=torch.int32, device=device)
            row = torch.repeat_interleave(torch.arange(rows, device=device), offsets.long().diff())
            counts[row, buckets.long()] = torch.expm1(weights.float()).round().int()
            found["of_counts"] = rows / seconds_of(
                lambda: network.outputs(network.first_of_counts(counts)), device
            )
    return found


def on_device(engine: DeviceEngine, strings: StringBatch) -> float:
    """Return molecules per second of the device's own work on full blocks."""
    engine.reset()
    step = engine.batch_rows
    for _ in range(3):
        for start in range(0, len(strings) - step + 1, step):
            engine.result(engine.submit(strings.rows(start, start + step), np.arange(start, start + step)))
    full = 3 * (len(strings) // step) * step
    return full / engine.busy_seconds


def from_memory(engine: DeviceEngine, strings: StringBatch, passes: int = 3) -> float:
    """Return molecules per second of wall time from SMILES in memory to scores in memory."""
    engine.reset()
    step, waiting = engine.batch_rows, []
    begun = time.perf_counter()
    for _ in range(passes):
        for start in range(0, len(strings), step):
            stop = min(start + step, len(strings))
            waiting.append(engine.submit(strings.rows(start, stop), np.arange(start, stop)))
            if len(waiting) > engine.depth:
                engine.result(waiting.pop(0))
    while waiting:
        engine.result(waiting.pop(0))
    return passes * len(strings) / (time.perf_counter() - begun)


def end_to_end(
    student: Student, shards: list[Path], folder: Path, path: str, device: str, threads: int
) -> dict[str, Any]:
    outputs = [folder / name for name in ("predictions.parquet", "histogram.parquet", "best.parquet")]
    screen_shard(
        shards[0], student, *outputs, device=device, path=path, threads=threads
    )  # made and checked once
    found = [screen_shard(s, student, *outputs, device=device, path=path, threads=threads) for s in shards]
    rows = sum(result.rows for result in found)

    def total(name: str) -> float:
        return sum(float(result.used[name] or 0) for result in found)

    known = all(result.used["energy_joules"] is not None for result in found)
    return {
        "threads": threads,
        "per_held_second": rows / total("held_seconds"),
        "per_busy_second": rows / total("busy_seconds"),
        "host_cpu_seconds_per_million": total("cpu_seconds") / rows * 1e6,
        "joules_per_million": total("energy_joules") / rows * 1e6 if known else None,
        "device_peak_mib": max(int(result.used["device_peak_bytes"] or 0) for result in found) / 2**20,
        "bytes_moved_per_molecule": sum(result.bytes_moved for result in found) / rows,
        "read_threads_busy": sum(result.seconds["read"] for result in found) / total("held_seconds"),
        "write_thread_busy": sum(result.seconds["write"] for result in found) / total("held_seconds"),
        "notes": sorted({note for result in found for note in result.notes}),
    }


def measure_path(
    path: str,
    device: torch.device,
    student: Student,
    strings: StringBatch,
    bounds: dict[str, float],
    seed: int,
) -> dict[str, Any]:
    engine = DeviceEngine(student, device, path, best_count=1000)
    fresh, _ = molecules(None, FRESH, seed)
    batch = StringBatch.from_arrow(fresh)
    scores = engine.result(engine.submit(batch, np.arange(len(batch))))
    apart = difference(scores, exact_scores(student, batch))
    if apart > HALF_TOLERANCE:
        raise SystemExit(f"{path}: scores differ from double precision by {apart:.2g} standard deviations.")
    found: dict[str, Any] = {
        "difference_from_double": apart,
        "allowed": HALF_TOLERANCE,
        "difference_from_cpu_in_check": engine.deviation,
        "notes": engine.notes,
        "rows_per_block": engine.batch_rows,
        "model_only": model_only(student, engine, strings),
        "on_device": on_device(engine, strings),
        "model_and_features": from_memory(engine, strings),
    }
    engine.close()
    shape = shape_of(strings, student)
    needs = work(
        student.settings, student.outputs, shape["bytes"], shape["distinct_buckets"], path, half=True
    )
    found["roofline"] = {
        "on_device": roofline(
            needs, found["on_device"], {k: v for k, v in bounds.items() if k != "link_bytes"}
        ),
        "model_and_features": roofline(needs, found["model_and_features"], bounds),
    }
    found["blocks"] = {}
    for rows in (8_192, 16_384, 32_768, 65_536, 131_072):
        sized = DeviceEngine(student, device, path, best_count=1000, rows=rows)
        found["blocks"][sized.batch_rows] = {
            "on_device": on_device(sized, strings), "model_and_features": from_memory(sized, strings, 2),
            "notes": sized.notes,
        }  # fmt: skip
        sized.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--threads", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--smiles", type=Path)
    parser.add_argument("--folder", type=Path, help="where shards are put (a memory disk or local NVMe)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print(f"no CUDA device: nothing measured (torch {torch.__version__})")
        return 0
    device = checked_device(arguments.device)
    described = describe_device(arguments.device, max(arguments.threads))
    seed = time.time_ns() % 2**32
    smiles, what = molecules(arguments.smiles, SHARD, seed=1)
    strings = StringBatch.from_arrow(smiles)
    student = random_student(StudentSettings())
    bounds = limits(device)
    results: dict[str, Any] = {
        **provenance(("docksieve", "numpy", "pyarrow", "torch", "triton")),
        "device": {**described, "cuda": torch.version.cuda, "hip": torch.version.hip},
        "molecules": {"what": what, "seed_of_fresh": seed, **shape_of(strings, student)},
        "limits_of_the_device": bounds,
        "paths": {},
    }
    name = re.sub(r"[^A-Za-z0-9]+", "-", described["name"]).strip("-").lower()
    file = arguments.out / f"gpu-{name}.json"
    with tempfile.TemporaryDirectory(dir=arguments.folder) as place:
        shards = [Path(place) / f"shard-{k}.parquet" for k in range(arguments.shards)]
        for index, shard in enumerate(shards):
            write_shard(shard, smiles, index * SHARD)
        for path in (["fused"] if fused_available() else []) + ["torch"]:
            found = measure_path(path, device, student, strings, bounds, seed)
            found["end_to_end"] = [
                end_to_end(student, shards, Path(place), path, arguments.device, threads)
                for threads in arguments.threads
            ]
            eight = random_student(StudentSettings(), targets=8)
            found["end_to_end_8_targets"] = end_to_end(
                eight, shards, Path(place), path, arguments.device, max(arguments.threads)
            )
            results["paths"][path] = found
            print(path, json.dumps(found, indent=1), flush=True)
            arguments.out.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written: {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
