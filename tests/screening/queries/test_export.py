"""Hits with awkward ids survive every file format: one molecule, one line or record."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.screening.queries.export import export_hits, sdf_records, smiles_lines
from rdkit import Chem

IDS = [
    "Z1\tlot 4",
    "two\nlines",
    "carriage\rreturn",
    "$$$$",
    "$$$$ cash",
    "=1+1",
    "-5",
    "@x",
    "+49",
    "\t=2",
    "'q",
    "Z9",
]
SMILES = ["Cc1cc[nH]c1", "C[N+](C)(C)CC(=O)[O-]", "CCO", "c1ccc2[nH]ccc2c1"] * 3


@pytest.fixture
def hits() -> pa.Table:
    count = len(IDS)
    messages = ["-1 exit code", "$$$$\nline 2", None, "=cmd|x"] * 3
    columns = {"id": IDS, "smiles": SMILES, "docked_score": [-7.5] * count, "message": messages}
    return pa.table({**columns, "pose": pa.nulls(count, pa.string())})


def test_a_smiles_file_has_one_line_per_hit(hits: pa.Table, tmp_path: Path) -> None:
    lines = smiles_lines(hits).splitlines()
    assert [line.split("\t")[0] for line in lines] == SMILES
    assert [len(line.split("\t")) for line in lines] == [2] * len(IDS)
    assert lines[0] == "Cc1cc[nH]c1\tZ1 lot 4"
    export_hits(hits, "smi", tmp_path / "hits.smi", tmp_path)
    supplier = Chem.SmilesMolSupplier(str(tmp_path / "hits.smi"), delimiter="\t", titleLine=False)
    assert [Chem.MolToSmiles(molecule) for molecule in supplier] == [
        Chem.MolToSmiles(Chem.MolFromSmiles(text)) for text in SMILES
    ]


def test_an_sdf_has_one_record_per_hit(hits: pa.Table, tmp_path: Path) -> None:
    export_hits(hits, "sdf", tmp_path / "hits.sdf", tmp_path)
    found = list(Chem.SDMolSupplier(str(tmp_path / "hits.sdf")))
    assert [Chem.MolToSmiles(molecule) for molecule in found] == [
        Chem.MolToSmiles(Chem.MolFromSmiles(text)) for text in SMILES
    ]
    names = [molecule.GetProp("_Name") for molecule in found]
    assert names[:5] == ["Z1 lot 4", "two lines", "carriage return", "_$$$$", "_$$$$ cash"]
    assert found[1].GetProp("message") == "_$$$$ line 2"
    assert found[0].GetProp("docked_score") == "-7.5"
    assert sum(record.count("\n$$$$") for record in sdf_records(hits, tmp_path)) == len(IDS)


def test_a_spreadsheet_sees_no_formulas(hits: pa.Table, tmp_path: Path) -> None:
    export_hits(hits, "csv", tmp_path / "hits.csv", tmp_path)
    with (tmp_path / "hits.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["id"] for row in rows[5:]] == ["'=1+1", "'-5", "'@x", "'+49", "'\t=2", "'q", "Z9"]
    assert [row["id"] for row in rows[:5]] == IDS[:5]
    assert [row["message"] for row in rows[:4]] == ["'-1 exit code", "$$$$\nline 2", "", "'=cmd|x"]
    assert [row["smiles"] for row in rows] == SMILES
    assert {row["docked_score"] for row in rows} == {"-7.5"}


def test_parquet_and_json_are_exact(hits: pa.Table, tmp_path: Path) -> None:
    export_hits(hits, "parquet", tmp_path / "hits.parquet", tmp_path)
    export_hits(hits, "json", tmp_path / "hits.json", tmp_path)
    assert pq.read_table(tmp_path / "hits.parquet").equals(hits)
    assert json.loads((tmp_path / "hits.json").read_text()) == hits.to_pylist()
