"""Whether the promises of the depth model are kept on simulated libraries that it is not made for.

Scores and predictions of a library of 20,000 (best 1 %) or 50,000 (best 0.1 %) are drawn from a copula; n of them are
docked, the depth model says what to keep of the others (order statistics are left aside), and what that keeps is
counted. Copulas: ``normal``; ``t5`` and ``t3`` (long joint tails); ``growing`` (errors that grow towards the best);
``mixed`` (of a tenth of the molecules the teacher knows nothing). A recall of 0.975 at 97.5 %
confidence is what a cascade asks of its teacher for 0.95 in all.

Example::

    python benchmarks/promise_simulation.py --draws 200
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from docksieve.screening.cuts.cut import CutGoal
from docksieve.screening.cuts.depth_model import WIDEST, docked_for, obstacles, promised_share
from docksieve.screening.cuts.depth_tails import depths, regress_tails
from machine import provenance
from promises import LIMITS

COPULAS = ("normal", "t5", "t3", "growing", "mixed")
CELLS = ((20_000, 0.01, (500, 1_000, 2_000)), (50_000, 0.001, (2_500, 5_000, 10_000)))
ASKED = ((0.8, 0.95), (0.9, 0.95), (0.95, 0.95), (0.95**0.5, 0.975))


def drawn(
    generator: np.random.Generator, copula: str, correlation: float, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and predictions, lower is better."""
    first, second = generator.standard_normal((2, rows))
    error = np.sqrt(1 - correlation**2) * second
    if copula == "growing":
        return first, correlation * first + error * np.exp(0.25 * np.clip(-first, -1, 3)) / 1.1
    second = correlation * first + error
    if copula.startswith("t"):
        freedom = float(copula[1:])
        common = np.sqrt(freedom / generator.chisquare(freedom, rows))
        return first * common, second * common
    if copula == "mixed":
        second = np.where(generator.random(rows) < 0.1, generator.standard_normal(rows), second)
    return first, second


def examine(copula: str, correlation: float, draws: int) -> list[dict[str, Any]]:
    """Return how often promises were printed and kept, per cell."""
    found: dict[tuple[float, ...], list[tuple[bool, bool, float, float]]] = {}
    for rows, best, sizes in CELLS:
        for draw in range(draws):
            scores, predictions = drawn(np.random.default_rng(draw), copula, correlation, rows)
            ordered = np.sort(predictions)
            for docked in sizes:
                count = round(best * (rows - docked))
                others = np.argpartition(scores[docked:], count)[:count]
                deep = np.sort(predictions[docked:][others])
                tails = regress_tails(scores[:docked], depths(predictions[:docked], ordered), best, draw)
                for recall, confidence in ASKED:
                    goal = CutGoal(recall, best, confidence)
                    if docked < docked_for(goal):
                        continue
                    place = deep[int(np.ceil(recall * count - 1e-9)) - 1]
                    least = float(np.searchsorted(ordered, place, side="right") / rows)
                    best_rows = round(best * rows)
                    cut = np.inf
                    if not obstacles(tails, goal, docked, best_rows, 0.0):
                        cut = promised_share(tails, goal, best_rows)
                    key = (docked, best, recall, confidence)
                    found.setdefault(key, []).append((cut <= WIDEST, cut >= least, cut, least))
    entries = []
    for (docked, best, recall, confidence), results in found.items():
        printed = [result for result in results if result[0]]
        entry = {"copula": copula, "correlation": correlation, "docked": docked, "best": best,
                 "recall": recall, "confidence": confidence, "draws": len(results),
                 "promised": len(printed) / len(results)}  # fmt: skip
        if printed:
            entry |= {"kept": float(np.mean([result[1] for result in printed])),
                      "cut": float(np.median([result[2] for result in printed])),
                      "least": float(np.median([result[3] for result in printed]))}  # fmt: skip
        entries.append(entry)
        print(json.dumps(entry), flush=True)
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--copulas", nargs="+", choices=COPULAS, default=COPULAS)
    parser.add_argument("--correlations", nargs="+", type=float, default=[0.75, 0.88])
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "promise-simulation.json"
    )
    arguments = parser.parse_args()
    output: dict[str, Any] = {"limits": LIMITS, **provenance(), "cells": []}
    for correlation in arguments.correlations:
        for copula in arguments.copulas:
            begun = time.process_time()
            output["cells"] += examine(copula, correlation, arguments.draws)
            arguments.out.write_text(json.dumps(output, indent=1) + "\n")
            print(copula, correlation, f"{time.process_time() - begun:.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
