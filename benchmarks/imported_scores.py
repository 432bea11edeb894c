"""How often imported scores are called suspicious: honest ones, and foreign ones, against trained teachers.

A campaign that docked 100 or 300 random molecules of a table, its teacher, and imports of the rest of the table:
random, the best, the best predicted, the longest, the shortest, the same molecules docked again (noise of 0.5 and 0.85
standard deviations: another search seed, another conformer too); and of shuffled scores, other units, signs,
affinities, another kinase (JAK2 and LCK, the same molecules), and other receptors with other molecules.

    python benchmarks/imported_scores.py SHARED_DATA/scores --out benchmarks/results/imported_scores.json
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow.feather as feather
import pyarrow.parquet as pq
from docksieve.models.teachers.focus import drawn_like
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import TrainingData
from docksieve.workflows.retraining.agreement import Known, agreement
from rdkit import Chem, RDLogger

KINASES = ("JAK2", "LCK")
OTHERS = 4000
"""Molecules of a table that may be imported."""
Table = dict[str, float]


def tables(folder: Path) -> dict[str, Table]:
    """Return score by canonical SMILES of five receptors, all by Vina but D4's by DOCK 3.7."""
    raw: dict[str, list[tuple[str, float]]] = {}
    for name in KINASES:
        with gzip.open(folder / f"dockstring_zinc15k_{name}_vina.tsv.gz", "rt") as handle:
            rows = [row for row in csv.reader(handle, delimiter="\t") if len(row) > 2 and row[2]]
        raw[name] = [(row[1], float(row[2])) for row in rows]
    with gzip.open(folder / "molpal_enamine10k_scores_4unn_vina.csv.gz", "rt") as handle:
        raw["4UNN"] = [(row["smiles"], float(row["score"])) for row in csv.DictReader(handle) if row["score"]]
    for name, table in (
        ("D4", pq.read_table(folder / "brutal_dock_D4_zinc15_9.6k_dock37.parquet")),
        ("SEH", feather.read_table(folder / "brutal_dock_sEH4JNC_zinc20_30k_vina.feather")),
    ):
        columns = (table[column].to_pylist() for column in ("smiles", "dockscore"))
        raw[name] = [pair for pair in zip(*columns, strict=True) if pair[1] is not None]
    found: dict[str, Table] = {}
    for name, pairs in raw.items():
        readable = ((Chem.MolFromSmiles(text), score) for text, score in pairs)
        found[name] = {Chem.MolToSmiles(mol): score for mol, score in readable if mol is not None}
    return found


class Rates:
    """Counts how often each kind of import was tried, and which rules fired."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.fired: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, kind: str, rules: list[str]) -> None:
        """Count one import."""
        self.tried[kind] += 1
        self.fired[kind].update(["any"] if rules else [])
        self.fired[kind].update(rules)

    def to_json(self) -> dict[str, dict[str, int]]:
        """Return the counts by kind."""
        return {kind: {"imports": count, **self.fired[kind]} for kind, count in self.tried.items()}


def trial(found: dict[str, Table], name: str, size: int, draw: int, rates: Rates) -> None:
    """Train the teacher of one campaign and offer it everything."""
    pool = [text for text in found[name] if name not in KINASES or all(text in found[k] for k in KINASES)]
    scores = np.array([found[name][text] for text in pool])
    order = np.random.default_rng([draw, size]).permutation(len(pool))
    sample, rest = order[:size], order[size : size + OTHERS]
    learned = sample[size // 10 :]
    data = TrainingData([pool[row] for row in learned], [name], scores[learned], [True])
    teacher = train_teacher(data, seed=draw)
    foreign = [(text, found[k][text]) for k in ("4UNN", "JAK2") if k != name for text in list(found[k])[::5]]
    asked = teacher.predict([pool[row] for row in rest] + [text for text, _ in foreign], standard=True)
    mean, spread = asked.mean[:, 0].astype(float), asked.spread[:, 0].astype(float)
    drawn = bool(teacher.report["focus"][name]["drawn_together"])
    docked = scores[sample]
    error = teacher.report["targets"][name]["rmse"]["value"]
    if drawn:
        error *= scores[learned].std() / drawn_like(scores[learned], scores[learned], True).std()
    generator = np.random.default_rng([size, draw])

    def offer(
        kind: str, imported: np.ndarray, places: np.ndarray | None, own: np.ndarray | None = None
    ) -> None:
        nothing = np.full(len(imported), np.nan)
        known = Known(
            nothing if own is None else own,
            nothing if places is None else mean[places],
            nothing if places is None else spread[places],
            drawn_like(imported, scores[learned], True) if drawn else imported,
            docked,
            error,
        )
        result = agreement(imported, known, True, name)
        rates.add(kind, [f"{item.rule}, {item.level}" for item in result.findings])

    truth = scores[rest]
    length = np.array([len(pool[row]) for row in rest])
    some = generator.permutation(len(rest))
    for kind, places in (
        ("50 random", some[:50]), ("500 random", some[:500]), ("best 100", np.argsort(truth)[:100]),
        ("best 30", np.argsort(truth)[:30]), ("best 100 predicted", np.argsort(mean[: len(rest)])[:100]),
        ("longest 200", np.argsort(-length)[:200]), ("shortest 200", np.argsort(length)[:200]),
    ):  # fmt: skip
        offer(f"honest: {kind}", truth[places], places)
    for noise in (0.5, 0.85):
        for count in sorted({30, 100, size}):
            again = generator.permutation(size)[:count]
            error_of_docking = noise * scores.std() * generator.standard_t(5, count) * np.sqrt(3 / 5)
            offer(
                f"honest: {count} docked again, noise {noise}",
                docked[again] + error_of_docking,
                None,
                docked[again],
            )
    for count in (100, 500):
        offer(f"foreign: {count} shuffled", generator.permutation(truth[some[:count]]), some[:count])
    offer("foreign: 4 to 7", generator.uniform(4, 7, 500), some[:500])
    offer("foreign: other sign", -truth[some[:500]], some[:500])
    scaled = truth[some[:500]] * 0.12 - 2 if name == "D4" else truth[some[:500]] * 5
    offer(f"foreign: {'Vina' if name == 'D4' else 'DOCK'}'s scale, same ranks", scaled, some[:500])
    places = generator.permutation(len(foreign))[:500]
    to = "DOCK" if name == "D4" else "Vina"
    values = np.array([score for _, score in foreign])[places]
    offer(f"foreign: Vina, other receptor and library, to {to}", values, len(rest) + places)
    if name in KINASES:
        other = np.array([found[KINASES[name == "JAK2"]][text] for text in pool])
        for count in sorted({30, 100, size}):
            again = generator.permutation(size)[:count]
            offer(f"foreign: other kinase, {count} docked twice", other[sample][again], None, docked[again])
        offer("foreign: other kinase, none docked twice", other[rest][some[:500]], some[:500])


def main() -> None:
    """Run all trials and write the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=3)
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    found, rates = tables(arguments.folder), Rates()
    for draw in range(arguments.draws):
        for size in (100, 300):
            for name in found:
                trial(found, name, size, draw, rates)
        counts = {"draws": draw + 1, "counts": rates.to_json()}
        arguments.out.write_text(json.dumps(counts, indent=1) + "\n")


if __name__ == "__main__":
    main()
