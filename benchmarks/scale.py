"""Screening by size: seconds per molecule and peak memory for 1e5, 1e6, 1e7 (and, when asked, 1e8) molecules.

    python benchmarks/scale.py [--sizes 100000 1000000 10000000] [--folder PLACE]

The molecules are the amides of the 4,214 acids and the primary amines in ``libraries/ts_reagents`` of the benchmark
data: more than 50 million different real products. They are written as acyl and amine joined as text, each
written by RDKit from its reaction centre on: valid SMILES of the product, but not its standard form, which costs
RDKit a thousand times as much to make. A student reads bytes either way. Acids and amines change from one product to
the next, so that a shard is a mixture. Beyond the number of products (1e8) the products come again.

Making the shards is not timed. Each size is screened by one process of its own, on one thread, shard after shard,
with a student of the default size trained on docking scores of Enamine 50k; then the best 1 % of all are ranked. A pass
begins with the shards on disk (in the page cache) and ends with the ranked table on disk; small sizes are passed over
several times. Seconds are processor seconds of that process, start and first-use costs apart (given as
``start_seconds``). Memory is the peak of that process (imports alone reach several hundred MiB), and the peak of the
screening by itself, counted from after the imports. Results go to benchmarks/results/scale.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from docksieve.data.libraries.shard_tasks import _SHARD_OPTIONS
from docksieve.data.schema import DEFAULT_SHARD_ROWS, LIBRARY_SCHEMA, STREAM_ROWS
from docksieve.data.store import write_json, write_table
from docksieve.models.bundles.bundle import load_bundle, save_bundle
from docksieve.models.students.screen import screen_shard
from docksieve.screening.ranking.top_k import best_rows, merge_histograms
from machine import provenance

TARGET = "4UNN"
PASS_MOLECULES, MOST_PASSES = 3_000_000, 30
"""Sizes below this are passed over several times, to about so many molecules in all."""
STRIDE = 0x9E3779B1
"""From one product to the next, as their numbers go: a prime, so that every product comes once."""


def acyl(text: str) -> str | None:
    """Return an acid without its hydroxyl, written from the carbonyl carbon on; None if it has no one such place."""
    from rdkit import Chem

    mol = Chem.MolFromSmiles(text)
    found = mol.GetSubstructMatches(Chem.MolFromSmarts("[#6][CX3](=O)[OX2H1]")) if mol else ()
    if len(found) != 1:
        return None
    _, carbon, _, hydroxyl = found[0]
    editable = Chem.RWMol(mol)
    editable.RemoveAtom(hydroxyl)
    carbon -= hydroxyl < carbon
    return Chem.MolToSmiles(editable, rootedAtAtom=carbon)


def amine_rest(text: str) -> str | None:
    """Return a primary amine written from its nitrogen on, without it; None if it has no one such place."""
    from rdkit import Chem

    mol = Chem.MolFromSmiles(text)
    pattern = Chem.MolFromSmarts("[NX3;H2;+0;!$(N~[!#6]);!$(N-[C,S]=[!#6])]-[#6]")
    found = mol.GetSubstructMatches(pattern) if mol else ()
    if len(found) != 1:
        return None
    written = Chem.MolToSmiles(mol, rootedAtAtom=found[0][0])
    return written[1:] if written.startswith("N") else None


class Products:
    """The amides of all acids and amines, by number.

    Parameters
    ----------
    acids, amines : list of str
        What :func:`acyl` and :func:`amine_rest` made.
    """

    def __init__(self, acids: list[str], amines: list[str]) -> None:
        self._acids, self._amines = pa.array(acids), pa.array(amines)
        self.total = len(acids) * len(amines)
        if math.gcd(STRIDE, self.total) != 1:
            raise ValueError(f"{STRIDE} and {self.total} have a common factor")

    @classmethod
    def read(cls, folder: Path) -> Products:
        """Return the products of the acids and amines in ``folder``."""
        parts = []
        for name, make in (("carboxylic_acids_ok.smi", acyl), ("primary_amines_ok.smi", amine_rest)):
            made = (make(line.split()[0]) for line in (folder / name).read_text().splitlines() if line)
            parts.append([text for text in made if text is not None])
        return cls(*parts)

    def smiles(self, first: int, count: int) -> pa.Array:
        """Return the products of the rows ``first`` and following."""
        # Reduced before the multiplication, so that no number exceeds 64 bits.
        rows = np.arange(first, first + count, dtype=np.int64) % self.total
        numbers = rows * (STRIDE % self.total) % self.total
        acid, amine = np.divmod(numbers, len(self._amines))
        parts = (pa.scalar("N("), self._acids.take(pa.array(acid)), pa.scalar(")"))
        return pc.binary_join_element_wise(*parts, self._amines.take(pa.array(amine)), "")


def shard_ranges(total: int, rows: int = DEFAULT_SHARD_ROWS) -> Iterator[tuple[int, int]]:
    """Yield first row and number of rows of each shard."""
    for first in range(0, total, rows):
        yield first, min(rows, total - first)


def write_shard(products: Products, path: Path, first: int, count: int) -> None:
    """Write a library shard; what screening does not read (properties, sources) is null or zero."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, LIBRARY_SCHEMA, **_SHARD_OPTIONS) as writer:
        for start in range(first, first + count, STREAM_ROWS):
            size = min(STREAM_ROWS, first + count - start)
            numbers = pa.array(np.arange(start, start + size))
            known = {
                "row": numbers,
                "id": numbers.cast(pa.string()),
                "smiles": products.smiles(start, size),
                "source": pa.array(np.zeros(size, np.int32)),
                "line": numbers,
            }
            columns = [
                known[field.name].cast(field.type) if field.name in known else pa.nulls(size, field.type)
                for field in LIBRARY_SCHEMA
            ]
            writer.write_table(pa.table(columns, schema=LIBRARY_SCHEMA), row_group_size=STREAM_ROWS)


