"""From one SMILES file to a ranked list: molecules per core-second of docksieve and of others' ways, and their recall.

    python benchmarks/peers.py [--mordred FOLDER] [--chemprop PYTHON] [--work FOLDER]

All learn the same random scores of the Enamine 50k table (Vina, 4UNN) and are judged on the same other molecules: the
share of the best 1 % by docking found in the best 1 % and 5 % by prediction. The student is distilled from the
teacher on the rest of the table, of which it sees no docking score.

Rates count everything from opening the text file (SMILES as RDKit writes them, one a line; the table's molecules in
random order, again and again) to a file of the best 1 % in order with their SMILES: reading, features, model, ranking,
writing. Left out is what happens once, however many molecules: imports, loading of the model, compiled kernels; for
chemprop, which is a program of its own, the processor seconds of the same call on one molecule. Seconds are those of
the processor, of the process and its children, everything on one thread. All ways take turns, several passes each,
each pass on as many molecules as make the wanted seconds; the median counts. The student's way writes the text as
library shards first, screens these and ranks over all of them; the standardising of a library (``docksieve library
build``), done once per library for all campaigns, is in no rate, its own or others'.

*Naive loop*: a teacher of the same kind on RDKit's own fingerprints, featurised and asked for one molecule at a time
(``benchmarks/naive.py``). The teacher's rate is compared with it, as a whole and for the features alone.

``--mordred`` is a folder to which ``pip install --no-deps --target FOLDER mordredcommunity six`` went, unless it is
installed; without it, RDKit's own descriptors stand in, and are called so. ``--chemprop`` is the interpreter of an
environment that has chemprop; without it, chemprop is "not measured". What was trained is kept in ``--work``, and used
again. Results go to benchmarks/results/peers.json.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from docksieve.data.store import write_json
from docksieve.models.bundles.bundle import load_bundle, save_bundle
from docksieve.models.fingerprints import featurise
from docksieve.models.metrics import spearman
from docksieve.models.settings import FingerprintSettings, TeacherSettings
from docksieve.models.students.distill import distil_student
from docksieve.models.students.student import Student
from docksieve.models.teachers.teacher import Teacher
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData
from docksieve.screening.metrics.virtual_screening import top_k_found
from machine import PACKAGES, provenance
from naive import naive_scores, plain_features
from peer_chemprop import Chemprop
from peer_models import network_peers
from peer_ways import BEST, TARGET, Way, in_memory, student_way
from rdkit import Chem, rdBase
from scale import cpu_seconds
from score_tables import load_table
from threadpoolctl import threadpool_limits

KEPT = (0.01, 0.05)
FIRST = 10
"""Molecules of the first call of each way; the number grows from there until a pass takes long enough."""
GOALS = {"student_over_fastest_peer": 20.0, "teacher_over_naive_loop": 3.0}


def split(options: argparse.Namespace) -> dict[str, Any]:
    """Return SMILES and scores for training and test, and the unlabelled rest."""
    smiles, scores = load_table("molpal_enamine50k")
    with rdBase.BlockLogs():
        smiles = [Chem.CanonSmiles(text) for text in smiles]
    rows = np.random.default_rng(options.seed).permutation(np.flatnonzero(~np.isnan(scores)))
    train, test, rest = np.split(rows, [options.train, options.train + options.test])
    return {
        "train": [smiles[row] for row in train],
        "scores": scores[train],
        "test": [smiles[row] for row in test],
        "truth": scores[test],
        "rest": [smiles[row] for row in rest[: options.labels]],
    }


def docksieve_models(data: dict[str, Any], work: Path, seed: int) -> tuple[Teacher, Student, Teacher]:
    """Return the kernel teacher, its student of the default size, and the same kind of teacher on RDKit's fingerprints.

    They are trained unless ``work`` has them.
    """
    folders = [work / name for name in ("teacher", "student", "teacher-rdkit")]
    if not folders[2].exists():
        table = TrainingData(data["train"], [TARGET], data["scores"], [True])
        teacher = train_teacher(table, TeacherSettings(folds=2), seed=seed)
        save_bundle(teacher, folders[0])
        labels = teacher.predict(data["rest"], standard=True)
        student = distil_student(data["rest"], labels.mean, labels.spread, [TARGET], [True], seed=seed)
        save_bundle(student, folders[1])
        plain = TeacherSettings(folds=2, fingerprints=FingerprintSettings(toolkit="rdkit"))
        save_bundle(train_teacher(table, plain, seed=seed), folders[2])
    return tuple(load_bundle(folder) for folder in folders)


def recall(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Return what the best by prediction hold of the best by docking, counted by score and by molecule."""
    order, best = np.argsort(predicted, kind="stable"), max(1, round(BEST * len(truth)))
    result: dict[str, Any] = {
        "molecules": len(truth),
        "best": best,
        "spearman": round(spearman(truth, predicted.astype(float)), 4),
    }
    for kept in KEPT:
        found = top_k_found(truth, order[: max(1, round(kept * len(truth)))], best)
        result[f"kept_{100 * kept:g}_percent"] = {way: round(value, 4) for way, value in found.items()}
    return result


