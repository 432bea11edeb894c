"""Coverage of the intervals of picked molecules, as mean and spread promise and as recalibrated.

Campaigns with the campaign's own teacher (``picked_campaigns.py``): 1 % of a library at random, then five greedy
batches of 1 %. ``before`` is a normal distribution with the teacher's mean and s.d. against the docking scores;
``after`` is ``calibrate_next`` on what was picked in earlier rounds, as the teacher predicts it unseen, with the
constants of the package; ``left_out`` the same with constants that the *other* tables gave (by the pinball loss of 13
quantiles, each table with equal weight). ``rest`` is ``calibrate_rest`` on the batch, for the next four batches' worth
of its round's shortlist, all of them looked up in the table. The first round has no earlier picks: it is not judged.

Coverage is over the molecules of all campaigns of a table and round. The molecules of a batch err together, so that
intervals (95 %) come from resampling campaigns; ``worst`` is that of the worst single campaign over the third and later
rounds.

Example::

    python benchmarks/picked.py --cache /tmp/campaigns --rows 4000 --seeds 8
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from docksieve.models.teachers.focus import Curve
from docksieve.screening.calibration.picked import (
    NEXT,
    NEXT_DRAWN,
    SHARES,
    Batch,
    Constants,
    PickedCalibration,
    calibrate_next,
    calibrate_rest,
    own_factor,
)
from machine import provenance
from picked_campaigns import GROUPS, Run, campaigns
from retrospective import BATCH, FIRST, ROUNDS
from scipy.stats import norm

LEVELS = (0.68, 0.95)
PROBABILITIES = np.array([0.025, 0.05, 0.1, 0.16, 0.25, 0.35, 0.5, 0.65, 0.75, 0.84, 0.9, 0.95, 0.975])
START = Constants(size=1.0, bias=0.5, shift=0.0, normal=1.0)
"""Of the search for constants: none of those that all tables gave."""
GRID: dict[str, tuple[float, ...]] = {
    "bias": (0.2, 0.35, 0.5, 0.7, 0.9),
    "size": (0.8, 0.9, 0.95, 1.0, 1.1, 1.2),
    "normal": (0.3, 0.6, 1.0),
    "shift": (-0.1, 0.0, 0.1, 0.2),
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One batch: z by mean and s.d. as they are, z in the teacher's scale, and what was known before."""

    table: str
    seed: int
    round: int
    drawn: bool
    raw: np.ndarray
    batch: Batch
    relearnt: Batch
    rest: Batch
    before: tuple[Cell, ...]

    def known(self, constants: dict[bool, Constants] | None = None) -> PickedCalibration | None:
        """Return what was known before the batch was docked, by the package's constants or others."""
        earlier = [(found, cell.batch) for cell in self.before if (found := cell._foretold(constants, 1.0))]
        return self._foretold(constants, own_factor(earlier))

    def _foretold(self, constants: dict[bool, Constants] | None, factor: float) -> PickedCalibration | None:
        given = None if constants is None else constants[self.drawn]
        return calibrate_next(self.relearnt, drawn=self.drawn, constants=given, factor=factor)


def cells_of(table: str, seed: int, run: Run) -> list[Cell]:
    """Return the batches of a campaign from the second round on, in the scales of their teachers."""
    found = []
    for number in range(1, ROUNDS):
        item = run.rounds[number]
        curve = Curve.of(run.seen(number), True) if item.drawn else None
        scale = curve.draw if curve is not None else np.asarray
        raw, acquired = run.batch(number), ~item.random
        order = np.argsort(item.mean, kind="stable")[len(item.chosen) : 5 * len(item.chosen)]
        rest = Batch(item.mean[order], item.sd[order], scale(run.scores[item.pool[order]]))
        relearnt = Batch(
            item.held_mean[acquired], item.held_sd[acquired], scale(run.scores[item.known[acquired]])
        )
        batch = Batch(raw.mean, raw.sd, scale(raw.docked))
        found.append(
            Cell(table, seed, number + 1, curve is not None, raw.z, batch, relearnt, rest, tuple(found))
        )
    return found


def loss(cells: list[Cell], constants: Constants) -> float:
    """Return the mean pinball loss, tables with equal weight."""
    by_table: dict[str, list[float]] = {}
    for cell in cells:
        found = calibrate_next(cell.relearnt, constants=constants)
        if found is not None:
            quantiles = np.interp(PROBABILITIES, SHARES, found.quantiles)
            error = cell.batch.z[:, None] - quantiles
            lost = np.where(error > 0, PROBABILITIES * error, (PROBABILITIES - 1) * error)
            by_table.setdefault(cell.table, []).append(float(lost.mean()))
    return float(np.mean([np.mean(values) for values in by_table.values()]))


