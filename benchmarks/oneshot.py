"""A surrogate as a one-shot prefilter: how much of the best is kept when only a fraction is docked.

For each table and seed, the molecules with a score are put in random order. The last ones, as many as the largest
training set leaves, are the library that nobody has docked; the first 100, 300, 1,000 ... are docked and teach.
The training sets of one seed are nested, and all are judged on the same molecules. Reported, as means and
standard deviations over seeds:

- ``recall``: share of the best 0.1 % and 1 % that is found when the best x by prediction are docked, counted as the
  multiset of their scores (``scores``: any molecule as good as the last of them will do) and as the very molecules
  that a stable sort puts first (``molecules``);
- ``needed``: the fraction to dock for 90, 95 and 99 % of them (``scores``);
- ``res``: integral of the regression enrichment surface (0.001 to 1, logarithmic axes); ``surface``: its points;
- ``bedroc`` (of the best 1 %, alpha 20) and ``spearman``.

Example::

    python benchmarks/oneshot.py --tables molpal_enamine10k --models kernel --seeds 3 --plots plots
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from docksieve.data.seeds import derive_seed
from docksieve.models.fingerprints import featurise
from docksieve.models.regressors.registry import registered
from docksieve.models.settings import KernelSettings, TeacherSettings
from docksieve.screening.metrics import virtual_screening as metrics
from machine import provenance
from retrospective import TIES, Model, docksieve_model, molpal_forest, molpal_network, pair_bits
from score_tables import load_table

SIZES = (100, 300, 1_000, 3_000, 10_000)
BEST = (0.001, 0.01)
KEPT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
WANTED = (0.9, 0.95, 0.99)
LEAST_LIBRARY = 0.3
"""Share of a table that no training set may eat into: it is what recall is measured on."""


def judge(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Return every figure of one model on one library; scores are lower-is-better."""
    order = np.argsort(predicted, kind="stable")
    result: dict[str, Any] = {"recall": {}, "needed": {}}
    for best in BEST:
        count = max(1, round(best * len(truth)))
        found = [
            metrics.top_k_found(truth, order[: max(1, round(kept * len(truth)))], count) for kept in KEPT
        ]
        result["recall"][f"{best:g}"] = {
            way: [item[way] for item in found] for way in ("scores", "molecules")
        }
        depths = score_depths(truth[order], count)
        result["needed"][f"{best:g}"] = {
            f"{wanted:g}": float(depths[int(np.ceil(wanted * count - 1e-9)) - 1] / len(truth))
            for wanted in WANTED
        }
    surface = metrics.enrichment_surface(truth, predicted)
    result["surface"] = surface.surface
    result |= {
        "res": surface.integral,
        "bedroc": metrics.bedroc_at(truth, predicted, 0.01),
        "spearman": metrics.spearman(truth, predicted),
    }
    return result


def score_depths(ranked: np.ndarray, count: int) -> np.ndarray:
    """Return how many must be docked, in the order given, to have 1, 2 ... ``count`` of the best scores' multiset."""
    limit = np.sort(ranked)[count - 1]
    better = np.flatnonzero(ranked < limit)
    level = np.flatnonzero(ranked == limit)[: count - len(better)]
    return np.sort(np.concatenate([better, level])) + 1


def averaged(runs: list[Any]) -> Any:
    """Return mean and standard deviation over runs of equally shaped results."""
    if isinstance(runs[0], dict):
        return {key: averaged([run[key] for run in runs]) for key in runs[0]}
    values = np.array(runs, float)
    spread = values.std(axis=0, ddof=1) if len(runs) > 1 else np.full(values.shape[1:], np.nan)
    return {
        "mean": values.mean(axis=0).round(5).tolist(),
        "sd": np.where(np.isnan(spread), None, spread.round(5)).tolist(),
    }


def run_table(
    model: Model, scores: np.ndarray, sizes: list[int], seeds: int, most: int | None
) -> dict[str, Any]:
    """Return the learning curve of one model on one table."""
    curve: dict[str, Any] = {}
    runs: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes}
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    for seed in range(seeds):
        order = np.random.default_rng(derive_seed(seed, "oneshot")).permutation(len(scores))
        library = np.sort(order[sizes[-1] :][:most])
        for size in sizes:
            train, started = np.sort(order[:size]), time.process_time()
            predicted = model(train, scores[train], library, derive_seed(seed, "model", size))
            seconds[size].append(time.process_time() - started)
            runs[size].append(judge(scores[library], predicted))
    for size in sizes:
        entry, took = averaged(runs[size]), float(np.mean(seconds[size]))
        curve[str(size)] = {**entry, "cpu_seconds": took}
        at = KEPT.index(0.05)
        print(
            f"    {size:6d} docked: best 1 % in 5 % kept {entry['recall']['0.01']['scores']['mean'][at]:.3f}, "
            f"RES {entry['res']['mean']:.3f}, Spearman {entry['spearman']['mean']:.3f} ({took:.0f} CPU s)",
            flush=True,
        )
    return curve