def ahead(truth: np.ndarray, ours: np.ndarray, theirs: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Return by how much our recall exceeds theirs (kept 5 %, by molecule), with its 95 % interval.

    The interval is a bootstrap over the truly best molecules, the same draw for both.
    """
    best = np.argsort(truth, kind="stable")[: max(1, round(BEST * len(truth)))]
    kept = round(KEPT[-1] * len(truth))
    found = [np.isin(best, np.argsort(scores, kind="stable")[:kept]) for scores in (ours, theirs)]
    difference = found[0].astype(float) - found[1]
    drawn = np.random.default_rng(seed).integers(0, len(best), (2_000, len(best)))
    low, high = np.quantile(difference[drawn].mean(axis=1), [0.025, 0.975])
    return {
        "difference": round(float(difference.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


def timed(way: Way, path: Path, count: int) -> float:
    """Return the processor seconds of one pass."""
    with tempfile.TemporaryDirectory(dir=path.parent) as out:
        begun = cpu_seconds()
        way(path, count, Path(out))
        return cpu_seconds() - begun


def rates(
    ways: dict[str, Way], starts: dict[str, float], path: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Return molecules per processor-second of every way, passes of all taking turns."""
    counts, passes = {}, {name: [] for name in ways}
    for name, way in ways.items():
        timed(way, path, FIRST)  # whatever is done once
        count, seconds = FIRST, 0.0
        while seconds < 0.15 * options.seconds and count < options.lines:
            count = min(8 * count, options.lines)
            seconds = timed(way, path, count) - starts.get(name, 0.0)
        counts[name] = min(options.lines, max(FIRST, int(count * options.seconds / seconds)))
    for _ in range(options.passes):
        for name, way in ways.items():
            seconds = timed(way, path, counts[name]) - starts.get(name, 0.0)
            passes[name].append(seconds)
            print(f"{name}: {counts[name] / seconds:,.0f} molecules per core-second", flush=True)
    return {
        name: {
            "molecules_per_core_second": round(counts[name] / statistics.median(found), 1),
            "least": round(counts[name] / max(found), 1),
            "most": round(counts[name] / min(found), 1),
            "molecules_per_pass": counts[name],
            "cpu_seconds": round(sum(found), 2),
            **({"start_left_out": round(starts[name], 2)} if name in starts else {}),
        }
        for name, found in passes.items()
    }


def write_file(data: dict[str, Any], path: Path, lines: int, seed: int) -> float:
    """Write the molecules in random order, again and again; return the mean length of a SMILES."""
    smiles = [*data["train"], *data["test"], *data["rest"]]
    order = np.random.default_rng(seed).permutation(len(smiles))
    with path.open("w") as handle:
        for start in range(0, lines, len(smiles)):
            handle.write("".join(f"{smiles[row]}\n" for row in order[: lines - start]))
    return sum(map(len, smiles)) / len(smiles)


def compare(result: dict[str, Any]) -> None:
    """Add the ratios and whether the goals were reached."""
    rate = {name: found["rate"]["molecules_per_core_second"] for name, found in result["ways"].items()}
    peers = [name for name in rate if name not in ("student", "teacher", "naive loop")]
    fastest = max(peers, key=lambda name: rate[name])
    found = {name: result["ways"][name]["recall"] for name in peers}
    whole = [name for name in peers if found[name]["molecules"] == result["judged_on"]]
    best = max(whole, key=lambda name: found[name]["kept_5_percent"]["molecules"])
    over = {name: round(rate["student"] / rate[name], 1) for name in [*peers, "teacher"]}
    teacher = round(rate["teacher"] / rate["naive loop"], 2)
    result["student_over"] = over
    result["goals"] = {
        "fastest_peer": fastest,
        "peer_of_best_recall": best,
        "student_over_fastest_peer": {
            "goal": GOALS["student_over_fastest_peer"],
            "measured": over[fastest],
            "reached": over[fastest] >= GOALS["student_over_fastest_peer"],
            "recall_ahead_of_fastest": result["ways"][fastest]["student_ahead"],
            "recall_ahead_of_best_peer": result["ways"][best]["student_ahead"],
        },
        "teacher_over_naive_loop": {
            "goal": GOALS["teacher_over_naive_loop"],
            "measured": teacher,
            "reached": teacher >= GOALS["teacher_over_naive_loop"],
        },
    }


def predicted(
    name: str, score: Callable[[list[str]], np.ndarray], data: dict[str, Any], work: Path
) -> np.ndarray:
    """Return predictions for the test molecules, made once."""
    path = work / f"test-{name}.npy"
    if not path.exists():
        np.save(path, score(data["test"]))
    return np.load(path)


def judge(
    name: str, scores: dict[str, np.ndarray], data: dict[str, Any], chosen: str | None = None
) -> dict[str, Any]:
    """Return the recall of a way, and how far the student is ahead on the same molecules."""
    ours, theirs = scores["student"], scores[chosen or name]
    known = len(theirs)
    found = {"recall": recall(data["truth"][:known], theirs)}
    if name != "student":
        found["student_ahead"] = ahead(data["truth"][:known], ours[:known], theirs)
    if known < len(ours):
        found["recall_of_student_on_these"] = recall(data["truth"][:known], ours[:known])
    return found


def prepare(data: dict[str, Any], options: argparse.Namespace) -> tuple[dict[str, Way], dict[str, Any], Any]:
    """Train everything that ``--work`` does not have; return the ways, what is known of them, and the teacher."""
    work, ways = options.work, {}
    teacher, student, plain = docksieve_models(data, work, options.seed)

    def taught(smiles: list[str]) -> np.ndarray:
        return teacher.predict(smiles, standard=True).mean[:, 0]

    scores = {
        "student": predicted("student", lambda smiles: student.predict(smiles).mean[:, 0], data, work),
        "teacher": predicted("teacher", taught, data, work),
    }
    known = {name: judge(name, scores, data) for name in scores}
    known["naive loop"] = {"recall": "not asked for: as the teacher's"}
    ways["student"] = student_way(student)
    ways["teacher"] = in_memory(taught)
    ways["naive loop"] = in_memory(lambda smiles: naive_scores(plain, smiles))
    if options.chemprop:
        chemprop = Chemprop(options.chemprop, work, options.epochs)
        chemprop.train(data["train"], data["scores"], options.seed)
        scores["chemprop"] = predicted("chemprop", chemprop.score, data, work)
        known["chemprop"] = judge("chemprop", scores, data)
        known["chemprop"].update(versions=chemprop.versions(), epochs=options.epochs)
        ways["chemprop"] = in_memory(chemprop.score, options.lines)  # it makes its own batches
    variants: dict[str, list[str]] = {}
    networks = network_peers(options.with_mordred)
    for name, peer in networks.items():
        path = work / f"{name}.safetensors"
        if path.exists():
            peer.load(path)
        else:
            peer.train(data["train"], data["scores"], options.seed)
            peer.save(path)
        some = options.descriptor_test if name in ("mordred", "rdkit-descriptors") else len(data["test"])
        scores[name] = predicted(f"{name}-{some}", lambda s, p=peer, n=some: p.score(s[:n]), data, work)
        variants.setdefault(name.removesuffix("-hits").removesuffix("-scores"), []).append(name)
        print(name, recall(data["truth"][:some], scores[name]), flush=True)
    for name, names in variants.items():
        found = {each: recall(data["truth"][: len(scores[each])], scores[each]) for each in names}
        chosen = max(names, key=lambda each: found[each]["kept_5_percent"]["molecules"])
        known[name] = judge(name, scores, data, chosen)
        if len(names) > 1:
            known[name].update(chosen=chosen, variants=found)
        ways[name] = in_memory(networks[chosen].score)
    return ways, known, chemprop if options.chemprop else None


def feature_rates(data: dict[str, Any], count: int) -> dict[str, float]:
    """Return molecules per core-second of the teacher's features: in batches, and one at a time."""
    compiled, plain = FingerprintSettings(), FingerprintSettings(toolkit="rdkit")
    smiles, found = data["test"][:count], {}
    for name, make in (
        ("compiled, standard SMILES", lambda: featurise(smiles, compiled, standard=True)),
        ("compiled, any SMILES", lambda: featurise(smiles, compiled)),
        ("RDKit in batches", lambda: featurise(smiles, plain)),
        ("RDKit, one at a time", lambda: [plain_features(text, plain) for text in smiles]),
    ):
        spent = []
        for _ in range(3):
            begun = cpu_seconds()
            make()
            spent.append(cpu_seconds() - begun)
        found[name] = round(len(smiles) / statistics.median(spent), 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=int, default=2_000, help="docking scores that all learn from")
    parser.add_argument("--test", type=int, default=20_000, help="molecules that all are judged on")
    parser.add_argument("--descriptor-test", type=int, help="fewer of them for the descriptors")
    parser.add_argument("--labels", type=int, default=50_000, help="at most so many labels for the student")
    parser.add_argument("--epochs", type=int, default=50, help="of chemprop")
    parser.add_argument("--seconds", type=float, default=7.0, help="processor seconds of a pass")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--lines", type=int, default=4_000_000, help="of the SMILES file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mordred", type=Path)
    parser.add_argument("--chemprop", type=Path)
    parser.add_argument("--work", type=Path, help="where models are kept; a temporary folder by default")
    parser.add_argument("--prepare", action="store_true", help="train and judge, measure no rates")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "peers.json")
    options = parser.parse_args()
    options.descriptor_test = options.descriptor_test or options.test
    if options.mordred:
        sys.path.append(str(options.mordred))
    options.with_mordred = importlib.util.find_spec("mordred") is not None
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")  # of children
    torch.set_num_threads(1)
    pa.set_cpu_count(1)
    with threadpool_limits(1), tempfile.TemporaryDirectory(prefix="docksieve-") as scratch:
        options.work = options.work or Path(scratch) / "work"
        options.work.mkdir(parents=True, exist_ok=True)
        run(options, Path(scratch) / "molecules.smi")


