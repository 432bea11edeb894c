"""One library build, pass by pass (see :mod:`docksieve.data.libraries.build`)."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..molecules.batch import prepare_kernels
from ..molecules.rejections import rejection_meaning
from ..readers.sources import Source
from ..receipts import Receipt, fingerprint
from ..schema import LIBRARY_FORMAT, LIBRARY_VERSION, PROPERTY_COLUMNS
from ..store import FileRecord, sha256_json, write_json
from .dedupe import Kept, bucket_count, write_kept
from .library import MANIFEST, shards_fingerprint
from .part_tasks import STANDARD_FORM, STEREO_COUNTS, standardise_chunk
from .pool import BuildWorkers
from .progress import Reporter
from .settings import Sieve, settings_json
from .shard_tasks import PropertySummary, count_repeated_ids, pair_bucket, write_ledger, write_shard

if TYPE_CHECKING:
    from .settings import IngestSettings

BUILD = ".build"
MANY = 1_000_000
"""Bytes of files, or products, from which on a second spent before workers start is made good."""
LEDGER_PARTS = 256
"""Parts whose rejects and duplicates share a file."""


class Build:
    """One build, pass by pass."""

    def __init__(
        self,
        folder: Path,
        sources: Sequence[Source],
        settings: IngestSettings,
        pool: BuildWorkers,
        reporter: Reporter,
        sieve: Sieve | None = None,
    ) -> None:
        self.folder, self.build = folder, folder / BUILD
        self.sources, self.settings = sources, settings
        self.pool, self.reporter, self.sieve = pool, reporter, sieve
        self.started = time.time()

    def run(self) -> None:
        """Take all passes; the folder is a library when this returns."""
        parts = self._standardise()
        self._refuse_empty(parts)
        plan = self._plan(parts)
        kept = self._deduplicate(plan)
        repeated = self._count_repeated_ids(plan)
        shards = self._write_shards(plan, kept)
        ledgers = self._write_ledgers(plan)
        manifest = self._manifest(parts, kept, plan, shards, ledgers, repeated)
        write_json(self.folder / MANIFEST, manifest)

    # Pass 1 -------------------------------------------------------------------------------------------

    def _part_jobs(self) -> Iterator[dict[str, Any]]:
        settings = dataclasses.asdict(self.settings.standard)
        numbers = itertools.count()
        for index, source in enumerate(self.sources):
            layout = source.layout.to_json()
            common = {"source": index, "stem": source.stem, "kind": source.layout.kind, "layout": layout}
            asked = [settings, index, source.stem, layout, _versions(), STANDARD_FORM]
            if self.sieve is not None:
                common["sieve"] = self.sieve
                asked.append(dict(self.sieve.conditions))
            for chunk in source.chunks():
                self.reporter.position(sum(s.progress[0] for s in self.sources))
                yield {
                    **common,
                    **chunk,
                    "settings": settings,
                    "build": str(self.build),
                    "task": f"parts/part-{next(numbers):06d}",
                    "fingerprint": fingerprint("part", [*asked, chunk["digest"], chunk.get("first_line", 0)]),
                }

    def _standardise(self) -> list[Receipt]:
        done: dict[str, Receipt] = {}
        total = sum(source.progress[1] for source in self.sources)
        if self.pool.workers > 1 and total > MANY:
            prepare_kernels()
        with self.reporter.stage("standardising", total):
            for job, result in self.pool.run(standardise_chunk, self._part_jobs()):
                receipt = Receipt.from_json(result)
                done[job["task"]] = receipt
                self.reporter.molecules(receipt.rows_in)
        return [done[task] for task in sorted(done)]

    def _refuse_empty(self, parts: Sequence[Receipt]) -> None:
        if any(part.rows_out for part in parts):
            return
        names = ", ".join(source.name for source in self.sources[:3])
        records = sum(part.rows_in for part in parts)
        reasons = _added([part.facts["reasons"] for part in parts])
        most = Counter(reasons).most_common(4)
        why = ", ".join(f"{count} {code}" for code, count in most)
        meanings = " ".join(f"{code}: {text}" for code, _ in most if (text := rejection_meaning(code)))
        (self.build / "request.json").unlink(missing_ok=True)  # so that nothing is left behind
        raise InputError(
            f"No molecule is left of {names}: {records} records were read"
            + (f", all rejected ({why}). {meanings}".rstrip() if why else "."),
            "Check the conditions."
            if list(reasons) == ["condition"]
            else "Check the file, and which column was taken as SMILES (--smiles-column, --delimiter).",
        )

    # Pass 2 -------------------------------------------------------------------------------------------

    def _plan(self, parts: Sequence[Receipt]) -> str:
        rows = [part.rows_out for part in parts]
        plan: dict[str, Any] = {
            "names": [Path(part.task).name for part in parts],
            "rows": rows,
            "firsts": [0, *itertools.accumulate(rows)][:-1],
            "rejects": [part.rows_in > part.rows_out for part in parts],
            "buckets": bucket_count(sum(rows)),
        }
        plan["fingerprint"] = sha256_json(
            [plan, [part.fingerprint for part in parts], self.settings.shard_rows]
        )
        write_json(self.build / "plan.json", plan)
        self.plan = plan
        return str(plan["fingerprint"])

    def _job(self, kind: str, number: int, plan: str, **more: Any) -> dict[str, Any]:
        return {
            "build": str(self.build),
            "out": str(self.folder),
            "plan": plan,
            "task": f"{kind}/{kind}-{number:05d}",
            "fingerprint": fingerprint(kind, [plan, more]),
            "number": number,
            **more,
        }

    def _all(self, task: Any, jobs: Sequence[dict[str, Any]], title: str) -> list[Receipt]:
        """Run ``jobs`` and return their receipts in the order of the jobs."""
        done: dict[str, Receipt] = {}
        with self.reporter.stage(title, len(jobs)):
            for job, result in self.pool.run(task, jobs):
                done[job["task"]] = Receipt.from_json(result)
                self.reporter.position(len(done))
        return [done[job["task"]] for job in jobs]

    def _deduplicate(self, plan: str) -> Kept:
        buckets = self.plan["buckets"]
        jobs = [self._job("pairs", bucket, plan, bucket=bucket) for bucket in range(buckets)]
        receipts = self._all(pair_bucket, jobs, "removing duplicates")
        path = self.build / "kept.bin"
        write_kept(path, sum(self.plan["rows"]), [str(self.build / r.outputs[0].path) for r in receipts])
        return Kept(path)

    def _count_repeated_ids(self, plan: str) -> int:
        jobs = [self._job("ids", bucket, plan, bucket=bucket) for bucket in range(self.plan["buckets"])]
        return sum(receipt.rows_out for receipt in self._all(count_repeated_ids, jobs, "comparing ids"))

    # Pass 3 -------------------------------------------------------------------------------------------

    def _write_shards(self, plan: str, kept: Kept) -> list[Receipt]:
        starts = np.array([kept.rank(first) for first in self.plan["firsts"]] + [kept.rows])
        jobs = []
        for number, first in enumerate(range(0, kept.rows, self.settings.shard_rows)):
            rows = min(self.settings.shard_rows, kept.rows - first)
            begin = int(np.searchsorted(starts, first, side="right")) - 1
            end = int(np.searchsorted(starts, first + rows, side="left"))
            name = f"shard-{first:012d}-{first + rows - 1:012d}"
            jobs.append(
                self._job(
                    "shards",
                    number,
                    plan,
                    first_row=first,
                    rows=rows,
                    parts=[begin, min(end, len(starts) - 1)],
                    path=f"shards/{name}.parquet",
                )
            )
        return self._all(write_shard, jobs, "writing shards")

    def _write_ledgers(self, plan: str) -> list[Receipt]:
        count = len(self.plan["names"])
        ranges = [[start, min(start + LEDGER_PARTS, count)] for start in range(0, count, LEDGER_PARTS)]
        jobs = [self._job("ledgers", number, plan, parts=parts) for number, parts in enumerate(ranges)]
        return self._all(write_ledger, jobs, "writing rejects and duplicates")

    # The manifest -------------------------------------------------------------------------------------

    def _manifest(
        self,
        parts: Sequence[Receipt],
        kept: Kept,
        plan: str,
        shards: Sequence[Receipt],
        ledgers: Sequence[Receipt],
        repeated: int,
    ) -> dict[str, Any]:
        sources = [source.identity() for source in self.sources]
        edges = [*self.plan["firsts"], sum(self.plan["rows"])]
        ranks = [kept.rank(edge) for edge in edges]
        for index, source in enumerate(sources):
            mine = [i for i, part in enumerate(parts) if part.facts["source"] == index]
            accepted = [ranks[i + 1] - ranks[i] for i in mine]
            source.update(_counts([parts[i] for i in mine], sum(accepted)))
        records = [self._record(receipt.outputs[0]) for receipt in shards]
        firsts = [0, *itertools.accumulate(record.rows or 0 for record in records)]
        names = (
            "lines",
            "blank",
            "comments",
            "headers",
            "records",
            "accepted",
            "duplicates",
            "rejected",
            "extensions",
            *STEREO_COUNTS,
        )
        ledger_files = [self._record(record) for receipt in ledgers for record in receipt.outputs]
        return {
            "format": LIBRARY_FORMAT,
            "version": LIBRARY_VERSION,
            "fingerprint": shards_fingerprint(records),
            "counts": {**{name: sum(s[name] for s in sources) for name in names}, "repeated_ids": repeated},
            "reasons": _added([source["reasons"] for source in sources]),
            "sources": sources,
            "properties": _summary(shards, kept.rows),
            "settings": settings_json(self.settings, self.sieve),
            **({} if self.sieve is None else {"refused": _added([part.facts["refused"] for part in parts])}),
            "shards": [
                {**dataclasses.asdict(record), "first_row": first}
                for record, first in zip(records, firsts[:-1], strict=True)
            ],
            **{
                kind: [
                    dataclasses.asdict(record)
                    for record in ledger_files
                    if record.path.startswith(f"{kind}/")
                ]
                for kind in ("rejects", "duplicates")
            },
            "seconds": {
                "wall": round(time.time() - self.started, 3),  # of the last run alone, if there were several
                "standardise": round(sum(part.seconds["standardise"] for part in parts), 3),
            },
            "made_with": _versions(),
        }

    def _record(self, record: FileRecord) -> FileRecord:
        """Return a record of the build folder as one of the library folder."""
        relative = Path(os.path.relpath(self.build / record.path, self.folder)).as_posix()
        return dataclasses.replace(record, path=relative)


def _counts(parts: Sequence[Receipt], accepted: int) -> dict[str, Any]:
    counts = _added([part.counts for part in parts])
    valid = sum(part.rows_out for part in parts)
    names = ("lines", "blank", "comments", "headers", "records", "extensions", *STEREO_COUNTS)
    return {
        **{name: counts.get(name, 0) for name in names},
        "accepted": accepted,
        "duplicates": valid - accepted,
        "rejected": counts.get("records", 0) - valid,
        "reasons": _added([part.facts["reasons"] for part in parts]),
    }


def _added(counters: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return dict(sorted(total.items()))


def _summary(shards: Sequence[Receipt], rows: int) -> dict[str, dict[str, float]]:
    summary = PropertySummary()
    for shard in shards:
        for name, item in shard.facts["properties"].items():
            summary.merge(name, item["min"], item["max"], item["sum"])
    return {
        name: {"min": summary.low[name], "max": summary.high[name], "mean": summary.total[name] / rows}
        for name in PROPERTY_COLUMNS
    }


def _versions() -> dict[str, str]:
    """Return the versions that decide what a library looks like."""
    import pyarrow
    import rdkit

    return {"rdkit": rdkit.__version__, "pyarrow": pyarrow.__version__}
