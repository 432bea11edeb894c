"""Coverage of the intervals of picked molecules, before and after calibration on earlier batches.

MolPAL's protocol as in ``retrospective.py``: 1 % of the library at random, then five greedy batches of 1 %, the
kernel teacher trained afresh each time, its variance scaled on cross-validated errors as a campaign's teacher does.
``before`` is a normal distribution with the teacher's mean and s.d.; ``after`` is ``calibrate_picked`` on the
batches so far and the cross-validated first sample. Coverage is over the molecules of all seeds of a round.

The constants of ``screening/calibration/picked.py`` were chosen on the seeds 0 to 4 of the ``development`` tables (of
the generated molecules, another 10,000 than here); the ``unseen`` tables had no part in that. Molecules of a batch err
together: the coverage of five campaigns has a standard error of about three points at 68 % (``after_standard_error``).

Example::

    python benchmarks/picked.py --group development --seeds 5
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
from docksieve.models.teachers.calibration import scaling
from docksieve.models.teachers.stacking import cross_validate
from docksieve.screening.calibration.picked import Batch, calibrate_picked
from machine import provenance
from pyarrow import feather, parquet
from retrospective import BATCH, FIRST, ROUNDS
from scipy.stats import norm
from score_tables import data_folder, load_table

LEVELS = (0.68, 0.95)
FLAT = {
    "D4 flat": ("scores/brutal_dock_D4_zinc15_9.6k_dock37.parquet", "dockscore"),
    "sEH flat": ("scores/brutal_dock_sEH4JNC_zinc20_30k_vina.feather", "dockscore"),
    "D4 generated": ("messy/brutal_dock_D4_generated_47k_dock6.feather", "gridscore"),
}
GROUPS = {
    "development": ("molpal_enamine10k", "dockstring_zinc15k_JAK2", "dockstring_zinc15k_LCK", *FLAT),
    "unseen": ("brutal_dock_mpro6LZE", "spacehasten"),
}
MOST = 10_000
"""Rows of a flat table that are used, drawn at random; the first of repeated SMILES counts."""


def read(name: str) -> tuple[list[str], np.ndarray]:
    if name not in FLAT:
        return load_table(name)
    path, column = FLAT[name]
    reader = parquet.read_table if path.endswith("parquet") else feather.read_table
    table = reader(data_folder() / path)
    smiles, scores = table["smiles"].to_pylist(), table[column].to_numpy().astype(float)
    first = np.array(list({text: row for row, text in reversed(list(enumerate(smiles)))}.values()))
    drawn = np.random.default_rng(derive_seed("picked", name)).permutation(np.sort(first))[:MOST]
    return [smiles[row] for row in np.sort(drawn)], scores[np.sort(drawn)]


def predicted(
    features: Features, scores: np.ndarray, known: np.ndarray, pool: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and s.d. of the pool, and of the known molecules by models that did not see them."""
    settings, cls = TeacherSettings(), regressor_class("kernel")
    centre, scale = scores[known].mean(), max(scores[known].std(), 1e-9)
    standard, context = ((scores[known] - centre) / scale)[:, None], FitContext(settings, seed, threads=1)
    model = cls.fit(features.take(known), standard, context)
    folded = FitContext(settings, seed, 1, model.hyper)
    apart = cross_validate(cls, features.take(known), standard, folded)
    scaled = scaling(standard, apart)
    parts = []
    for mean, variance in (model.predict(features.take(pool), threads=1), apart):
        spread = np.sqrt(scaled["inflation"] * (variance + scaled["noise"]))
        parts += [mean[:, 0] * scale + centre, spread[:, 0] * scale]
    return parts[0], parts[1], parts[2], parts[3]


