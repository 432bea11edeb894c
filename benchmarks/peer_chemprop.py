"""chemprop as a peer of ``benchmarks/peers.py``: its own program, in an environment of its own.

Its RDKit differs from the one pinned here, so it is called, not imported; what it reads and writes are its own files.
"""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.csv as pacsv
from scale import cpu_seconds


class Chemprop:
    """chemprop's own program in its own environment: a D-MPNN of the default size, from training to prediction."""

    def __init__(self, python: Path, work: Path, epochs: int) -> None:
        self._program, self._work, self._epochs = python.parent / "chemprop", work / "chemprop", epochs
        self._python = python

    def _run(self, *arguments: str) -> None:
        call = [str(self._program), *arguments, "--accelerator", "cpu", "-n", "0", "-q"]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"chemprop failed:\n{done.stderr[-2000:]}")

    def train(self, smiles: Sequence[str], scores: np.ndarray, seed: int) -> None:
        """Train, a tenth of the molecules deciding on the best epoch."""
        if (self._work / "model_0" / "best.pt").exists():
            return
        table = self._work / "train.csv"
        table.parent.mkdir(parents=True, exist_ok=True)
        rows = [f"{text},{score}\n" for text, score in zip(smiles, scores, strict=True)]
        table.write_text("".join(["smiles,score\n", *rows]))
        sizes = ["--split-sizes", "0.9", "0.1", "0.0", "--data-seed", str(seed), "--pytorch-seed", str(seed)]
        self._run("train", "-i", str(table), "-o", str(self._work), "--epochs", str(self._epochs), *sizes)

    def score(self, smiles: Sequence[str]) -> np.ndarray:
        """Return predictions."""
        given, made = (self._work / name for name in ("given.csv", "made.csv"))
        given.write_text("\n".join(["smiles", *smiles, ""]))
        model = str(self._work / "model_0" / "best.pt")
        fast = "--use-cuikmolmaker-featurization"  # its compiled featuriser: the same scores, sooner
        self._run("predict", "-i", str(given), "-o", str(made), "--model-paths", model, fast)
        return pacsv.read_csv(made)["score"].to_numpy()

    def start(self, smiles: Sequence[str]) -> float:
        """Return the processor seconds of a call that predicts next to nothing, the median of three."""
        found = []
        for _ in range(3):
            begun = cpu_seconds()
            self.score(smiles[:1])
            found.append(cpu_seconds() - begun)
        return statistics.median(found)

    def versions(self) -> dict[str, str]:
        """Return the versions in its environment."""
        code = "import importlib.metadata as m, json; print(json.dumps({n: m.version(n) for n in"
        code += " ('chemprop', 'torch', 'rdkit', 'lightning')}))"
        done = subprocess.run([str(self._python), "-c", code], capture_output=True, text=True, check=True)
        return dict(json.loads(done.stdout))
