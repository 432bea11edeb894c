"""How often forecasts of the next batch come true: hits, success and a better best score, on real scores.

Campaigns with the campaign's own teacher (``picked_campaigns.py``, the cache of ``picked.py``). Before each batch from
the second on:

- ``decide`` is asked about exactly the molecules that are picked next: what is the probability of at least k hits
  (score in the best 1 % of the table; k = 5, 15, 30, 45 and 60 % of the batch), and which number of hits is to be
  expected (80 % interval)? ``plain`` is what the teacher's mean and s.d. alone would say (normal, independent).
- Will the best score improve, within one, two or five times as many dockings of the round's candidates, best
  predicted first? By the rule of records with the package's constants (``improves``), and with constants that the other
  tables gave (``improves_left_out``).
- Will it improve by at least d, of 0, a quarter and half of the distance between the median and the best tenth of the
  seed sample? By the errors of earlier batches (``model_improves_by_d``): what is *not* stated, and why.

``skill`` is 1 - Brier score / that of the base rate: of all forecasts of the kind (``skill``), or of the same round and
number of dockings on the other tables (``skill_over_round``); intervals (95 %) by resampling whole tables. Forecasts of
one campaign share their molecules, so that intervals of the reliability tables are too narrow.

Example::

    python benchmarks/decisions.py --cache /tmp/campaigns --rows 4000 --seeds 8
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from docksieve.models.teachers.focus import Curve
from docksieve.screening.calibration.history import PickedHistory
from docksieve.screening.calibration.picked import Batch
from docksieve.screening.decisions.errors import errors_ahead, learn_errors
from docksieve.screening.decisions.forecast import Criteria, decide
from docksieve.screening.decisions.records import DISTANCE, INTERCEPT, SHARE, Records
from docksieve.screening.decisions.scoring import brier, reliability_table
from machine import provenance
from picked_campaigns import GROUPS, Run, campaigns
from retrospective import ROUNDS
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

SHARES = (0.05, 0.15, 0.3, 0.45, 0.6)
BUDGETS = (1, 2, 5)
MARGINS = (0.0, 0.25, 0.5)
DRAWS = 600


def last_digit(scores: np.ndarray) -> float:
    known = scores[np.isfinite(scores)]
    return next(
        (step for step in (1.0, 0.1, 0.01) if np.allclose(known / step, np.round(known / step), atol=1e-4)),
        0.0,
    )


def forecasts(table: str, seed: int, run: Run) -> list[dict[str, Any]]:
    """Return forecasts and what came of them, for the second and later batches of a campaign."""
    limit, digit = float(np.nanquantile(run.scores, 0.01)), last_digit(run.scores)
    curves = [Curve.of(run.seen(n), True) if run.rounds[n].drawn else None for n in range(ROUNDS)]
    docked = [run.batch(number).docked for number in range(ROUNDS)]
    sample = run.seen(0)
    unit = float(np.nanquantile(sample, 0.5) - np.nanquantile(sample, 0.1))
    past: list[Batch] = []
    relearnt: dict[int, Batch] = {}
    found = []
    for number in range(ROUNDS):
        item, curve, raw = run.rounds[number], curves[number], run.batch(number)
        draw = np.asarray if curve is None else curve.draw
        batch = Batch(raw.mean.astype(float), raw.sd.astype(float), draw(raw.docked))
        mine = ~item.random
        relearnt[number] = Batch(item.held_mean[mine], item.held_sd[mine], draw(run.scores[item.known[mine]]))
        history = PickedHistory(
            dict(enumerate(past)), dict(relearnt), frozenset(n for n in relearnt if curves[n] is not None)
        )
        common = {"table": table, "seed": seed, "round": number + 1}
        if number and sum(np.isfinite(one.docked).sum() for one in past) >= 30:
            lost = float(np.isnan(np.concatenate(docked[:number])).mean())
            hits = int((raw.docked <= limit).sum())
            ahead = errors_ahead(history, number, seed=seed, draws=DRAWS)
            for share in SHARES:
                needed = max(1, int(share * len(raw.mean)))
                outlook = decide(
                    batch.mean, batch.sd, past, Criteria(limit, hits=needed), [len(raw.mean)], seconds_each=1.0,
                    seed=seed, failed=lost, resolution=digit, draws=DRAWS, errors=ahead,
                    scale=lambda score, draw=draw: float(draw(np.array([score]))[0]),
                ).outlooks[0]  # fmt: skip
                entry = {**common, "kind": "success", "forecast": outlook.success, "came": hits >= needed}
                if share == SHARES[0]:
                    chance = norm.cdf((limit - raw.mean) / raw.sd)
                    half = 1.2816 * float(np.sqrt((chance * (1 - chance)).sum())) + 0.5
                    entry |= {
                        "hits": hits,
                        "expected": outlook.hits,
                        "inside": bool(outlook.hits_low <= hits <= outlook.hits_high),
                        "plain": float(chance.sum()),
                        "plain_inside": bool(abs(hits - chance.sum()) <= half),
                    }
                found.append(entry)
            best, size = float(np.nanmin(run.seen(number))), len(item.chosen)
            records = Records.of(sample, docked[:number], lower_is_better=True)
            errors = errors_ahead(history, number, seed=seed, draws=200) or learn_errors(
                past, seed=seed, draws=200
            )
            order = np.argsort(item.mean, kind="stable")
            for times in BUDGETS:
                rows = order[: times * size]
                reached = float(np.nanmin(run.scores[item.pool[rows]]))
                for margin in MARGINS:
                    limit_d = best - max(margin * unit, digit) + digit / 2
                    kind = {**common, "times": times, "margin": margin, "came": reached <= limit_d}
                    if not margin and records is not None:
                        features = records.features(len(rows))
                        forecast = records.chance(len(rows))
                        found.append({**kind, "kind": "improves", "forecast": forecast, "features": features})
                    if times == 1:
                        beat = errors.below(
                            float(draw(np.array([limit_d]))[0]),
                            item.mean[rows].astype(float),
                            item.sd[rows].astype(float),
                        )
                        none = np.exp(np.log1p(-np.minimum((1 - lost) * beat, 1 - 1e-12)).sum(axis=1))
                        found.append({**kind, "kind": "model", "forecast": float((1 - none).mean())})
        past.append(batch)
    return found


def left_out(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the forecasts of a better best score by constants that the other tables gave."""
    mine = [item for item in entries if item["kind"] == "improves"]
    features, came = np.array([item["features"] for item in mine]), np.array([item["came"] for item in mine])
    names, result = np.array([item["table"] for item in mine]), []
    for name in dict.fromkeys(names.tolist()):
        apart = names != name
        model = LogisticRegression(C=3.0).fit(features[apart], came[apart])
        chances = model.predict_proba(features)[:, 1]
        result += [{**mine[place], "forecast": float(chances[place])} for place in np.flatnonzero(~apart)]
    return result


