"""What dispatching costs: the share of the workers' time that is not spent in tasks, and empty tasks per second.

    python benchmarks/dispatch.py [--shards 8] [--shard-rows 1000000] [--workers 2]

*Share.* A stage of real screens, one task per shard of the default size, run by the campaign's own ``StageRunner`` on
the site ``local`` through Parsl, as ``docksieve submit`` runs it. Molecules as in ``benchmarks/scale.py``. Every worker
has first screened a small shard, so that its imports and the loading of the model, once in its life, are apart (given
as ``start``). From the receipts (process, begin, end) of the stage:

- ``between_tasks``: what passed between the end of a task and the begin of the next in the same worker, over
  the time from a worker's first begin to its last end. This is what the goal of 2 % is about: dispatch, writing
  of receipts, the way to the worker and back.
- ``before_and_after``: the time before a worker's first task and after its last, until the stage was over, over workers
  times wall seconds: the end of a stage, when shards run out, and so fewer per worker as a stage gets longer.
- ``in_tasks_not_screening``: of the time in tasks, the share for checksums of inputs and outputs, and for loading.

Seconds here are those of the clock, the only ones in which a worker can wait: where the machine has other work, the
workers wait for a core as well, and the load average says so.

*Rate.* Tasks of a kind that does not exist: each goes to a worker, fails at once and leaves its receipt. Their number
per second, clock and processor (of the driver alone), is what the dispatcher can do. Results go to
benchmarks/results/dispatch.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docksieve.data.receipts import Receipt
from docksieve.data.schema import DEFAULT_SHARD_ROWS
from docksieve.data.store import record_file, write_json
from docksieve.hpc.sites.read import load_site
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.campaign.ledger import LIBRARY_PREFIX, Task
from docksieve.workflows.config.campaign_file import CampaignConfig
from docksieve.workflows.running.engine import RunnerWatch
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.running.parsl_engine import open_runner
from docksieve.workflows.running.stages import StageRunner
from docksieve.workflows.tasks.settings import RoundSettings, TaskSettings
from machine import provenance
from scale import Products, make_student, write_shard
from score_tables import data_folder

GOAL = 0.02


def begin(root: Path, labels: int) -> Campaign:
    """Return a campaign that has a student and no more: what a stage of screens needs."""
    config = CampaignConfig.model_validate(
        {
            "campaign": {"name": "dispatch"},
            "library": {"path": "library"},
            "targets": {
                "T": {"engine": "table", "scores": "none.csv", "unit": "kcal/mol", "lower_is_better": True}
            },
        }
    )
    campaign = Campaign(root, config, {"id": uuid.uuid4().hex, "targets": {}})
    make_student(root / "models" / "round-01" / "student", labels)
    return campaign


def screens(campaign: Campaign, library: Path, shards: Sequence[Path], group: str) -> list[Task]:
    """Return a task for each shard."""
    folder = campaign.root / "models" / "round-01" / "student"
    student = [record_file(folder / name, campaign.root) for name in ("weights.safetensors", "card.json")]
    tasks = []
    for shard in shards:
        record = record_file(shard, library)
        record = dataclasses.replace(record, path=LIBRARY_PREFIX + record.path)
        name = f"{group}/screen/{shard.stem}"
        runtime = {"library": str(library)}
        tasks.append(Task(name, "screen", RoundSettings(group), (record, *student), runtime))
    return tasks


def shares(receipts: Sequence[Receipt], begun: float, ended: float, workers: int) -> dict[str, Any]:
    """Return how the workers' time was spent.

    Parameters
    ----------
    receipts : sequence of Receipt
    begun, ended : float
        Of the stage, as :func:`time.time` tells it.
    workers : int
        How many there were, working or not.
    """
    by_worker: dict[int, list[tuple[float, float]]] = {}
    for receipt in receipts:
        by_worker.setdefault(receipt.pid, []).append((receipt.facts["started"], receipt.finished))
    gaps, span, inside, used = [], 0.0, 0.0, 0.0
    for times in by_worker.values():
        times.sort()
        gaps += [after[0] - before[1] for before, after in itertools.pairwise(times)]
        span += times[-1][1] - times[0][0]
        inside += sum(end - start for start, end in times)
    for receipt in receipts:
        used += receipt.seconds.get("screen_total", 0.0)
    held = workers * (ended - begun)
    return {
        "tasks": len(receipts),
        "tasks_per_worker": sorted(len(times) for times in by_worker.values()),
        "wall_seconds": round(ended - begun, 3),
        "seconds_in_tasks": round(inside, 3),
        "median_seconds_per_task": round(sorted(r.seconds["total"] for r in receipts)[len(receipts) // 2], 3),
        "between_tasks": round(sum(gaps) / span, 5),
        "longest_gap_seconds": round(max(gaps, default=0.0), 4),
        "before_and_after": round((held - span) / held, 5),
        "not_in_tasks": round((held - inside) / held, 5),
        "in_tasks_not_screening": round((inside - used) / inside, 5),
    }


class Collector(Silent):
    """Keeps the receipts of the tasks that ended."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        """Keep the receipt."""
        self.receipts.append(receipt)


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run both measurements in ``folder``."""
    products = Products.read(data_folder() / "libraries" / "ts_reagents")
    library, root = folder / "library", folder / "campaign"
    campaign = begin(root, options.labels)
    small = [library / f"small-{number}.parquet" for number in range(4 * options.workers)]
    for number, path in enumerate(small):
        write_shard(products, path, 1_000 * number, 1_000)
    large = [library / f"shard-{number}.parquet" for number in range(options.shards)]
    for number, path in enumerate(large):
        write_shard(products, path, options.shard_rows * number, options.shard_rows)
    site = dataclasses.replace(load_site("local"), workers=options.workers)
    started = time.perf_counter()
    with open_runner(campaign, site) as engine:
        first = Collector()
        StageRunner(campaign, engine, first, site).run(
            "round-00/screen", screens(campaign, library, small, "round-00")
        )
        start = time.perf_counter() - started
        stage = Collector()
        tasks = screens(campaign, library, large, "round-01")
        runner = StageRunner(campaign, engine, stage, site)
        begun = time.time()
        runner.run("round-01/screen", tasks)
        found = shares(stage.receipts, begun, time.time(), options.workers)
        empty = [Task(f"empty/none/{number}", "none", TaskSettings()) for number in range(options.empty)]
        watch = RunnerWatch(lambda names: None, lambda: False)
        wall, cpu = time.perf_counter(), time.process_time()
        ended = sum(1 for _ in engine.run(empty, watch))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert ended == options.empty
    return {
        "site": {"name": site.name, "workers": options.workers, "poll_seconds": site.poll_seconds},
        "shards": options.shards,
        "shard_rows": options.shard_rows,
        "start": {"seconds": round(start, 2), "what": "Parsl, workers, imports, model, small shards"},
        "stage": {**found, "goal": GOAL, "reached": found["between_tasks"] < GOAL},
        "empty_tasks": {
            "tasks": options.empty,
            "per_second": round(options.empty / wall, 1),
            "driver_cpu_milliseconds_each": round(1000 * cpu / options.empty, 3),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--shard-rows", type=int, default=DEFAULT_SHARD_ROWS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--empty", type=int, default=1_000, help="empty tasks")
    parser.add_argument("--labels", type=int, default=20_000, help="scores that the student learns from")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "dispatch.json")
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # of the workers, too
    with tempfile.TemporaryDirectory(prefix="docksieve-", dir=options.folder) as name:
        result = {**provenance(), **measure(Path(name), options)}
    write_json(options.out, result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
