"""What a question to the hits came to: the molecules, and what became of all the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from .hit_table import HitTable, frame_of, html_of
from .query import HitQuery


@dataclass(frozen=True)
class FunnelStep:
    """One condition.

    Attributes
    ----------
    target : str
        Whose ranking; across targets: their names joined.
    condition : str
        In words, or the SQL that was given.
    left : int
        Molecules that met it and all conditions before it. The first step has no condition: all that are ranked.

    Examples
    --------
    >>> query = docksieve.HitQuery(targets=("EGFR",), top=None, has=("c1ccncc1",))
    >>> ranked, left = docksieve.ask("campaign", query).funnel
    >>> left.target, left.left < ranked.left
    ('EGFR', True)
    """

    target: str
    condition: str
    left: int


@dataclass(frozen=True)
class HitAnswer:
    """An answer.

    Attributes
    ----------
    table : pyarrow.Table
        Best first, target after target. Columns as in ``docs/hits.md``: those that every
        answer has, then those that the question made.
    query : HitQuery
    funnel : tuple of FunnelStep
        How many each condition left, in order, by target; all of the ranked molecules are counted. Empty where as many
        were found as were asked for, before all had been looked at.
    complete : bool
        Whether these are the best of all that are ranked. False: only the leaderboard was looked through, and it held
        too few (``notes`` says so).
    notes : tuple of str
        What a reader has to know: that the campaign still runs, where the search ended, what is missing.

    Examples
    --------
    >>> answer = docksieve.ask("campaign", docksieve.HitQuery(targets=("EGFR",), top=5))
    >>> len(answer), answer.complete
    (5, True)
    >>> answer.table["rank"].to_pylist()
    [1, 2, 3, 4, 5]
    """

    table: pa.Table
    query: HitQuery
    funnel: tuple[FunnelStep, ...] = ()
    complete: bool = True
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def hits(self) -> HitTable:
        """The table as one that shows itself in a few lines."""
        return HitTable(self.table)

    def to_pandas(self, **options: Any) -> Any:
        """Return the table as a :class:`pandas.DataFrame`; ``options`` are those of :meth:`pyarrow.Table.to_pandas`.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        return frame_of(self.table, options)

    def __repr__(self) -> str:
        return "\n".join([repr(self.hits), *self.notes])

    def _repr_html_(self) -> str:
        return html_of(self.table, self.notes)
