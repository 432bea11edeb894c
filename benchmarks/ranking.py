"""Threshold and best rows of a whole library's predictions, against sorting everything.

    python benchmarks/ranking.py [--rows 100000000] [--folder KEEP]

Every way runs in a process of its own, twice: with the files read for the first time by that process (they
are in the page cache), and its peak memory is that process's. All answers are compared. Results go to
benchmarks/results/ranking.json.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from docksieve.screening.ranking.top_k import best_rows, cut_key, merge_histograms
from synthetic import TARGET, machine, peak_mib, scores_of, shard_rows, write_predictions

COLUMN = f"mean:{TARGET}"


def docksieve(folder: Path, count: int) -> np.ndarray:
    histogram = merge_histograms(sorted((folder / "histograms").glob("*.parquet")), TARGET)
    files = sorted((folder / "predictions").glob("*.parquet"))
    return best_rows(files, histogram, COLUMN, count, True)["row"].to_numpy()


def threshold(folder: Path, count: int) -> np.ndarray:
    histogram = merge_histograms(sorted((folder / "histograms").glob("*.parquet")), TARGET)
    return np.array([cut_key(histogram, count)])


def duckdb(folder: Path, count: int) -> np.ndarray:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        return connection.sql(
            f'SELECT "row" FROM \'{folder}/predictions/*.parquet\' WHERE "{COLUMN}" IS NOT NULL '
            f'ORDER BY "{COLUMN}", "row" LIMIT {count}'
        ).fetchnumpy()["row"]


def numpy_sort(folder: Path, count: int) -> np.ndarray:
    files = sorted((folder / "predictions").glob("*.parquet"))
    tables = [pq.read_table(path, columns=["row", COLUMN], use_threads=False) for path in files]
    rows = np.concatenate([table["row"].to_numpy() for table in tables])
    scores = np.concatenate([table[COLUMN].to_numpy() for table in tables])
    order = np.argsort(scores, kind="stable")  # missing scores last; ties in row order
    return rows[order[:count]]


def pandas_sort(folder: Path, count: int) -> np.ndarray:
    import pandas

    table = pandas.read_parquet(folder / "predictions", columns=["row", COLUMN])
    return table.dropna().sort_values([COLUMN, "row"])["row"].to_numpy()[:count]


def polars_sort(folder: Path, count: int) -> np.ndarray:
    import polars

    table = polars.scan_parquet(folder / "predictions" / "*.parquet").select("row", COLUMN).drop_nulls()
    return table.sort([COLUMN, "row"]).head(count).collect()["row"].to_numpy()


WAYS = {
    "threshold (histograms alone)": threshold,
    "docksieve": docksieve,
    "duckdb ORDER BY LIMIT, 1 thread": duckdb,
    "numpy, sort of everything": numpy_sort,
    "pandas, sort of everything": pandas_sort,
    "polars, sort of everything": polars_sort,
}


def child(way: str, folder: Path, count: int, out: Path) -> None:
    base = peak_mib()
    wall, cpu = time.perf_counter(), time.process_time()
    found = WAYS[way](folder, count)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_mib()
    np.save(out, found)
    print(
        json.dumps(
            {
                "cpu_seconds": round(cpu, 3),
                "wall_seconds": round(wall, 3),
                "peak_mib": peak,
                "peak_above_imports_mib": peak - base,
            }
        )
    )


def measure(folder: Path, rows: int) -> dict[str, dict[str, object]]:
    results: dict[str, dict[str, object]] = {}
    for count in (1_000, rows // 100):
        answers: dict[str, np.ndarray] = {}
        table = results.setdefault(f"best {count:,}", {})
        for way in WAYS:
            library = way.split(",")[0].split()[0]
            if library in ("pandas", "polars") and importlib.util.find_spec(library) is None:
                table[way] = "not installed, not measured"
                continue
            out = folder / "answer.npy"
            call = [sys.executable, __file__, "--child", way, "--folder", str(folder), "--count", str(count)]
            runs = [
                json.loads(subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True).stdout)
                for _ in range(2)
            ]
            table[way] = min(runs, key=lambda run: run["cpu_seconds"])
            answers[way] = np.load(out)
            print(count, way, table[way], flush=True)
        ours = answers["docksieve"]
        for way, found in answers.items():
            if not way.startswith("threshold"):
                assert np.array_equal(found, ours), f"{way} found others"
                table[way]["cpu_over_docksieve"] = round(
                    table[way]["cpu_seconds"] / table["docksieve"]["cpu_seconds"], 2
                )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000_000, 100_000_000])
    parser.add_argument("--folder", type=Path, help="where to work; kept")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.folder, options.count, options.folder / "answer.npy")
        return
    results = {}
    for rows in options.rows:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            if shutil.disk_usage(folder).free < 20 * rows:
                raise SystemExit(f"{folder} has too little room for {rows:,} rows.")
            for first, size in shard_rows(rows):
                write_predictions(folder, first, scores_of(first, size))
            written = sum(path.stat().st_size for path in (folder / "predictions").iterdir())
            results[f"{rows:,} rows"] = {"bytes": written, **measure(folder, rows)}
    result = {
        "what": "threshold and best rows over all predictions (mean and spread of one target, shards of 1M rows)",
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "results": results,
    }
    target = Path(__file__).parent / "results" / "ranking.json"
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
