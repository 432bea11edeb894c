"""What cross-validation says of a teacher with a source, and what is true, where both learned from the same molecules.

A source learns from one receptor's scores of a sample, a new teacher from another receptor's scores of the same sample
(as two campaigns with one seed had it), or of another sample. ``remembered``: the source is asked as it is;
``cross-validated``: it gives held-out predictions for what it learned from; ``other sample``: it had learned from
others.

    python benchmarks/source_memory.py SHARED_DATA/scores --out benchmarks/results/source_memory.json
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from pathlib import Path

import numpy as np
from docksieve.models.metrics import r2
from docksieve.models.prediction import HeldOut
from docksieve.models.settings import TeacherSettings
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData
from rdkit import Chem

SETTINGS = TeacherSettings(kind="kernel", focus="never")
JUDGED = 3000


def tables(folder: Path) -> tuple[list[str], np.ndarray]:
    """Return molecules and their scores for JAK2 and LCK, shape (n, 2)."""
    found: list[dict[str, float]] = []
    for name in ("JAK2", "LCK"):
        with gzip.open(folder / f"dockstring_zinc15k_{name}_vina.tsv.gz", "rt") as handle:
            rows = [row for row in csv.reader(handle, delimiter="\t") if len(row) > 2 and row[2]]
        found.append({Chem.CanonSmiles(row[1]): float(row[2]) for row in rows})
    both = sorted(set(found[0]) & set(found[1]))
    return both, np.array([[table[text] for table in found] for text in both])


def said_and_true(smiles: list[str], scores: np.ndarray, size: int, draw: int) -> dict[str, list[float]]:
    """Return for each way of asking the source the cross-validated r2 and that on molecules nobody learned from."""
    order = np.random.default_rng([draw, size]).permutation(len(smiles))
    same, other, judged = np.split(order[: 2 * size + JUDGED], [size, 2 * size])

    def learn(rows: np.ndarray, column: int, sources: tuple = ()) -> object:
        data = TrainingData([smiles[row] for row in rows], ["T"], scores[rows, column], [True])
        return train_teacher(data, SETTINGS, seed=draw, sources=sources)

    memory, elsewhere = learn(same, 0), learn(other, 0)
    forgetful = learn(same, 0)
    forgetful.held_out = HeldOut([], *(np.zeros((0, 1)) for _ in range(3)))
    result = {}
    for name, sources in (
        ("no source", ()),
        ("remembered", (forgetful,)),
        ("cross-validated", (memory,)),
        ("other sample", (elsewhere,)),
    ):
        teacher = learn(same, 1, sources)
        predicted = teacher.predict([smiles[row] for row in judged], standard=True).mean[:, 0].astype(float)
        result[name] = [teacher.report["targets"]["T"]["r2"]["value"], r2(scores[judged, 1], predicted)]
    return result


def main() -> None:
    """Run some draws and write means over them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100], help="molecules of the sample")
    arguments = parser.parse_args()
    smiles, scores = tables(arguments.folder)
    result: dict[str, dict[str, dict[str, float]]] = {}
    for size in arguments.sizes:
        drawn = [said_and_true(smiles, scores, size, draw) for draw in range(arguments.draws)]
        result[str(size)] = {
            name: {
                "said": float(np.mean([item[name][0] for item in drawn])),
                "true": float(np.mean([item[name][1] for item in drawn])),
                "sd of the difference": float(np.std([item[name][0] - item[name][1] for item in drawn])),
            }
            for name in drawn[0]
        }
        print(size, json.dumps(result[str(size)], indent=1), flush=True)
    arguments.out.write_text(json.dumps({"draws": arguments.draws, "r2": result}, indent=1) + "\n")


if __name__ == "__main__":
    main()
