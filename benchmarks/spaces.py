"""Combinatorial spaces: products covered per core-second from building blocks to a ranked list, beside the student.

    python benchmarks/spaces.py [--cases amides ten-billion trillion] [--data FOLDER] [--out FILE]

``amides``: every amide of the acids and amines of ``ts_reagents`` (51.5 million products). Counted from the files of
building blocks to the ranked best 100,000 numbers: blocks checked and capped, fingerprints, training of the factor
model on the labels, search. Making and labelling the labels' products is given apart: a campaign does it whatever it
screens. The student scores an enumerated shard in the same run; the ratio is of products (or molecules) per
processor-second.

``ten-billion``: some 10^5 x 10^5 products, whose blocks are made by coupling those of ``ts_reagents``; from the files
of blocks to the best 10,000 by a trained factor model, delivered as molecules, by the clock on all cores.

``trillion``: quinazolinones of the 376 aminobenzoic acids with some 5.2 x 10^4 amines and as many acids, coupled
likewise: 10^12 products of three components. The factor model is random there, with pairs as strong as a trained
model's; with ``--hard``, the search is repeated with pairs three times as strong, and with windows of weight and polar
surface.

Teacher: 2,000 scores of MolPAL's Enamine 50k table. Labels: random products. Seconds are the processor's, of all
processes together.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from docksieve import TrainingData, train_teacher
from docksieve.data.spaces.build import build_space
from docksieve.data.spaces.space import Space
from docksieve.models.factors.factor_model import FactorModel
from docksieve.models.factors.settings import FactorSettings
from docksieve.models.factors.train import block_features, train_factor_model
from docksieve.models.settings import StudentSettings
from docksieve.models.students.screen import screen_shard
from docksieve.screening.spaces.conditions import SpaceConditions
from docksieve.screening.spaces.from_space import space_tables
from docksieve.screening.spaces.search import Found, search_space
from docksieve.workflows.tasks.factors import shard_tables
from machine import provenance
from score_tables import data_folder, load_table
from screening_input import REAL, molecules, random_student, write_shard

QUINAZOLINONE = (
    "[NH2:7][c:4]:[c:3][C:8](=[O:9])[OX2H1].[NX3;H2;!$(N~[!#6]);!$(N-[C,S]=[!#6]):6]-[#6:1].[#6:2]-[C:5](=O)-[OX2H1]"
    ">>[#6:2]-[c:5]1[n:7][c:4][c:3][c:8](=[O:9])[n:6]1-[#6:1]"
)
AMIDE = "[#6:5]-[C:1](=[O:2])-[OX2H1].[NX3;H1,H2;!$(N~[!#6]);!$(N-[C,S]=[!#6]):3]>>[#6:5]-[C:1](=[O:2])-[N:3]"


def spent() -> float:
    """Return the processor seconds of this process and those it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def timed(action: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return what ``action`` returns, and its seconds by processor and clock."""
    begun, clock = spent(), time.perf_counter()
    result = action()
    return result, {
        "core_seconds": round(spent() - begun, 2),
        "seconds": round(time.perf_counter() - clock, 2),
    }


def files(data: Path) -> dict[str, Path]:
    """Return the files of building blocks by name."""
    folder = data / "libraries" / "ts_reagents"
    return {
        "acids": folder / "carboxylic_acids_ok.smi",
        "amines": folder / "primary_amines_ok.smi",
        "aminobenzoic": folder / "aminobenzoic_ok.smi",
    }


def teacher_of(seed: int = 0) -> Any:
    """Return a teacher of 2,000 scores of Enamine 50k."""
    smiles, scores = load_table("molpal_enamine50k")
    known = np.flatnonzero(~np.isnan(scores))
    rows = np.random.default_rng(seed).choice(known, 2_000, replace=False)
    data = TrainingData([smiles[row] for row in rows], ("T",), scores[rows][:, None], (True,))
    return train_teacher(data, seed=seed)


def labels_of(space: Space, teacher: Any, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random products and what the teacher says of them; NaN where a product cannot be made."""
    rows = space.sample_rows(count, "benchmark", seed)
    means = [
        teacher.predict([text or "" for text in space.make(part).smiles], standard=True).mean
        for part in np.array_split(rows, max(1, count // 5_000))
    ]
    return rows, np.concatenate(means)


def agreement(space: Space, teacher: Any, model: FactorModel) -> dict[str, float]:
    """Return what share of the teacher's best of 20,000 other products is among the model's best."""
    judged, truth = labels_of(space, teacher, 20_000, 2)
    said = model.predict(*space.locate(judged))[:, 0]
    known = np.isfinite(truth[:, 0])
    order = np.argsort(said[known], kind="stable")
    kept = {}
    for best in (0.001, 0.01):
        top = set(np.argsort(truth[known, 0], kind="stable")[: round(best * known.sum())].tolist())
        for share in (2 * best, 5 * best):
            chosen = set(order[: round(share * known.sum())].tolist())
            kept[f"best {best:.1%} in {share:.1%}"] = round(len(top & chosen) / len(top), 3)
    return kept


def search(
    space: Space,
    model: FactorModel,
    count: int,
    threads: int,
    windows: Mapping[str, tuple[float, float]] | None = None,
) -> Found:
    """Return the best products of a whole space."""
    if windows:
        tables = space_tables(space, model.reactions)
        return search_space(tables, count, SpaceConditions(windows), threads=threads)
    whole = [shard_tables(model, shard, "T") for shard in space.shards]
    return search_space(whole, count, threads=threads, first=[shard.first_row for shard in space.shards])


def student_rate(folder: Path, count: int) -> float:
    """Return molecules per processor-second of the default student, from a shard to all scores on disk."""
    student, shard = random_student(StudentSettings()), folder / "shard.parquet"
    write_shard(shard, molecules(REAL, count, 0)[0])
    outputs = [folder / name for name in ("p.parquet", "h.parquet", "b.parquet")]
    best = 0.0
    for _ in range(3):
        _, taken = timed(lambda: screen_shard(shard, student, *outputs, threads=1, device="cpu"))
        best = max(best, count / taken["core_seconds"])
    return best


def amides(data: Path, folder: Path, labels: int) -> dict[str, Any]:
    """Return what covering every amide takes, and how true the factor model is."""
    offered = files(data)
    parts = {"amide": (AMIDE, [offered["acids"], offered["amines"]])}
    space, build = timed(lambda: build_space(folder / "amides", smarts=parts))
    teacher, training = timed(teacher_of)
    (rows, means), labelling = timed(lambda: labels_of(space, teacher, labels, 1))
    features, fingerprints = timed(lambda: block_features(space))
    (model, _), distilling = timed(
        lambda: train_factor_model(space, rows, means, ("T",), (True,), FactorSettings(), features=features)
    )
    found, searching = timed(lambda: search(space, model, 100_000, 1))
    kept = agreement(space, teacher, model)
    steps = {
        "build": build,
        "fingerprints": fingerprints,
        "distilling": distilling,
        "search for the best 100,000": searching,
    }
    rate = space.rows / sum(step["core_seconds"] for step in steps.values())
    student = student_rate(folder, 300_000)
    return {
        "products": space.rows,
        "steps": steps,
        "labels": {"count": labels, "teacher": training, "made and labelled": labelling},
        "spearman": model.report["fidelity"]["T"]["spearman"],
        "kept": kept,
        "evaluated": found.evaluated,
        "products_per_core_second": round(rate),
        "search_alone": round(space.rows / searching["core_seconds"]),
        "student_per_core_second": round(student),
        "ratio": round(rate / student, 1),
    }


def coupled(data: Path, left: str, right: str, count: int, seed: int) -> list[str]:
    """Return ``count`` amides of two files of building blocks, as lines of a file of blocks."""
    offered = files(data)
    with tempfile.TemporaryDirectory() as folder:
        parts = {"amide": (AMIDE, [offered[left], offered[right]])}
        space = build_space(Path(folder) / "space", smarts=parts)
        rows = space.sample_rows(min(count, space.rows), "blocks", seed)
        made = space.make(rows)
    return [
        f"{text} {left[0]}{right[0]}{row}"
        for text, row in zip(made.smiles, rows.tolist(), strict=True)
        if text
    ]


def random_model(space: Space, rank: int, seed: int, pair: float = 0.15) -> FactorModel:
    """Return a factor model with weights of a trained one's proportions, where no teacher is needed."""
    from docksieve.models.factors.factor_model import ReactionFactors
    from docksieve.models.factors.network import pairs_of

    generator = np.random.default_rng(seed)
    reactions = []
    for roles in space.blocks:
        single = tuple(generator.normal(0, 0.5, (len(role), 1)).astype(np.float32) for role in roles)
        pairs = {
            (one, other): tuple(
                generator.normal(0, pair, (len(roles[at]), 1, rank)).astype(np.float32) for at in (one, other)
            )
            for one, other in pairs_of(len(roles))
        }
        reactions.append(ReactionFactors(single, pairs))
    return FactorModel(tuple(reactions), ("T",), (True,), space.fingerprint, {})


def peak_gib() -> float:
    """Return the most memory that one process has used, this one or one that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(max(resource.getrusage(one).ru_maxrss for one in who) / 1024**2, 2)


def large(space: Space, model: FactorModel, threads: int, best: int = 10_000) -> dict[str, Any]:
    """Return what the best products of a large space take, made as molecules."""
    found, searching = timed(lambda: search(space, model, best, threads))
    made, making = timed(lambda: space.make(found.numbers))
    return {
        "products": space.rows,
        "evaluated": found.evaluated,
        "search": searching,
        "made": {"products": len(found.numbers), "problems": len(made.problems), **making},
        "distinct molecules": len(set(made.smiles) - {""}),
        "peak_gib": peak_gib(),
    }


def ten_billion(data: Path, folder: Path, blocks: int, labels: int, threads: int) -> dict[str, Any]:
    """Return what a space of two large roles takes, with a trained model."""
    lines = {
        "acids": coupled(data, "acids", "aminobenzoic", blocks, 1),
        "amines": coupled(data, "aminobenzoic", "amines", blocks, 2),
    }
    for role, text in lines.items():
        (folder / f"{role}.smi").write_text("\n".join(text) + "\n")
    parts = {"amide": (AMIDE, [folder / "acids.smi", folder / "amines.smi"])}
    space, build = timed(lambda: build_space(folder / "space", smarts=parts))
    print("build", build, flush=True)
    teacher = teacher_of()
    (rows, means), labelling = timed(lambda: labels_of(space, teacher, labels, 1))
    print("labels", labelling, flush=True)
    features, fingerprints = timed(lambda: block_features(space, threads))
    (model, _), distilling = timed(
        lambda: train_factor_model(
            space, rows, means, ("T",), (True,), FactorSettings(), features=features, threads=threads
        )
    )
    found = large(space, model, threads)
    steps = {"build": build, "fingerprints": fingerprints, "distilling": distilling}
    parts_of = [*steps.values(), found["search"], found["made"]]
    core, clock = (sum(step[name] for step in parts_of) for name in ("core_seconds", "seconds"))
    student = student_rate(folder, 300_000)
    rate = space.rows / core
    return {
        **steps,
        **found,
        "labels": {"count": labels, "made and labelled": labelling},
        "spearman": model.report["fidelity"]["T"]["spearman"],
        "kept": agreement(space, teacher, model),
        "in_all": {"core_seconds": round(core, 1), "seconds": round(clock, 1)},
        "products_per_core_second": round(rate),
        "student_per_core_second": round(student),
        "ratio": round(rate / student, 1),
        "ratio_with_labels": round(space.rows / (core + labelling["core_seconds"]) / student, 1),
    }


def trillion(data: Path, folder: Path, blocks: int, threads: int, hard: bool) -> dict[str, Any]:
    """Return what a space of three components takes: random models of two strengths, with and without windows."""
    lines = {
        "acids": coupled(data, "acids", "aminobenzoic", blocks, 3),
        "amines": coupled(data, "aminobenzoic", "amines", blocks, 4),
    }
    for role, text in lines.items():
        (folder / f"{role}.smi").write_text("\n".join(text) + "\n")
    own = [files(data)["aminobenzoic"], folder / "amines.smi", folder / "acids.smi"]
    space, build = timed(
        lambda: build_space(folder / "space", smarts={"quinazolinone": (QUINAZOLINONE, own)})
    )
    print("build", build, space.rows, flush=True)
    result = {
        "build": build,
        "sizes": [len(role) for role in space.blocks[0]],
        **large(space, random_model(space, 32, 0), threads),
    }
    if not hard:
        return result
    windows = {"weight": (0.0, 600.0), "tpsa": (0.0, 140.0)}
    for name, pair, asked in (("windows", 0.15, windows), ("pairs three times as strong", 0.26, None)):
        model = random_model(space, 32, 0, pair)
        found, taken = timed(lambda: search(space, model, 10_000, threads, asked))  # noqa: B023 - run at once
        result[name] = {**taken, "evaluated": found.evaluated, "found": len(found.numbers)}
        print(name, result[name], flush=True)
    return {**result, "peak_gib": peak_gib()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", default=["amides", "ten-billion", "trillion"])
    parser.add_argument("--data", type=Path, default=data_folder())
    parser.add_argument("--labels", type=int, default=100_000)
    parser.add_argument("--blocks", type=int, default=100_000, help="of each role of ten-billion")
    parser.add_argument(
        "--trillion-blocks", type=int, default=60_000, help="offered as acids, and as amines, of trillion"
    )
    parser.add_argument("--hard", action="store_true", help="harder searches of trillion too")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "spaces.json")
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {"cases": {}}
    for case in options.cases:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if case == "amides":
                found = amides(options.data, folder, options.labels)
            elif case == "ten-billion":
                found = ten_billion(options.data, folder, options.blocks, options.labels, options.threads)
            elif case == "trillion":
                found = trillion(options.data, folder, options.trillion_blocks, options.threads, options.hard)
            else:
                raise SystemExit(f"Unknown case {case!r}.")
        results["cases"][case] = {**found, **provenance()}
        print(case, json.dumps(found), flush=True)
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
