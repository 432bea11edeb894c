"""What the margins of the depth model would be if they were chosen without the kind of table that they are used on.

The trials that ``promises.py`` has stored, and simulated libraries, are replayed for a grid of margins: ``CAUTION``
(the part of the confidence's normal deviate that is asked for) and the scale of the doubt. For each kind of table in
turn, the margins are chosen on the other kinds and the simulations: the narrowest cuts (geometric mean of cut / least)
of those that keep the confidence in every cell of at least ``FEWEST`` promises. Reported is
how they do on the kind that was left out, what all kinds together choose, and how the margins as shipped do.

Example::

    python benchmarks/promise_margins.py --cache promise-trials --trials 200
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from docksieve.screening.cuts.cut import CutGoal
from docksieve.screening.cuts.depth_model import CAUTION, WIDEST, docked_for, obstacles
from docksieve.screening.cuts.depth_tails import DOUBT, Doubt, chance, depths, regress_tails
from machine import provenance
from promise_simulation import drawn
from promises import needed
from scipy.special import ndtr, ndtri
from scipy.stats import binomtest

GROUPS = {
    "Enamine": ("enamine10k", "enamine50k", "enamine_amides"),
    "ZINC, JAK2 and LCK": ("zinc_JAK2", "zinc_LCK", "JAK2_minus_LCK"),
    "D4, DOCK 3.7": ("D4_dock37", "D4_bell"),
    "sEH": ("sEH", "sEH_bell"),
    "Glide": ("glide",),
    "D4, generated": ("D4_generated",),
    "Mpro, DOCK 6": ("mpro_dock6",),
}
COPULAS = ("t5", "mixed", "growing")
SCALES = (1.0, 2.0, 3.0)
CAUTIONS = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0)
GOALS = tuple(CutGoal(recall, 0.01, 0.95) for recall in (0.8, 0.9, 0.95))
DEPTHS = np.arange(-1.3, 3.2, 0.2)
FEWEST = 20
Cells = dict[tuple[str, int, float], list[tuple[float, np.ndarray]]]
"""Per table, docked and recall: what each trial needed, and its cut for every scale and caution (NaN: refused)."""


def replay(
    cells: Cells,
    key: tuple[str, int],
    truth: np.ndarray,
    depth: np.ndarray,
    rows: int,
    least: list[float],
    seed: int,
) -> None:
    """Add a trial."""
    tails = [regress_tails(truth, depth, GOALS[0].best, seed, Doubt(scale=scale)) for scale in SCALES]
    for goal, need in zip(GOALS, least, strict=True):
        if len(truth) < docked_for(goal):
            continue
        best_rows, cuts = round(goal.best * rows), np.full((len(SCALES), len(CAUTIONS)), np.nan)
        if not obstacles(tails[0], goal, len(truth), best_rows, 0.0):
            wanted = ndtr(np.array(CAUTIONS) * ndtri(goal.confidence))
            for index, those in enumerate(tails):
                curve = np.array([chance(those, at, goal.best, best_rows, goal.recall) for at in DEPTHS])
                curve = np.maximum.accumulate(curve[::-1])  # rises as the cut gets deeper
                cuts[index] = ndtr(-np.interp(wanted, curve, DEPTHS[::-1], left=np.nan, right=DEPTHS[0]))
        cells.setdefault((*key, goal.recall), []).append((need, np.where(cuts <= WIDEST, cuts, np.nan)))


def tables(cells: Cells, folder: Path, size: int, trials: int) -> None:
    for name in (name for names in GROUPS.values() for name in names):
        path = folder / f"{name}-{size}.npz"
        if not path.exists():
            continue
        with np.load(path) as stored:
            arrays = {key: stored[key] for key in stored.files}
        for trial in range(min(trials, len(arrays["held"]))):
            truth, there = (arrays["scores"][arrays[part][trial]] for part in ("rows", "rest"))
            predicted = arrays["predicted"][trial].astype(float)
            ranked = there[np.argsort(predicted, kind="stable")]
            least = [needed(ranked, goal.best, goal.recall) for goal in GOALS]
            depth = depths(arrays["held"][trial].astype(float), np.sort(predicted))
            replay(cells, (name, size), truth, depth, len(predicted), least, trial)
        print(name, size, flush=True)


def simulations(cells: Cells, size: int, draws: int, rows: int = 20_000) -> None:
    for copula in COPULAS:
        for draw in range(draws):
            scores, predicted = drawn(np.random.default_rng(draw), copula, 0.75, rows)
            ranked = scores[size:][np.argsort(predicted[size:], kind="stable")]
            least = [needed(ranked, goal.best, goal.recall) for goal in GOALS]
            depth = depths(predicted[:size], np.sort(predicted[size:]))
            replay(cells, (copula, size), scores[:size], depth, rows - size, least, draw)
        print(copula, size, flush=True)


def judged(trials: list[tuple[float, np.ndarray]], place: tuple[int, int]) -> dict[str, float]:
    need = np.array([trial[0] for trial in trials])
    cut = np.array([trial[1][place] for trial in trials])
    printed = np.isfinite(cut)
    found: dict[str, float] = {"trials": len(need), "promised": int(printed.sum())}
    if printed.any():
        kept = int((cut[printed] >= need[printed] - 1e-12).sum())
        low = float(binomtest(kept, int(printed.sum())).proportion_ci(0.95, method="wilson").low)
        found |= {"kept": kept, "kept_low": low, "cut": float(np.median(cut[printed])),
                  "least": float(np.median(need[printed]))}  # fmt: skip
    return found


def chosen(cells: Cells, among: set[str]) -> tuple[int, int]:
    """Return the place in the grid of the narrowest margins that keep every cell; the widest if none does."""
    best = (np.inf, (len(SCALES) - 1, len(CAUTIONS) - 1))
    for place in np.ndindex(len(SCALES), len(CAUTIONS)):
        found = {key: judged(trials, place) for key, trials in cells.items() if key[0] in among}
        found = {key: entry for key, entry in found.items() if entry["promised"] >= FEWEST}
        if all(entry["kept"] >= GOALS[0].confidence * entry["promised"] for entry in found.values()):
            ratios = [
                np.log(entry["cut"] / entry["least"]) for key, entry in found.items() if key[0] not in COPULAS
            ]
            if ratios and np.mean(ratios) < best[0]:
                best = (float(np.mean(ratios)), place)
    return best[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=Path("promise-trials"), help="trials of promises.py")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 3_000])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "promise-margins.json"
    )
    arguments = parser.parse_args()
    cells: Cells = {}
    for size in arguments.sizes:
        tables(cells, arguments.cache, size, arguments.trials)
        simulations(cells, size, arguments.draws)
    known = {key[0] for key in cells}
    output: dict[str, Any] = {
        "grid": {"caution": CAUTIONS, "doubt_scale": SCALES, "fewest": FEWEST}, **provenance(), "left_out": []
    }  # fmt: skip
    shipped = (SCALES.index(DOUBT.scale), CAUTIONS.index(CAUTION))
    for group, names in {**GROUPS, "none": (), "as shipped": ()}.items():
        judged_on = (known & set(names)) if names else known
        if not judged_on:
            continue
        place = shipped if group == "as shipped" else chosen(cells, known - set(names))
        entry: dict[str, Any] = {"kind": group, "caution": CAUTIONS[place[1]], "doubt_scale": SCALES[place[0]],
                                 "cells": []}  # fmt: skip
        for (name, size, recall), trials in cells.items():
            if name in judged_on:
                cell = {"table": name, "docked": size, "recall": recall, **judged(trials, place)}
                entry["cells"].append(cell)
                print(group, entry["caution"], entry["doubt_scale"], json.dumps(cell), flush=True)
        output["left_out"].append(entry)
    arguments.out.write_text(json.dumps(output, indent=1) + "\n")


if __name__ == "__main__":
    main()