def plot(name: str, table: dict[str, Any], folder: Path) -> None:
    """Draw recall against the fraction docked, the learning curve and the surface of the largest training set."""
    from matplotlib.figure import Figure

    for kind, curve in table["models"].items():
        figure = Figure(figsize=(13, 4), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        for size, entry in curve.items():
            left.plot(
                KEPT, entry["recall"]["0.01"]["scores"]["mean"], marker=".", label=f"{size} docked to learn"
            )
        left.set(
            xscale="log", xlabel="fraction docked", ylabel="recall of the best 1 % (scores)", ylim=(0, 1.02)
        )
        left.legend()
        sizes = [int(size) for size in curve]
        for best in BEST:
            means, sds = (
                [entry["needed"][f"{best:g}"]["0.95"][key] or 0 for entry in curve.values()]
                for key in ("mean", "sd")
            )
            middle.errorbar(sizes, means, sds, marker="o", capsize=3, label=f"best {100 * best:g} %")
        middle.set(
            xscale="log", yscale="log", xlabel="docked to learn", ylabel="fraction to dock for 95 % recall"
        )
        middle.legend()
        surface = np.array(curve[str(sizes[-1])]["surface"]["mean"])
        shares = np.geomspace(1e-3, 1, len(surface))
        image = right.pcolormesh(shares, shares, surface.T, vmin=0, vmax=1, shading="nearest")
        right.set(
            xscale="log",
            yscale="log",
            xlabel="kept by prediction",
            ylabel="truly best",
            title=f"RES, {sizes[-1]} docked",
        )
        figure.colorbar(image, ax=right)
        figure.suptitle(f"{name}, {kind}")
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / f"oneshot-{Path(name).stem}-{kind}.png", dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--tables", nargs="+", default=["molpal_enamine10k"], help="files, or beginnings of names"
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=["kernel"],
        help="teachers by name, 'inducing' (the kernel, never exact), rf or nn (MolPAL's)",
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="docked to learn")
    parser.add_argument("--library", type=int, help="at most so many molecules are judged on")
    parser.add_argument("--higher-is-better", action="store_true")
    parser.add_argument("--plots", type=Path, help="folder for a PNG per table and model")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "oneshot.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {
        "protocol": {"kept": KEPT, "best": BEST, "seeds": arguments.seeds, "counted": ["scores", "molecules"]},
        "ties": TIES,
        **provenance(),
        "tables": {},
    }  # fmt: skip
    for name in arguments.tables:
        smiles, scores = load_table(name)
        known = np.flatnonzero(np.isfinite(scores))
        smiles, scores = (
            [smiles[row] for row in known],
            scores[known] * (-1 if arguments.higher_is_better else 1),
        )
        sizes = sorted(size for size in set(arguments.sizes) if size <= (1 - LEAST_LIBRARY) * len(scores))
        if not sizes:
            raise SystemExit(
                f"{name} has {len(scores)} scores: too few to learn from {min(arguments.sizes)} of them."
            )
        print(
            f"{name}: {len(scores)} scored molecules, {len(scores) - sizes[-1]} of them the library",
            flush=True,
        )
        library = min(len(scores) - sizes[-1], arguments.library or len(scores))
        table: dict[str, Any] = {"molecules": len(scores), "library": library, "models": {}}
        features = featurise(smiles, TeacherSettings().fingerprints)
        for kind in arguments.models:
            if kind in registered():
                model = docksieve_model(kind, features)
            elif kind == "inducing":
                model = docksieve_model(
                    "kernel", features, TeacherSettings(kernel=KernelSettings(max_exact=10))
                )
            elif kind in ("rf", "nn"):
                model = (molpal_forest if kind == "rf" else molpal_network)(pair_bits(smiles))
            else:
                raise SystemExit(f"Unknown model {kind!r}; known: {', '.join([*registered(), 'rf', 'nn'])}.")
            print(f"  {kind}", flush=True)
            table["models"][kind] = run_table(model, scores, sizes, arguments.seeds, arguments.library)
            results["tables"][name] = table
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(json.dumps(results) + "\n")
        if arguments.plots:
            plot(name, table, arguments.plots)


if __name__ == "__main__":
    main()
