"""Active learning on tables of known docking scores, by MolPAL's protocol, beside MolPAL's own models.

Protocol (Graff, Shakhnovich, Coley, Chem. Sci. 12, 7866, 2021): 1 % of the library at random, then five greedy
batches of 1 %, the model trained afresh each time on all scores so far. Reported is the share of the true top-k
that was acquired (k = 1 % of the library, rounded as the paper has it: 100 of 10,560), counted in two ways:

- ``scores``: the multiset of top-k scores, as MolPAL counts (a score equal to the k-th is as good as it);
- ``molecules``: the very molecules that a stable sort puts first.

Ties: both ways of counting are reported. By scores, any of the molecules that tie with the k-th fills its place; by
molecules, the order of the table settles ties, so that whoever finds another of them gets nothing for it.

``worst`` is that of the worst seed. ``ahead`` compares every model with the two re-implementations: ``difference``
of the means of ``scores``, ``sd`` the root of the summed variances over seeds, ``in_sds`` their ratio, ``over_two``
whether it is above two.

Results are written after every model; models that the file has with the same number of seeds and settings are kept, not
run again.

Molecules without a score (failed dockings; MolPAL's unscored library rows, nearly all salts) stay in the pool as
MolPAL has it: acquiring one costs its place in the batch and teaches nothing.

The re-implementations follow MolPAL's published settings: atom pairs up to three bonds in 2,048 bits; a random
forest of 100 trees, depth 8; a network of two layers of 100 with ReLU, L2 0.01, Adam at 0.01, full batches of at most
4,096, 50 epochs, stopping on the last fifth of the scores (checked every second epoch, patience of five checks).

With ``--sources`` the teachers also know what earlier ones predict, as ``[teacher] sources`` has it: one teacher per
table named, trained on at most 10,000 of its scores, none of a molecule that the table in hand has too; a source most
of whose molecules it has (or all: itself) is not asked, and one that the evidence of the scores so far does not speak
for is left out of that round. That is more than the protocol allows, so such results stand apart: the same seeds begin
with the same molecules, and ``paired`` is the difference per seed to the runs without sources that ``--compare`` has.

Example::

    python benchmarks/retrospective.py --tables molpal_enamine10k --models kernel rf nn --seeds 5
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from docksieve.data.failed_scores import failures_written_as_scores
from docksieve.data.seeds import derive_seed
from docksieve.models.fingerprints import Features, featurise, read_molecules
from docksieve.models.regressors.registry import registered, regressor_class
from docksieve.models.regressors.regressor import FitContext
from docksieve.models.settings import TeacherSettings
from docksieve.models.teachers.focus import focused
from docksieve.models.teachers.sources import evidence_gains_by_source, keep_columns
from docksieve.screening.metrics.virtual_screening import top_k_found
from knowledge import with_sources
from machine import provenance
from rdkit import rdBase
from rdkit.Chem import rdMolDescriptors
from score_tables import load_table, sampled

FIRST, BATCH, ROUNDS = 0.01, 0.01, 5
TIES = "scores: any molecule that ties with the k-th counts; molecules: the table's order settles ties"
Model = Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]
"""(training rows, their scores, rows to predict, seed) -> predicted scores, lower is better."""


def plain(value: Any) -> Any:
    """Return ``value`` as it looks after a trip through JSON."""
    return json.loads(json.dumps(value))


def docksieve_model(
    kind: str, features: Features, settings: TeacherSettings | None = None, widths: Sequence[int] = ()
) -> Model:
    """A teacher's regression by its registered name, on fingerprints computed once.

    ``widths`` are the columns of the sources among the descriptors; as in a campaign, each is used where the
    evidence of the scores so far speaks for it.
    """
    settings = settings or TeacherSettings()
    cls = regressor_class(kind)

    def fit_predict(train: np.ndarray, scores: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        order = np.argsort(train)
        ordered = features.take(train[order])
        drawn = focused(scores[order, None], ordered, [True], settings, seed, threads=1).scores
        standard = (drawn - drawn.mean()) / max(drawn.std(), 1e-9)
        context = FitContext(settings, seed, threads=1)
        known = features
        if widths:
            gains = evidence_gains_by_source(features.take(train[order]), widths, standard, context)
            known = keep_columns(features, widths, [gain > 0 for gain in gains])
        model = cls.fit(known.take(train[order]), standard, context)
        return model.predict(known.take(rows), threads=1)[0][:, 0]

    return fit_predict


def paired(runs: list[dict[str, Any]], others: list[dict[str, Any]]) -> dict[str, Any]:
    """Return mean, standard error and number of the differences between runs of the same seeds."""
    before = {item["seed"]: item["scores"] for item in others}
    values = np.array([item["scores"] - before[item["seed"]] for item in runs if item["seed"] in before])
    if len(values) < 2:
        return {"seeds": len(values)}
    error = float(values.std(ddof=1) / len(values) ** 0.5)
    return {"seeds": len(values), "difference": float(values.mean()), "standard_error": error}


def mixture(models: list[Model]) -> Model:
    """The mean of several models' predictions: ``kernel+mlp``, say."""

    def fit_predict(train: np.ndarray, scores: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        return np.mean([model(train, scores, rows, seed) for model in models], axis=0)

    return models[0] if len(models) == 1 else fit_predict


def pair_bits(smiles: list[str]) -> np.ndarray:
    bits = np.zeros((len(smiles), 2048), np.float32)
    make = rdMolDescriptors.GetHashedAtomPairFingerprintAsBitVect
    with rdBase.BlockLogs():  # the old call, on purpose: it says so once for every molecule
        for row, mol in enumerate(read_molecules(smiles)):
            if mol is not None:
                bits[row, list(make(mol, nBits=2048, minLength=1, maxLength=3).GetOnBits())] = 1
    return bits


def molpal_forest(bits: np.ndarray) -> Model:
    from sklearn.ensemble import RandomForestRegressor

    def fit_predict(train: np.ndarray, scores: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        forest = RandomForestRegressor(n_estimators=100, max_depth=8, n_jobs=1, random_state=seed % 2**31)
        return forest.fit(bits[train], scores).predict(bits[rows])

    return fit_predict


def molpal_network(bits: np.ndarray) -> Model:
    def fit_predict(train: np.ndarray, scores: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
        torch.manual_seed(seed)
        layers = [torch.nn.Linear(2048, 100), torch.nn.Linear(100, 100), torch.nn.Linear(100, 1)]
        for layer in layers:
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
        inputs = torch.from_numpy(bits[train])
        wanted = torch.from_numpy(((scores - scores.mean()) / max(scores.std(), 1e-9)).astype(np.float32))
        cut = int(len(train) * 0.8)
        optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
        best, waited, kept = np.inf, 0, {name: value.clone() for name, value in network.state_dict().items()}
        for epoch in range(50):
            for part in torch.randperm(cut).split(4096):
                penalty = 0.01 * sum((layer.weight**2).sum() for layer in layers[:2])
                loss = ((network(inputs[part])[:, 0] - wanted[part]) ** 2).mean() + penalty
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            if epoch % 2:
                with torch.no_grad():
                    penalty = 0.01 * sum((layer.weight**2).sum() for layer in layers[:2])
                    error = float(((network(inputs[cut:])[:, 0] - wanted[cut:]) ** 2).mean() + penalty)
                waited = 0 if error < best else waited + 1
                if error < best:
                    best, kept = error, {name: value.clone() for name, value in network.state_dict().items()}
                if waited >= 5:
                    break
        network.load_state_dict(kept)
        with torch.no_grad():
            return network(torch.from_numpy(bits[rows]))[:, 0].double().numpy()

    return fit_predict


def run(model: Model | None, scores: np.ndarray, seed: int, top: int) -> dict[str, Any]:
    """Run one campaign (at random throughout where ``model`` is None); scores are lower-is-better."""
    count = len(scores)
    generator = np.random.default_rng(derive_seed(seed, "retrospective"))
    acquired = generator.choice(count, int(FIRST * count), replace=False)
    curve = []
    for round_index in range(ROUNDS + 1):
        if round_index:
            pool = np.setdiff1d(np.arange(count), acquired)
            size = int(BATCH * count)
            if model is None:
                chosen = generator.choice(pool, size, replace=False)
            else:
                known = acquired[~np.isnan(scores[acquired])]
                predicted = model(known, scores[known], pool, derive_seed(seed, "model", round_index))
                chosen = pool[np.argsort(predicted, kind="stable")[:size]]
            acquired = np.concatenate([acquired, chosen])
        found = top_k_found(scores, acquired, top)
        curve.append({"acquired": len(acquired), **found})
    return {"seed": seed, "rounds": curve, "scores": curve[-1]["scores"], "molecules": curve[-1]["molecules"]}


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for way in ("scores", "molecules"):
        values = np.array([item[way] for item in runs])
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        result[way] = {"mean": float(values.mean()), "sd": spread, "worst": float(values.min())}
    return result


def ahead(models: dict[str, Any]) -> dict[str, Any]:
    """Return by how much each model is ahead of the re-implementations, in standard deviations over seeds."""
    result: dict[str, Any] = {}
    for kind, entry in models.items():
        for peer in ("rf", "nn"):
            if kind in ("rf", "nn", "random") or peer not in models:
                continue
            ours, theirs = entry["scores"], models[peer]["scores"]
            if ours["sd"] is None or theirs["sd"] is None:
                continue
            difference, spread = ours["mean"] - theirs["mean"], float(np.hypot(ours["sd"], theirs["sd"]))
            result.setdefault(kind, {})[peer] = {
                "difference": difference,
                "sd": spread,
                "in_sds": difference / spread if spread else None,
                "over_two": difference > 2 * spread,
            }
    return result


def earlier_runs(paths: list[Path], table: str, kind: str) -> list[dict[str, Any]]:
    """Return the runs of a model on a table in files of results; none if they have none."""
    found: list[dict[str, Any]] = []
    for path in paths:
        models = json.loads(path.read_text())["tables"].get(table, {}).get("models", {})
        found += models.get(kind, {}).get("runs", [])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="+", default=["molpal_enamine10k", "molpal_enamine50k"])
    parser.add_argument("--models", nargs="+", default=["kernel", "rf", "nn", "random"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--top", type=float, default=0.01, help="top-k as a share of the library")
    parser.add_argument("--higher-is-better", action="store_true")
    parser.add_argument("--focus", default=TeacherSettings().focus, help="teacher.focus: auto, always, never")
    parser.add_argument("--sample", type=int, default=0, help="of larger tables so many molecules, each once")
    parser.add_argument("--sources", nargs="+", default=[], help="tables that earlier teachers learned from")
    parser.add_argument(
        "--compare", type=Path, nargs="+", default=[], help="other results, of the same seeds"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "retrospective.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    protocol = {
        "first": FIRST,
        "batch": BATCH,
        "rounds": ROUNDS,
        "acquisition": "greedy",
        "top": arguments.top,
    }
    if arguments.sources:
        protocol["sources"] = arguments.sources
    results: dict[str, Any] = {"protocol": protocol, "ties": TIES, "tables": {}}
    if arguments.out.exists():
        earlier = json.loads(arguments.out.read_text())
        if earlier["protocol"] == protocol:
            results = earlier
    for name in arguments.tables:
        smiles, scores = sampled(*load_table(name), arguments.sample)
        scores = -scores if arguments.higher_is_better else scores
        failed = failures_written_as_scores(scores, True)
        if failed.values:  # for all models alike
            print(f"{name}: {failed.explanation} They count as unscored.", flush=True)
            scores = np.where(failed.mask, np.nan, scores)
        top = arguments.top * len(scores)
        top = 50 * round(top / 50) if top >= 75 else top  # 100 of 10,560 and 500 of 50,240, as published
        top = max(1, int(top))
        unscored = int(np.isnan(scores).sum())
        print(f"{name}: {len(smiles)} molecules, {unscored} unscored, top {top}", flush=True)
        features: Features | None = None
        widths: list[int] = []
        bits: np.ndarray | None = None
        facts = {"molecules": len(smiles), "unscored": unscored, "top": top}
        table = results["tables"].setdefault(name, {**facts, "models": {}})
        for kind in arguments.models:
            ours = set(kind.split("+")) <= set(registered())
            teacher = TeacherSettings(focus=arguments.focus)
            settings = dataclasses.asdict(teacher) if ours else {}
            done = table["models"].get(kind, {})
            if len(done.get("runs", ())) == arguments.seeds and done["settings"] == plain(settings):
                continue
            model: Model | None = None
            if ours:
                if features is None:
                    features = featurise(smiles, TeacherSettings().fingerprints)
                    if arguments.sources:
                        features, widths, table["sources"] = with_sources(smiles, features, arguments.sources)
                members = [docksieve_model(name, features, teacher, widths) for name in kind.split("+")]
                model = mixture(members)
            elif kind in ("rf", "nn"):
                bits = pair_bits(smiles) if bits is None else bits
                model = molpal_forest(bits) if kind == "rf" else molpal_network(bits)
            elif kind != "random":
                raise SystemExit(
                    f"Unknown model {kind!r}; known: {', '.join([*registered(), 'rf', 'nn', 'random'])}."
                )
            started = time.process_time()
            runs = [run(model, scores, seed, top) for seed in range(arguments.seeds)]
            entry = {
                **summary(runs),
                "cpu_seconds_per_run": (time.process_time() - started) / len(runs),
                "settings": plain(settings),
                "runs": runs,
                **provenance(),
            }
            plainly = earlier_runs(arguments.compare, name, kind)
            if plainly:
                entry["paired"] = paired(runs, plainly)
            table["models"][kind] = entry
            table["ahead"] = ahead(table["models"])
            shown = {
                way: f"{100 * entry[way]['mean']:.1f} +- {100 * (entry[way]['sd'] or 0):.1f}"
                for way in ("scores", "molecules")
            }
            print(
                f"  {kind:8s} {shown} {entry.get('paired', '')} ({entry['cpu_seconds_per_run']:.0f} CPU s per run)",
                flush=True,
            )
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