def judged(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return Brier score, skill with its interval and reliability of forecasts."""
    chance, came = (np.array([float(item[key]) for item in entries]) for key in ("forecast", "came"))
    names = np.array([item["table"] for item in entries])
    groups = np.array([f"{item['round']} {item.get('times')} {item.get('margin')}" for item in entries])
    reference = np.full(len(came), came.mean())
    by_round = np.array(
        [came[(groups == group) & (names != name)].mean() for group, name in zip(groups, names, strict=True)]
    )
    lost = [np.square(value - came) for value in (chance, reference, by_round)]
    tables = list(dict.fromkeys(names.tolist()))
    sums = np.array([[one[names == name].sum() for one in lost] for name in tables])
    drawn = sums[np.random.default_rng(0).integers(0, len(tables), (2000, len(tables)))].sum(axis=1)
    result: dict[str, Any] = {**dataclasses.asdict(brier(chance, came.astype(bool), 5))}
    for place, key in ((1, "skill"), (2, "skill_over_round")):
        low, high = np.quantile(1 - drawn[:, 0] / drawn[:, place], [0.025, 0.975])
        value = float(1 - sums[:, 0].sum() / sums[:, place].sum())
        result |= {key: value, f"{key}_low": float(low), f"{key}_high": float(high)}
    result["base_rate"], result["mean_forecast"] = float(came.mean()), float(chance.mean())
    table = reliability_table(chance, came.astype(bool), 5)
    result["table"] = [dataclasses.asdict(line) for line in table]
    result["by_table"] = {
        name: {
            "count": int((names == name).sum()),
            "base_rate": float(came[names == name].mean()),
            "mean_forecast": float(chance[names == name].mean()),
            "score": float(lost[0][names == name].mean()),
        }
        for name in tables
    }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", nargs="+", default=[name for group in GROUPS.values() for name in group])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--rows", type=int, default=0, help="of each table so many, drawn anew for every seed"
    )
    parser.add_argument("--cache", type=Path, required=True, help="folder with campaigns of picked.py")
    parser.add_argument("--cached-only", action="store_true", help="leave out campaigns that are not there")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "decisions.json")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    entries: list[dict[str, Any]] = []
    done = campaigns(arguments.tables, seeds, arguments.cache, arguments.rows, arguments.cached_only)
    for name, seed, run in done:
        entries += forecasts(name, seed, run)
    counted = [item for item in entries if "hits" in item]
    of = {
        kind: [item for item in entries if item["kind"] == kind] for kind in ("success", "improves", "model")
    }
    result = {
        "tables": list(dict.fromkeys(item["table"] for item in entries)),
        "campaigns": len({(item["table"], item["seed"]) for item in entries}),
        "records": {"intercept": INTERCEPT, "share": SHARE, "distance": DISTANCE},
        "success": {
            "second round": judged([item for item in of["success"] if item["round"] == 2]),
            "third round and later": judged([item for item in of["success"] if item["round"] > 2]),
        },
        "improves": judged(of["improves"]),
        "improves_left_out": judged(left_out(entries)),
        "model_improves_by_d": {
            f"{margin:g}": judged([item for item in of["model"] if item["margin"] == margin])
            for margin in MARGINS
        },
        "hits": {
            "batches": len(counted),
            "inside_80": float(np.mean([item["inside"] for item in counted])),
            "inside_80_plain": float(np.mean([item["plain_inside"] for item in counted])),
            "found": int(sum(item["hits"] for item in counted)),
            "expected": float(sum(item["expected"] for item in counted)),
            "plain": float(sum(item["plain"] for item in counted)),
        },
        **provenance(),
    }
    results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    results[f"{arguments.rows or 'all'} rows, seeds {seeds[0]} to {seeds[-1]}"] = result
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    shown = [
        *result["success"].items(),
        ("improves", result["improves"]),
        ("left out", result["improves_left_out"]),
    ]
    for name, one in [*shown, *result["model_improves_by_d"].items()]:
        print(
            f"{name:24s} n {one['count']} base {one['base_rate']:.2f} mean {one['mean_forecast']:.2f} skill "
            f"{one['skill']:.2f} [{one['skill_low']:.2f}, {one['skill_high']:.2f}], over the round's "
            f"{one['skill_over_round']:.2f} [{one['skill_over_round_low']:.2f}, {one['skill_over_round_high']:.2f}]"
        )
    print(result["hits"])


if __name__ == "__main__":
    main()
