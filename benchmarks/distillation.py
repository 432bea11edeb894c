"""Students of several sizes: fidelity to their teacher, recall of docking's best, and speed.

One kernel teacher is trained on random molecules of a table and labels others; students learn from these labels
and are judged on the rest. ``spellings`` is what becomes of a student's score when a molecule is written as
another SMILES string: the median standard deviation over random spellings, beside the student's error; the
library stores one standard form, so that no campaign meets it.

Example::

    python benchmarks/distillation.py --table molpal_enamine50k --scores 2000 --labels 30000
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ablation import judged, recall
from docksieve.data.seeds import derive_seed
from docksieve.models.settings import StudentSettings, TeacherSettings
from docksieve.models.students.distill import distil_student
from docksieve.models.students.student import Student
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData
from machine import provenance
from rdkit import Chem
from score_tables import load_table

SPELLINGS = 10
BEST = (0.001, 0.01, 0.05)
KEPT = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2)


def spellings(student: Student, smiles: list[str], wanted: np.ndarray) -> dict[str, float]:
    """Return how far the scores of random spellings of a molecule spread, beside the error of the student."""
    written = student.predict(smiles).mean[:, 0]
    spread = []
    for index, text in enumerate(smiles):
        mol = Chem.MolFromSmiles(text)
        others = list(Chem.MolToRandomSmilesVect(mol, SPELLINGS, randomSeed=index + 1))
        spread.append(float(student.predict(others).mean[:, 0].std()))
    return {
        "molecules": len(smiles),
        "median_sd_over_spellings": float(np.median(spread)),
        "sd_of_scores": float(written.std()),
        "rmse_to_teacher": float(np.sqrt(((written - wanted) ** 2).mean())),
    }


def recalls(truth: np.ndarray, predicted: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the recall of the best 0.1, 1 and 5 % for several shares kept."""
    return {
        f"{best:g}": {f"{kept:g}": recall(truth, predicted, best, kept) for kept in KEPT} for best in BEST
    }


def rate(student: Student, smiles: list[str]) -> float:
    """Return molecules per processor-second from SMILES in memory, encoding included, on one thread."""
    student.predict(smiles[:2_000])
    begun = time.process_time()
    student.predict(smiles)
    return len(smiles) / (time.process_time() - begun)


def sizes(names: list[str]) -> dict[str, StudentSettings]:
    known: dict[str, StudentSettings] = {
        "tiny": StudentSettings.named("tiny"),
        "width 64": StudentSettings(width=64),
        "default": StudentSettings(),
        "width 256": StudentSettings(width=256),
        "wide": StudentSettings.named("wide"),
    }
    return {name: known[name] for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", default="molpal_enamine50k")
    parser.add_argument("--scores", type=int, default=2_000)
    parser.add_argument("--labels", type=int, default=30_000)
    parser.add_argument("--test", type=int, default=17_000)
    parser.add_argument("--sizes", nargs="+", default=["tiny", "width 64", "default", "width 256", "wide"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "distillation.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    smiles, scores = load_table(arguments.table)
    fine = np.flatnonzero(~np.isnan(scores))
    drawn = np.random.default_rng(derive_seed(arguments.seed, "distillation")).permutation(fine)
    cuts = np.cumsum([arguments.scores, arguments.labels, arguments.test])
    docked, labelled, test = (part.tolist() for part in np.split(drawn, cuts)[:3])
    data = TrainingData([smiles[row] for row in docked], ["target"], scores[docked], [True])
    teacher = train_teacher(data, TeacherSettings(folds=2), seed=arguments.seed)
    labels = teacher.predict([smiles[row] for row in labelled])
    asked = [smiles[row] for row in test]
    taught = teacher.predict(asked)
    assert taught.novel is not None
    truth, own = scores[test], taught.mean[:, 0].astype(float)
    results: dict[str, Any] = {
        **provenance(),
        "ties": "best molecules by a stable sort: the order of the draw settles ties",
        "arguments": {key: value for key, value in vars(arguments).items() if key != "out"},
        "teacher": {**judged(truth, own), "recalls": recalls(truth, own)},
        "novel_share": float(taught.novel.mean()),
        "students": {},
    }
    if taught.novel.sum() >= 20:
        error = np.abs(own - truth)
        results["mean_error"] = {
            "novel": float(error[taught.novel].mean()), "others": float(error[~taught.novel].mean())
        }  # fmt: skip
    print(json.dumps({"teacher": results["teacher"]}), flush=True)
    for name, settings in sizes(arguments.sizes).items():
        begun = time.process_time()
        student = distil_student(
            [smiles[row] for row in labelled], labels.mean, labels.spread, ["target"], [True], settings,
            seed=arguments.seed,
        )  # fmt: skip
        seconds = time.process_time() - begun
        predicted = student.predict(asked).mean[:, 0].astype(float)
        results["students"][name] = {
            "settings": dataclasses.asdict(settings),
            "seconds_to_train": seconds,
            "docking": {**judged(truth, predicted), "recalls": recalls(truth, predicted)},
            "teacher": {**judged(own, predicted), "recalls": recalls(own, predicted)},
            "gate": student.report["gate"]["target"],
            "spellings": spellings(student, asked[:300], own[:300]),
            "molecules_per_cpu_second": rate(student, asked),
        }
        shown = {key: value for key, value in results["students"][name].items() if key != "settings"}
        print(name, json.dumps(shown), flush=True)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
