"""How fast libraries are built: molecules per second and core, stage by stage.

    python benchmarks/library.py [--molecules 20000] [--file FILE.smi.gz]

Times are CPU seconds of this process (one core), so that other load on the machine does not count; the whole
build is timed on the wall clock, too. Results go to benchmarks/results/library-DATE.json.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import pyarrow
import rdkit
from docksieve.data.enumerate import enumerate_library
from docksieve.data.ingest import build_library
from docksieve.data.molecules import properties, rdkit_messages, standardise
from docksieve.data.readers import InputStream, text_chunks
from rdkit import Chem, RDLogger
from rdkit.Chem import rdMolDescriptors

DEFAULT = "libraries/zinc250k.smi.gz"


def first_molecules(path: Path, count: int) -> list[str]:
    smiles: list[str] = []
    with InputStream(str(path)) as stream:
        for chunk in text_chunks(stream, 1 << 20):
            smiles += [line.split()[0].decode() for line in chunk.payload.splitlines() if line.strip()]
            if len(smiles) >= count:
                break
    return smiles[:count]


def rate(count: int, action) -> float:
    start = time.process_time()
    action()
    return round(count / (time.process_time() - start), 1)


def stages(smiles: list[str]) -> dict[str, float]:
    """Return molecules per CPU second of each step on its own."""
    count = len(smiles)
    RDLogger.DisableLog("rdApp.*")
    rates = {}
    rates["parse"] = rate(count, lambda: [Chem.MolFromSmiles(s) for s in smiles])
    mols = [Chem.MolFromSmiles(s) for s in smiles]
    rates["canonical SMILES"] = rate(count, lambda: [Chem.MolToSmiles(m) for m in mols])
    with rdkit_messages():
        rates["standardise (parse to standard SMILES)"] = rate(
            count, lambda: [standardise(s) for s in smiles]
        )
        standard = [standardise(s).mol for s in smiles]
    rates["properties, all"] = rate(count, lambda: [properties(m) for m in standard])
    for name in ("CalcCrippenDescriptors", "CalcNumRotatableBonds", "CalcNumHBA", "CalcTPSA", "CalcNumHBD"):
        fresh = [Chem.MolFromSmiles(s) for s in smiles]
        function = getattr(rdMolDescriptors, name)
        rates[f"properties, {name}"] = rate(count, lambda f=function, ms=fresh: [f(m) for m in ms])
    return rates


def whole_builds(smiles: list[str]) -> dict[str, dict[str, float]]:
    """Return molecules per CPU second and per wall second of whole builds in one process."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.smi"
        path.write_text("".join(f"{s} M{n}\n" for n, s in enumerate(smiles)))
        for name, build in (
            ("build", lambda out: build_library(out, [path], workers=1, progress=False)),
            ("enumerate", lambda out: enumerate_library(out, limit=len(smiles), workers=1, progress=False)),
        ):
            wall, cpu = time.perf_counter(), time.process_time()
            build(Path(folder) / name)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            results[name] = {
                "per_cpu_second": round(len(smiles) / cpu, 1),
                "per_second": round(len(smiles) / wall, 1),
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
    parser.add_argument("--molecules", type=int, default=20_000)
    parser.add_argument("--file", type=Path, default=data / DEFAULT)
    options = parser.parse_args()
    smiles = first_molecules(options.file, options.molecules)
    result = {
        "what": "library build, one core",
        "date": datetime.date.today().isoformat(),
        "file": options.file.name,
        "molecules": len(smiles),
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "load": os.getloadavg()[0]},
        "versions": {
            "python": platform.python_version(),
            "rdkit": rdkit.__version__,
            "pyarrow": pyarrow.__version__,
        },
        "molecules_per_cpu_second": stages(smiles),
        "whole": whole_builds(smiles),
    }
    target = root / "benchmarks" / "results" / f"library-{result['date']}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
