"""Questions to a screened library: the best 1,000 by prediction that meet conditions on properties.

    python benchmarks/hits.py [--rows 100000000] [--folder KEEP] [--threads 2]

Molecules are drawn from zinc250k, predictions are made up (:mod:`synthetic`). Each question is asked in a process
of its own: once for the first time, then five times more. Beside some, what DuckDB needs for the same question put to
shards and predictions directly; those answers are compared. Results go to benchmarks/results/hits.json.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from docksieve.data.ingest import build_library
from docksieve.data.library import Library
from docksieve.screening.board import screened_hits
from docksieve.screening.leaderboard import ScreenedSources, write_leaderboard
from docksieve.screening.rank import merge_histograms
from synthetic import (
    TARGET,
    machine,
    peak_mib,
    pool_of,
    scores_of,
    shard_rows,
    write_manifest,
    write_molecules,
    write_predictions,
)

QUESTIONS = {
    "no condition": None,
    "weight and logP window": "weight < 350 AND logp BETWEEN 1 AND 3.5",
    "Lipinski and Veber, fsp3, no charge": "weight <= 500 AND logp <= 5 AND donors <= 5 AND acceptors <= 10 "
    "AND tpsa <= 140 AND rotatable_bonds <= 10 AND fsp3 >= 0.4 AND charge = 0",
    "fragments with a ring and no donor": "heavy_atoms <= 17 AND rings >= 1 AND donors = 0",
    "bromine or iodine in the SMILES, low TPSA": "(smiles LIKE '%Br%' OR smiles LIKE '%I%') AND tpsa < 40",
    "rare: beyond the leaderboard": "heavy_atoms >= 33 AND fsp3 = 1",
}
TOP = 1000


def used() -> float:
    """Return CPU seconds of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def sources_in(folder: Path) -> ScreenedSources:
    files = sorted((folder / "predictions").glob("*.parquet"))
    return ScreenedSources(folder / "leaderboard.parquet", files, Library.open(folder))


def generate(folder: Path, rows: int, molecules: Path) -> int:
    """Write library, predictions and histograms; return their bytes."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        pool = pool_of(build_library(Path(name) / "pool", [molecules], progress=False).path)
    shards, firsts = [], []
    for first, size in shard_rows(rows):
        shard, trend = write_molecules(folder, first, size, pool)
        write_predictions(folder, first, scores_of(first, size, trend))
        shards.append(shard)
        firsts.append(first)
        print(f"generated {first + size:,} rows", file=sys.stderr, flush=True)
    write_manifest(folder, shards, firsts)
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


def write_board(folder: Path) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), used()
    histogram = merge_histograms(sorted((folder / "histograms").glob("*.parquet")), TARGET)
    files = sorted((folder / "predictions").glob("*.parquet"))
    path = folder / "leaderboard.parquet"
    rows = write_leaderboard(path, files, histogram, Library.open(folder), TARGET, True)
    return {
        "rows": rows,
        "bytes": path.stat().st_size,
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(used() - cpu, 1),
        "peak_mib": peak_mib(),
    }


def ask(folder: Path, where: str | None, threads: int, out: Path) -> dict[str, Any]:
    sources = sources_in(folder)
    walls, cpus = [], []
    for turn in range(6):
        wall, cpu = time.perf_counter(), used()
        answer = screened_hits(sources, TOP, where, threads=threads)
        walls.append(time.perf_counter() - wall)
        cpus.append(used() - cpu)
        if turn == 0 and answer.widened:
            break  # minutes, not milliseconds
    np.save(out, answer.table["row"].to_numpy())
    assert answer.complete
    return {
        "found": answer.table.num_rows,
        "widened": answer.widened,
        "first_wall_seconds": round(walls[0], 3),
        "wall_seconds": round(statistics.median(walls[1:] or walls), 3),
        "cpu_seconds": round(statistics.median(cpus[1:] or cpus), 3),
        "peak_mib": peak_mib(),
    }


def ask_duckdb(folder: Path, where: str | None, threads: int, out: Path) -> dict[str, Any]:
    """Put the question to shards and predictions as anybody would, without a leaderboard."""
    import duckdb

    wall, cpu = time.perf_counter(), used()
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {threads}")
        connection.execute(f"SET temp_directory = '{folder}/spill'")
        found = connection.sql(
            f"SELECT l.*, p.\"mean:{TARGET}\" FROM '{folder}/predictions/*.parquet' p "
            f"JOIN '{folder}/shards/*.parquet' l USING (\"row\") "
            f'WHERE p."mean:{TARGET}" IS NOT NULL AND ({where or "true"}) '
            f'ORDER BY p."mean:{TARGET}", "row" LIMIT {TOP}'
        ).to_arrow_table()
    np.save(out, found["row"].to_numpy())
    return {
        "wall_seconds": round(time.perf_counter() - wall, 3),
        "cpu_seconds": round(used() - cpu, 3),
        "peak_mib": peak_mib(),
    }


def in_child(folder: Path, *words: object) -> Any:
    call = [sys.executable, __file__, "--folder", str(folder), "--child", *map(str, words)]
    return json.loads(subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout)


def child(folder: Path, words: list[str]) -> None:
    if words[0] == "board":
        result = write_board(folder)
    else:
        way = {"ask": ask, "duckdb": ask_duckdb}[words[0]]
        result = way(folder, QUESTIONS[words[1]], int(words[2]), folder / f"{words[0]}.npy")
    print(json.dumps(result))


def main() -> None:
    root = Path(__file__).resolve().parents[1]
    data = Path(os.environ.get("DOCKSIEVE_DATA") or root.parent / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--folder", type=Path, help="where to work; what is generated there is kept and used again"
    )
    parser.add_argument("--molecules", type=Path, default=data / "libraries" / "zinc250k.smi.gz")
    parser.add_argument(
        "--peers", type=int, default=3, help="ask DuckDB so many of the questions, the last first"
    )
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.folder, options.child)
        return
    folder = options.folder or Path(tempfile.mkdtemp(prefix="docksieve-hits-"))
    try:
        result = measure(folder, options)
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    target = root / "benchmarks" / "results" / "hits.json"
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    if not (folder / "library.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < 120 * options.rows:
            raise SystemExit(f"{folder} has too little room for {options.rows:,} rows.")
        generate(folder, options.rows, options.molecules)
    rows = Library.open(folder).rows
    board = in_child(folder, "board")
    print(board, file=sys.stderr, flush=True)
    questions: dict[str, Any] = {}
    for name, where in QUESTIONS.items():
        item = questions[name] = {"where": where, "docksieve": in_child(folder, "ask", name, options.threads)}
        if name in list(QUESTIONS)[len(QUESTIONS) - options.peers :]:
            item["duckdb"] = in_child(folder, "duckdb", name, options.threads)
            same = np.array_equal(np.load(folder / "ask.npy"), np.load(folder / "duckdb.npy"))
            assert same, f"DuckDB answers {name!r} differently"
            ratio = item["duckdb"]["wall_seconds"] / item["docksieve"]["wall_seconds"]
            item["duckdb_wall_over_docksieve"] = round(ratio, 1)
        print(name, item, file=sys.stderr, flush=True)
    return {
        "what": f"the best {TOP:,} by prediction that meet conditions, from Parquet files in the page cache",
        "date": datetime.date.today().isoformat(),
        "rows": rows,
        "threads": options.threads,
        "bytes": sum(path.stat().st_size for path in folder.rglob("shard-*.parquet")),
        "machine": machine(),
        "leaderboard": board,
        "questions": questions,
    }


if __name__ == "__main__":
    main()
