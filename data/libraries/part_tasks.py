"""The steps of a library build that workers perform: plain functions of a job, each leaving a receipt.

Every step is a function of its job's content alone. Which worker does it, when, and how often it was tried
before leaves no trace in its outputs, so that an interrupted build ends with the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..enumeration.product_space import product_records
from ..molecules.batch import standard_forms
from ..molecules.standardise import MoleculeError, StandardSettings, rdkit_messages
from ..readers.layout import Layout
from ..readers.records import LineCounts, Record, any_records
from ..receipts import Receipt, Stopwatch, is_done, write_receipt
from ..schema import LIBRARY_SCHEMA, PROPERTY_COLUMNS, REJECT_SCHEMA
from ..store import atomic_path, record_file
from .dedupe import hash_texts, write_keys
from .settings import Sieve

REJECT_TEXT = 1000
"""Characters kept of a rejected record; what is cut is said in the text itself."""

STANDARD_FORM = 2
"""Raised when the standard form of some molecules changes: an unfinished build does not mix two."""

STEREO_COUNTS = ("stereo_groups", "lost_axial")
"""Molecules in standard form that have stereo groups, and that lost the handedness of an allene or a hindered axis."""

PART_SCHEMA = pa.schema([field for field in LIBRARY_SCHEMA if field.name != "row"])


def standardise_chunk(job: Mapping[str, Any]) -> dict[str, Any]:
    """Turn one chunk of input into a part: standard molecules with properties and keys, and rejects.

    Parameters
    ----------
    job : mapping
        ``build`` (folder), ``task``, ``fingerprint``, ``source``, ``stem``, ``kind``, ``layout``,
        ``settings`` and the chunk: ``payload`` and ``first_line``, or ``path``, ``start`` and ``count``.

    Returns
    -------
    dict
        The receipt as JSON values.
    """
    build = Path(job["build"])
    if done := is_done(build, job["task"], job["fingerprint"]):
        return done.to_json()
    watch = Stopwatch()
    counts, reasons = LineCounts(), Counter[str]()
    layout = Layout(**job["layout"])
    records = (
        product_records(job["path"], job["start"], job["count"])
        if job["kind"] == "products"
        else any_records(job["kind"], job, layout, counts)
    )
    stereo = Counter[str]()
    with watch("standardise"), rdkit_messages():
        columns, rejects, total = _standardise_records(records, job, reasons, stereo)
    refused: Counter[str] = Counter()
    if (sieve := job.get("sieve")) is not None:
        with watch("conditions"):
            columns = _sifted(columns, rejects, sieve, refused)
        reasons["condition"] += refused.total()
    with watch("write"):
        outputs = _write_part(build, job, columns, rejects)
    rows = len(columns["smiles"])
    receipt = Receipt(
        task=job["task"],
        kind="part",
        fingerprint=job["fingerprint"],
        rows_in=total,
        rows_out=rows,
        outputs=tuple(record_file(path, build) for path in outputs),
        seconds=watch.seconds,
        counts={
            # In SDF and tables a record is the unit, in text the line.
            "lines": job["lines"] if job["kind"] == "text" else total,
            "records": total,
            **dataclasses.asdict(counts),
            **{name: stereo[name] for name in STEREO_COUNTS},
        },
        facts={
            "reasons": {code: count for code, count in sorted(reasons.items()) if count},
            "source": job["source"],
            **({"refused": dict(refused)} if sieve is not None else {}),
        },
    )
    write_receipt(build, receipt)
    return receipt.to_json()


def _standardise_records(
    records: Iterator[Record], job: Mapping[str, Any], reasons: Counter[str], stereo: Counter[str]
) -> tuple[dict[str, Any], list[tuple[int, str, str, str]], int]:
    """Return the columns of the part, its rejects (line, text, code, reason) and the number of records."""
    given = list(records)
    # A record that is known to hold no molecule takes part as an empty one, so that indices agree.
    forms = standard_forms(
        ["" if record.problem else record.structure for record in given],
        StandardSettings(**job["settings"]),
        from_block=job["kind"] == "sdf",
        extensions=[record.extension for record in given],
    )
    stereo["stereo_groups"] += len(forms.stereo_groups)
    stereo["lost_axial"] += len(forms.lost_axial)
    for index, record in enumerate(given):
        if record.problem:
            forms.problems[index] = MoleculeError(*record.problem)
    rejects = []
    for index in sorted(forms.problems):
        error, record = forms.problems[index], given[index]
        reasons[error.code] += 1
        rejects.append((record.line, _capped(record.text), error.code, error.message))
    kept: Sequence[int] = range(len(given))
    if forms.problems:
        kept = [index for index in kept if index not in forms.problems]
        given = [given[index] for index in kept]
    stem = job["stem"]
    values = forms.values[kept] if forms.problems else forms.values
    columns: dict[str, Any] = {
        "id": [record.id or f"{stem}:{record.line}" for record in given],
        "smiles": [forms.smiles[index] for index in kept] if forms.problems else forms.smiles,
        **{
            name: pa.array(np.ascontiguousarray(values[:, place])).cast(kind)
            for place, (name, kind) in enumerate(PROPERTY_COLUMNS.items())
        },
        "source": np.full(len(given), job["source"], np.int32),
        "line": np.fromiter((record.line for record in given), np.int64, len(given)),
        "stereo_groups": pa.array([forms.stereo_groups.get(index) for index in kept], pa.string()),
    }
    return columns, rejects, len(forms.smiles)


def _sifted(
    columns: dict[str, Any], rejects: list[tuple[int, str, str, str]], sieve: Sieve, refused: Counter[str]
) -> dict[str, Any]:
    """Return the columns without the molecules that conditions refuse, which become rejects."""
    table = pa.table(columns, schema=PART_SCHEMA)
    out = sieve.refused(table)
    if not out:
        return columns
    kept = np.ones(table.num_rows, np.bool_)
    for place, words in out:
        kept[place] = False
        refused[words] += 1
        line, smiles = table["line"][place].as_py(), table["smiles"][place].as_py()
        rejects.append((line, _capped(smiles), "condition", f"it does not meet the condition: {words}"))
    rejects.sort(key=lambda item: item[0])
    left = table.filter(pa.array(kept))
    texts = {name: left[name].to_pylist() for name in ("id", "smiles")}
    return {
        name: texts[name] if name in texts else left[name].combine_chunks() for name in table.column_names
    }


def _capped(text: str) -> str:
    text = text.replace("\0", "\N{SYMBOL FOR NULL}")
    if len(text) <= REJECT_TEXT:
        return text
    return f"{text[:REJECT_TEXT]} ... [cut: {len(text)} characters in all]"


def _write_part(
    build: Path,
    job: Mapping[str, Any],
    columns: dict[str, Any],
    rejects: list[tuple[int, str, str, str]],
) -> list[Path]:
    number = Path(job["task"]).name
    outputs = [build / "parts" / f"{number}.parquet"]
    table = pa.table(columns, schema=PART_SCHEMA)
    with atomic_path(outputs[0]) as temporary:
        pq.write_table(table, temporary, compression="zstd", compression_level=1)
    # A racemate and its isomer have one SMILES, and are two molecules.
    forms = columns["smiles"]
    if columns["stereo_groups"].null_count < len(forms):
        groups = columns["stereo_groups"].to_pylist()
        forms = [f"{one} {more}" if more else one for one, more in zip(forms, groups, strict=True)]
    for name, texts in (("keys", forms), ("ids", columns["id"])):
        outputs.append(build / "parts" / f"{number}.{name}")
        write_keys(outputs[-1], hash_texts(texts))
    if rejects:
        lines, texts, codes, reasons = (list(column) for column in zip(*rejects, strict=True))
        sources = [job["source"]] * len(lines)
        data = [sources, lines, texts, codes, reasons]
        outputs.append(build / "parts" / f"{number}.rejects.parquet")
        with atomic_path(outputs[-1]) as temporary:
            pq.write_table(pa.table(data, schema=REJECT_SCHEMA), temporary, compression="zstd")
    return outputs
