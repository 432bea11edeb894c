"""How a library is built: standard form, checks, shard sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from ..molecules.standardise import StandardSettings
from ..readers.layout import ReadingSettings
from ..schema import DEFAULT_SHARD_ROWS


@dataclass(frozen=True)
class IngestSettings:
    """How a library is built.

    Attributes
    ----------
    standard : StandardSettings
        What becomes of a molecule, and which are left out.
    reading : ReadingSettings
        How text files are laid out, where that is not to be found out.
    shard_rows : int
        Molecules per shard.
    chunk_bytes : int
        Text that a worker takes at a time. More means fewer, larger steps; the library is the same.
    chunk_rows : int
        The same for rows of Parquet and Feather files and for products.

    Examples
    --------
    >>> small = docksieve.StandardSettings(max_heavy_atoms=15)
    >>> settings = docksieve.IngestSettings(standard=small, shard_rows=50)
    >>> library = docksieve.build_library("small", ["vendor.smi"], settings, workers=1, progress=False)
    >>> library.rows, len(library.shards)
    (103, 3)
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    standard: StandardSettings = field(default_factory=StandardSettings)
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    shard_rows: int = DEFAULT_SHARD_ROWS
    chunk_bytes: int = 1 << 20
    chunk_rows: int = 10_000

    def __post_init__(self) -> None:
        for name, least in (("shard_rows", 1), ("chunk_bytes", 1), ("chunk_rows", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")


class Sieve(Protocol):
    """Conditions that molecules must meet to get into a library; it travels to workers, and must be small.

    Attributes
    ----------
    conditions : mapping
        What it asks, as JSON values: part of what the library is.
    """

    conditions: Mapping[str, Any]

    def refused(self, molecules: pa.Table) -> list[tuple[int, str]]:
        """Return the molecules that meet not all conditions: their place in the table, and which was the first."""


def settings_json(settings: IngestSettings, sieve: Sieve | None) -> dict[str, Any]:
    """Return how a library is built, as JSON values; without conditions as versions that knew none wrote it."""
    return {**asdict(settings), **({} if sieve is None else {"conditions": dict(sieve.conditions)})}
