"""Docking: seconds per ligand and score of the named searches against Vina's default, and our overhead.

Two questions, both on receptors of the ``dockstring`` package (boxes cut to 22 A around their centres):

1. *Searches.* For several receptors and ligands, processor seconds of the search and best score with each
   named search and with ``standard`` (exhaustiveness 8, default evaluations), from the same conformers with the
   same search seed. For every ligand all searches are run before the next ligand begins, so that whatever
   else the machine does falls on all of them.
2. *Overhead.* The same ligands, seeds and search, once through ``dock_batch`` and once in a bare loop in one
   process: one Vina object with its maps made once, RDKit and meeko called directly, no supervision, no read-
   back of poses, no tables. Start-up and maps are left out of both, preparation is in both. The search
   ``minimal`` costs next to nothing, and so shows what we add per ligand. The two alternate; the ratio of
   each pair is reported, in wall seconds and in processor seconds (all processes of each). On a machine
   that others use, only the processor seconds mean anything.

    python benchmarks/docking.py [--receptors EGFR,F2,ESR1] [--ligands 3] [--repeats 4]

Writes ``benchmarks/results/docking.json``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from docksieve.data.store import write_json
from docksieve.screening.docking import vina_process
from docksieve.screening.docking.dock import Ligand, VinaTarget, dock_batch, freeze_target
from docksieve.screening.docking.tune import LIGANDS
from docksieve.screening.docking.vina import (
    SEARCHES,
    SearchSettings,
    child_for,
    conformer_seed,
    dock_one,
    search_seed,
)
from scipy import stats

ORDER = ("diazepam", "warfarin", "erlotinib", "celecoxib", "haloperidol", "sildenafil", "aspirin", "imatinib")
BOX_SIDE = 22.0
RESULTS = Path(__file__).parent / "results" / "docking.json"

BARE = """
import json, sys, time
from vina import Vina
from docksieve.screening.docking.ligand import embed, parse_ligand, to_pdbqt
from docksieve.screening.docking.ligand_settings import LigandSettings
job = json.loads(sys.stdin.readline())
v = Vina(sf_name="vina", cpu=1, seed=job["search_seed"], verbosity=0)
v.set_receptor(job["receptor"])
v.compute_vina_maps(job["box"]["center"], job["box"]["size"])
settings, search = LigandSettings(), job["search"]
def one(smiles, seed):
    state = embed(parse_ligand(smiles, settings), seed, 1, settings)
    v.set_ligand_from_string(to_pdbqt(state, 0, settings))
    v.dock(search["exhaustiveness"], search["n_poses"], search["min_rmsd"], search["max_evals"])
    v.poses(search["n_poses"], search["energy_range"])
    return float(v.energies(n_poses=1)[0][0])
one(*job["ligands"][0])  # imports and first-use costs
for line in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    scores = [one(*ligand) for ligand in job["ligands"]]
    answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "scores": scores}
    with open(line.strip(), "w") as out:
        json.dump(answer, out)
    print("done", file=sys.stderr, flush=True)
"""


MINIMAL = SearchSettings(exhaustiveness=1, max_evals=1_000)
"""A search that costs next to nothing: what is left is preparation and overhead."""


def target(receptor: str, search: str) -> VinaTarget:
    return VinaTarget(
        receptor=f"dockstring:{receptor}",
        box_size=BOX_SIDE,
        search=MINIMAL if search == "minimal" else search,
    )  # type: ignore[arg-type]


def measure_searches(receptor: str, names: list[str], seed: int, folder: Path) -> list[dict[str, Any]]:
    specs = {search: freeze_target(receptor, target(receptor, search), folder, Path()) for search in SEARCHES}
    rows = []
    for name in names:
        for search, spec in specs.items():
            child = child_for(spec, folder, receptor, seed)
            outcome, _ = dock_one(child, spec, receptor, LIGANDS[name], seed, "screen")
            row = {
                "receptor": receptor,
                "ligand": name,
                "search": search,
                "score": outcome.score,
                "cpu_seconds": round(outcome.cpu_seconds, 3),
                "failure": outcome.failure,
            }
            rows.append(row)
            print(row, flush=True)
    return rows


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean processor seconds, speed-up, and mean gap to the standard with its 95 % interval (Student's t)."""
    table = {(r["receptor"], r["ligand"], r["search"]): r for r in rows}
    pairs = sorted(
        {key[:2] for key in table if all(table[*key[:2], s]["score"] is not None for s in SEARCHES)}
    )
    standard = {s: np.array([table[*pair, s]["score"] for pair in pairs]) for s in SEARCHES}
    cost = {s: np.array([table[*pair, s]["cpu_seconds"] for pair in pairs]) for s in SEARCHES}
    summary: dict[str, Any] = {"pairs": len(pairs)}
    for search in SEARCHES:
        gaps = standard[search] - standard["standard"]
        half = float(stats.sem(gaps) * stats.t.ppf(0.975, len(gaps) - 1)) if search != "standard" else 0.0
        summary[search] = {
            "cpu_seconds_per_ligand": round(float(cost[search].mean()), 3),
            "mean_score": round(float(standard[search].mean()), 3),
            "gap_to_standard": round(float(gaps.mean()), 3),
            "gap_95": [round(float(gaps.mean() - half), 3), round(float(gaps.mean() + half), 3)],
            "times_cheaper": round(float(cost["standard"].mean() / cost[search].mean()), 2),
        }
    return summary


