"""Ways of choosing compared: acquisition functions, epsilon-random and spread batches, by MolPAL's protocol.

As in ``retrospective.py`` (1 % of the library at random, then five batches of 1 %), with one teacher and every way of
choosing on the same first molecules. Reported is the share of the true best 1 % found, counted as scores and
as molecules, and how many Murcko scaffolds these are of.

Example::

    python benchmarks/acquisition.py --tables molpal_enamine10k --seeds 5
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from docksieve.data.seeds import derive_seed
from docksieve.models.fingerprints import Features, featurise
from docksieve.models.regressors.registry import regressor_class
from docksieve.models.regressors.regressor import FitContext
from docksieve.models.settings import TeacherSettings
from docksieve.models.teachers.focus import focused
from docksieve.screening.acquisition.acquire import ACQUISITIONS, AcquisitionContext, acquire
from docksieve.screening.chemistry.diversity import murcko_scaffold
from docksieve.screening.metrics.virtual_screening import top_k_found
from machine import provenance
from retrospective import BATCH, FIRST, ROUNDS, TIES
from score_tables import load_table

Way = dict[str, Any]
WAYS: list[Way] = [
    *[{"acquisition": name} for name in ACQUISITIONS],
    {"acquisition": "ucb", "beta": 0.5},
    {"acquisition": "greedy", "epsilon": 0.1},
    {"acquisition": "greedy", "diversity": "scaffold"},
    {"acquisition": "greedy", "diversity": "maxmin"},
]


class Campaign:
    """A table of scores, its molecules' features and scaffolds, and the teacher's settings."""

    def __init__(self, smiles: list[str], scores: np.ndarray, kind: str) -> None:
        self.smiles, self.scores, self.kind = smiles, scores, kind
        self.settings = TeacherSettings()
        self.features: Features = featurise(smiles, self.settings.fingerprints)
        self.scaffolds = np.array([murcko_scaffold(text) or "" for text in smiles], dtype=object)

    def predict(self, known: np.ndarray, pool: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and spread of the pool, in the unit of the scores."""
        known = np.sort(known)
        features = self.features.take(known)
        drawn = focused(self.scores[known, None], features, [True], self.settings, seed, threads=1)
        scores = drawn.scores[:, 0]
        centre, scale = scores.mean(), max(scores.std(), 1e-9)
        context = FitContext(self.settings, seed, threads=1)
        model = regressor_class(self.kind).fit(
            self.features.take(known), ((scores - centre) / scale)[:, None], context
        )
        mean, variance = model.predict(self.features.take(pool), threads=1)
        return mean[:, 0] * scale + centre, np.sqrt(variance[:, 0]) * scale

    def run(self, way: Way, seed: int, top: int) -> dict[str, Any]:
        """Choose ``ROUNDS`` batches one way."""
        count = len(self.scores)
        first = np.random.default_rng(derive_seed(seed, "retrospective"))
        acquired = first.choice(count, int(FIRST * count), replace=False)
        for number in range(1, ROUNDS + 1):
            pool = np.setdiff1d(np.arange(count), acquired)
            known = acquired[np.isfinite(self.scores[acquired])]
            mean, spread = self.predict(known, pool, derive_seed(seed, "model", number))
            chosen, _ = acquire(
                way["acquisition"],
                pool,
                mean,
                spread,
                int(BATCH * count),
                lower_is_better=True,
                context=AcquisitionContext(best=float(self.scores[known].min()), beta=way.get("beta", 2.0)),
                seed=derive_seed(seed, "acquire", number),
                epsilon=way.get("epsilon", 0.0),
                diversity=way.get("diversity", "none"),
                smiles=lambda places, pool=pool: [self.smiles[row] for row in pool[places]],
            )
            acquired = np.concatenate([acquired, pool[chosen]])
        ordered = np.argsort(np.where(np.isnan(self.scores), np.inf, self.scores), kind="stable")[:top]
        found = np.intersect1d(acquired, ordered)
        scaffolds = {"scaffolds_found": len(set(self.scaffolds[found]))}
        return {
            **top_k_found(self.scores, acquired, top),
            **scaffolds,
            "scaffolds_docked": len(set(self.scaffolds[acquired])),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="+", default=["molpal_enamine10k"])
    parser.add_argument("--model", default="kernel", help="a teacher by name")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--top", type=float, default=0.01, help="top-k as a share of the library")
    parser.add_argument("--higher-is-better", action="store_true")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "acquisition.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {
        "protocol": {"first": FIRST, "batch": BATCH, "rounds": ROUNDS, "seeds": arguments.seeds},
        "ties": TIES,
        **provenance(),
        "tables": {},
    }
    for name in arguments.tables:
        smiles, scores = load_table(name)
        campaign = Campaign(smiles, -scores if arguments.higher_is_better else scores, arguments.model)
        top = max(1, round(arguments.top * len(scores)))
        top = 50 * round(top / 50) if top >= 75 else top  # 100 of 10,560 and 500 of 50,240, as published
        print(f"{name}: {len(smiles)} molecules, top {top}, {arguments.model}", flush=True)
        rows = []
        for way in WAYS:
            runs = [campaign.run(way, seed, top) for seed in range(arguments.seeds)]
            figures = {
                key: {
                    "mean": float(np.mean([run[key] for run in runs])),
                    "sd": float(np.std([run[key] for run in runs], ddof=1)) if len(runs) > 1 else None,
                }
                for key in runs[0]
            }
            rows.append({**way, **figures, "runs": runs})
            label = " ".join(str(value) for value in way.values())
            shown = "  ".join(
                f"{key} {item['mean']:.3f} +- {item['sd'] or 0:.3f}" for key, item in figures.items()
            )
            print(f"  {label:18s} {shown}", flush=True)
        results["tables"][name] = {
            "molecules": len(smiles),
            "top": top,
            "model": arguments.model,
            "ways": rows,
        }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
