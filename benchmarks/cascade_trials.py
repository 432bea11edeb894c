"""Both stages of a cascade together on known tables: a distilled student, then its teacher.

A trial of ``promise_trials.py`` (n docked, the kernel teacher with ``focus = "auto"``, its predictions of all others)
goes on: a student is distilled from the teacher's predictions of the share ``LABELS`` of the others and checked on
``CHECKS`` more. The rest is the library: what the student's cut lets through and the teacher's cut keeps of it is
compared with the recall and confidence asked for, for several ways to share out recall and risk between the two
(``SHARES``: the student's part of the loss and of the risk; ``plan`` is :func:`plan_cascade`, as a campaign calls it).

Example::

    python benchmarks/cascade_trials.py --tables enamine10k zinc_JAK2 D4_dock37 --trials 60
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from docksieve.data.seeds import derive_seed
from docksieve.models.settings import StudentSettings
from docksieve.models.students.distill import distil_student
from docksieve.screening.cuts.cascade import plan_cascade, share_out, vouched_cut
from docksieve.screening.cuts.cut import CutGoal
from machine import provenance
from promise_trials import cached, kind_of, molecules
from promises import judged
from rdkit import Chem
from scipy import stats

LABELS, CHECKS = 0.4, 0.25
"""Shares of the molecules that are not docked."""
GOALS = tuple(CutGoal(recall, 0.02, 0.95) for recall in (0.9, 0.95))
SHARES = {"even": (0.5, 0.5), "third": (0.3, 0.1), "tenth": (0.1, 0.1)}


def drawn(name: str, docked: int, trials: int, folder: Path) -> Path:
    """Return the file with the trials of a table, made if it is not there."""
    path = folder / f"cascade-{name}-{docked}.npz"
    if path.exists():
        return path
    begun = time.process_time()
    with np.load(cached(name, docked, trials, folder)[0]) as stored:
        arrays = {key: stored[key] for key in ("held", "predicted", "rows", "rest", "scores")}
    texts = np.array(
        [text for text in molecules(name, len(arrays["scores"]))[0] if Chem.MolFromSmiles(text)], dtype=object
    )
    if len(texts) != len(arrays["scores"]):
        raise SystemExit(f"{path}: the trials of {name} are of other rows; delete them")
    scores, found = arrays["scores"], dict[str, list[np.ndarray]]()
    for index in range(trials):
        rest, predicted = arrays["rest"][index], arrays["predicted"][index]
        order = np.random.default_rng(derive_seed(index, "cascade", name, docked)).permutation(len(rest))
        taught, checked, library = np.split(
            order, np.cumsum([round(LABELS * len(rest)), round(CHECKS * len(rest))])
        )
        student = distil_student(
            texts[rest[taught]].tolist(), predicted[taught], None, ["target"], [True],
            StudentSettings(spread=False), index,
        )  # fmt: skip
        imitated = student.predict(texts[rest[np.concatenate([checked, library])]].tolist()).mean[:, 0]
        for key, values in {
            "truth": scores[arrays["rows"][index]], "held": arrays["held"][index],
            "checked": predicted[checked], "checked_student": imitated[: len(checked)],
            "scores": scores[rest[library]], "predicted": predicted[library],
            "student": imitated[len(checked) :],
        }.items():  # fmt: skip
            found.setdefault(key, []).append(np.asarray(values, np.float64))
    np.savez(path, **{key: np.stack(values) for key, values in found.items()})
    print(f"{name}: {trials} trials in {time.process_time() - begun:.0f} CPU s", flush=True)
    return path


def examine(path: Path, name: str, docked: int, trials: int) -> list[dict[str, Any]]:
    """Return per goal and way to share out how often the cascade was promised and kept, and what it kept."""
    with np.load(path) as stored:
        found = {key: stored[key][:trials] for key in stored.files}
    count = len(found["held"])
    pairs = zip(found["checked"], found["checked_student"], strict=True)
    agreement = np.mean([stats.spearmanr(*pair)[0] for pair in pairs])
    each = [{key: values[trial] for key, values in found.items()} for trial in range(count)]
    entries = []
    for goal in GOALS:
        for way in [*SHARES, "plan"]:
            results = [_trial(arrays, goal, way, trial) for trial, arrays in enumerate(each)]
            printed = [result for result in results if result["promised"]]
            cut = np.array([result["recall"] if result["promised"] else np.nan for result in results])
            entry = {
                "table": name, "kind": kind_of(name), "docked": docked, "recall": goal.recall, "best": goal.best,
                "way": way, "library": found["scores"].shape[1], "fidelity": float(agreement),
                **judged(cut, np.full(count, goal.recall - 1e-9)),
            }  # fmt: skip
            for key in ("cut", "least"):  # recalls here, told below
                entry.pop(key, None)
            for key in ("teacher_promised", "student_promised"):
                entry[key] = float(np.mean([result[key] for result in results]))
            if printed:
                for key in ("teacher", "student", "recall_found", "student_recall"):
                    entry[key] = float(np.median([result[key] for result in printed]))
            entries.append(entry)
            print(json.dumps(entry), flush=True)
    return entries


def _trial(arrays: dict[str, np.ndarray], goal: CutGoal, way: str, seed: int) -> dict[str, Any]:
    rows = len(arrays["scores"])
    docked, labelled = (arrays["truth"], arrays["held"]), (arrays["checked"], arrays["checked_student"])
    predicted, student = arrays["predicted"], arrays["student"]
    if way == "plan":
        cuts = plan_cascade(goal, docked, labelled, (predicted, student), seed=seed, rows=rows)
        teacher_cut, student_cut = cuts.teacher, cuts.student
    else:
        asked, wanted = share_out(goal, *SHARES[way])
        teacher_cut = vouched_cut(*docked, asked, seed, True, predicted, rows)
        wanted = CutGoal(wanted.recall, max(teacher_cut.fraction, 1e-12), wanted.confidence)
        student_cut = vouched_cut(*labelled, wanted, seed + 1, True, student, rows)
    let_through = student <= student_cut.threshold
    kept = let_through & (predicted <= teacher_cut.threshold)
    count = max(1, round(goal.best * rows))
    limit = np.sort(arrays["scores"])[count - 1]
    best = arrays["scores"] <= limit
    return {
        "promised": teacher_cut.promised and student_cut.promised,
        "teacher_promised": teacher_cut.promised, "student_promised": student_cut.promised,
        "recall": min(1.0, float((best & kept).sum() / count)), "recall_found": float((best & kept).sum() / best.sum()),
        "student_recall": float((best & let_through).sum() / best.sum()),
        "teacher": teacher_cut.fraction, "student": student_cut.fraction,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="+", default=["enamine10k", "zinc_JAK2", "D4_dock37"])
    parser.add_argument("--docked", type=int, default=1_000)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--cache", type=Path, default=Path("promise-trials"), help="folder for the trials")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "cascade-trials.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    output: dict[str, Any] = {
        "protocol": {"labels": LABELS, "checks": CHECKS, "shares": SHARES,
                     "threads": os.environ.get("OMP_NUM_THREADS")},
        **provenance(),
        "cells": [],
    }  # fmt: skip
    for name in arguments.tables:
        path = drawn(name, arguments.docked, arguments.trials, arguments.cache)
        output["cells"] += examine(path, name, arguments.docked, arguments.trials)
        arguments.out.write_text(json.dumps(output, indent=1) + "\n")


if __name__ == "__main__":
    main()