class Bare:
    """The bare loop, in a process of its own, that makes a pass when asked."""

    def __init__(self, job: dict[str, Any], folder: Path) -> None:
        self._answer = folder / "bare.json"
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", BARE],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._write(json.dumps(job))

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def run(self) -> dict[str, Any]:
        """Make one pass and return its seconds and scores."""
        assert self._process.stderr is not None
        self._write(str(self._answer))
        while self._process.stderr.readline().strip() != "done":
            if self._process.poll() is not None:
                raise RuntimeError("the bare loop died")
        return dict(json.loads(self._answer.read_text()))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def measure_overhead(
    receptor: str, names: list[str], search: str, repeats: int, seed: int, folder: Path
) -> Any:
    spec = freeze_target(receptor, target(receptor, search), folder, Path())
    ligands = [Ligand(None, name, LIGANDS[name]) for name in names]
    job = {
        "search_seed": search_seed(seed, receptor),
        "receptor": str(folder / spec["receptor"]),
        "box": spec["box"],
        "search": spec["screen"]["search"],
        "ligands": [[x.smiles, conformer_seed(seed, receptor, x.smiles)] for x in ligands],
    }
    bare = Bare(job, folder)
    child = child_for(spec, folder, receptor, seed)
    dock_batch(spec, folder, receptor, ligands[:1], seed, "p")  # first-use costs, as in the bare loop
    child_process, own = psutil.Process(child.pid), psutil.Process()

    def processor() -> float:
        return sum(sum(p.cpu_times()[:2]) for p in (child_process, own))

    def engine() -> dict[str, Any]:
        wall, cpu = time.perf_counter(), processor()
        batch = dock_batch(spec, folder, receptor, ligands, seed, "p")
        seconds = {"wall": time.perf_counter() - wall, "cpu": processor() - cpu}
        return {**seconds, "scores": batch.scores["score"].to_pylist()}

    pairs = []
    for number in range(repeats):
        first, second = (bare.run, engine) if number % 2 else (engine, bare.run)
        one, two = first(), second()
        b, e = (one, two) if number % 2 else (two, one)
        same = all(x == y for x, y in zip(b["scores"], e["scores"], strict=True) if y is not None)
        assert same, "the two did not do the same work"  # None: a score that the engine refuses as absurd
        pair = {
            f"{who}_{kind}": round(run[kind], 3)
            for who, run in (("bare", b), ("engine", e))
            for kind in ("wall", "cpu")
        }
        pairs.append(pair)
        print(pair, flush=True)
    bare.close()
    extra = [(p["engine_cpu"] - p["bare_cpu"]) / len(names) for p in pairs]
    ratios = {kind: [p[f"engine_{kind}"] / p[f"bare_{kind}"] - 1 for p in pairs] for kind in ("wall", "cpu")}
    return {
        "receptor": receptor,
        "search": search,
        "ligands": names,
        "pairs": pairs,
        "extra_cpu_ms_per_ligand": round(1000 * float(np.median(extra)), 1),
        "overhead": {
            k: {"median": round(float(np.median(v)), 4), "all": [round(x, 4) for x in v]}
            for k, v in ratios.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--receptors", default="EGFR,F2,ESR1")
    parser.add_argument("--ligands", type=int, default=3, help="up to 8")
    parser.add_argument("--repeats", type=int, default=4, help="pairs of passes for the overhead")
    parser.add_argument("--overhead-ligands", type=int, default=6, help="up to 8")
    parser.add_argument("--overhead-searches", default="minimal,fast,balanced")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    result: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "system": platform.platform()},
        "versions": {name: version(name) for name in ("docksieve", "vina", "meeko", "rdkit", "dockstring")},
        "python": platform.python_version(),
        "seed": options.seed,
        "box_side": BOX_SIDE,
        "overhead": [],
        "searches": {"summary": {}, "rows": []},
    }
    with tempfile.TemporaryDirectory(prefix="docksieve-") as scratch:
        names = list(ORDER[: options.overhead_ligands])
        for search in options.overhead_searches.split(","):
            measured = measure_overhead("EGFR", names, search, options.repeats, options.seed, Path(scratch))
            result["overhead"].append(measured)
            save(result, options.out)
        for receptor in options.receptors.split(","):
            names = list(ORDER[: options.ligands])
            result["searches"]["rows"] += measure_searches(receptor, names, options.seed, Path(scratch))
            result["searches"]["summary"] = summarise(result["searches"]["rows"])
            save(result, options.out)
        vina_process.close_children()
    print(json.dumps({"searches": result["searches"]["summary"], "overhead": result["overhead"]}, indent=1))


def save(result: dict[str, Any], path: Path) -> None:
    """Write what there is so far: a long benchmark that is stopped has not run for nothing."""
    result["machine"]["load_average"] = [round(x, 1) for x in os.getloadavg()]
    write_json(path, result)


def cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )


if __name__ == "__main__":
    main()
