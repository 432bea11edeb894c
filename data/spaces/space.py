"""A space on disk: its reactions, building blocks and their capped forms; products by number, made when needed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from ..enumeration.product_space import Reaction, permuted
from ..errors import LibraryError
from ..molecules.properties import PROPERTY_NAMES
from ..molecules.standardise import StandardSettings
from ..schema import LIBRARY_SCHEMA, PROPERTY_COLUMNS
from ..seeds import derive_seed
from ..store import FileRecord, matches, read_json, read_table, sha256_json
from .products import Made, make_products

SPACE_FORMAT, SPACE_VERSION = "docksieve-space", 1
MANIFEST = "space.json"
SHARD_PRODUCTS = {2: 2_000_000_000, 3: 10_000_000_000}
"""Products that one task searches, by the number of roles: some ten seconds."""
MOST_PRODUCTS = 2**63 - 1
"""Row numbers are int64."""


@dataclass(frozen=True)
class SpaceShard:
    """A part of a space that one task searches: the products of a range of a reaction's first role.

    Attributes
    ----------
    name : str
        For example ``amide-000000-000481``: the reaction, and the first and last block of its first role.
    reaction : int
    start, stop : int
        Positions of the blocks of the first role.
    first_row, rows : int
        Numbers of its products: they follow each other.
    """

    name: str
    reaction: int
    start: int
    stop: int
    first_row: int
    rows: int


class Blocks:
    """The building blocks of one role of one reaction.

    Attributes
    ----------
    table : pyarrow.Table
        ``id``, ``smiles``, ``capped`` (a product with fixed, small partners), the properties of ``capped``, and what
        else the files said of a block (``price``, say).
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def ids(self) -> list[str]:
        """What to order."""
        return list(self.table["id"].to_pylist())

    @cached_property
    def smiles(self) -> list[str]:
        """Standard SMILES."""
        return list(self.table["smiles"].to_pylist())

    @cached_property
    def capped(self) -> list[str]:
        """Standard SMILES of the blocks inside a product."""
        return list(self.table["capped"].to_pylist())

    def values(self, name: str) -> NDArray[np.float64]:
        """Return a numeric column; NaN where nothing is known."""
        return np.asarray(self.table[name].cast(pa.float64()).to_numpy(), np.float64)