def run(options: argparse.Namespace, path: Path) -> None:
    data = split(options)
    ways, known, chemprop = prepare(data, options)
    if options.prepare:
        return
    length = write_file(data, path, options.lines, options.seed)
    starts = {"chemprop": chemprop.start(data["test"])} if chemprop else {}
    result: dict[str, Any] = {
        **provenance([*PACKAGES, "pyarrow", "mordredcommunity"]),
        "table": "molpal_enamine50k (Vina, 4UNN)",
        "learnt_from": options.train,
        "judged_on": len(data["test"]),
        "labels_of_the_student": len(data["rest"]),
        "passes": options.passes,
        "wanted_seconds_per_pass": options.seconds,
        "seed": options.seed,
        "mean_bytes_of_smiles": round(length, 1),
        "recall_counts": "share of the best 1 % by docking; ties as in benchmarks/retrospective.py",
    }
    found = rates(ways, starts, path, options)
    result["ways"] = {name: {"rate": found[name], **known[name]} for name in ways}
    if not chemprop:
        result["chemprop"] = "not measured"
    result["teacher_features"] = feature_rates(data, 2_000)
    compare(result)
    result["machine"]["load_average_after"] = [round(value, 1) for value in os.getloadavg()]
    write_json(options.out, result)
    print(json.dumps({"student_over": result["student_over"], **result["goals"]}, indent=1))


if __name__ == "__main__":
    main()
