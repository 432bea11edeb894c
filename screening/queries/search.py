"""One question, put to one ranking: read from the top, and only as far as is needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..chemistry.diversity import spread_out
from ..chemistry.similarity import Fingerprint
from ..chemistry.smarts import kekule_hint, read_pattern
from .answer import FunnelStep
from .conditions import Condition, Where, bare, conjuncts, read_where, stored_conditions
from .filters import COMPUTED, KINDS, Batch, Step, add_column, dear_steps, quick_steps
from .query import HitQuery
from .rankings import DOCKED_SCHEMA, Ranking, with_columns

FIRST_ROWS, MOST_ROWS = 4_096, 32_768
"""Molecules of the first batch, which answers most questions, and of later ones."""


@dataclass
class SearchResult:
    """What a ranking answered.

    Attributes
    ----------
    table : pyarrow.Table
    exhausted : bool
        Whether every molecule was looked at.
    stored : tuple of Condition
        Conditions that the files were asked about; with them, a search can go on elsewhere.
    where : Where
    chemistry : bool
        Whether there are conditions that files cannot answer.
    left : list of int
        Molecules left by each of the steps taken after the stored conditions; of all if exhausted.
    words : list of str
        Those steps.
    """

    table: pa.Table
    exhausted: bool
    stored: tuple[Condition, ...]
    where: Where
    chemistry: bool
    left: list[int] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def find(
    ranked: Ranking, query: HitQuery, fingerprint: Fingerprint | None = None, threads: int | None = None
) -> SearchResult:
    """Return the best molecules of a ranking that meet all conditions: as many as are wanted, before picks.

    Parameters
    ----------
    ranked : Ranking
    query : HitQuery
    fingerprint : Fingerprint, optional
        Needed where similarity is asked for.
    threads : int, optional
        Batches put to compiled conditions at a time; two by default.

    Raises
    ------
    InputError
        If the SQL condition or a SMARTS is not understood.
    """
    stored = [*ranked.conditions(query), *stored_conditions(query)]
    computed = pa.schema([(name, KINDS.get(name, pa.string())) for name in COMPUTED])
    if ranked.docked is not None:
        computed = pa.schema([*computed, *DOCKED_SCHEMA])
    made = [name for name in ("query_similarity", "known_similarity") if _compares(query, name)]
    computed = pa.schema([*computed, *((name, KINDS[name]) for name in made)])
    where = read_where(query.where, ranked.stored, computed)
    parts = [read_where(text, ranked.stored, computed) for text in conjuncts(query.where)]
    stored += [Condition(bare(part.text), part.sql) for part in parts if not part.late]
    late = [part for part in parts if part.late]
    has, has_not = ([read_pattern(text) for text in texts] for texts in (query.has, query.has_not))
    quick = quick_steps(has, has_not, query, fingerprint)
    dear = dear_steps(query, late, ranked.docked)
    search = _Search(query.wanted, quick, dear)
    limit = None if quick or dear else query.wanted
    batches = _growing(ranked.stream(stored, where.text, FIRST_ROWS, limit))
    exhausted = search.run(batches, 2 if threads is None else threads)
    if limit is not None:
        exhausted = search.found < limit
    table = pa.concat_tables(search.pieces) if search.pieces else _empty(ranked, quick, dear)
    words = [step.words for step in (*quick, *dear)]
    return SearchResult(table, exhausted, tuple(stored), where, bool(quick or dear), search.left, words)


def funnel(ranked: Ranking, found: SearchResult) -> list[FunnelStep]:
    """Return what every condition left, of all molecules of the ranking; they must all have been looked at."""
    counts = ranked.left(found.stored)
    steps = [FunnelStep(ranked.name, "", counts[0])]
    steps += [
        FunnelStep(ranked.name, item.words, left) for item, left in zip(found.stored, counts[1:], strict=True)
    ]
    return steps + [
        FunnelStep(ranked.name, words, left) for words, left in zip(found.words, found.left, strict=True)
    ]


def answer_from(
    ranked: Ranking, query: HitQuery, fingerprint: Fingerprint | None = None, threads: int | None = None
) -> tuple[pa.Table, list[FunnelStep], bool, list[str]]:
    """Answer a question from one ranking, and close it.

    Returns
    -------
    table : pyarrow.Table
    funnel : list of FunnelStep
        Empty unless every molecule was looked at.
    complete : bool
        Always true: there is nothing but the ranking.
    notes : list of str
    """
    try:
        found = find(ranked, query, fingerprint, threads)
        steps = funnel(ranked, found) if found.exhausted else []
        return finish(found.table, ranked, query), steps, True, ranked.notes  # to which picks add theirs
    finally:
        ranked.close()


def finish(table: pa.Table, ranked: Ranking, query: HitQuery) -> pa.Table:
    """Pick from the molecules found, add the columns asked for, and put columns in order."""
    if query.diverse and query.top is not None and table.num_rows > query.top:
        table = _picking_pool(table, ranked, query)
        picks = spread_out(query.diverse, table["smiles"].to_pylist(), query.top)
        table = table.take(pa.array(picks))
    if ranked.docked is not None:
        table = with_columns(table, ranked.docked.of(table["row"]))
    wanted = [name for name in query.add if name in COMPUTED]
    if query.diverse == "scaffold":
        wanted.append("scaffold")
    batch = Batch.of(table)
    for name in wanted:
        if name not in table.column_names:
            add_column(batch, name)
    made = [*KINDS, *(["failure"] if query.with_failed else []), *wanted, *query.add]
    extra = [name for name in made if name in batch.table.column_names]
    return batch.table.select(list(dict.fromkeys([*ranked.columns, *extra])))


def aromatic_hints(query: HitQuery) -> list[str]:
    """Return what to tell somebody whose Kekule pattern found nothing."""
    hints = [(text, kekule_hint(text)) for text in query.has]
    return [
        f"The SMARTS {text} asks for atoms that are not aromatic; did you mean {better}?"
        for text, better in hints
        if better
    ]


def _compares(query: HitQuery, name: str) -> bool:
    return bool(query.similar_to if name == "query_similarity" else query.novel_against)


def _growing(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield small batches first, then ever larger ones."""
    size, waiting, rows = FIRST_ROWS, [], 0
    for table in batches:
        waiting.append(table)
        rows += table.num_rows
        if rows >= size:
            yield pa.concat_tables(waiting)
            waiting, rows, size = [], 0, min(2 * size, MOST_ROWS)
    if waiting:
        yield pa.concat_tables(waiting)


