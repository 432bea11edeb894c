"""Teachers side by side, each alone and stacked, and parts of the kernel left out: what the defaults rest on.

For every table, number of scores and seed, one ``auto`` teacher is trained on random molecules; its members are
then judged alone and together on other molecules, so that all see the same data. ``recall_1_at_5`` is the share
of the true best 1 % that is among the best 5 % by prediction.

With ``--parts``, the kernel teacher is fitted as it is and with parts or priors left out, all else equal;
``difference`` is to the whole, per molecules drawn (paired), with its standard error.

Examples::

    python benchmarks/ablation.py --tables molpal_enamine50k dockstring_zinc15k_JAK2 --sizes 1000 3000 --seeds 3
    python benchmarks/ablation.py --parts --tables molpal_enamine10k spacehasten --sizes 100 500 --seeds 5
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from docksieve.data.seeds import derive_seed
from docksieve.models.fingerprints import Features, featurise
from docksieve.models.metrics import r2, spearman
from docksieve.models.regressors import gaussian_process
from docksieve.models.regressors import marginal_likelihood as evidence
from docksieve.models.regressors.registry import regressor_class, stackable
from docksieve.models.regressors.regressor import FitContext
from docksieve.models.settings import TeacherSettings
from docksieve.models.teachers.teacher import Teacher
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData, clean
from machine import provenance
from score_tables import load_table

VARIANTS: dict[str, tuple[tuple[str, ...], dict[str, float]]] = {
    "whole": ((), {}),
    "no linear part": (("linear",), {}),
    "no smooth part": (("descriptors",), {}),
    "no descriptors": (("descriptors", "linear"), {}),
    "descriptors only": (("morgan1", "morgan2", "pair", "torsion"), {}),
    "no Morgan, radius 1": (("morgan1",), {}),
    "no Morgan": (("morgan1", "morgan2"), {}),
    "no atom pairs": (("pair",), {}),
    "no torsions": (("torsion",), {}),
    "priors ten times wider": ((), {"SPREAD": 10.0, "LENGTH_SPREAD": 5.0}),
    "nothing chosen": ((), {"SPREAD": 1e-4, "LENGTH_SPREAD": 1e-4}),
}
"""What is left out of the kernel, and what is changed of its priors."""
RECALLS = ((0.01, 0.01), (0.01, 0.05), (0.05, 0.05))


def recall(truth: np.ndarray, predicted: np.ndarray, best: float, kept: float) -> float:
    wanted = np.argsort(truth, kind="stable")[: round(best * len(truth))]
    chosen = np.argsort(predicted, kind="stable")[: round(kept * len(truth))]
    return float(np.isin(wanted, chosen).mean())


def judged(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    result = {"r2": r2(truth, predicted), "spearman": spearman(truth, predicted)}
    for best, kept in RECALLS:
        result[f"recall_{100 * best:g}_at_{100 * kept:g}"] = recall(truth, predicted, best, kept)
    return result


def compare(teacher: Teacher, data: TrainingData, smiles: list[str], truth: np.ndarray) -> dict[str, Any]:
    """Judge each kind of teacher alone, and the mixture. Kinds that the mixture dropped are fitted once more."""
    settings = teacher.settings
    asked = featurise(smiles, settings.fingerprints)
    models = {member.name: member.model for member in teacher.members}
    missing = [kind for kind in stackable() if kind not in models]
    if missing:
        table = clean(data, settings.min_scores)
        features = featurise(table.smiles, settings.fingerprints)
        scores = (table.scores - teacher.centre) / teacher.scale
        for kind in missing:
            context = FitContext(settings, derive_seed(teacher.seed, "teacher", kind), 1)
            models[kind] = regressor_class(kind).fit(features, scores, context)
    alone = {
        kind: model.predict(asked, 1)[0][:, 0] * teacher.scale[0] + teacher.centre[0]
        for kind, model in models.items()
    }
    mixture = teacher.predict(smiles)
    alone["auto"] = mixture.mean[:, 0].astype(float)
    result: dict[str, Any] = {name: judged(truth, predicted) for name, predicted in alone.items()}
    result["auto"]["rms_error_over_spread"] = float(
        np.sqrt((((mixture.mean - truth[:, None]) / mixture.spread) ** 2).mean())
    )
    return result


def one(smiles: list[str], scores: np.ndarray, size: int, tested: int, seed: int) -> dict[str, Any]:
    drawn = np.random.default_rng(derive_seed(seed, "ablation", size)).permutation(len(scores))
    train, test = drawn[:size], drawn[size : size + tested]
    data = TrainingData([smiles[row] for row in train], ["target"], scores[train], [True])
    begun = time.process_time()
    teacher = train_teacher(data, TeacherSettings(kind="auto"), seed=seed)
    spent = time.process_time() - begun
    return {
        "scores": size,
        "seed": seed,
        "weights": {member.name: float(member.weight[0]) for member in teacher.members},
        "choice": teacher.report["choice"],
        "coverage": teacher.report["calibration"]["coverage"]["target"],
        "cpu_seconds": spent,
        "fit_and_cross_validation_seconds": teacher.report["cost"]["seconds"],
        "judged": compare(teacher, data, [smiles[row] for row in test], scores[test]),
    }


def varied(name: str, features: Features, scores: np.ndarray, seed: int) -> Any:
    """Fit the kernel teacher with what ``name`` of ``VARIANTS`` leaves out or changes; ``scores`` are standardised."""
    without, constants = VARIANTS[name]
    context = FitContext(TeacherSettings(), seed, 1)
    with contextlib.ExitStack() as stack:
        for constant, value in constants.items():
            stack.enter_context(mock.patch.object(evidence, constant, value))
        chosen = mock.patch.object(
            gaussian_process, "choose", functools.partial(evidence.choose, without=without)
        )
        stack.enter_context(chosen)
        return regressor_class("kernel").fit(features, scores, context)


def parts_of(smiles: list[str], scores: np.ndarray, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of every variant, by number of scores."""
    features, result = featurise(smiles, TeacherSettings().fingerprints), {}
    for size in arguments.sizes:
        found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
        for seed in range(arguments.seeds):
            drawn = np.random.default_rng(derive_seed(seed, "ablation", size)).permutation(len(scores))
            train, test = np.sort(drawn[:size]), drawn[size : size + arguments.test]
            centre, scale = scores[train].mean(), scores[train].std()
            standard = (scores[train] - centre) / scale
            asked = features.take(test)
            for name in VARIANTS:
                model = varied(name, features.take(train), standard[:, None], seed)
                found[name].append(judged(scores[test], model.predict(asked, 1)[0][:, 0] * scale + centre))
        result[str(size)] = {}
        for name, runs in found.items():
            entry: dict[str, Any] = {"runs": runs}
            for key in runs[0]:
                values = np.array([run[key] for run in runs])
                difference = values - [run[key] for run in found["whole"]]
                error = difference.std(ddof=1) / len(runs) ** 0.5 if len(runs) > 1 else None
                entry[key] = {
                    "mean": values.mean(),
                    "sd": values.std(ddof=1) if len(runs) > 1 else None,
                    "difference": difference.mean(),
                    "standard_error": error,
                }
            result[str(size)][name] = entry
            print(
                f"  {size} {name:22s} {entry['r2']['mean']:.3f} {entry['recall_1_at_5']['mean']:.3f}",
                flush=True,
            )
    return result


