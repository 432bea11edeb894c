"""Questions to a screened library: the best 1,000 by prediction that meet conditions on properties.

    python benchmarks/hits.py [--rows 100000000] [--folder KEEP] [--threads 2]

Molecules are drawn from zinc250k, predictions are made up (:mod:`synthetic`). Each question is asked in a process
of its own: once for the first time, then five times more. Beside some, what DuckDB needs for the same question put to
shards and predictions directly; those answers are compared.

Questions about structures are put to the best million, and to all of it where too few meet them; beside them, what a
plain RDKit loop over the same molecules needs, from 4,000 of them. Results go to benchmarks/results/hits.json.
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
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.screening.chemistry.similarity import fingerprint
from docksieve.screening.queries.leaderboard_search import leaderboard_ranking, screened_hits
from docksieve.screening.queries.query import HitQuery
from docksieve.screening.queries.search import find, finish
from docksieve.screening.ranking.leaderboard import ScreenedSources, write_leaderboard
from docksieve.screening.ranking.top_k import merge_histograms
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
ACTIVES = (
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "COCCOc1cc2ncnc(Nc3cccc(C#C)c3)c2cc1OCCOC",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
)
STRUCTURES: dict[str, dict[str, Any]] = {
    "rare substructure, top 1,000: quinazoline": {"has": ("c1ccc2ncncc2c1",)},
    "two substructures and one not, top 1,000": {"has": ("C(=O)[NX3]", "c1ccncc1"), "has_not": ("[F,Cl,Br,I]",)},
    "substructure that none has": {"has": ("c1ccc2c(c1)c1ccccc1c1ccccc21",)},
    "common substructure, every match: amide": {"has": ("C(=O)[NX3]",), "top": None},
    "similar to one molecule, 0.5": {"similar_to": ACTIVES[:1]},
    "similar to any of three, 0.3": {"similar_to": ACTIVES, "similarity": 0.3},
    "novel against three, no alerts, rules": {
        "novel_against": ACTIVES, "no_alerts": ("pains", "brenk", "nih"), "rules": ("lipinski", "veber"),
    },
    "one form per compound": {"per_parent": True},
    "100 by MaxMin from the best 10,000": {"top": 100, "diverse": "maxmin", "pool": 10_000},
}  # fmt: skip
SAMPLE = 4_000


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


def ask_structures(folder: Path, name: str, threads: int) -> dict[str, Any]:
    sources = sources_in(folder)
    query = HitQuery(**{"top": TOP, **STRUCTURES[name]})
    walls, cpus = [], []
    for _ in range(3):
        wall, cpu = time.perf_counter(), used()
        ranked = leaderboard_ranking(sources, {}, threads)
        found = find(ranked, query, fingerprint, threads)
        table = finish(found.table, ranked, query)
        ranked.close()
        walls.append(time.perf_counter() - wall)
        cpus.append(used() - cpu)
    return {
        "found": table.num_rows,
        "looked_at_all": found.exhausted,
        "first_wall_seconds": round(walls[0], 2),
        "wall_seconds": round(min(walls[1:]), 2),
        "cpu_seconds": round(min(cpus[1:]), 2),
        "peak_mib": peak_mib(),
    }


def rdkit_loop(folder: Path) -> dict[str, float]:
    """Return what a plain loop over a million molecules would take, from a sample: seconds of one core."""
    import pyarrow.parquet as pq
    from rdkit import Chem, DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    smiles = pq.ParquetFile(folder / "leaderboard.parquet").read_row_group(0, ["smiles"])["smiles"]
    pattern = Chem.MolFromSmarts("c1ccc2ncncc2c1")
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2)
    query = generator.GetSparseFingerprint(Chem.MolFromSmiles(ACTIVES[0]))
    seconds = {}
    for name in ("substructure", "similarity"):
        begin = time.process_time()
        for text in smiles.slice(0, SAMPLE).to_pylist():
            molecule = Chem.MolFromSmiles(text)
            if name == "substructure":
                molecule.HasSubstructMatch(pattern)
            else:
                DataStructs.TanimotoSimilarity(query, generator.GetSparseFingerprint(molecule))
        seconds[name] = round((time.process_time() - begin) * 1e6 / SAMPLE, 0)
    return seconds


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
    elif words[0] == "structures":
        result = ask_structures(folder, words[1], int(words[2]))
    elif words[0] == "rdkit":
        result = rdkit_loop(folder)
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
    structures = {}
    for name in STRUCTURES:
        structures[name] = in_child(folder, "structures", name, options.threads)
        print(name, structures[name], file=sys.stderr, flush=True)
    return {
        "what": f"the best {TOP:,} by prediction that meet conditions, from Parquet files in the page cache",
        "date": datetime.date.today().isoformat(),
        "rows": rows,
        "threads": options.threads,
        "bytes": sum(path.stat().st_size for path in folder.rglob("shard-*.parquet")),
        "machine": machine(),
        "leaderboard": board,
        "questions": questions,
        "structures": structures,
        "rdkit_loop_core_seconds_per_million": in_child(folder, "rdkit"),
    }


if __name__ == "__main__":
    main()
