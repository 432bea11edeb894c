"""The dashboard in front of a large campaign: how soon it is there, and how soon it answers.

    python benchmarks/dashboard.py [--rows 100000000] [--batches 5000] [--folder KEEP]

A small campaign whose docking program is a table is run to its end. Then its library is exchanged for a generated
one (:mod:`synthetic`) with predictions and leaderboard, and its last docking for so many batches of 20 molecules, each
with its files and receipt. `docksieve dashboard` is started on it as a user does. Answers are timed over HTTP, the
first time and again; where there is a Chromium and Playwright, so is the page: first paint, and the best molecules
drawn. Beside seconds of the clock stand those of the server's processor time: the first question after the start finds
the reading of many small tables already begun, or waits for it. Results go to benchmarks/results/dashboard.json.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.library import Library
from docksieve.data.receipts import read_receipt
from docksieve.data.store import read_json, read_table, record_file, write_json, write_table
from docksieve.workflows.running.submit import submit
from hits import generate, write_board
from synthetic import TARGET, machine

CAMPAIGN = f"""\
[campaign]
name = "large"
folder = "campaign"
[library]
path = "small"
[targets.{TARGET}]
engine = "table"
scores = "scores.csv"
unit = "kcal/mol"
lower_is_better = true
[start]
molecules = 120
[rounds]
count = 1
labels = 500
keep = 0.2
dock = 20
[run]
dock_batch = 20
"""
BATCH = 20
QUESTIONS: dict[str, dict[str, Any]] = {
    "best 12 docked": {"top": 12},
    "docked, all": {},
    "screened, best 10,000": {"by": "screened"},
    "screened, property window": {
        "by": "screened",
        "windows": {"weight": [None, 350], "logp": [1, 3.5]},
        "top": 1000,
    },
    "screened, substructure": {"by": "screened", "has": ["c1ccc2ncccc2c1"], "top": 1000},
}


def small_campaign(folder: Path, molecules: Path) -> Path:
    """Run a campaign of 2,000 molecules to its end and return its folder."""
    with gzip.open(molecules, "rt") as handle:
        lines = [line for line, _ in zip(handle, range(2000), strict=False)]
    (folder / "small.smi").write_text("".join(lines))
    library = build_library(folder / "small", [folder / "small.smi"], progress=False)
    smiles = [text for batch in library.batches(["smiles"]) for text in batch.column(0).to_pylist()]
    scores = np.random.default_rng(3).normal(-8, 1, len(smiles))
    rows = "".join(f"{text},{score:.3f}\n" for text, score in zip(smiles, scores, strict=True))
    (folder / "scores.csv").write_text("smiles,score\n" + rows)
    (folder / "campaign.toml").write_text(CAMPAIGN)
    return submit(folder / "campaign.toml", "inline").root


def exchange_library(root: Path, large: Path) -> None:
    """Make the large library, its predictions and its leaderboard those of the campaign."""
    library = Library.open(large)
    state = read_json(root / "campaign.json")
    where = os.path.relpath(large, root)
    state["library"] |= {"path": where, "fingerprint": library.fingerprint, "rows": library.rows}
    write_json(root / "campaign.json", state)
    predictions = root / "predictions" / "round-01"
    shutil.rmtree(predictions)
    predictions.symlink_to(large / "predictions")
    board = root / "leaderboards" / "round-01" / f"{TARGET}.parquet"
    shutil.copy(large / "leaderboard.parquet", board)
    (mould,) = (root / "receipts" / "round-01" / "screen").glob("*.json")
    receipt = read_json(mould)
    mould.unlink()
    tasks = []
    for shard in library.shards:
        task = f"round-01/screen/{shard.name}"
        path = f"predictions/round-01/{shard.name}.parquet"
        output = {
            "path": path,
            "bytes": (root / path).stat().st_size,
            "sha256": shard.name,
            "rows": shard.rows,
        }
        counts = receipt["counts"] | {"molecules": shard.rows, "predictions": shard.rows}
        value = receipt | {"task": task, "rows_in": shard.rows, "rows_out": shard.rows, "outputs": [output]}
        write_json(root / "receipts" / f"{task}.json", value | {"counts": counts})
        tasks.append(task)
    write_json(root / "plan" / "round-01.screen.json", {"stage": "round-01/screen", "tasks": tasks})


def many_dockings(root: Path, large: Path, batches: int) -> None:
    """Put ``batches`` docked batches in place of the last round's docking."""
    library = Library.open(large)
    group = f"round-01/{TARGET}"
    chosen, docked = (
        read_table(next((root / kind / group).glob("*.parquet"))) for kind in ("selections", "scores")
    )
    mould = read_receipt(root, f"round-01/dock/{TARGET}/batch-00000")
    assert mould is not None
    receipt = mould.to_json()
    rng = np.random.default_rng(5)
    rows = np.sort(rng.choice(library.rows, batches * BATCH, replace=False))
    taken = library.take(rows)
    tasks, selected = [], []
    for number in range(batches):
        name = f"batch-{number:05d}"
        part = taken.slice(number * BATCH, BATCH)
        values = {"score": pa.array(rng.normal(-9, 1, BATCH))}
        outputs = []
        for kind, table in (("selections", chosen), ("scores", docked)):
            known = {**{field: part[field] for field in part.column_names}, **values}
            source = table.take(np.arange(BATCH) % table.num_rows)
            columns = {field: known.get(field, source[field]) for field in table.column_names}
            if kind == "scores":
                columns |= {
                    field: pa.nulls(BATCH, table.schema.field(field).type) for field in ("failure", "message")
                }
            path = root / kind / group / f"{name}.parquet"
            write_table(path, pa.table(columns).cast(table.schema))
            outputs.append(vars(record_file(path, root)))
        task = f"round-01/dock/{TARGET}/{name}"
        write_json(
            root / "receipts" / f"{task}.json",
            receipt
            | {
                "task": task,
                "inputs": outputs[:1],
                "outputs": outputs[1:],
                "rows_in": BATCH,
                "rows_out": BATCH,
            },
        )
        tasks.append(task)
        selected.append(outputs[0])
    write_json(root / "plan" / "round-01.dock.json", {"stage": "round-01/dock", "tasks": tasks})
    acquired = read_json(root / "receipts" / "round-01" / "acquire.json")
    write_json(root / "receipts" / "round-01" / "acquire.json", acquired | {"outputs": selected})


