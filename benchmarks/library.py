"""How fast libraries are built: molecules per second and core, stage by stage.

    python benchmarks/library.py [--molecules 20000] [--build 250000] [--file FILE.smi.gz]

Times are CPU seconds of all processes, so that waiting for others does not count (what they take away from caches
and shared cores does: "limit" is measured in the same run). Whole builds are timed on the wall clock, too.
Results go to benchmarks/results/library.json.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import tempfile
import time
from pathlib import Path

import pyarrow
import rdkit
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.enumerate import enumerate_library
from docksieve.data.molecules.batch import standard_forms
from docksieve.data.molecules.crippen import crippen_logp
from docksieve.data.molecules.descriptors import graph_counts
from docksieve.data.molecules.graph import read_graphs
from docksieve.data.molecules.neutral import neutral_texts
from docksieve.data.molecules.properties import properties
from docksieve.data.molecules.standardise import DEFAULT_STANDARD, rdkit_messages, standardise
from docksieve.data.readers.streams import InputStream, text_chunks
from rdkit import Chem, RDLogger

DEFAULT = "libraries/zinc250k.smi.gz"


def first_molecules(path: Path, count: int) -> list[str]:
    smiles: list[str] = []
    with InputStream(str(path)) as stream:
        for chunk in text_chunks(stream, 1 << 20):
            smiles += [line.split()[0].decode() for line in chunk.payload.splitlines() if line.strip()]
            if len(smiles) >= count:
                break
    return smiles[:count]


def used() -> float:
    """Return CPU seconds of this process and of its children that have ended."""
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def rate(count: int, action, runs: int = 2) -> float:
    """Return molecules per CPU second, the best of some runs: others take caches and shared cores away."""
    seconds = []
    for _ in range(runs):
        start = used()
        action()
        seconds.append(used() - start)
    return round(count / min(seconds), 1)


def parse_and_write(smiles: list[str]) -> None:
    for text in smiles:
        Chem.MolToSmiles(Chem.MolFromSmiles(text))


def stages(smiles: list[str]) -> dict[str, float]:
    """Return molecules per CPU second of each step on its own."""
    count = len(smiles)
    RDLogger.DisableLog("rdApp.*")
    rates = {}
    rates["parse (RDKit)"] = rate(count, lambda: [Chem.MolFromSmiles(s) and None for s in smiles])
    rates["limit: parse and canonical SMILES (RDKit)"] = rate(count, lambda: parse_and_write(smiles))
    with rdkit_messages():
        rates["together: standard_forms"] = rate(
            count, lambda: standard_forms(smiles, DEFAULT_STANDARD, kernel_rows=0)
        )
        rates["one by one: standardise"] = rate(count, lambda: [standardise(s).smiles for s in smiles])
        mols = [standardise(s).mol for s in smiles]
        rates["one by one: properties (RDKit)"] = rate(
            count,
            lambda: [properties(m) for m in mols],
            runs=1,  # RDKit keeps some of them with the molecule
        )
        standard = [Chem.MolToSmiles(mol) for mol in mols]
        graphs = read_graphs(standard)  # compiles, or loads what was compiled
        graph_counts(graphs), crippen_logp(graphs), neutral_texts(smiles)
        rates["kernels: graphs of SMILES"] = rate(count, lambda: read_graphs(standard))
        rates["kernels: logP"] = rate(count, lambda: crippen_logp(graphs))
        rates["kernels: weight, TPSA, counts"] = rate(count, lambda: graph_counts(graphs))
        rates["kernels: charges off the text"] = rate(count, lambda: neutral_texts(smiles))
    return rates


def whole_builds(smiles: list[str]) -> dict[str, dict[str, float]]:
    """Return molecules per CPU second (all processes) and per wall second of whole builds."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.smi"
        path.write_text("".join(f"{s} M{n}\n" for n, s in enumerate(smiles)))
        for name, build in (
            ("build, in one process", lambda out: build_library(out, [path], workers=1, progress=False)),
            ("build, 2 workers", lambda out: build_library(out, [path], workers=2, progress=False)),
            (
                "enumerate, in one process",
                lambda out: enumerate_library(out, limit=len(smiles) // 10, workers=1, progress=False),
            ),
        ):
            count = len(smiles) // 10 if name.startswith("enumerate") else len(smiles)
            wall, cpu = time.perf_counter(), used()
            build(Path(folder) / name.replace(" ", "-"))
            wall, cpu = time.perf_counter() - wall, used() - cpu
            results[name] = {
                "molecules": count,
                "per_cpu_second": round(count / cpu, 1),
                "per_second": round(count / wall, 1),
            }
    return results


def cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main() -> None:
    root = Path(__file__).resolve().parents[1]
    data = Path(os.environ.get("DOCKSIEVE_DATA") or root.parent / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--molecules", type=int, default=20_000, help="for the steps")
    parser.add_argument("--build", type=int, default=250_000, help="for whole builds")
    parser.add_argument("--file", type=Path, default=data / DEFAULT)
    options = parser.parse_args()
    smiles = first_molecules(options.file, max(options.molecules, options.build))
    whole = whole_builds(smiles[: options.build])
    steps = stages(smiles[: options.molecules])
    limit = steps["limit: parse and canonical SMILES (RDKit)"]
    result = {
        "what": "library build: molecules per CPU second",
        "date": datetime.date.today().isoformat(),
        "file": options.file.name,
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "load": os.getloadavg()[0]},
        "versions": {
            "python": platform.python_version(),
            "rdkit": rdkit.__version__,
            "pyarrow": pyarrow.__version__,
        },
        "molecules_of_the_steps": options.molecules,
        "molecules_per_cpu_second": steps,
        "whole": whole,
        "build_over_limit": round(whole["build, in one process"]["per_cpu_second"] / limit, 3),
    }
    target = root / "benchmarks" / "results" / "library.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