def fitted(cells: list[Cell], start: Constants) -> Constants:
    """Return constants by a search along each of them in turn."""
    best = start
    for name, values in GRID.items():
        tried = [dataclasses.replace(best, **{name: value}) for value in values]
        best = min(tried, key=lambda one: loss(cells, one))
    return best


def covered(cells: list[Cell], inside: Callable[[Cell], tuple[float, int] | None]) -> dict[str, Any] | None:
    """Return the coverage over all molecules, its 95 % interval over campaigns, and how many there are."""
    shares = [(cell.seed, found) for cell in cells if (found := inside(cell)) is not None]
    if not shares:
        return None
    seeds = sorted({seed for seed, _ in shares})
    sums = np.array(
        [[sum(f[0] * f[1] for s, f in shares if s == seed), sum(f[1] for s, f in shares if s == seed)]
         for seed in seeds]
    )  # fmt: skip
    drawn = sums[np.random.default_rng(0).integers(0, len(seeds), (2000, len(seeds)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    share = sums[:, 0].sum() / sums[:, 1].sum()
    each = sums[:, 0] / sums[:, 1]
    far = int(np.argmax(np.abs(each - share)))
    return {
        "share": float(share),
        "low": float(low),
        "high": float(high),
        "campaigns": len(seeds),
        "molecules": int(sums[:, 1].sum()),
        "by_seed": {str(seed): float(value) for seed, value in zip(seeds, each, strict=True)},
        "farthest_seed": seeds[far],
    }


def judged(cells: list[Cell], left_out: dict[bool, Constants]) -> dict[str, Any]:
    """Return coverage of one table, by round and from the third round on."""
    result: dict[str, Any] = {}
    groups = {f"round {number}": [c for c in cells if c.round == number] for number in range(2, ROUNDS + 1)}
    groups["third round and later"] = [cell for cell in cells if cell.round >= 3]
    for name, mine in groups.items():
        entry: dict[str, Any] = {}
        for level in LEVELS:
            half = norm.ppf((1 + level) / 2)

            def before(cell: Cell, half: float = half) -> tuple[float, int]:
                return float((np.abs(cell.raw) <= half).mean()), len(cell.raw)

            def after(cell: Cell, constants: Any = None, level: float = level) -> Any:
                found = cell.known(constants)
                return None if found is None else (found.coverage(cell.batch, level), len(cell.batch.z))

            def apart(cell: Cell, after: Any = after) -> Any:
                return after(cell, left_out)

            def rest(cell: Cell, level: float = level) -> Any:
                found = calibrate_rest(cell.batch)
                return None if found is None else (found.coverage(cell.rest, level), len(cell.rest.z))

            ways = {"before": before, "after": after, "left_out": apart, "rest": rest}
            entry[f"{level:.0%}"] = {key: covered(mine, way) for key, way in ways.items()}
        result[name] = entry
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
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps campaigns")
    parser.add_argument("--cached-only", action="store_true", help="leave out campaigns that are not there")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "picked.json")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    cells: list[Cell] = []
    found = campaigns(arguments.tables, seeds, arguments.cache, arguments.rows, arguments.cached_only)
    for name, seed, run in found:
        cells += cells_of(name, seed, run)
    key = f"{arguments.rows or 'all'} rows, seeds {seeds[0]} to {seeds[-1]}"
    results: dict[str, Any] = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    tables: dict[str, Any] = {}
    results[key] = {
        "protocol": {"first": FIRST, "batch": BATCH, "rounds": ROUNDS, "rows": arguments.rows},
        "constants": {"next": dataclasses.asdict(NEXT), "next_drawn": dataclasses.asdict(NEXT_DRAWN)},
        "tables": tables,
        **provenance(),
    }
    for name in dict.fromkeys(cell.table for cell in cells):
        others = [cell for cell in cells if cell.table != name]
        left_out = {
            drawn: fitted([cell for cell in others if cell.drawn == drawn], START) for drawn in (False, True)
        }
        mine = [cell for cell in cells if cell.table == name]
        entry = judged(mine, left_out)
        constants = {"drawn" if drawn else "plain": dataclasses.asdict(c) for drawn, c in left_out.items()}
        tables[name] = {
            "campaigns": len({cell.seed for cell in mine}),
            "drawn_together": float(np.mean([cell.drawn for cell in mine])),
            "constants_left_out": constants,
            "rounds": entry,
        }
        later = entry["third round and later"]
        shown = "  ".join(
            f"{level:.0%}: " + " ".join(
                f"{way} {100 * one['share']:.0f} [{100 * one['low']:.0f}, {100 * one['high']:.0f}]"
                for way, one in later[f"{level:.0%}"].items() if one
            )
            for level in LEVELS
        )  # fmt: skip
        print(f"{name:24s} {shown}", flush=True)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
