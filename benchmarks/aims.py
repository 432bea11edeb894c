"""Aims over two targets, and failures foretold, on real tables: DOCKSTRING's JAK2 and LCK, 15,000 molecules.

A random part of the table stands for the library. ``FIRST`` molecules are docked for both targets, then ``ROUNDS``
batches of ``BATCH`` per target, the teacher trained anew before each. ``independent`` lets each target choose for
itself, greedily; the aims choose one batch for both. All spend the same number of dockings. Found are molecules
docked for either target (for an aim: for both), judged by both tables.

For failures, one target chooses by itself, with and without the model of failing; a failure is a molecule of the
table without a score.

Example::

    python benchmarks/aims.py --seeds 5
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from acquisition import Campaign
from docksieve.data.seeds import derive_seed
from docksieve.screening.acquisition.aims import FrontStream, Scale, combined
from docksieve.screening.acquisition.failing import learn_failures
from docksieve.screening.acquisition.functions import AcquisitionContext
from docksieve.screening.acquisition.stream import AcquisitionStream
from machine import provenance
from score_tables import load_table

FIRST, BATCH, ROUNDS, TOP = 300, 60, 3, 60
WAYS = ("independent", "selective", "worst_over", "pareto")


class Pair:
    """Two targets scored on the same molecules."""

    def __init__(self, molecules: int, names: tuple[str, str]) -> None:
        smiles, first = load_table(names[0])
        others, second = load_table(names[1])
        assert smiles == others
        rows = np.sort(
            np.random.default_rng(1).choice(len(smiles), min(molecules, len(smiles)), replace=False)
        )
        self.scores = np.column_stack([first[rows], second[rows]])
        self.smiles = [smiles[row] for row in rows]
        self.campaigns = [Campaign(self.smiles, self.scores[:, 0], "kernel")]
        self.campaigns.append(_with_scores(self.campaigns[0], self.scores[:, 1]))

    def predict(self, place: int, docked: np.ndarray, pool: np.ndarray, seed: int) -> tuple[Any, Any]:
        """Return mean and spread of the pool for one target, from what is docked for it."""
        known = docked[np.isfinite(self.scores[docked, place])]
        return self.campaigns[place].predict(known, pool, seed)

    def worth(self, kind: str) -> np.ndarray:
        """Return what molecules are truly worth to an aim; missing where a score is."""
        scales = [Scale.of(self.scores[:, place], True, True) for place in (0, 1)]
        good = np.column_stack([scale.goodness(self.scores[:, place]) for place, scale in enumerate(scales)])
        return combined(kind, good, np.zeros_like(good), scales[0].floor)[0]

    def run(self, way: str, seed: int) -> list[np.ndarray]:
        """Return what each target docks, one way."""
        count = len(self.smiles)
        first = np.random.default_rng(derive_seed(seed, "aims")).choice(count, FIRST, replace=False)
        docked = [first, first]
        for number in range(1, ROUNDS + 1):
            chosen = self.batch(way, docked, first, seed, number)
            docked = [np.concatenate([old, new]) for old, new in zip(docked, chosen, strict=True)]
        return docked

    def batch(
        self, way: str, docked: list[np.ndarray], first: np.ndarray, seed: int, number: int
    ) -> list[np.ndarray]:
        """Return the next batch of each target."""
        every = np.arange(len(self.smiles))
        model = derive_seed(seed, "model", number)
        told = [self.predict(place, docked[place], every, model) for place in (0, 1)]
        if way == "independent":
            chosen = []
            for place in (0, 1):
                stream = AcquisitionStream(
                    "greedy",
                    BATCH,
                    lower_is_better=True,
                    context=AcquisitionContext(),
                    seed=seed,
                    docked=docked[place],
                )
                stream.add(every, *told[place])
                chosen.append(stream.choose().rows)
            return chosen
        scales = [
            Scale.of(
                self.scores[first, place],
                True,
                way != "pareto",
                float(np.nanmin(self.scores[docked[place], place])),
            )
            for place in (0, 1)
        ]
        mean = np.column_stack([scale.goodness(told[place][0]) for place, scale in enumerate(scales)])
        spread = np.column_stack([told[place][1] / scale.width for place, scale in enumerate(scales)])
        if way == "pareto":
            ideal = np.array([scale.best for scale in scales])
            front = FrontStream("greedy", BATCH, ideal, 2.0, seed, docked[0])
            front.add(every, mean, spread)
            rows = front.choose().rows
        else:
            stream = AcquisitionStream(
                "greedy",
                BATCH,
                lower_is_better=False,
                context=AcquisitionContext(),
                seed=seed,
                docked=docked[0],
            )
            stream.add(every, *combined(way, mean, spread, scales[0].floor))
            rows = stream.choose().rows
        return [rows, rows]

    def figures(self, docked: list[np.ndarray]) -> dict[str, float]:
        """Return what was found, of the truly best ``TOP`` by each aim, and along the front."""
        found = np.unique(np.concatenate(docked))
        figures = {}
        for kind in ("selective", "worst_over"):
            worth = self.worth(kind)
            best = np.argsort(np.where(np.isnan(worth), -np.inf, worth), kind="stable")[::-1][:TOP]
            figures[kind] = len(np.intersect1d(found, best)) / TOP
            # A difference or a worst score is known only of what both targets have docked.
            figures[f"{kind}, docked for both"] = len(np.intersect1d(np.intersect1d(*docked), best)) / TOP
        apart = self.worth("selective")[np.intersect1d(*docked)]
        figures["margin of 1.5, docked for both"] = float((apart >= 1.5).sum())
        apart = self.worth("selective")[found]
        figures["margin of 1.5"] = float((apart >= 1.5).sum())
        figures["hypervolume"] = _area(-self.scores[found]) / _area(-self.scores)
        figures["dockings"] = float(sum(map(len, docked)))
        return figures

    def failures(self, avoid: bool, seed: int) -> dict[str, float]:
        """Return what one target's batches came to, with and without the model of failing."""
        every, scores = np.arange(len(self.smiles)), self.scores[:, 0]
        docked = np.random.default_rng(derive_seed(seed, "aims")).choice(len(every), FIRST, replace=False)
        usual = float(np.nanmedian(scores[docked]))
        failed, used = 0, 0
        for number in range(1, ROUNDS + 1):
            mean, spread = self.predict(0, docked, every, derive_seed(seed, "model", number))
            model = learn_failures([self.smiles[row] for row in docked], np.isnan(scores[docked]), seed)
            used += model.used
            stream = AcquisitionStream(
                "greedy",
                BATCH,
                lower_is_better=True,
                context=AcquisitionContext(),
                seed=seed,
                docked=docked,
                typical=usual,
            )

            def chance(places: np.ndarray, model: Any = model) -> np.ndarray:
                return np.asarray(model.chance([self.smiles[row] for row in places]))

            stream.add(every, mean, spread, chance if avoid and model.used else None)
            rows = stream.choose().rows
            failed += int(np.isnan(scores[rows]).sum())
            docked = np.concatenate([docked, rows])
        best = np.argsort(np.where(np.isnan(scores), np.inf, scores), kind="stable")[:TOP]
        return {
            "failed": float(failed),
            "picks": float(ROUNDS * BATCH),
            "rounds with a model": float(used),
            "found": len(np.intersect1d(docked, best)) / TOP,
        }