def timed(opener: urllib.request.OpenerDirector, address: str) -> tuple[float, Any]:
    begin = time.perf_counter()
    with opener.open(address, timeout=300) as answer:
        content = answer.read()
    return time.perf_counter() - begin, json.loads(content)


def measure_answers(home: str, link: str, server: psutil.Process) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    opener.open(link).read()
    found: dict[str, Any] = {}
    addresses = {"progress": f"{home}api/progress"}
    for name, query in QUESTIONS.items():
        addresses[name] = f"{home}api/hits?{urllib.parse.urlencode({'q': json.dumps(query), 'count': 48})}"
    addresses["the same, sorted by weight"] = addresses["screened, best 10,000"] + "&sort=weight"
    for name, address in addresses.items():
        before = sum(server.cpu_times()[:2])
        first, answer = timed(opener, address)
        spent = sum(server.cpu_times()[:2]) - before
        again = []
        for _ in range(5):
            if name == "progress":
                time.sleep(1.1)  # past the second for which an answer is kept
            again.append(timed(opener, address)[0])
        found[name] = {
            "first_seconds": round(first, 3),
            "first_cpu_seconds": round(spent, 2),
            "seconds": round(statistics.median(again), 3),
        }
        if "total" in answer:
            found[name]["molecules"] = answer["total"]
        print(name, found[name], file=sys.stderr, flush=True)
    return found


def measure_page(link: str) -> dict[str, Any] | str:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        return "not measured: Playwright is not installed"
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        except Error as error:
            return f"not measured: {str(error).splitlines()[0]}"
        page = started.new_page()
        page.goto(link)
        page.locator("#best .card").first.wait_for()
        found: dict[str, list[float]] = {"first_paint": [], "progress": [], "best": []}
        for turn in range(6):
            begin = time.perf_counter()
            page.reload(wait_until="commit")
            page.locator("#stages details").first.wait_for()
            found["progress"].append(time.perf_counter() - begin)
            page.locator("#best .card").first.wait_for()
            found["best"].append(time.perf_counter() - begin)
            paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
            found["first_paint"].append(page.evaluate(paint))
            if turn == 0:
                found = {name: [] for name in found}  # the browser itself warms up
        started.close()
    return {f"{name}_seconds": round(statistics.median(values), 3) for name, values in found.items()}


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    large, work = folder / "large", folder / "campaign-files"
    if not (large / "library.json").exists():
        large.mkdir(parents=True, exist_ok=True)
        generate(large, options.rows, options.molecules)
    if not (large / "leaderboard.parquet").exists():
        write_board(large)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    root = small_campaign(work, options.molecules)
    exchange_library(root, large)
    many_dockings(root, large, options.batches)
    command = [sys.executable, "-m", "docksieve", "dashboard", str(root), "--port", "0"]
    begin = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        link = next(found[0] for line in server.stdout if (found := re.findall(r"http://\S+token=\S+", line)))
        ready = time.perf_counter() - begin
        home = link.partition("?")[0]
        process = psutil.Process(server.pid)
        answers = measure_answers(home, link, process)
        second = next(
            found[0] for line in server.stdout if (found := re.findall(r"http://\S+token=\S+", line))
        )
        page = measure_page(second)
        memory = process.memory_info().rss
    finally:
        server.terminate()
        server.wait()
    return {
        "what": "the dashboard of a finished campaign, files in the page cache",
        "date": datetime.date.today().isoformat(),
        "rows": Library.open(large).rows,
        "docking_batches": options.batches,
        "machine": machine(),
        "ready_seconds": round(ready, 2),
        "answers": answers,
        "page": page,
        "server_mib": memory >> 20,
    }


def main() -> None:
    root = Path(__file__).resolve().parents[1]
    data = Path(os.environ.get("DOCKSIEVE_DATA") or root.parent / "shared" / "data")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000_000)
    parser.add_argument("--batches", type=int, default=5000)
    parser.add_argument("--folder", type=Path, help="where to work; the large library is kept and used again")
    parser.add_argument("--molecules", type=Path, default=data / "libraries" / "zinc250k.smi.gz")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="docksieve-dashboard-"))
    try:
        result = measure(folder, options)
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    target = root / "benchmarks" / "results" / "dashboard.json"
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
