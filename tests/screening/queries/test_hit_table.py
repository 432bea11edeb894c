"""Tables of hits: short when printed, drawn in a notebook, and otherwise the tables that they were."""

from __future__ import annotations

import copy
import importlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import InputError
from docksieve.screening.queries.answer import HitAnswer
from docksieve.screening.queries.hit_table import SHOWN, HitTable
from docksieve.screening.queries.query import HitQuery, Selective


def table(count: int = 25) -> pa.Table:
    return pa.table(
        {
            "rank": list(range(1, count + 1)),
            "target": ["EGFR"] * count,
            "id": [f"<b>M{number}</b>" for number in range(count)],
            "smiles": ["CC(=O)Nc1ccc(O)cc1" + "C" * (10 * number) for number in range(count)],
            "final_score": pa.array([None] * count, pa.float64()),
            "docked_score": [-9.0 + 0.1 * number for number in range(count)],
            "unit": ["kcal/mol"] * count,
            **{f"property_{number}": [0.5] * count for number in range(20)},
        }
    )


def test_it_prints_a_few_short_lines_with_what_there_is() -> None:
    said = repr(HitTable(table()))
    lines = said.splitlines()
    assert len(said) < 1500 and max(map(len, lines)) <= 100
    assert lines[0] == "25 molecules of EGFR in kcal/mol; 27 columns (.column_names)"
    assert lines[1].split() == ["rank", "id", "docked", "score", "smiles"]  # not final_score: nobody has one
    assert lines[2].split() == ["1", "<b>M0</b>", "-9.00", "CC(=O)Nc1ccc(O)cc1"]
    assert lines[-1] == f"... and {25 - SHOWN} more" and len(lines) == SHOWN + 3
    assert repr(HitTable(table(0))) == "0 molecules; 27 columns (.column_names)"
    assert "1 molecule of" in repr(HitTable(table(1)))
    assert "a" in repr(HitTable(pa.table({"a": [1, 2]})))


def test_in_a_notebook_molecules_are_drawn_and_names_are_no_markup() -> None:
    shown = HitTable(table(3))._repr_html_()
    assert shown.count("<svg") == 3 and "<?xml" not in shown
    assert "&lt;b&gt;M0&lt;/b&gt;" in shown and "<b>M0" not in shown
    odd = table(1).set_column(3, "smiles", pa.array(["no <i>molecule</i>"]))
    assert "no &lt;i&gt;molecule&lt;/i&gt;" in HitTable(odd)._repr_html_()
    assert "more" in HitTable(table())._repr_html_()


def test_it_is_used_as_the_table_that_it_holds(tmp_path: Path) -> None:
    plain, hits = table(), HitTable(table())
    assert (hits.num_rows, len(hits), hits.column_names) == (25, 25, plain.column_names)
    assert hits["id"].to_pylist() == plain["id"].to_pylist()
    assert hits.select(["id"]).equals(plain.select(["id"]))
    assert hits.filter(pc.less(hits["rank"], 3)).num_rows == 2
    assert hits == plain and hits == HitTable(plain) and hits != plain.slice(1)
    assert pa.table(hits).equals(plain)
    assert [row["id"] for row in hits][:2] == ["<b>M0</b>", "<b>M1</b>"]
    assert isinstance(hits[:2], HitTable) and hits[:2].num_rows == 2
    assert copy.deepcopy(hits) == hits == copy.copy(hits)
    assert "to_parquet" not in dir(hits) and "to_pandas" in dir(hits) and "schema" in dir(hits)
    pq.write_table(hits.table, tmp_path / "hits.parquet")
    with pytest.raises(AttributeError):
        _ = hits.nothing
    with pytest.raises(KeyError):
        _ = hits["nothing"]


def test_data_frames_and_the_extra_that_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    assert HitTable(table()).to_pandas(types_mapper=None)["rank"].tolist() == list(range(1, 26))
    answer = HitAnswer(table(), HitQuery())
    assert answer.to_pandas().shape == (25, 27)
    found = importlib.import_module

    def without(name: str, *rest: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    for ask in (HitTable(table()).to_pandas, answer.to_pandas):
        with pytest.raises(InputError, match=r"pip install 'docksieve\[pandas\]'"):
            ask()


def test_an_answer_prints_its_hits_and_notes() -> None:
    answer = HitAnswer(table(), HitQuery(), notes=("The campaign is <running>.",))
    assert repr(answer).splitlines()[0].startswith("25 molecules of EGFR")
    assert repr(answer).splitlines()[-1] == "The campaign is <running>."
    assert "The campaign is &lt;running&gt;." in answer._repr_html_()
    assert isinstance(answer.table, pa.Table) and answer.hits == answer.table


def test_two_names_stand_for_a_preference() -> None:
    short = HitQuery(selective=("A", "B"))
    assert short == HitQuery(selective=Selective("A", over="B")) and short.across == ("A", "B")
    assert HitQuery.from_json(short.to_json()) == short
    for wrong in (("A",), ("A", "A"), ("A", "B", "C"), "AB", ("A", 1)):
        with pytest.raises(InputError, match="two targets"):
            HitQuery(selective=wrong)  # type: ignore[arg-type]