def campaign(features: Features, scores: np.ndarray, seed: int) -> list[tuple[Batch, Batch]]:
    """Return each round's picked molecules, and the first sample as cross-validated then."""
    count = len(scores)
    first = np.random.default_rng(derive_seed(seed, "retrospective")).choice(
        count, int(FIRST * count), replace=False
    )
    acquired, rounds = first, []
    for number in range(1, ROUNDS + 1):
        pool = np.setdiff1d(np.arange(count), acquired)
        known = np.sort(acquired[np.isfinite(scores[acquired])])
        mean, sd, held_mean, held_sd = predicted(
            features, scores, known, pool, derive_seed(seed, "model", number)
        )
        chosen = np.argsort(mean, kind="stable")[: int(BATCH * count)]
        random = np.isin(known, first)
        held_out = Batch(held_mean[random], held_sd[random], scores[known][random])
        rounds.append((Batch(mean[chosen], sd[chosen], scores[pool[chosen]]), held_out))
        acquired = np.concatenate([acquired, pool[chosen]])
    return rounds


def campaigns(
    name: str, seeds: range, cache: Path | None
) -> tuple[np.ndarray, list[list[tuple[Batch, Batch]]]]:
    """Return a table's scores and its campaigns; those that ``cache`` holds are not run again."""
    smiles, scores = read(name)
    features: Features | None = None
    found = []
    for seed in seeds:
        path = None if cache is None else cache / f"{name.replace(' ', '-')}-{seed}.npz"
        if path is None or not path.exists():
            features = featurise(smiles, TeacherSettings().fingerprints) if features is None else features
            rounds = campaign(features, np.where(features.valid, scores, np.nan), seed)
            parts = [array for pair in rounds for part in pair for array in (part.mean, part.sd, part.docked)]
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez(path, *parts)
        else:
            with np.load(path) as kept:
                parts = [kept[f"arr_{place}"] for place in range(6 * ROUNDS)]
            both = [Batch(*parts[place : place + 3]) for place in range(0, len(parts), 3)]
            rounds = list(zip(both[::2], both[1::2], strict=True))
        found.append(rounds)
    return scores, found


def judged(campaigns: list[list[tuple[Batch, Batch]]]) -> list[dict[str, Any]]:
    """Return coverage by round."""
    result = []
    for number in range(ROUNDS):
        z = np.concatenate([rounds[number][0].z for rounds in campaigns])
        entry: dict[str, Any] = {"round": number + 1, "molecules": len(z), "z_mean": float(z.mean())}
        entry["z_sd"] = float(z.std())
        found = [
            calibrate_picked([batch for batch, _ in rounds[:number]], rounds[number][1])
            for rounds in campaigns
        ]
        for level in LEVELS:
            after = [
                (item.coverage(rounds[number][0], level), len(rounds[number][0].z))
                for item, rounds in zip(found, campaigns, strict=True)
            ]
            entry[f"{level:.0%}"] = {
                "before": float((np.abs(z) <= norm.ppf((1 + level) / 2)).mean()),
                "after": float(np.average([a for a, _ in after], weights=[n for _, n in after])),
                "after_by_seed": [a for a, _ in after],
                "after_standard_error": float(np.std([a for a, _ in after], ddof=1) / len(after) ** 0.5),
            }
        entry["shift"] = float(np.mean([item.shift for item in found]))
        entry["inflation"] = float(np.mean([item.inflation for item in found]))
        result.append(entry)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--group", choices=sorted(GROUPS), default="development")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="folder that keeps campaigns, for the next benchmark")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "picked.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    key = f"{arguments.group}, seeds {seeds[0]} to {seeds[-1]}"
    results[key] = {"protocol": {"first": FIRST, "batch": BATCH, "rounds": ROUNDS}, "tables": {}}
    for name in GROUPS[arguments.group]:
        scores, found = campaigns(name, seeds, arguments.cache)
        rounds = judged(found)
        results[key]["tables"][name] = {"molecules": len(scores), "rounds": rounds}
        shown = "  ".join(
            f"{100 * r[f'{level:.0%}']['before']:.0f}->{100 * r[f'{level:.0%}']['after']:.0f}"
            for level in LEVELS
            for r in rounds
        )
        print(f"{name:26s} {shown}", flush=True)
        results[key].update(provenance())
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