def shown(runs: list[dict[str, Any]], size: int) -> str:
    lines = []
    chosen = [run for run in runs if run["scores"] == size]
    for name in sorted({name for run in chosen for name in run["judged"]}):
        rows = [run["judged"][name] for run in chosen if name in run["judged"]]
        cells = [
            f"{key} {np.mean([row[key] for row in rows]):.3f} +- {np.std([row[key] for row in rows]):.3f}"
            for key in rows[0]
        ]
        lines.append(f"  {size:5d} {name:7s} ({len(rows)}) {', '.join(cells)}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", action="store_true", help="parts of the kernel, not kinds of teacher")
    parser.add_argument("--tables", nargs="+", default=["molpal_enamine50k", "dockstring_zinc15k_JAK2"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 3_000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--test", type=int, default=4_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "ablation.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {
        **provenance(),
        "ties": "best molecules by a stable sort: the order of the draw settles ties",
        "tables": {name: [] for name in arguments.tables},
    }
    tables = {}
    for name in arguments.tables:
        smiles, scores = load_table(name)
        fine = np.flatnonzero(~np.isnan(scores))
        tables[name] = ([smiles[row] for row in fine], scores[fine])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    if arguments.parts:
        for name, table in tables.items():
            results["tables"][name] = parts_of(*table, arguments)
            arguments.out.write_text(json.dumps(results, indent=1) + "\n")
        return
    for seed in range(arguments.seeds):
        for name, table in tables.items():
            for size in arguments.sizes:
                results["tables"][name].append(one(*table, size, arguments.test, seed))
                arguments.out.write_text(json.dumps(results, indent=1) + "\n")
                print(f"{name}, seeds 0 to {seed}\n{shown(results['tables'][name], size)}", flush=True)


if __name__ == "__main__":
    main()