def make_student(folder: Path, labels: int) -> None:
    """Save a student of the default size. It learns from docking scores, not from a teacher: its cost is the same."""
    from docksieve.models.students.distill import distil_student
    from score_tables import load_table

    smiles, scores = load_table("molpal_enamine50k")
    rows = np.random.default_rng(1).choice(np.flatnonzero(~np.isnan(scores)), labels, replace=False)
    chosen = [smiles[row] for row in rows]
    mean = scores[rows, None]
    spread = 0.5 + 0.1 * np.abs(mean - mean.mean())  # the default student has a spread to learn; any will do
    save_bundle(distil_student(chosen, mean, spread, [TARGET], [True], seed=1), folder)


def cpu_seconds() -> float:
    """Return the processor seconds of this process and of the children it has waited for."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_mib(forget: bool = False) -> int:
    """Return the peak resident memory of this process in MiB; ``forget`` has the system begin anew (Linux only)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    return round(peak / 1024)


def screen_and_rank(student: Any, shards: list[Path], out: Path, best: int) -> dict[str, Any]:
    """Screen all shards and write the best; return processor seconds of both, and the memory after each shard."""
    folders = [out / name for name in ("predictions", "histograms", "leaders")]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    begun, resident = cpu_seconds(), []
    for shard in shards:
        screen_shard(shard, student, *(folder / shard.name for folder in folders))
        resident.append(round(psutil.Process().memory_info().rss / 2**20))
    screened = cpu_seconds()
    histogram = merge_histograms([folders[1] / shard.name for shard in shards], TARGET)
    predictions = [folders[0] / shard.name for shard in shards]
    ranked = best_rows(predictions, histogram, f"mean:{TARGET}", best, True)
    write_table(out / "ranked.parquet", ranked)
    return {
        "screen": screened - begun,
        "rank": cpu_seconds() - screened,
        "ranked": ranked.num_rows,
        "resident_mib": resident,
    }