def _with_scores(campaign: Campaign, scores: np.ndarray) -> Campaign:
    """Return the campaign with other scores; features are shared."""
    other = object.__new__(Campaign)
    other.__dict__.update(campaign.__dict__, scores=scores)
    return other


def _area(points: np.ndarray) -> float:
    """Return the area that points dominate, above the medians of both targets."""
    points = points[np.isfinite(points).all(1)]
    origin = np.array([6.0, 6.0])  # about what the middle molecule scores
    inside = points[(points > origin).all(1)] - origin
    area, reached = 0.0, 0.0
    for x, y in inside[np.argsort(-inside[:, 0])]:
        area += x * max(0.0, y - reached)
        reached = max(reached, y)
    return area


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--molecules", type=int, default=6_000)
    parser.add_argument("--tables", nargs=2, default=["dockstring_zinc15k_JAK2", "dockstring_zinc15k_LCK"])
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=WAYS)
    parser.add_argument("--no-failures", action="store_true", help="leave out the comparison of failures")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "aims.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pair = Pair(arguments.molecules, tuple(arguments.tables))
    results: dict[str, Any] = {
        "protocol": {
            "first": FIRST, "batch": BATCH, "rounds": ROUNDS, "top": TOP, "seeds": arguments.seeds,
            "molecules": len(pair.smiles), "tables": arguments.tables,
        },
        **provenance(),
        "ways": {},
        "failures": {},
    }  # fmt: skip
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in arguments.ways}
    apart: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    for seed in range(arguments.seeds):
        for name, avoid in () if arguments.no_failures else (("without", False), ("with", True)):
            apart[name].append(pair.failures(avoid, seed))
        for way in arguments.ways:
            runs[way].append(pair.figures(pair.run(way, seed)))
        results["protocol"]["seeds"] = seed + 1
        results["ways"] = {way: _summary(each) for way, each in runs.items()}
        results["failures"] = {name: _summary(each) for name, each in apart.items() if each}
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")
        print(f"seed {seed}", flush=True)
    for kind in ("ways", "failures"):
        for name, figures in results[kind].items():
            shown = "  ".join(
                f"{key} {item['mean']:.3f} +- {item['sd'] or 0:.3f}"
                for key, item in figures.items()
                if key != "runs"
            )
            print(f"{name:12s} {shown}", flush=True)


def _summary(runs: list[dict[str, float]]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        key: {
            "mean": float(np.mean([run[key] for run in runs])),
            "sd": float(np.std([run[key] for run in runs], ddof=1)) if len(runs) > 1 else None,
        }
        for key in runs[0]
    }
    return {**figures, "runs": runs}


if __name__ == "__main__":
    main()