class Space:
    """A combinatorial space: products by number, none of which is written down.

    Parameters
    ----------
    path : path
        The folder that ``docksieve space build`` made.

    Raises
    ------
    LibraryError
        If there is no space, or one of a newer version.

    Examples
    --------
    >>> space = docksieve.build_space("space", ["sulfonamide"])
    >>> space.rows == space.sizes[0] == len(space.blocks[0][0]) * len(space.blocks[0][1])
    True
    >>> space.take([0], ["id"])["id"][0].as_py().split(":")[0]
    'sulfonamide'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        manifest = self.path / MANIFEST
        if not manifest.exists():
            raise LibraryError(
                f"There is no space in {self.path}: {MANIFEST} is missing.",
                "Make one with docksieve space build.",
            )
        self.manifest: dict[str, Any] = read_json(manifest)
        if self.manifest.get("format") != SPACE_FORMAT:
            raise LibraryError(f"{manifest} does not describe a space.")
        if self.manifest.get("version", 0) > SPACE_VERSION:
            raise LibraryError(
                f"The space in {self.path} was made by a newer Docksieve.", "Update, or build it anew."
            )
        self.reactions = tuple(
            Reaction(item["name"], item["title"], item["smarts"], tuple(item["roles"]))
            for item in self.manifest["reactions"]
        )
        self.standard = StandardSettings(**self.manifest["standard"])
        self.sizes = [int(item["products"]) for item in self.manifest["reactions"]]
        self._edges = [0, *accumulate(self.sizes)]

    @property
    def rows(self) -> int:
        """How many products there are, equal ones by different ways counted each."""
        return self._edges[-1]

    def __repr__(self) -> str:
        return f"Space({str(self.path)!r}, products={self.rows}, reactions={len(self.reactions)})"

    @property
    def fingerprint(self) -> str:
        """Checksum of everything that tells the products."""
        return str(self.manifest["fingerprint"])

    @cached_property
    def blocks(self) -> tuple[tuple[Blocks, ...], ...]:
        """The building blocks: for each reaction, for each role."""
        return tuple(
            tuple(Blocks(read_table(self.path / file["path"])) for file in item["files"])
            for item in self.manifest["reactions"]
        )

    def records(self) -> list[FileRecord]:
        """Return the files with their checksums."""
        names = [field.name for field in fields(FileRecord)]
        files = [file for item in self.manifest["reactions"] for file in item["files"]]
        return [FileRecord.of_stranger({name: file[name] for name in names}) for file in files]

    def verify(self) -> None:
        """Compare every file with its checksum.

        Raises
        ------
        LibraryError
            If one is missing or altered.
        """
        identity = {key: self.manifest.get(key) for key in ("reactions", "standard")}
        if sha256_json(identity) != self.fingerprint or self.manifest.get("products") != self.rows:
            raise LibraryError(
                f"{self.path / MANIFEST} is altered since the space was built.", "Build the space anew."
            )
        for record in self.records():
            if not matches(record, self.path):
                raise LibraryError(
                    f"{self.path / record.path} is missing or altered since the space was built.",
                    "Build the space anew in another folder; a campaign keeps to the one that it began with.",
                )

    @cached_property
    def shards(self) -> tuple[SpaceShard, ...]:
        """The parts of the space that tasks search, in row order."""
        found = []
        for index, reaction in enumerate(self.reactions):
            sizes = [file["rows"] for file in self.manifest["reactions"][index]["files"]]
            if not self.sizes[index]:
                continue
            most = SHARD_PRODUCTS[len(sizes)]
            each = max(1, min(sizes[0], most * sizes[0] // self.sizes[index]))
            inner = self.sizes[index] // sizes[0]
            for start in range(0, sizes[0], each):
                stop = min(start + each, sizes[0])
                name = f"{reaction.name}-{start:06d}-{stop - 1:06d}"
                first = self._edges[index] + start * inner
                found.append(SpaceShard(name, index, start, stop, first, (stop - start) * inner))
        return tuple(found)

    def base(self, reaction: int) -> Mapping[str, float]:
        """Return the properties of the product of a reaction's fixed partners: what contributions are counted from."""
        return {k: float(v) for k, v in self.manifest["reactions"][reaction]["base"].items()}

    def deviations(self, reaction: int) -> Mapping[str, float]:
        """Return by how much a sum over blocks missed each property of 300 random products at most; 0 where exact."""
        return {k: float(v) for k, v in self.manifest["reactions"][reaction].get("deviations", {}).items()}

    def first(self, reaction: int) -> int:
        """Return the number of a reaction's first product."""
        return self._edges[reaction]

    def locate(self, numbers: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the reaction of each product, and the positions of its building blocks.

        Parameters
        ----------
        numbers : array of int64, shape (n,)

        Returns
        -------
        reactions : array of int64, shape (n,)
        positions : array of int64, shape (n, most roles)
            -1 where a reaction has fewer roles.

        Raises
        ------
        LibraryError
            If a number is not one of the space.
        """
        wanted = np.asarray(numbers, np.int64).reshape(-1)
        if len(wanted) and (wanted.min() < 0 or wanted.max() >= self.rows):
            bad = wanted[(wanted < 0) | (wanted >= self.rows)][0]
            raise LibraryError(f"{self.path} has no product {bad}: its numbers are 0 to {self.rows - 1}.")
        edges = np.array(self._edges, np.int64)
        reactions = np.searchsorted(edges, wanted, side="right").astype(np.int64) - 1
        most = max(len(reaction.roles) for reaction in self.reactions)
        positions = np.full((len(wanted), most), -1, np.int64)
        for index in np.unique(reactions):
            here = np.flatnonzero(reactions == index)
            rest = wanted[here] - edges[index]
            for role in reversed(range(len(self.reactions[index].roles))):
                rest, positions[here, role] = np.divmod(
                    rest, self.manifest["reactions"][index]["files"][role]["rows"]
                )
        return reactions, positions

    def number(self, reaction: int, positions: ArrayLike) -> NDArray[np.int64]:
        """Return the numbers of products of one reaction from the positions of their blocks, shape (n, roles)."""
        places = np.asarray(positions, np.int64)
        result = np.zeros(len(places), np.int64)
        for role, file in enumerate(self.manifest["reactions"][reaction]["files"]):
            result = result * file["rows"] + places[:, role]
        return result + self._edges[reaction]

    def ids(self, numbers: ArrayLike) -> list[str]:
        """Return the ids of products: reaction and blocks, what to order."""
        reactions, positions = self.locate(numbers)
        return [
            ":".join(
                [
                    self.reactions[index].name,
                    *(role.ids[at] for role, at in zip(self.blocks[index], places, strict=False)),
                ]
            )
            for index, places in zip(reactions.tolist(), positions.tolist(), strict=True)
        ]

    def lookup(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the number of each id, -1 where there is none."""
        found = np.full(len(ids), -1, np.int64)
        names = {reaction.name: index for index, reaction in enumerate(self.reactions)}
        for at, text in enumerate(ids):
            name, *parts = text.split(":")
            index = names.get(name)
            if index is None or len(parts) != len(self._places[index]):
                continue
            places = [known.get(part, -1) for known, part in zip(self._places[index], parts, strict=True)]
            if min(places) >= 0:
                found[at] = self.number(index, [places])[0]
        return found

    @cached_property
    def _places(self) -> list[list[dict[str, int]]]:
        return [[{text: at for at, text in enumerate(role.ids)} for role in roles] for roles in self.blocks]

    def make(self, numbers: ArrayLike) -> Made:
        """Return the products with these numbers, in that order; those that cannot be made with the reason."""
        reactions, positions = self.locate(numbers)
        smiles: list[str] = [""] * len(reactions)
        values = np.zeros((len(reactions), len(PROPERTY_NAMES)))
        problems: dict[int, tuple[str, str]] = {}
        for index in np.unique(reactions).tolist():
            here = np.flatnonzero(reactions == index)
            roles = self.blocks[index]
            texts = [
                [role.smiles[at] for role, at in zip(roles, places, strict=False)]
                for places in positions[here].tolist()
            ]
            made = make_products(self.reactions[index], texts, self.standard)
            for at, place in enumerate(here.tolist()):
                smiles[place] = made.smiles[at]
                if at in made.problems:
                    problems[place] = made.problems[at]
            values[here] = made.values
        return Made(smiles, values, problems)

    def take(self, rows: ArrayLike, columns: Sequence[str] | None = None) -> pa.Table:
        """Return products by number as rows of a library, in the order asked.

        Parameters
        ----------
        rows : array of int64, shape (n,)
        columns : sequence of str, optional
            Those of a library; all by default. ``smiles`` is null for a product that cannot be made.
        """
        wanted = np.asarray(rows, np.int64).reshape(-1)
        names = LIBRARY_SCHEMA.names if columns is None else list(columns)
        made = self.make(wanted) if {"smiles", *PROPERTY_COLUMNS} & set(names) else None
        whole: dict[str, Any] = {
            "row": pa.array(wanted),
            "source": pa.array(self.locate(wanted)[0], pa.int32()),
            "line": pa.array(wanted + 1),
            "stereo_groups": pa.nulls(len(wanted), pa.string()),
        }
        if "id" in names:
            whole["id"] = pa.array(self.ids(wanted), pa.string())
        if made is not None:
            known = np.array([bool(text) for text in made.smiles], bool)
            whole["smiles"] = pa.array([text or None for text in made.smiles], pa.string())
            for at, (name, kind) in enumerate(PROPERTY_COLUMNS.items()):
                whole[name] = pa.array(made.values[:, at], mask=~known).cast(kind, safe=False)
        return pa.table({name: whole[name] for name in names})

    def find_smiles(self, standard_smiles: Sequence[str]) -> NDArray[np.int64]:
        """Return -1 for each: which blocks would make a molecule is not known without making all products."""
        return np.full(len(standard_smiles), -1, np.int64)

    def sample_rows(self, count: int, *seed_parts: object) -> NDArray[np.int64]:
        """Return ``count`` distinct product numbers, sorted: the first of a pseudo-random permutation of all.

        Raises
        ------
        LibraryError
            If the space has fewer products.
        """
        if not 0 <= count <= self.rows:
            raise LibraryError(f"{self.path} has {self.rows} products; {count} cannot be drawn.")
        seed = derive_seed("space-sample", self.rows, *seed_parts)
        drawn = permuted(np.arange(count, dtype=np.uint64), self.rows, seed)
        return np.sort(drawn.astype(np.int64))


def products_of(counts: Sequence[int]) -> int:
    """Return the product of block counts.

    Raises
    ------
    LibraryError
        If it is more than row numbers can count.
    """
    total = prod(counts)
    if total > MOST_PRODUCTS:
        raise LibraryError(
            f"{' x '.join(f'{count:,}' for count in counts)} products are more than row numbers (int64) can count."
        )
    return total
