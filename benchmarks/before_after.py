"""Two builds of docksieve beside each other: what imports, inference and a library build cost before and after.

    python benchmarks/before_after.py --before PYTHON --after PYTHON [--pairs 9] [--out FILE]

``PYTHON`` is the interpreter of an environment in which that build is installed. Each case runs in a new process of
either build, in turns (before, after, after, before, ...), and counts the processor seconds of that process, so that
other work on the machine weighs on both alike. A ratio is taken pair by pair; its median, and the interval of the
median by order statistics (about 95 % from nine pairs on), are given: above 1, the later build is slower.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from machine import provenance
from screening_input import REAL

IMPORTS = "import time; begun = time.process_time(); {}; print(time.process_time() - begun)"
INFERENCE = """
import os, sys, tempfile, time
os.environ["OMP_NUM_THREADS"] = "1"
from pathlib import Path
import docksieve, numpy as np
try:
    from docksieve.models.students.screen import screen_shard
except ImportError:
    from docksieve.models.predict import screen_shard
student = docksieve.load_bundle(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:
    out = [Path(folder) / name for name in ("p.parquet", "h.parquet", "l.parquet")]
    run = lambda: screen_shard(Path(sys.argv[2]), student, *out, threads=1, device="cpu")
    run()
    begun = time.process_time()
    for _ in range(3):
        run()
    print((time.process_time() - begun) / 3)
"""
BUILD = """
import sys, tempfile, time
from docksieve import build_library
with tempfile.TemporaryDirectory() as folder:
    build_library(folder + "/warm", [sys.argv[2]], workers=1, progress=False)
    begun = time.process_time()
    build_library(folder + "/library", [sys.argv[1]], workers=1, progress=False)
    print(time.process_time() - begun)
"""


def seconds(python: Path, code: str, *arguments: str) -> float:
    """Return the processor seconds that a new process of one build prints."""
    done = subprocess.run(
        [str(python), "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),
    )
    return float(done.stdout.split()[-1])


def compared(before: Path, after: Path, pairs: int, code: str, *arguments: str) -> dict[str, Any]:
    """Return the seconds of both builds, and the ratio of the pairs."""
    taken: dict[str, list[float]] = {"before": [], "after": []}
    for turn in range(pairs):
        order = [("before", before), ("after", after)]
        for name, python in order if turn % 2 == 0 else reversed(order):
            taken[name].append(seconds(python, code, *arguments))
    ratios = sorted(new / old for old, new in zip(taken["before"], taken["after"], strict=True))
    # The second smallest and largest of nine bound the median with 96 %.
    edge = max(0, round((pairs - 1.96 * pairs**0.5) / 2) - 1)
    return {
        "before_seconds": round(statistics.median(taken["before"]), 4),
        "after_seconds": round(statistics.median(taken["after"]), 4),
        "after_over_before": {
            "median": round(statistics.median(ratios), 3),
            "low": round(ratios[edge], 3),
            "high": round(ratios[-1 - edge], 3),
        },
        "pairs": pairs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--after", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument(
        "--student", type=Path, required=True, help="a student's bundle that both builds read"
    )
    parser.add_argument("--shard", type=Path, required=True, help="a shard of a library")
    parser.add_argument("--molecules", type=int, default=20_000, help="lines of the library build")
    parser.add_argument("--smiles", type=Path, default=REAL)
    parser.add_argument("--cases", nargs="+", default=[], help="how names of cases begin; all by default")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "before-after.json")
    options = parser.parse_args()
    about = provenance(("docksieve", "numpy", "numba", "torch", "rdkit"))
    known = json.loads(options.out.read_text())["cases"] if options.cases and options.out.exists() else {}
    results: dict[str, Any] = {**about, "cases": known}
    with tempfile.TemporaryDirectory() as folder:
        lines, few = Path(folder) / "lines.smi", Path(folder) / "few.smi"
        text = subprocess.run(
            ["gzip", "-dc", str(options.smiles)], check=True, capture_output=True, text=True
        ).stdout
        chosen = text.splitlines(keepends=True)[: options.molecules]
        lines.write_text("".join(chosen))
        few.write_text("".join(chosen[:200]))
        cases: dict[str, tuple[str, ...]] = {
            "import docksieve": (IMPORTS.format("import docksieve"),),
            "import of the inference path": (IMPORTS.format("import docksieve; docksieve.load_bundle"),),
            "student, shard to scores": (INFERENCE, str(options.student), str(options.shard)),
            "library build": (BUILD, str(lines), str(few)),
        }
        for name, (code, *arguments) in cases.items():
            if options.cases and not name.startswith(tuple(options.cases)):
                continue
            found = compared(options.before, options.after, options.pairs, code, *arguments)
            results["cases"][name] = found
            print(name, json.dumps(found), flush=True)
            options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
