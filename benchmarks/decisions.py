"""How often forecasts of the next batch come true: hits, improvements and the probability of success, on real scores.

Campaigns as in ``picked.py``. Before each batch from the second on, ``decide`` is asked about exactly the molecules
that are picked next: what is the probability of at least k hits (score in the best 1 % of the table; k = 5, 15, 30,
45 and 60 % of the batch), of a new best score, and which number of hits is to be expected (80 % interval).
``plain`` is what the teacher's mean and s.d. alone would say of the hits (normal, independent).

Forecasts of one campaign share their molecules, so that intervals of the reliability table are too narrow.

Example::

    python benchmarks/decisions.py --seeds 5
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from docksieve.screening.calibration.picked import Batch
from docksieve.screening.decisions.forecast import Criteria, decide
from docksieve.screening.decisions.scoring import brier, reliability_table
from machine import provenance
from picked import FLAT, GROUPS, campaigns
from scipy.stats import norm

SHARES = (0.05, 0.15, 0.3, 0.45, 0.6)
DRAWS = 600


def forecasts(
    name: str, scores: np.ndarray, seed: int, rounds: list[tuple[Batch, Batch]]
) -> list[dict[str, Any]]:
    """Return forecasts and what came of them, for the second and later batches of a campaign."""
    limit = float(np.nanquantile(scores, 0.01))
    resolution = 0.01 if name in FLAT and name != "sEH flat" else 0.1
    first = rounds[0][1].docked
    found = []
    for number in range(1, len(rounds)):
        past, batch = [item for item, _ in rounds[:number]], rounds[number][0]
        seen = np.concatenate([first, *(item.docked for item in past)])
        lost = float(np.isnan(np.concatenate([item.docked for item in past])).mean())
        hits = int((batch.docked <= limit).sum())
        best = float(np.nanmin(seen))
        for share in SHARES:
            needed = max(1, int(share * len(batch.mean)))
            answer = decide(
                batch.mean, batch.sd, past, Criteria(limit, hits=needed), [len(batch.mean)],
                best=best, seconds_each=1.0, seed=seed, failed=lost, resolution=resolution, draws=DRAWS,
            )  # fmt: skip
            if not answer.outlooks:
                continue
            outlook = answer.outlooks[0]
            entry = {"round": number + 1, "success": outlook.success, "came": hits >= needed}
            if share == SHARES[0]:
                chance = norm.cdf((limit - batch.mean) / batch.sd)
                half = 1.2816 * float(np.sqrt((chance * (1 - chance)).sum())) + 0.5
                entry |= {
                    "improves": outlook.improves,
                    "improved": bool(np.nanmin(batch.docked) < best),
                    "hits": hits,
                    "expected": outlook.hits,
                    "inside": bool(outlook.hits_low <= hits <= outlook.hits_high),
                    "plain": float(chance.sum()),
                    "plain_inside": bool(abs(hits - chance.sum()) <= half),
                }
            found.append(entry)
    return found


def judged(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return scores and reliability tables of forecasts."""
    result: dict[str, Any] = {}
    for forecast, outcome in (("success", "came"), ("improves", "improved")):
        pairs = [(item[forecast], item[outcome]) for item in entries if forecast in item]
        chance, came = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
        table = [dataclasses.asdict(line) for line in reliability_table(chance, came, 5)]
        result[forecast] = {**dataclasses.asdict(brier(chance, came, 5)), "table": table}
    counted = [item for item in entries if "hits" in item]
    result["hits"] = {
        "batches": len(counted),
        "inside_80": float(np.mean([item["inside"] for item in counted])),
        "inside_80_plain": float(np.mean([item["plain_inside"] for item in counted])),
        "found": int(sum(item["hits"] for item in counted)),
        "expected": float(sum(item["expected"] for item in counted)),
        "plain": float(sum(item["plain"] for item in counted)),
    }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--group", choices=sorted(GROUPS), default="development")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="folder with campaigns of picked.py")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "decisions.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    entries: list[dict[str, Any]] = []
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    for name in GROUPS[arguments.group]:
        scores, found = campaigns(name, seeds, arguments.cache)
        for seed, rounds in zip(seeds, found, strict=True):
            entries += forecasts(name, scores, seed, rounds)
        print(name, flush=True)
    results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    results[f"{arguments.group}, seeds {seeds[0]} to {seeds[-1]}"] = {
        "tables": list(GROUPS[arguments.group]),
        "second round": judged([item for item in entries if item["round"] == 2]),
        "third round and later": judged([item for item in entries if item["round"] > 2]),
        **provenance(),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results[f"{arguments.group}, seeds {seeds[0]} to {seeds[-1]}"], indent=1))


if __name__ == "__main__":
    main()