class _Search:
    """Batches put to all conditions, until enough molecules were found."""

    def __init__(self, wanted: int | None, quick: Sequence[Step], dear: Sequence[Step]) -> None:
        self._wanted, self._quick, self._dear = wanted, quick, dear
        self.left = [0] * (len(quick) + len(dear))
        self.pieces: list[pa.Table] = []
        self.found = 0

    def run(self, batches: Iterator[pa.Table], threads: int) -> bool:
        """Go through the batches; return whether none was left."""
        if self._enough():
            return False
        if not self._quick:
            return self._take((Batch.of(table), []) for table in batches)
        with ThreadPoolExecutor(max(1, threads)) as pool:
            try:
                return self._take(self._side_by_side(pool, batches, max(1, threads) + 1))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _enough(self) -> bool:
        return self._wanted is not None and self.found >= self._wanted

    def _side_by_side(
        self, pool: ThreadPoolExecutor, batches: Iterator[pa.Table], most: int
    ) -> Iterator[tuple[Batch, list[int]]]:
        """Yield batches in order, narrowed by the quick conditions; a few are worked on ahead."""
        flying: deque[Future[tuple[Batch, list[int]]]] = deque()
        for table in batches:
            flying.append(pool.submit(self._narrowed, table))
            if len(flying) >= most:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()

    def _narrowed(self, table: pa.Table) -> tuple[Batch, list[int]]:
        batch, left = Batch.of(table), []
        for step in self._quick:
            step.narrow(batch)
            left.append(int(batch.kept.sum()))
        return batch, left

    def _take(self, batches: Iterator[tuple[Batch, list[int]]]) -> bool:
        for batch, left in batches:
            for place, count in enumerate(left):
                self.left[place] += count
            if not self._sift(batch.only_kept()):
                return False
        return True

    def _sift(self, table: pa.Table) -> bool:
        """Put the dear conditions to ``table``, a slice at a time; return whether more is wanted."""
        start = 0
        while start < table.num_rows:
            size = table.num_rows if not self._dear else self._slice()
            batch = Batch.of(table.slice(start, size))
            for place, step in enumerate(self._dear, len(self._quick)):
                step.narrow(batch)
                self.left[place] += int(batch.kept.sum())
            piece = batch.only_kept()
            if self._wanted is not None:
                piece = piece.slice(0, self._wanted - self.found)
            if piece.num_rows:
                self.pieces.append(piece)
                self.found += piece.num_rows
            if self._enough():
                return False
            start += size
        return True

    def _slice(self) -> int:
        """Return how many molecules are looked at together: not many more than are still wanted."""
        return 512 if self._wanted is None else int(np.clip(2 * (self._wanted - self.found), 32, 512))