def child(folder: Path, size: int, passes: int) -> None:
    """Measure one size, and print what was found."""
    shards = sorted((folder / "shards").glob("*.parquet"))[: math.ceil(size / DEFAULT_SHARD_ROWS)]
    if size < DEFAULT_SHARD_ROWS:
        shards = [folder / f"part-{size}.parquet"]
    student = load_bundle(folder / "student")
    out = folder / "out"
    screen_and_rank(student, [folder / "first.parquet"], out, 10)  # compiled kernels are loaded, files opened
    started, before = cpu_seconds(), peak_mib(forget=True)
    wall = time.perf_counter()
    runs = [screen_and_rank(student, shards, out, max(1, size // 100)) for _ in range(passes)]
    wall = time.perf_counter() - wall
    assert runs[0]["ranked"] == max(1, size // 100)
    resident, during = runs[0]["resident_mib"], peak_mib()
    costs = [run["screen"] + run["rank"] for run in runs]
    print(
        json.dumps(
            {
                "molecules": size,
                "shards": len(shards),
                "passes": passes,
                "cpu_seconds_per_pass": {
                    "median": round(statistics.median(costs), 4),
                    "least": round(min(costs), 4),
                    "most": round(max(costs), 4),
                },
                "microseconds_per_molecule": round(1e6 * statistics.median(costs) / size, 4),
                "of_these_ranking": round(1e6 * statistics.median(run["rank"] for run in runs) / size, 4),
                "start_seconds": round(started, 2),
                "wall_seconds_per_pass": round(wall / passes, 2),
                "peak_mib": max(before, during),
                "peak_mib_while_screening": during,
                "resident_mib_after_first_and_last_shard": [resident[0], resident[-1]],
                "predictions_bytes": sum(
                    (out / "predictions" / shard.name).stat().st_size for shard in shards
                ),
            }
        )
    )


def prepare(folder: Path, sizes: list[int], labels: int) -> dict[str, Any]:
    """Write student and shards, and say what the library is like."""
    from score_tables import data_folder

    products = Products.read(data_folder() / "libraries" / "ts_reagents")
    make_student(folder / "student", labels)
    write_shard(products, folder / "first.parquet", 0, 1_000)
    for size in sizes:
        if size < DEFAULT_SHARD_ROWS:
            write_shard(products, folder / f"part-{size}.parquet", 0, size)
    largest = max(sizes)
    for first, count in shard_ranges(largest) if largest >= DEFAULT_SHARD_ROWS else ():
        write_shard(products, folder / "shards" / f"shard-{first:012d}.parquet", first, count)
    lengths = pc.binary_length(products.smiles(0, min(largest, 100_000)))
    return {
        "what": "amides of the acids and primary amines of ts_reagents, joined as text (not the standard form)",
        "products": products.total,
        "products_come_again": largest > products.total,
        "shard_rows": DEFAULT_SHARD_ROWS,
        "mean_bytes_of_smiles": round(pc.mean(lengths).as_py(), 1),
    }


def summarise(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how far sizes differ, and whether that is within the goals."""
    costs = [item["microseconds_per_molecule"] for item in found]
    peaks = [item["peak_mib"] for item in found]
    working = [item["peak_mib_while_screening"] for item in found]
    return {
        "dearest_over_cheapest": round(max(costs) / min(costs), 4),
        "within_10_percent": max(costs) <= 1.1 * min(costs),
        "peak_mib": max(peaks),
        "below_2_gib": max(peaks) < 2048,
        "peak_mib_while_screening": working,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--labels", type=int, default=20_000, help="scores that the student learns from")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "scale.json")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--passes", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.sizes[0], options.passes)
        return
    sizes = sorted(options.sizes)
    with tempfile.TemporaryDirectory(prefix="docksieve-", dir=options.folder) as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < 80 * sizes[-1] + (1 << 30):
            raise SystemExit(f"{folder} has too little room for {sizes[-1]:,} molecules.")
        result = {**provenance(), "library": prepare(folder, sizes, options.labels), "sizes": []}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        for size in sizes:
            passes = min(MOST_PASSES, max(1, PASS_MOLECULES // size))
            call = [sys.executable, __file__, "--child", name, "--sizes", str(size), "--passes", str(passes)]
            done = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True, env=environment)
            result["sizes"].append(json.loads(done.stdout))
            result["summary"] = summarise(result["sizes"])
            print(json.dumps(result["sizes"][-1]), flush=True)
            write_json(options.out, result)
    print(json.dumps(result["summary"], indent=1))


if __name__ == "__main__":
    main()
