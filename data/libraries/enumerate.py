"""Make-on-demand libraries: the products of reactions over building blocks.

A product space is never written out to be sampled: a product is a number, from which reaction and reagents
follow by division. Products are made in the workers of the library build and go through it like lines of a
file, so that they are standardised, deduplicated and accounted for like everything else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..enumeration.product_space import ProductSpace, product_space
from ..errors import InputError
from ..readers.layout import Layout
from ..store import sha256_json, write_json
from .build import build_from_sources
from .library import Library
from .pool import OpenCluster
from .settings import IngestSettings


@dataclass
class ProductSource:
    """The products of a space, or a uniform sample of them, as a source of a library build.

    Parameters
    ----------
    space : ProductSpace
    limit : int or None
        Products to draw, each set of that size equally likely; None: all, in order.
    seed : int
    chunk_rows : int
    scratch : Path
        Where the description that workers read is put down.
    """

    space: ProductSpace
    limit: int | None
    seed: int
    chunk_rows: int
    scratch: Path
    name: str = "products"
    stem: str = "products"

    def __post_init__(self) -> None:
        total = self.space.total
        self.count = total if self.limit is None else min(self.limit, total)
        spec = {**self.space.to_json(), "seed": self.seed, "sampled": self.count < total, "count": self.count}
        self.content = self.fixed_content = sha256_json(spec)
        self._path = self.scratch / "products.json"
        write_json(self._path, spec)
        sizes = zip(self.space.reactions, self.space.sizes, strict=True)
        listed = ", ".join(f"{reaction.name} {size:,}" for reaction, size in sizes)
        drawn = f"{self.count:,} drawn from" if self.count < total else "all of"
        self.layout = Layout("products", why=f"{drawn} {total:,} ({listed})")
        self._read = 0

    def chunks(self) -> Iterator[dict[str, Any]]:
        """Yield ranges of products."""
        for start in range(0, self.count, self.chunk_rows):
            count = min(self.chunk_rows, self.count - start)
            self._read = start + count
            yield {
                "path": str(self._path),
                "start": start,
                "count": count,
                "digest": hashlib.blake2b(json.dumps([self.content, start, count]).encode()).hexdigest(),
                "what": f"products {start + 1:,} to {start + count:,}",
            }

    def identity(self) -> dict[str, Any]:
        """Return the reactions, their sizes, and a checksum of reagents, reactions and seed."""
        return {
            "name": self.name,
            "bytes": 0,
            "modified": 0,
            "packing": [],
            "layout": self.layout.to_json(),
            "content": self.content,
            "space": self.space.total,
            "seed": self.seed,
            "reactions": {r.name: n for r, n in zip(self.space.reactions, self.space.sizes, strict=True)},
            "left_out": {name: dict(counts) for name, counts in self.space.left_out.items()},
        }

    @property
    def progress(self) -> tuple[int, int]:
        """Products handed out so far, and in all."""
        return self._read, self.count


def enumerate_library(
    out: str | os.PathLike[str],
    reactions: Sequence[str] = (),
    reagent_files: Mapping[str, Sequence[str | os.PathLike[str]]] | None = None,
    limit: int | None = None,
    seed: int = 0,
    settings: IngestSettings | None = None,
    workers: int | None = None,
    progress: bool = True,
    client: Any = None,
    reactions_file: str | os.PathLike[str] | None = None,
    open_cluster: OpenCluster | None = None,
) -> Library:
    """Build a make-on-demand library.

    Parameters
    ----------
    out : path
    reactions : sequence of str
        Names; all by default.
    reagent_files : mapping, optional
        Files for a role (``{"acids": ["mine.smi"]}``); the sample building blocks otherwise.
    limit : int, optional
        Draw so many products uniformly from the space. The library has fewer molecules where products
        coincide or are rejected.
    seed : int
        Of the sample.
    settings, workers, progress, client, open_cluster
        As for :func:`docksieve.build_library`.
    reactions_file : path, optional
        TOML with ``[[reaction]]`` tables, instead of the built-in reactions.

    Returns
    -------
    Library
        Ids name what to order: ``amide:DS-AC-0012:DS-AM-0345`` is made of that acid and that amine.

    Raises
    ------
    InputError
        If a reaction or a role is unknown, or a file cannot be read.
    LibraryError
        If ``out`` is taken.

    Examples
    --------
    >>> library = docksieve.enumerate_library("amides", ["amide"], limit=20, seed=1, workers=1, progress=False)
    >>> {name.split(":")[0] for name in library.take(range(library.rows), ["id"])["id"].to_pylist()}
    {'amide'}
    """
    if limit is not None and limit < 1:
        raise InputError(f"The limit must be at least 1, not {limit}.")
    settings = settings or IngestSettings()
    space = product_space(reactions, reagent_files, reactions_file)

    def sources(scratch: Path) -> list[ProductSource]:
        return [ProductSource(space, limit, seed, settings.chunk_rows, scratch)]

    return build_from_sources(out, sources, settings, workers, progress, client, open_cluster)
