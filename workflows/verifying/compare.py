"""Two files that should be the same: bit for bit, or which columns and keys differ, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...data.store import read_json, read_table
from ...data.words import plural
from ...models.bundles.bundle import tensors_in

TIMES = frozenset(
    {"seconds", "started", "versions", "manager", "price", "screen", "card_sha256", "followed_before"}
)
"""Columns and keys that say when, where and how fast, or are hashes of such."""


def differences(first: Path, second: Path) -> list[str]:
    """Return in words what two files do not have in common but for times; empty if nothing."""
    if first.suffix == ".parquet":
        return list(_tables(read_table(first), read_table(second)))
    if first.suffix == ".json":
        return list(values(read_json(first), read_json(second)))
    if first.suffix == ".safetensors":
        return list(_tensors(tensors_in(first), tensors_in(second)))
    return [] if first.read_bytes() == second.read_bytes() else ["the bytes differ"]


def _tables(first: pa.Table, second: pa.Table) -> Iterator[str]:
    if first.column_names != second.column_names:
        yield f"columns {first.column_names} became {second.column_names}"
        return
    if first.num_rows != second.num_rows:
        yield f"{plural(first.num_rows, 'row')} became {second.num_rows:,}"
        return
    for name in first.column_names:
        if name in TIMES or first[name].equals(second[name]):
            continue
        yield f"column {name}{_column(first[name], second[name])}"


def _column(first: pa.ChunkedArray, second: pa.ChunkedArray) -> str:
    if first.type != second.type:
        return f" was {first.type} and became {second.type}"
    kind = first.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        one, two = (pc.cast(column, pa.float64()).to_numpy() for column in (first, second))
        return _numbers(one, two)
    count = sum(a != b for a, b in zip(first.to_pylist(), second.to_pylist(), strict=True))
    return f" differs in {count:,} of {plural(len(first), 'row')}"


def _numbers(one: np.ndarray, two: np.ndarray) -> str:
    apart = ~((one == two) | (np.isnan(one) & np.isnan(two)))
    gap = np.abs(one - two)[apart]
    most = f" by at most {np.nanmax(gap):.3g}" if np.isfinite(gap).any() else ""
    return f" differs in {int(apart.sum()):,} of {one.size:,} values{most}"


def _tensors(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> Iterator[str]:
    for name in sorted({*first, *second}):
        one, two = first.get(name), second.get(name)
        if one is None or two is None or one.shape != two.shape:
            yield f"tensor {name} is not the same kind of array"
        elif one.tobytes() != two.tobytes():
            yield f"tensor {name}{_numbers(one.astype(np.float64), two.astype(np.float64))}"


def values(first: Any, second: Any, at: str = "") -> Iterator[str]:
    """Yield in words where two JSON values differ but for times."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in sorted({*first, *second} - TIMES):
            yield from values(first.get(key), second.get(key), f"{at}.{key}" if at else str(key))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for index, (one, two) in enumerate(zip(first, second, strict=True)):
            yield from values(one, two, f"{at}[{index}]")
    elif first != second:
        yield f"{at or 'value'} was {_short(first)} and became {_short(second)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