def _empty(ranked: Ranking, quick: Sequence[Step], dear: Sequence[Step]) -> pa.Table:
    """Return no molecules, with the columns that the steps would have made."""
    batch = Batch.of(ranked.stored.empty_table())
    for step in (*quick, *dear):
        step.narrow(batch)
    return batch.only_kept()


def _picking_pool(table: pa.Table, ranked: Ranking, query: HitQuery) -> pa.Table:
    """Return the molecules that diverse picks are taken from, and note on ``ranked`` where they end.

    Parameters
    ----------
    table : pyarrow.Table
        More than ``query.top`` molecules, best first.
    ranked : Ranking
        Its ``score`` is bounded.
    query : HitQuery
        ``within``: how much worse than the ``top``-th best a pick may be. If neither it nor ``pool`` is given: the
        median spread of the predictions of the best ``top``; where none is known, or the order is one of percentiles,
        as much as lies between the best and the ``top``-th.

    Returns
    -------
    pyarrow.Table
        At least the best ``top``.
    """
    top = query.top or 0
    if top == 0 or (query.pool is not None and query.within is None):
        return table
    name = ranked.score
    if name == "final_score" and table[name][top - 1].as_py() is None:
        name = "docked_score"
    scores = np.asarray(table[name].to_numpy(zero_copy_only=False), np.float64)
    within, why = query.within, "--within"
    if within is None:
        within, why = _spread(table, ranked, top)
    if within is None:
        within, why = abs(float(scores[top - 1] - scores[0])), "as far again as from the best"
    last = scores[top - 1]
    kept = np.abs(scores - last) <= within * (1 + 1e-9)
    kept[:top] = True
    pool = table.filter(pa.array(kept))
    worst = scores[np.flatnonzero(kept)[-1]]
    ranked.notes.append(
        f"{ranked.name}: the {top:,} are picked from the best {pool.num_rows:,}, down to {worst:.2f}: at most "
        f"{within:.2g} ({why}) worse than number {top:,}, {last:.2f}."
    )
    return pool


def _spread(table: pa.Table, ranked: Ranking, top: int) -> tuple[float | None, str]:
    """Return the median spread of the best, where it has the unit of the order."""
    if ranked.score == "worst_score" or "predicted_spread" not in table.column_names:
        return None, ""
    known = table["predicted_spread"].slice(0, top).drop_null().to_numpy()
    return (float(np.median(known)), "the usual error of a prediction") if len(known) else (None, "")
