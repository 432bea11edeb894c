"""Every column of an answer is described, once."""

from __future__ import annotations

from docksieve.data.schema import PROPERTY_COLUMNS
from docksieve.screening.queries.answer import FunnelStep, HitAnswer
from docksieve.screening.queries.columns import COLUMNS, ON_REQUEST
from docksieve.screening.queries.filters import COMPUTED, KINDS
from docksieve.screening.queries.query import HitQuery
from docksieve.screening.queries.score_tables import HIT_COLUMNS


def test_all_columns_are_described_once() -> None:
    always, asked = [item.name for item in COLUMNS], [item.name for item in ON_REQUEST]
    assert len({*always, *asked}) == len(always) + len(asked)
    assert {*HIT_COLUMNS, *PROPERTY_COLUMNS} == set(always)
    assert {*COMPUTED, *KINDS} <= set(asked)
    assert all(item.what and not item.what.endswith(".") for item in (*COLUMNS, *ON_REQUEST))


def test_an_answer_is_as_long_as_its_table() -> None:
    import pyarrow as pa

    answer = HitAnswer(pa.table({"id": ["a", "b"]}), HitQuery(), (FunnelStep("A", "", 2),))
    assert len(answer) == 2 and answer.complete and answer.notes == ()
