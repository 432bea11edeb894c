"""What a site costs beside the work: the first result through a real queue, and a driver with very many tasks.

    python benchmarks/sites.py first --site FILE         # on a Slurm that is up; tests/slurm/cluster.py brings one up
    python benchmarks/sites.py many [--tasks 100000] [--workers 8]
    python benchmarks/sites.py wide [--workers 256] [--seconds 1.8] [--tasks 2560]

*first*: seconds from `docksieve submit` (a new process, as a user gives it) to the receipt of the first task of a
campaign, on an idle Slurm; beside it, in the same run and on the same Slurm, what Parsl alone needs from the start of a
Python process to the result of an empty function, with the same provider, launcher, heartbeats and polling. In turns,
several times.

*many*: a stage of empty tasks through the campaign's own engine on local workers, in which the driver's memory and
processor time are read at every tenth. Flat means: the last tenth costs what the first did, and memory stays.

*wide*: simulated workers that sleep as long as a shard of a million molecules takes one core (``--seconds``), and the
share of their time in which they slept. 256 workers on two cores have no processor time to spare for anything but
dispatch and receipts, so this is about the driver and Parsl, not about screening.

Results go to benchmarks/results/sites-*.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.data.store import write_json
from docksieve.hpc.sites.read import load_site
from docksieve.hpc.sites.site import Site
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.config.campaign_file import CampaignConfig
from docksieve.workflows.running.engine import RunnerWatch
from docksieve.workflows.running.parsl_engine import ParslRunner
from docksieve.workflows.tasks.settings import TaskSettings
from machine import provenance
from sites_task import sleeping_task

HERE = Path(__file__).parent
RESULTS = HERE / "results"
CAMPAIGN = """\
[campaign]
name = "first"
[library]
path = "library"
[targets.A]
engine = "table"
scores = "a.csv"
unit = "kcal/mol"
lower_is_better = true
[start]
molecules = 20
[rounds]
count = 0
[final]
molecules = 0
"""


def make_inputs(folder: Path) -> None:
    """Write a library of some hundred alkyl amides and a table of scores."""
    smiles = [f"{'C' * a}C(=O)N{'C' * b}" for a in range(1, 15) for b in range(1, 15)]
    (folder / "in.smi").write_text("".join(f"{text} M{index}\n" for index, text in enumerate(smiles)))
    build_library(folder / "library", [folder / "in.smi"], IngestSettings(), workers=1, progress=False)
    (folder / "a.csv").write_text("smiles,score\n" + "".join(f"{s},{-0.1 * len(s):.1f}\n" for s in smiles))


def first_result(site: str, repeats: int) -> dict[str, Any]:
    """Time the first result of a campaign and of Parsl alone, in turns."""
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_inputs(folder)
        for turn in range(repeats):
            path = folder / f"c{turn}.toml"
            path.write_text(CAMPAIGN.replace('"first"', f'"c{turn}"'))
            ours.append(_campaign_seconds(path, folder / f"c{turn}", site))
            theirs.append(_bare_seconds(site, folder / f"bare{turn}"))
            print(f"docksieve {ours[-1]:.1f} s, Parsl alone {theirs[-1]:.1f} s", flush=True)
    return {
        "docksieve_seconds": ours,
        "parsl_alone_seconds": theirs,
        "median_docksieve": statistics.median(ours),
        "median_parsl_alone": statistics.median(theirs),
        "ratio_of_medians": statistics.median(ours) / statistics.median(theirs),
    }


def _campaign_seconds(path: Path, root: Path, site: str) -> float:
    begun = time.time()
    command = [sys.executable, "-m", "docksieve", "submit", str(path), "--site", site]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    receipt = root / "receipts" / "round-00" / "sample.json"
    while not receipt.exists():
        if process.poll():
            raise RuntimeError(
                f"the campaign failed: {subprocess.run(command, capture_output=True).stderr.decode()}"
            )
        time.sleep(0.01)
    seconds = receipt.stat().st_mtime - begun
    process.wait()
    return seconds


def _bare_seconds(site: str, folder: Path) -> float:
    folder.mkdir()
    begun = time.time()
    command = [sys.executable, str(HERE / "sites_task.py"), site, str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(said.split()[-1]) - begun


def engine_on(site: Site, root: Path) -> ParslRunner:
    """Return the campaign engine of ``site``, whose workers run ``sites_task.sleeping_task``."""
    config = CampaignConfig.model_validate(tomllib.loads(CAMPAIGN))
    campaign = Campaign(root, config, {"id": f"bench-{os.getpid()}", "targets": {}})
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    engine = _Engine(campaign, site)
    engine.sleep_instead()
    return engine


class _Engine(ParslRunner):
    def sleep_instead(self) -> None:
        """Let workers sleep and leave a receipt, instead of running the tasks."""
        import parsl

        self._stuck = None  # workers that sleep look stuck
        self._apps = {
            name: parsl.python_app(sleeping_task, data_flow_kernel=self._kernel, executors=[name])
            for name in self._site.pools
        }


def tasks_of(count: int, seconds: float) -> Iterator[Task]:
    """Yield tasks that sleep."""
    for number in range(count):
        yield Task(
            f"bench/{number // 1000:04d}/{number:06d}", "screen", TaskSettings(), runtime={"sleep": seconds}
        )


def many(count: int, workers: int) -> dict[str, Any]:
    """Run empty tasks and read the driver's memory and processor time at every tenth."""
    site, own = Site("bench", workers=workers), psutil.Process()
    marks = []
    with tempfile.TemporaryDirectory() as temporary:
        engine = engine_on(site, Path(temporary))
        try:
            watch = RunnerWatch(lambda names: None, lambda: False)
            begun, spent = time.perf_counter(), sum(own.cpu_times()[:2])
            for number, receipt in enumerate(engine.run(tasks_of(count, 0.0), watch), start=1):
                assert receipt.done
                if number % (count // 10) == 0:
                    now, used = time.perf_counter(), sum(own.cpu_times()[:2])
                    marks.append(
                        {
                            "tasks": number,
                            "tasks_per_second": (count // 10) / (now - begun),
                            "driver_cpu_ms_per_task": 1000 * (used - spent) / (count // 10),
                            "driver_mebibytes": own.memory_info().rss / 2**20,
                        }
                    )
                    print(json.dumps(marks[-1]), flush=True)
                    begun, spent = now, used
        finally:
            engine.close()
    return {"tasks": count, "workers": workers, "tenths": marks}


def wide(count: int, workers: int, seconds: float) -> dict[str, Any]:
    """Keep sleeping workers busy, and return the share of their time in which they slept."""
    site = Site("bench", workers=workers)
    with tempfile.TemporaryDirectory() as temporary:
        engine = engine_on(site, Path(temporary))
        try:
            watch = RunnerWatch(lambda names: None, lambda: False)
            warm = list(engine.run(tasks_of(4 * workers, seconds), watch))  # every worker has begun by then
            up = len({receipt.pid for receipt in warm})
            tasks = itertools.islice(tasks_of(4 * workers + count, seconds), 4 * workers, None)
            found = list(engine.run(tasks, watch))
        finally:
            engine.close()
    by_worker: dict[int, list[tuple[float, float]]] = {}
    for receipt in found:
        by_worker.setdefault(receipt.pid, []).append((receipt.facts["started"], receipt.finished))
    slept, present = 0.0, 0.0
    for spans in by_worker.values():
        slept += seconds * len(spans)
        present += max(end for _, end in spans) - min(begin for begin, _ in spans)
    return {
        "workers": workers,
        "workers_up": up,
        "tasks": count,
        "task_seconds": seconds,
        "busy_share": slept / present,
    }


def main() -> None:
    """Measure what the arguments say and write it down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("first", "many", "wide"))
    parser.add_argument("--site", default="")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=0)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1.8)
    options = parser.parse_args()
    if options.what == "first":
        site = load_site(options.site)
        assert site.on_cluster, "give a cluster's site"
        found = first_result(options.site, options.repeats)
    elif options.what == "many":
        found = many(options.tasks or 100_000, options.workers or 8)
    else:
        found = wide(options.tasks or 2560, options.workers or 256, options.seconds)
    found["provenance"] = provenance()
    write_json(RESULTS / f"sites-{options.what}.json", found)
    print(json.dumps({key: value for key, value in found.items() if key != "provenance"}, indent=1))


if __name__ == "__main__":
    main()
