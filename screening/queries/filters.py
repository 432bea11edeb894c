"""The conditions of a question that need chemistry: put to molecules best first, until enough have met them all.

Cheap ones (compiled kernels, tens of thousands of molecules per core-second) go over whole batches, batches beside each
other; dear ones (RDKit, a thousand per second) over what is left, a few at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...data.molecules.graph import read_graphs
from ..chemistry.alerts import alerts, qed, qed_at_most
from ..chemistry.diversity import murcko_scaffold
from ..chemistry.parents import OnePerParent, parent_smiles
from ..chemistry.similarity import Fingerprint, References
from ..chemistry.smarts import Pattern
from ..chemistry.substructure import found_in
from .conditions import Where, bare, not_understood
from .query import HitQuery
from .rankings import DockedScores, with_columns

Mask = NDArray[np.bool_]

COMPUTED: Mapping[str, Callable[[Sequence[str]], Sequence[Any]]] = {
    "qed": qed,
    "pains": lambda smiles: alerts(smiles, "pains"),
    "brenk": lambda smiles: alerts(smiles, "brenk"),
    "nih": lambda smiles: alerts(smiles, "nih"),
    "scaffold": lambda smiles: [murcko_scaffold(text) for text in smiles],
    "parent": parent_smiles,
}
"""Columns that follow from the SMILES."""
KINDS = {
    "qed": pa.float64(),
    "query_similarity": pa.float32(),
    "query_match": pa.string(),
    "known_similarity": pa.float32(),
    "known_match": pa.string(),
}
"""Types of the columns that are made here; all others are text."""


@dataclass
class Batch:
    """Molecules that follow one another in a ranking, and which of them have met every condition so far."""

    table: pa.Table
    kept: Mask
    _smiles: list[str] = field(default_factory=list)
    _graphs: Any = None

    @classmethod
    def of(cls, table: pa.Table) -> Batch:
        """Return all molecules of a table."""
        return cls(table, np.ones(table.num_rows, np.bool_))

    @property
    def smiles(self) -> list[str]:
        """SMILES of all molecules, kept or not."""
        if len(self._smiles) != self.table.num_rows:
            self._smiles = self.table["smiles"].to_pylist()
        return self._smiles

    @property
    def graphs(self) -> Any:
        """Graph arrays of all molecules."""
        if self._graphs is None:
            self._graphs = read_graphs(self.smiles)
        return self._graphs

    def kept_smiles(self) -> list[str]:
        """Return the SMILES of the molecules kept."""
        smiles = self.smiles
        return [smiles[index] for index in np.flatnonzero(self.kept).tolist()]

    def narrow(self, passed: Mask) -> None:
        """Keep those of the molecules kept so far that ``passed``."""
        self.kept[self.kept] = passed

    def add(self, name: str, values: Sequence[Any] | NDArray[Any]) -> None:
        """Add a column; ``values`` are those of the molecules kept, all others are null."""
        places = np.full(self.table.num_rows, -1, np.int64)
        places[self.kept] = np.arange(len(values))
        column = pa.array(values, KINDS.get(name, pa.string())).take(pa.array(places, mask=places < 0))
        self.table = with_columns(self.table, {name: column})

    def only_kept(self) -> pa.Table:
        """Return the molecules kept."""
        return self.table.filter(pa.array(self.kept))


@dataclass(frozen=True)
class Step:
    """A condition: in words, and what narrows a batch by it."""

    words: str
    narrow: Callable[[Batch], None]


def quick_steps(
    has: Sequence[Pattern],
    has_not: Sequence[Pattern],
    query: HitQuery,
    fingerprint: Fingerprint | None,
) -> list[Step]:
    """Return the conditions that whole batches are put to; they may be taken in several threads.

    Parameters
    ----------
    has, has_not : sequence of Pattern
        Those of the query, read.
    query : HitQuery
        Its molecules are in the library's standard form.
    fingerprint : Fingerprint or None
        Needed where similarity is asked for.
    """
    steps = [Step(f"has {pattern.smarts}", _has(pattern)) for pattern in has]
    steps += [Step(f"has not {pattern.smarts}", _has_not(pattern)) for pattern in has_not]
    if query.similar_to and fingerprint is not None:
        near = References(query.similar_to, fingerprint)
        limit = query.similarity
        steps.append(Step(f"similarity {limit:g} or more", _near(near, limit)))
    if query.novel_against and fingerprint is not None:
        known = References(query.novel_against, fingerprint)
        bound = query.novelty
        words = f"similarity to known molecules below {bound:g}"
        steps.append(Step(words, _compared(known, "known", lambda s: s < np.float32(bound))))
    return steps


def dear_steps(query: HitQuery, late: Sequence[Where], docked: DockedScores | None) -> list[Step]:
    """Return the conditions that cost about a millisecond per molecule, the cheaper ones first.

    Parameters
    ----------
    query : HitQuery
    late : sequence of Where
        Conditions that ask about computed columns.
    docked : DockedScores or None
        Where docked scores are looked up, unless the ranking has them.
    """
    steps = []
    if window := query.windows.get("qed"):
        steps.append(Step(f"qed {window}", _qed_within(window.low, window.high)))
    quickest_first = [name for name in ("brenk", "nih", "pains") if name in query.no_alerts]
    steps += [Step(f"no {name} alert", _without_alerts(name)) for name in quickest_first]
    steps += [Step(bare(where.text), _where(where, docked)) for where in late]
    if query.per_parent:
        once = OnePerParent()
        steps.append(
            Step("one form per compound", lambda batch: batch.narrow(once.mask(batch.kept_smiles())))
        )
    return steps


def add_column(batch: Batch, name: str) -> None:
    """Compute a column of :data:`COMPUTED` for the molecules kept."""
    batch.add(name, COMPUTED[name](batch.kept_smiles()))


def _has(pattern: Pattern) -> Callable[[Batch], None]:
    def narrow(batch: Batch) -> None:
        batch.kept = found_in(batch.smiles, batch.graphs, pattern, batch.kept)

    return narrow


def _has_not(pattern: Pattern) -> Callable[[Batch], None]:
    def narrow(batch: Batch) -> None:
        batch.kept &= ~found_in(batch.smiles, batch.graphs, pattern, batch.kept)

    return narrow


def _compared(
    references: References, what: str, passes: Callable[[NDArray[np.float32]], Mask]
) -> Callable[[Batch], None]:
    def narrow(batch: Batch) -> None:
        similarity, place = references.nearest(batch.kept_smiles())
        passed = passes(similarity)
        batch.narrow(passed)
        batch.add(f"{what}_similarity", similarity[passed])
        matched = [
            references.smiles[index] if near else None for index, near in zip(place, similarity, strict=True)
        ]
        batch.add(f"{what}_match", [text for text, one in zip(matched, passed, strict=True) if one])

    return narrow


def _near(references: References, limit: float) -> Callable[[Batch], None]:
    compare = _compared(references, "query", lambda similarity: similarity >= np.float32(limit))

    def narrow(batch: Batch) -> None:
        batch.kept = references.may_reach(batch.graphs, limit, batch.kept)
        compare(batch)

    return narrow


def _qed_within(low: float | None, high: float | None) -> Callable[[Batch], None]:
    def narrow(batch: Batch) -> None:
        if low is not None:
            names = ("weight", "logp", "donors", "tpsa", "rotatable_bonds")
            known = {
                name: batch.table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)[batch.kept]
                for name in names
            }
            batch.narrow(~(qed_at_most(known) < low))  # what is not known stays
        values = np.array(qed(batch.kept_smiles()), np.float64)  # None becomes NaN, which is in no window
        passed = ~np.isnan(values)
        passed &= (values >= (-np.inf if low is None else low)) & (
            values <= (np.inf if high is None else high)
        )
        batch.narrow(passed)
        batch.add("qed", values[passed])

    return narrow


def _without_alerts(name: str) -> Callable[[Batch], None]:
    def narrow(batch: Batch) -> None:
        batch.narrow(np.array([not found for found in alerts(batch.kept_smiles(), name)], np.bool_))

    return narrow


def _where(where: Where, docked: DockedScores | None) -> Callable[[Batch], None]:
    """Compute the columns that a condition asks about, and put it to what is left."""

    def narrow(batch: Batch) -> None:
        for name in sorted(where.late & COMPUTED.keys()):
            if name not in batch.table.column_names:
                add_column(batch, name)
        table = batch.only_kept()
        if docked is not None:
            table = with_columns(table, docked.of(table["row"]))
        places = pa.array(np.arange(table.num_rows))
        with duckdb.connect() as connection:
            connection.execute("SET enable_external_access = false")
            connection.register("hits", table.append_column("__place", places))
            try:
                found = connection.sql(f"SELECT __place FROM hits WHERE {where.sql}").to_arrow_table()
            except duckdb.Error as error:  # a cast can fail on a value
                raise not_understood(where.text, error, table.column_names) from None
        batch.narrow(np.isin(np.arange(table.num_rows), found["__place"].to_numpy()))

    return narrow
