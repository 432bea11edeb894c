"""A question is checked when it is made, and comes back from JSON as it went."""

from __future__ import annotations

import json
from typing import Any

import pytest
from docksieve.data.errors import InputError
from docksieve.screening.queries.query import HitQuery
from docksieve.screening.queries.terms import Selective, Window


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"by": "dockd"}, "Did you mean 'docked'"),
        ({"windows": {"wieght": Window(1, 2)}}, "Did you mean 'weight'"),
        ({"rules": ("lipinsky",)}, "Did you mean 'lipinski'"),
        ({"no_alerts": ("pain",)}, "Did you mean 'pains'"),
        ({"add": ("colour",)}, "There are: lipinski_violations"),
        ({"diverse": "random"}, "maxmin"),
        ({"similarity": 1.5}, "not between 0 and 1"),
        ({"caution": float("nan")}, "caution"),
        ({"top": -1}, "-1"),
        ({"top": None, "diverse": "maxmin"}, "need a number"),
        ({"top": 10, "pool": 5, "diverse": "maxmin"}, "pool of 5"),
        ({"worst_over": ("A", "A")}, "two or more"),
        ({"worst_over": ("A", "B"), "targets": ("A",)}, "names its targets itself"),
        ({"worst_over": ("A", "B"), "selective": Selective("A", "B")}, "two rankings"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_file_is_read(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        HitQuery(**values)
    assert said in str(caught.value)


def test_a_question_survives_json() -> None:
    query = HitQuery(
        by="screened",
        top=None,
        where="weight < 300",
        windows={"logp": Window(None, 3), "qed": Window(0.5, None)},
        rules=("veber",),
        has=("c1ccncc1", "[NX3;H2]"),
        selective=Selective("A", "B", 1.5),
        rounds=(1, 2),
        per_parent=True,
    )
    assert HitQuery.from_json(json.loads(json.dumps(query.to_json()))) == query
    assert HitQuery().to_json() == {}
    with pytest.raises(InputError, match="Did you mean 'where'"):
        HitQuery.from_json({"wher": "x"})
